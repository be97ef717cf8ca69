"""What integrators' programs are known to send, from the first account to a voided payment, in the
order in which they send it. What a tenant has of its own (entities, fields, portal users, a client
that signs in) is made over the API first.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, USERNAME, Live

Row = dict[str, Any]
_OF = "EntityIdObj"


class Tenant:
    """One tenant: its records by a short name, and the client that signs in for it."""

    def __init__(self, live: Live, admin: Caller, client: dict[str, str]) -> None:
        self.live = live
        self.admin = admin
        self.client = client
        self.ids: dict[str, str] = {}

    def make(self, name: str, entity: str, row: Row) -> str:
        self.ids[name] = self.admin.create(entity, row)
        return self.ids[name]

    def one(self, sql: str) -> Row:
        """The one row of a query, by GET."""
        (row,) = self.admin.query(sql)
        return row


@pytest.fixture(scope="module")
def tenant(live: Live, admin: Caller) -> Tenant:
    """A tenant with everything that its programs take for granted."""
    said = live.run(
        "from django.core.management import call_command\n"
        f"call_command('oauth_client', 'create', user='{USERNAME}')"
    )
    made = Tenant(live, admin, json.loads(said))
    for name in ("PROMO_CODE", "ACCOUNT_PROMO"):
        admin.create("ENTITY", {"EntityName": name})
    lookup = {"DataType": "LOOKUP"}
    fields: list[tuple[str, Row]] = [
        ("PROMO_CODE", {"FieldName": "Name", "DataType": "TEXT"}),
        (
            "ACCOUNT_PROMO",
            {
                **lookup,
                "FieldName": "AccountId",
                "ReferencedEntityIdObj": {"EntityName": "ACCOUNT"},
            },
        ),
        (
            "ACCOUNT_PROMO",
            {
                **lookup,
                "FieldName": "aaa_Promo_Code",
                "ReferencedEntityIdObj": {"EntityName": "PROMO_CODE"},
            },
        ),
        ("ACCOUNT_PROMO", {"FieldName": "aaa_StartDate", "DataType": "DATE"}),
        ("ACCOUNT_PROMO", {"FieldName": "aaa_Status", "DataType": "TEXT"}),
        ("INVOICE", {"FieldName": "nrDeleteBackdatedUsage", "DataType": "FLAG"}),
        ("INVOICE", {"FieldName": "Attachment1", "DataType": "FILE"}),
    ]
    rows = [{_OF: {"EntityName": entity}, **field} for entity, field in fields]
    done = admin.write("POST", "ENTITY_FIELD", rows)
    assert all(element["success"] for element in done), done
    made.make("promo", "PROMO_CODE", {"Name": "SPRING"})
    made.make("method", "RATING_METHOD", {"RatingMethodType": "Subscription"})
    of_method = {"RatingMethodId": made.ids["method"]}
    made.make("monthly", "PRODUCT", {"Name": "Plan Monthly", **of_method})
    made.make("annual", "PRODUCT", {"Name": "Plan Annual", **of_method})
    price = {"Rate": "10", "CurrencyCode": "USD", "UpperBand": "-1", "EffectiveDate": "2020-01-01"}
    made.make("price", "PRICING", {"ProductId": made.ids["monthly"], **price})
    made.make("quoted", "ACCOUNT", {"Name": "O'Neil Test Ltd", "AccountTypeId": "1"})
    template = made.one("SELECT Id FROM Invoice_Template WHERE Name = 'Default Invoice Template'")
    made.ids["template"] = template["Id"]
    made.ids["zone"] = made.one("SELECT Id FROM TIME_ZONE WHERE Name = 'US/Central'")["Id"]
    portal = made.one(
        "\n   SELECT r.Id\n   FROM Role r\n   WHERE r.Name = 'CUSTOMER PORTAL USER'\n "
    )
    made.ids["portal"] = portal["Id"]
    _accounts(made)
    _contract(made)
    _invoice(made)
    return made


def _accounts(tenant: Tenant) -> None:
    account_type = tenant.one("SELECT Id FROM ACCOUNT_TYPE WHERE AccountType = 'ACCOUNT'")["Id"]
    blue = {
        "AccountTypeId": "1",
        "Status": "ACTIVE",
        "Id": "",
        "Name": "Blue Harbor Ltd",
        "ParentAccountId": "1",
        "RateHierarchy": "0",
        "InvoiceAtThisLevel": 1,
        "BillableAccountId": "",
    }
    tenant.make("blue", "ACCOUNT", blue)
    (done,) = tenant.admin.write(
        "POST", "ACCOUNT", [{"Name": "Red Quay Ltd", "AccountTypeId": account_type}]
    )
    assert (done["ErrorCode"], "Name" in done) == ("0", False)
    tenant.ids["red"] = done["Id"]
    rows = [{"Name": f"Bulk {n}", "Status": "ACTIVE", "AccountTypeId": "1"} for n in (1, 2)]
    several = tenant.admin.write("POST", "ACCOUNT", rows)
    assert [element["ErrorCode"] for element in several] == ["0", "0"]
    tenant.ids["bulk1"], tenant.ids["bulk2"] = (element["Id"] for element in several)
    profile = {
        "AccountId": tenant.ids["blue"],
        "BillTo": "Accounts Payable",
        "Address1": "1 Test Street",
        "City": "Testville",
        "State": "",
        "Zip": "00001",
        "Country": "United States",
        "Email": "billing@example.test",
        "BillingCycle": "MONTHLY",
        "PaymentTermDays": "30",
        "MonthlyBillingDate": "31",
        "ManualCloseFlag": "1",
        "BillingMethod": "MAIL",
        "InvoiceDeliveryMethod": "EMAIL",
        "InvoiceApprovalFlag": "1",
        "InvoiceTemplateId": tenant.ids["template"],
        "TimeZoneId": tenant.ids["zone"],
        "CurrencyCode": "USD",
        "HostedPaymentPageExternalId": "",
    }
    tenant.make("profile", "BILLING_PROFILE", profile)
    own = {
        **profile,
        "AccountId": tenant.ids["red"],
        "MonthlyBillingDate": 31,
        "HostedPaymentPageExternalId": "chosen-by-the-client",
        "CalendarType": "4-5-4",
        "CalendarClosingMonth": "January",
        "CalendarClosingWeekday": "Saturday",
        "WeeklyBillingDate": "Monday - Sunday",
        "QuarterlyBillingMonth": "March, June, September, December",
        "SemiAnnualBillingMonth": "June, December",
        "YearlyBillingMonth": "December",
    }
    tenant.make("profile2", "BILLING_PROFILE", own)
    for default in ("1", "0"):
        wallet = {"BillingProfileId": tenant.ids["profile"], "Status": "ACTIVE"}
        tenant.make(f"wallet{default}", "WALLET", {**wallet, "DefaultFlag": default})


def _contract(tenant: Tenant) -> None:
    ids = tenant.ids
    contract = {
        "Id": "",
        "StartDate": "2026-02-01",
        "EndDate": "2027-01-31",
        "AccountId": ids["blue"],
        "ContractNumber": "2026-02-01_01",
        "ContractStatus": "ACTIVE",
        "OnEndDate": "Terminate",
    }
    tenant.make("contract", "CONTRACT", contract)
    of_contract = {"Id": "", "ContractId": ids["contract"]}
    tenant.make("currency", "CONTRACT_CURRENCY", {**of_contract, "CurrencyCode": "USD"})
    rate = {
        **of_contract,
        "StartDate": "2026-02-01",
        "EndDate": "",
        "RatingMethodId": "",
        "Name": "",
        "ContractRateLabel": "Data Plan - Usage",
    }
    tenant.make("rate", "CONTRACT_RATE", {**rate, "ProductId": ids["monthly"]})
    tenant.make("rate2", "CONTRACT_RATE", {**rate, "ProductId": ids["annual"]})
    price = {
        **of_contract,
        "Rate": "12.50",
        "RerateFlag": "0",
        "UpperBand": "-1",
        "EffectiveDate": "2026-02-01",
        "EndDate": "2027-01-31",
        "RateOrder": "1",
        "CurrencyCode": "USD",
    }
    tenant.make("pricing", "PRICING", {**price, "ContractRateId": ids["rate"]})
    tenant.make("pricing2", "PRICING", {**price, "ContractRateId": ids["rate2"]})
    (twice,) = tenant.admin.write("POST", "PRICING", {**price, "ContractRateId": ids["rate"]})
    assert twice["ErrorCode"] != "0" and twice["ErrorText"].strip()


def _invoice(tenant: Tenant) -> None:
    invoice = {
        "BillingProfileId": tenant.ids["profile"],
        "BillingCycleStartDate": "2026-02-01",
        "BillingCycleEndDate": "2026-02-28",
        "ManualCloseApprovedFlag": "0",
    }
    tenant.make("invoice", "INVOICE", invoice)


def test_a_client_signs_in_by_basic_and_its_tokens_replace_the_session(tenant: Tenant) -> None:
    pair = f"{tenant.client['client_id']}:{tenant.client['client_secret']}".encode()
    answer = requests.post(
        f"{tenant.live.url}/auth/1.0/authenticate",
        params={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {b64encode(pair).decode()}"},
    )
    tokens = answer.json()
    assert (answer.status_code, tokens["token_type"]) == (200, "Bearer")
    assert isinstance(tokens["expires_in"], int)
    for kind in ("access_token", "refresh_token"):
        caller = Caller(tenant.live.url, requests.Session())
        caller.http.headers["Authorization"] = f"Bearer {tokens[kind]}"
        assert caller.query("SELECT Id, Name FROM ACCOUNT WHERE 1=1")


@pytest.mark.parametrize("way", ["session", "client"])
def test_a_hosted_payment_page_is_opened(tenant: Tenant, way: str) -> None:
    base = f"{tenant.live.url}/hostedPayments/1.0"
    if way == "session":
        sent = {"sessionId": tenant.admin.http.headers["sessionid"]}
        answer = requests.post(f"{base}/authenticate-session", json=sent)
    else:
        sent = {"clientId": tenant.client["client_id"], "secret": tenant.client["client_secret"]}
        headers = {"environmentId": "production"}
        answer = requests.post(f"{base}/authenticate", json=sent, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["accessToken"]["content"]


def test_records_come_back_as_they_were_sent(tenant: Tenant) -> None:
    ids = tenant.ids
    account = tenant.admin.get("ACCOUNT", ids["blue"])
    told = (account["Id"], account["Name"], account["Status"])
    assert told == (ids["blue"], "Blue Harbor Ltd", "ACTIVE")
    contract = tenant.admin.get("CONTRACT", ids["contract"])
    assert (contract["EndDate"], contract["AccountId"]) == ("2027-01-31", ids["blue"])
    profile = tenant.admin.get("BILLING_PROFILE", ids["profile"])
    assert (profile["PaymentTermDays"], profile["Zip"]) == ("30", "00001")
    assert profile["HostedPaymentPageExternalId"]
    chosen = tenant.admin.get("BILLING_PROFILE", ids["profile2"])
    assert chosen["HostedPaymentPageExternalId"] == "chosen-by-the-client"
    found = tenant.admin.send("GET", "wallet?queryAnsiSql=BillingProfileId+%3D+" + ids["profile"])
    wallets = found.json()["retrieveResponse"]
    assert [(w["Status"], w["DefaultFlag"]) for w in wallets] == [("ACTIVE", "1"), ("ACTIVE", "0")]


def test_products_are_provisioned_in_every_spelling_of_open_ended(tenant: Tenant) -> None:
    ids = tenant.ids
    usual = {"AccountId": ids["blue"], "StartDate": "2026-02-01", "Status": "ACTIVE"}
    rows = [
        {**usual, "ProductId": ids["monthly"], "Quantity": "1", "EndDate": ""},
        {**usual, "ProductId": ids["monthly"], "Quantity": 1, "EndDate": None},
        {**usual, "ProductId": int(ids["annual"]), "Quantity": "1", "Id": "", "Name": "Identifier"},
    ]
    done = tenant.admin.write("POST", "ACCOUNT_PRODUCT", rows)
    assert [element["ErrorCode"] for element in done] == ["0"] * 3
    where = {"queryAnsiSql": f"AccountId = '{ids['blue']}'"}
    found = tenant.admin.send("GET", "ACCOUNT_PRODUCT", params=where).json()["retrieveResponse"]
    assert [row["Id"] for row in found] == [element["Id"] for element in done]
    assert {row["StartDate"] for row in found} == {"2026-02-01"}
    nobody = {"queryAnsiSql": "AccountId = '999999999'"}
    assert tenant.admin.send("GET", "ACCOUNT_PRODUCT", params=nobody).status_code == 404

    first = done[0]["Id"]
    for row in ({"EndDate": "2026-03-31"}, {"EndDate": "2026-04-30"}):
        (updated,) = tenant.admin.write("PUT", "ACCOUNT_PRODUCT", {"Id": first, **row})
        assert (updated["ErrorCode"], updated["Id"]) == ("0", first)
        assert not str(updated.get("ErrorMessage") or "").strip()
    kept = tenant.admin.get("ACCOUNT_PRODUCT", first)
    assert (kept["AccountId"], kept["StartDate"]) == (ids["blue"], "2026-02-01")
    assert kept["EndDate"] == "2026-04-30"
    rows = tenant.admin.query(
        "select ap.Id, ap.EndDate from account_product ap join product p on ap.ProductId = p.Id "
        "join rating_method rm on p.RatingMethodId = rm.Id "
        f"where ap.AccountId = {ids['blue']} and rm.RatingMethodType = 'Subscription'"
    )
    assert {row["Id"] for row in rows} == {element["Id"] for element in done}


def test_a_portal_user_and_records_of_the_tenant_s_own_entities_are_stored(tenant: Tenant) -> None:
    user = {
        "RoleId": int(tenant.ids["portal"]),
        "Email": "portal.user@example.test",
        "AccountId": int(tenant.ids["blue"]),
        "Username": "known.portal.user@example.test",
        "LanguageCode": "en",
        "TimeZoneId": int(tenant.ids["zone"]),
        "InternalAuthenticationDisabledFlag": 0,
    }
    tenant.make("user", "EXTERNAL_USER", user)
    promo = {
        "AccountId": tenant.ids["blue"],
        "aaa_Promo_Code": tenant.ids["promo"],
        "aaa_StartDate": "2026-02-01",
        "aaa_Status": "Active",
    }
    made = tenant.make("promo2", "ACCOUNT_PROMO", promo)
    change = {"Id": made, "aaa_Status": "Deactivated"}
    (done,) = tenant.admin.write("PUT", f"ACCOUNT_PROMO/{made}", change)
    assert done["ErrorCode"] == "0"
    stored = tenant.admin.get("ACCOUNT_PROMO", made)
    assert (stored["aaa_Status"], stored["aaa_StartDate"]) == ("Deactivated", "2026-02-01")


def _queries(ids: dict[str, str]) -> Iterator[tuple[str, Row]]:
    """A query, and what its first row holds; None for whatever is there."""
    profile, blue, rate = ids["profile"], ids["blue"], ids["rate"]
    yield "SELECT Id, Name, Status FROM ACCOUNT WHERE 1=1 OFFSET 1 ROWS", {"Id": None}
    yield "SELECT Id, Name FROM ACCOUNT WHERE 1=1 FETCH NEXT 1 ROWS ONLY", {"Id": None}
    yield (
        "SELECT bp.HostedPaymentPageExternalId FROM Billing_Profile bp "
        f"WHERE bp.Id = {ids['profile2']}",
        {"HostedPaymentPageExternalId": "chosen-by-the-client"},
    )
    yield (
        "SELECT a.Id, bp.HostedPaymentPageExternalId, bp.CurrencyCode FROM Billing_Profile bp "
        f"LEFT JOIN Account a ON a.Id = bp.AccountId WHERE bp.Id = {profile}",
        {"Id": blue, "CurrencyCode": "USD"},
    )
    yield (
        "SELECT Id, Name, BillableBillingProfileId FROM Account WHERE Name = 'O''Neil Test Ltd'",
        {"Name": "O'Neil Test Ltd"},
    )
    yield (
        "SELECT Id, EffectiveDate, EndDate, LowerBand, UpperBand, Rate FROM PRICING "
        f"WHERE ContractRateId = '{rate}' AND CurrencyCode = 'USD' ORDER BY EffectiveDate ASC",
        {"UpperBand": "-1", "EffectiveDate": "2026-02-01"},
    )
    yield (
        f"select Id, Rate, ContractRateId from PRICING where ContractRateId IN ({rate},"
        f"{ids['rate2']}) order by Id",
        {"Rate": "12.5", "ContractRateId": rate},
    )
    yield (
        f"select Id from INVOICE where AccountId = '{blue}' AND StartDate <= '2026-02-10' "
        "AND EndDate >= '2026-02-10'",
        {"Id": ids["invoice"]},
    )
    yield (
        f"select id,AccountTypeId from account where Id={blue}",
        {"Id": blue, "AccountTypeId": "1"},
    )
    yield (
        "SELECT COUNT(i1.id) as rowCount FROM invoice i1 JOIN billing_profile bp1 ON "
        "i1.billingprofileid = bp1.id JOIN account a1 ON bp1.accountid = a1.id "
        "WHERE 1=1 AND i1.status = 'CLOSED'",
        {"rowCount": None},
    )
    yield (
        "select Id, BillingProfileObj.AccountObj.Name, (select ProductId, Quantity, Rate from "
        f"Activity.InvoiceObj order by ActivityDate) from INVOICE where Id={ids['invoice']}",
        {"Id": ids["invoice"], "BillingProfileObj.AccountObj.Name": "Blue Harbor Ltd"},
    )
    yield "Select Sum(GrandTotalAmount) total from Invoice", {"total": None}


def test_queries_are_answered_in_every_way_in_which_they_are_sent(tenant: Tenant) -> None:
    for sql, holds in _queries(tenant.ids):
        rows = tenant.admin.query(sql)
        assert rows, sql
        assert (
            holds.items() <= {**rows[0], **{k: None for k, v in holds.items() if v is None}}.items()
        )
        assert holds.keys() <= rows[0].keys(), sql
    spaced = (
        "select id,productid,contractratelabel from contract_rate where id=" + tenant.ids["rate"]
    )
    base = tenant.live.url
    doubled = tenant.admin.http.get(f"{base}//rest/2.0/query?sql={spaced}").json()
    assert doubled["queryResponse"][0]["ContractRateLabel"] == "Data Plan - Usage"
    upper = tenant.admin.http.get(
        f"{base}/rest/2.0/QUERY?sql=SELECT Id as ProductId FROM Product WHERE Name = 'Plan Annual'"
    )
    assert upper.json()["queryResponse"][0]["ProductId"]
    posted = tenant.admin.send(
        "POST",
        "query",
        {
            "sql": "SELECT Id, Name, AccountTypeId, AccountTypeIdObj.AccountType\n   FROM ACCOUNT "
            "WHERE UPPER(Name) LIKE UPPER('%blue harbor%')"
        },
        headers={"bpKey": "k", "client_id": "c", "x-transaction-id": "t-1"},
    )
    assert posted.json()["queryResponse"][0]["AccountTypeIdObj.AccountType"]
    plus = "select+bp.id+from+billing_profile+bp+where+bp.Id+%3D+" + tenant.ids["profile"]
    both = tenant.admin.send("POST", f"query?sql={plus}", {})
    assert both.json()["queryResponse"] == [{"Id": tenant.ids["profile"]}]
    shown = f"SELECT Id, Name, Status, Rate FROM Product WHERE Id = '{tenant.ids['monthly']}'"
    assert tenant.one(shown)["Rate"] == "$10.00"


def test_a_price_is_quoted_without_a_quote(tenant: Tenant) -> None:
    where = f"AccountId ={tenant.ids['quoted']} and ProductId ={tenant.ids['monthly']}"
    answer = tenant.admin.send(
        "GET", "ACCOUNT_PRODUCT_QUOTE", params={"queryAnsiSql": f"{where} and Quantity =3"}
    )
    (quoted,) = answer.json()["retrieveResponse"]
    (row,) = ElementTree.fromstring(quoted["RateDetails"]).iter("RateDetailsRow")
    assert (row.findtext("Rate"), row.findtext("RatedAmount")) == ("10", "30")


def test_bulk_jobs_are_asked_for_as_other_records_are_made(tenant: Tenant) -> None:
    """What becomes of them is in test_bulk.py."""
    usual = {"RequestsPerBatch": 10000, "RequestMethod": "QUERY", "ResponseFormat": "JSON"}
    select = "SELECT Id, Name, Status FROM ACCOUNT WHERE 1 = 1"
    query = {**usual, "RequestName": "TestQuery", "RequestBody": select}
    retrieve = {
        "RequestName": "TestRetrieve",
        "RequestBody": "Id > 0",
        "RequestsPerBatch": 10000,
        "RetrieveEntityName": "ACCOUNT",
        "Columns": [],
        "CSVDelimiter": ",",
        "CSVQualifier": '"',
        "CSVEndLineFormat": "CRLF",
        "RequestMethod": "RETRIEVE",
        "ResponseFormat": "CSV",
    }
    for row in (query, retrieve):
        (done,) = tenant.admin.write("POST", "bulk_api_request", row)
        assert (done["ErrorCode"], done["ErrorElementField"]) == ("0", " "), done
        job = tenant.admin.get("bulk_api_request", done["Id"])
        assert job["RequestBody"] == row["RequestBody"]
        tenant.admin.write("PUT", "BULK_API_REQUEST", {"Id": done["Id"], "Status": "CANCELLED"})
    long = {**query, "RequestBody": "x" * 4001}
    (refused,) = tenant.admin.write("POST", "bulk_api_request", long)
    assert (refused["ErrorCode"], refused["ErrorElementField"]) == ("VALUE_TOO_LONG", "RequestBody")

    collector = {"ActivityCollectorName": "usage-files", "Type": "BULK_DATA_LOADER"}
    sent = {
        "brmObjects": [
            {"ActivityCollectorId": tenant.make("files", "ACTIVITY_COLLECTOR", collector)}
        ]
    }
    base = tenant.live.url
    (load,) = tenant.admin.http.post(f"{base}/rest/2.1/bulk_upload_history", json=sent).json()[
        "createResponse"
    ]
    assert load["ErrorCode"] == "0", load
    assert tenant.admin.get("BULK_UPLOAD_HISTORY", load["Id"])["Status"] == "AWAITING_FILE"


def test_accounts_are_updated_one_by_one_and_several_at_once(tenant: Tenant) -> None:
    ids = tenant.ids
    row = {
        "Id": ids["blue"],
        "Name": "Blue Harbor Ltd",
        "BillingProfileId": ids["profile"],
        "BillableBillingProfileId": ids["profile"],
        "AccountTypeId": "1",
        "AllowPricingInDifferentCurrency": "0",
        "InvoiceAtThisLevel": "1",
        "ParentAccountId": "1",
        "RateHierarchy": "0",
        "Status": "ACTIVE",
    }
    (done,) = tenant.admin.write("PUT", f"ACCOUNT/{ids['blue']}", row)
    assert done["ErrorCode"] == "0", done
    rows = [{"Id": ids[f"bulk{n}"], "Name": f"Bulk {n} B", "Status": "ACTIVE"} for n in (1, 2)]
    both = tenant.admin.write("PUT", "ACCOUNT", rows)
    assert [element["ErrorCode"] for element in both] == ["0", "0"]
    (unknown,) = tenant.admin.write("PUT", "ACCOUNT", {"Id": "999999999", "Name": "x"})
    assert unknown["ErrorCode"] == "RECORD_NOT_FOUND"
    (ended,) = tenant.admin.write(
        "PUT", "PRICING", {"Id": ids["pricing2"], "EndDate": "2026-05-31T00:00:00.000Z"}
    )
    assert ended["ErrorCode"] == "0"
    assert tenant.admin.get("PRICING", ids["pricing2"])["EndDate"] == "2026-05-31"


def test_contracts_are_upserted_by_their_number(tenant: Tenant) -> None:
    new = {"ContractNumber": "UPS-1", "AccountId": tenant.ids["blue"], "StartDate": "2026-02-01"}
    new |= {"ContractStatus": "ACTIVE", "OnEndDate": "Terminate"}
    key = {"externalIDFieldName": "ContractNumber"}
    (made,) = tenant.admin.write("PATCH", "CONTRACT", new, **key)
    assert (made["ErrorCode"], made["created"]) == ("0", "true")
    again = {"ContractNumber": "UPS-1", "EndDate": "2027-01-31"}
    (same,) = tenant.admin.write("PATCH", "CONTRACT", again, **key)
    assert (same["Id"], same["created"]) == (made["Id"], "false")


def test_an_invoice_holds_activities_a_payment_a_file_and_a_flag_of_the_tenant(
    tenant: Tenant,
) -> None:
    ids, invoice = tenant.ids, tenant.ids["invoice"]
    activity = {
        "InvoiceId": invoice,
        "AccountId": ids["blue"],
        "ProductId": ids["monthly"],
        "ActivityDate": "2026-02-01",
        "Quantity": "2",
        "RateOverride": "10.00",
    }
    period = {"SubscriptionFromDate": "2026-02-01", "SubscriptionToDate": "2026-02-28"}
    later = {"ActivityDate": "2026-02-01T00:00:00+00:00", "Quantity": "1", "RateOverride": "5.00"}
    rows = [{**activity, **period, "CostOverride": "20.00"}, {**activity, **later}]
    done = tenant.admin.write("POST", "ACTIVITY", rows)
    assert [element["ErrorCode"] for element in done] == ["0", "0"], done
    kind = tenant.one("SELECT Description FROM PAYMENT_TYPE ORDER BY Id FETCH NEXT 1 ROWS ONLY")
    payment = {
        "BillingProfileId": ids["profile"],
        "PaymentType": kind["Description"],
        "Amount": "100",
        "PaymentDate": "2026-02-03",
    }
    paid = tenant.make("payment", "PAYMENT", payment)
    share = {"PaymentItemId": paid, "InvoiceId": invoice, "Amount": 25}
    tenant.make("allocation", "PAYMENT_ALLOCATION", share)
    (voided,) = tenant.admin.write("PUT", "PAYMENT", [{"Id": paid, "Voided": 1}])
    assert voided["ErrorCode"] == "0", voided
    (flagged,) = tenant.admin.write(
        "PUT", "INVOICE", {"Id": invoice, "nrDeleteBackdatedUsage": "1"}
    )
    assert flagged["ErrorCode"] == "0", flagged

    sent = {"Id": invoice, "EntityName": "INVOICE", "FieldName": "Attachment1"}
    file = {"FileName": "note.txt", "Data": "aGVsbG8="}
    address = f"files/INVOICE/{invoice}/Attachment1"
    assert tenant.admin.send("POST", address, {**sent, **file}).status_code == 200
    downloaded = tenant.admin.send("GET", address).json()["fileDownloadResponse"]
    assert downloaded == [file]


def test_prices_and_accounts_are_deleted_and_brought_back(tenant: Tenant) -> None:
    price = {"ProductId": tenant.ids["annual"], "Rate": "1", "CurrencyCode": "USD"}
    tiers = [
        {"LowerBand": "0", "UpperBand": "10"},
        {"LowerBand": "10.0000000001", "UpperBand": "-1"},
    ]
    made = [tenant.admin.create("PRICING", {**price, **tier}) for tier in tiers]
    done = tenant.admin.write("DELETE", "delete/PRICING", [{"Id": i} for i in made])
    assert all(element["success"] for element in done)
    assert not tenant.admin.query(f"SELECT Id FROM PRICING WHERE Id IN ({','.join(made)})")
    bulk = {"Id": tenant.ids["bulk1"]}
    (gone,) = tenant.admin.write("DELETE", "delete/ACCOUNT", bulk, EmptyRecycleBin="0")
    assert gone["success"]
    assert tenant.admin.send("GET", f"ACCOUNT/{bulk['Id']}").status_code == 404
    (back,) = tenant.admin.write("DELETE", "undelete/ACCOUNT", bulk)
    assert back["success"]
    assert tenant.admin.get("ACCOUNT", bulk["Id"])["Id"] == bulk["Id"]


def test_metadata_is_retrieved_as_records_are(tenant: Tenant) -> None:
    where = {"queryAnsiSql": "FieldName = 'AccountTypeId'"}
    answer = tenant.admin.send("GET", "ENTITY_FIELD", params=where)
    field = answer.json()["retrieveResponse"][0]
    assert (field["FieldName"], field["DataType"]) == ("AccountTypeId", "LOOKUP")
    assert field["RequiredFlag"] in ("0", "1")


def test_a_session_that_was_ended_is_invalid(tenant: Tenant) -> None:
    throwaway = Caller.signed_in(tenant.live.url, USERNAME, PASSWORD)
    ended = throwaway.send("POST", "logout")
    element = {"ErrorCode": "0", "ErrorText": " ", "Success": "true"}
    assert ended.json() == {"logoutResponse": [element]}
    after = throwaway.send("GET", "query", params={"sql": "SELECT Id FROM ACCOUNT WHERE 1=1"})
    assert after.status_code == 500
    assert after.json()["errors"][0]["error_code"] == "INVALID_SESSION_ID"
