"""Writing records: one outcome per record, in the order they were sent."""

from typing import Any

import pytest

from tests.contract.calls import Caller
from tests.contract.live import Live

FINE = {"ErrorCode": "0", "ErrorText": " ", "ErrorElementField": " ", "success": True}


def name_of(live: Live, record_id: str) -> str:
    ((name,),) = live.rows("SELECT name FROM customers_account WHERE id = %s", record_id)
    return str(name)


class TestCreate:
    def test_one_record_as_an_object(self, admin: Caller, unique: str) -> None:
        row = {
            "Name": unique,
            "Id": "",
            "Status": "ACTIVE",
            "AccountTypeId": "1",
            "ParentAccountId": 1,
            "RateHierarchy": "0",
            "InvoiceAtThisLevel": 1,
            "ExternalKey": None,
        }
        answer = admin.send("POST", "ACCOUNT", {"brmObjects": row})
        ((name, elements),) = answer.json().items()
        (element,) = elements
        assert name == "createResponse"
        assert element.pop("Id").isdecimal()
        assert element == FINE

    def test_several_in_request_order(self, live: Live, admin: Caller, unique: str) -> None:
        names = [f"{unique} {n}" for n in range(50)]
        elements = admin.write("POST", "ACCOUNT", [{"Name": name} for name in names])
        assert [name_of(live, e["Id"]) for e in elements] == names

    def test_field_names_in_any_case(self, admin: Caller, unique: str) -> None:
        record_id = admin.create("account", {"NAME": unique, "invoice_at_this_level": True})
        record = admin.get("ACCOUNT", record_id)
        assert (record["Name"], record["InvoiceAtThisLevel"]) == (unique, "1")

    @pytest.mark.parametrize(("sent", "read"), [("1", "1"), (0, "0"), (True, "1"), (False, "0")])
    def test_flags_in_every_spelling(
        self, admin: Caller, unique: str, sent: Any, read: str
    ) -> None:
        record_id = admin.create("ACCOUNT", {"Name": unique, "RateHierarchy": sent})
        assert admin.get("ACCOUNT", record_id)["RateHierarchy"] == read

    def test_a_thousand_at_once(self, live: Live, admin: Caller, unique: str) -> None:
        rows = [{"Name": unique, "ExternalKey": f"{unique}-{n}"} for n in range(1000)]
        elements = admin.write("POST", "ACCOUNT", rows)
        assert len({e["Id"] for e in elements if e["success"]}) == 1000
        kept = live.rows("SELECT count(*) FROM customers_account WHERE name = %s", unique)
        assert kept == [(1000,)]

    @pytest.mark.parametrize("relation", ["AccountIdObj", "AccountObj"])
    def test_a_lookup_by_external_key(self, admin: Caller, unique: str, relation: str) -> None:
        account = admin.create("ACCOUNT", {"Name": unique, "ExternalKey": unique})
        contract = admin.create(
            "CONTRACT",
            {
                relation: {"ExternalKey": unique},
                "ContractNumber": f"{unique}-{relation}",
                "StartDate": "2026-02-01T00:00:00.000Z",
                "ContractStatus": "ACTIVE",
                "OnEndDate": "Terminate",
            },
        )
        record = admin.get("CONTRACT", contract)
        assert (record["AccountId"], record["StartDate"]) == (account, "2026-02-01")

    def test_a_key_that_is_taken_fails(self, admin: Caller, unique: str) -> None:
        admin.create("ACCOUNT", {"Name": "first", "ExternalKey": unique})
        (element,) = admin.write("POST", "ACCOUNT", {"Name": "second", "ExternalKey": unique})
        assert element["ErrorCode"] == "DUPLICATE_KEY"
        assert element["ErrorElementField"] == "ExternalKey"

    def test_all_problems_of_a_record_at_once(self, admin: Caller) -> None:
        (element,) = admin.write("POST", "ACCOUNT", {"Nmae": "x", "Status": "HAPPY"})
        assert element["ErrorElementField"].split(",") == ["Nmae", "Status", "Name"]
        assert [e["field"] for e in element["errors"]] == ["Nmae", "Status", "Name"]
        assert element["ErrorCode"] == element["errors"][0]["code"]

    def test_all_or_none(self, live: Live, admin: Caller, unique: str) -> None:
        rows = [{"Name": unique}, {"Name": ""}, {"Name": unique}]
        elements = admin.write("POST", "ACCOUNT", rows, allOrNone="1")
        assert [e["ErrorCode"] for e in elements] == [
            "ALL_OR_NONE",
            "REQUIRED_FIELD_MISSING",
            "ALL_OR_NONE",
        ]
        kept = live.rows("SELECT count(*) FROM customers_account WHERE name = %s", unique)
        assert kept == [(0,)]


class TestUpdate:
    @pytest.fixture
    def account(self, admin: Caller, unique: str) -> str:
        return admin.create(
            "ACCOUNT", {"Name": unique, "Description": "kept", "ExternalKey": unique}
        )

    def test_by_the_id_in_the_record(self, admin: Caller, account: str) -> None:
        answer = admin.send("PUT", "ACCOUNT", {"brmObjects": {"Id": account, "Name": "new"}})
        assert answer.json() == {"updateResponse": [{"Id": account, **FINE}]}
        record = admin.get("ACCOUNT", account)
        assert (record["Name"], record["Description"]) == ("new", "kept")

    @pytest.mark.parametrize("inside", [{}, {"Id": ""}, {"id": None}], ids=str)
    def test_by_the_id_in_the_address(
        self, admin: Caller, account: str, inside: dict[str, Any]
    ) -> None:
        rows = [{**inside, "Name": "by address"}]
        admin_answer = admin.send("PUT", f"ACCOUNT/{account}", {"brmObjects": rows})
        assert admin_answer.json()["updateResponse"][0]["success"] is True
        assert admin.get("ACCOUNT", account)["Name"] == "by address"

    def test_the_two_ids_may_agree_but_not_differ(self, admin: Caller, account: str) -> None:
        for own, status in ((account, 200), (int(account), 200), ("999", 400)):
            body = {"brmObjects": {"Id": own, "Name": "x"}}
            assert admin.send("PUT", f"ACCOUNT/{account}", body).status_code == status
        several = {"brmObjects": [{"Name": "x"}, {"Name": "y"}]}
        assert admin.send("PUT", f"ACCOUNT/{account}", several).status_code == 400

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_null_and_empty_leave_a_field_alone(
        self, admin: Caller, account: str, nothing: str | None
    ) -> None:
        admin.write("PUT", "ACCOUNT", {"Id": account, "Description": nothing, "Name": nothing})
        record = admin.get("ACCOUNT", account)
        assert record["Description"] == "kept"
        assert record["Name"]

    def test_fields_to_null_clears(self, admin: Caller, account: str) -> None:
        admin.write("PUT", "ACCOUNT", {"Id": account, "fieldsToNull": ["Description"]})
        assert admin.get("ACCOUNT", account)["Description"] is None

    def test_treat_null_as_reset_clears(self, admin: Caller, account: str) -> None:
        row = {"Id": account, "Description": None}
        admin.write("PUT", "ACCOUNT", row, treatNullAsReset="1")
        assert admin.get("ACCOUNT", account)["Description"] is None

    def test_it_never_creates(self, admin: Caller) -> None:
        unknown, missing = admin.write(
            "PUT", "ACCOUNT", [{"Id": "999999999", "Name": "x"}, {"Name": "x"}]
        )
        assert unknown["ErrorCode"] == "RECORD_NOT_FOUND"
        assert unknown["Id"] == "999999999"
        assert (missing["ErrorCode"], missing["ErrorElementField"]) == (
            "REQUIRED_FIELD_MISSING",
            "Id",
        )


class TestUpsert:
    def upsert(self, admin: Caller, rows: Any, key: str = "ExternalKey") -> list[dict[str, Any]]:
        answer = admin.send("PATCH", "ACCOUNT", {"brmObjects": rows, "externalIDFieldName": key})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["upsertResponse"])

    def test_creates_then_updates(self, admin: Caller, unique: str) -> None:
        (first,) = self.upsert(admin, {"ExternalKey": unique, "Name": "a", "Description": "d"})
        (again,) = self.upsert(admin, {"externalkey": unique, "Name": "b"}, "EXTERNALKEY")
        record_id = first.pop("Id")
        assert first == {**FINE, "created": "true"}
        assert again == {"Id": record_id, **FINE, "created": "false"}
        record = admin.get("ACCOUNT", record_id)
        assert (record["Name"], record["Description"]) == ("b", "d")

    def test_old_and_new_in_one_request_stay_in_order(self, admin: Caller, unique: str) -> None:
        rows = [{"ExternalKey": f"{unique}-{n}", "Name": f"n{n}"} for n in range(6)]
        self.upsert(admin, rows[::2])
        elements = self.upsert(admin, rows)
        assert [e["created"] for e in elements] == ["false", "true"] * 3
        assert [admin.get("ACCOUNT", e["Id"])["Name"] for e in elements] == [
            row["Name"] for row in rows
        ]

    def test_a_record_without_its_key_fails(self, admin: Caller) -> None:
        (element,) = self.upsert(admin, {"Name": "x"})
        assert element["ErrorElementField"] == "ExternalKey"
        assert "created" not in element

    @pytest.mark.parametrize(
        ("key", "code"),
        [
            ("NoSuchField", "NOT_AN_EXTERNAL_KEY"),
            ("Description", "NOT_AN_EXTERNAL_KEY"),
            ("", "MALFORMED_REQUEST"),
            (None, "MALFORMED_REQUEST"),
            (7, "MALFORMED_REQUEST"),
        ],
    )
    def test_a_key_that_is_none_is_400(self, admin: Caller, key: Any, code: str) -> None:
        body = {"brmObjects": {"Name": "x"}, "externalIDFieldName": key}
        answer = admin.send("PATCH", "ACCOUNT", body)
        assert (answer.status_code, answer.json()["error"]) == (400, code)


class TestDelete:
    @pytest.fixture
    def account(self, admin: Caller, unique: str) -> str:
        return admin.create("ACCOUNT", {"Name": unique})

    @pytest.mark.parametrize("beside", [{}, {"EmptyRecycleBin": "0"}], ids=str)
    def test_to_the_recycle_bin_and_back(
        self, admin: Caller, account: str, beside: dict[str, str]
    ) -> None:
        body = {"brmObjects": {"Id": account}, **beside}
        deleted = admin.send("DELETE", "delete/ACCOUNT", body)
        assert deleted.json() == {"deleteResponse": [{"Id": account, **FINE}]}
        assert admin.send("GET", f"ACCOUNT/{account}").status_code == 404
        restored = admin.send("DELETE", "undelete/ACCOUNT", {"brmObjects": [{"Id": account}]})
        assert restored.json() == {"undeleteResponse": [{"Id": account, **FINE}]}
        assert admin.get("ACCOUNT", account)["Id"] == account

    def test_past_recovery(self, live: Live, admin: Caller, account: str) -> None:
        admin.write("DELETE", "delete/ACCOUNT", {"Id": account}, EmptyRecycleBin="1")
        assert live.rows("SELECT 1 FROM customers_account WHERE id = %s", account) == []
        (element,) = admin.write("DELETE", "undelete/ACCOUNT", {"Id": account})
        assert element["success"] is False

    def test_each_record_for_itself(self, admin: Caller, account: str) -> None:
        rows = [{"Id": "999999999"}, {"id": int(account)}, {"Name": "x"}, {"Id": "seven"}]
        elements = admin.write("DELETE", "delete/ACCOUNT", rows)
        assert [e["success"] for e in elements] == [False, True, False, False]
        assert elements[0]["ErrorCode"] == "RECORD_NOT_FOUND"

    def test_what_others_point_to_stays(self, admin: Caller, account: str, unique: str) -> None:
        admin.create(
            "CONTRACT",
            {
                "AccountId": account,
                "ContractNumber": unique,
                "StartDate": "2026-02-01",
                "ContractStatus": "ACTIVE",
                "OnEndDate": "Terminate",
            },
        )
        (element,) = admin.write("DELETE", "delete/ACCOUNT", {"Id": account})
        assert element["ErrorCode"] == "RECORD_IN_USE"


@pytest.fixture(scope="module")
def reader(live: Live, admin: Caller) -> Caller:
    """A user whose role may read accounts and create them, and nothing else."""
    role = admin.create("ROLE", {"Name": "Account openers"})
    entity = admin.query("SELECT Id FROM ENTITY WHERE EntityName = 'ACCOUNT'")[0]["Id"]
    admin.create(
        "ENTITY_FIELD_ROLE",
        {"RoleId": role, "EntityId": entity, "ReadFlag": "1", "CreateFlag": "1"},
    )
    user = admin.create("USER", {"Username": "opener", "RoleId": role, "Type": "API"})
    live.run(
        "from metabrm.identity.models import User\n"
        "from metabrm.identity.services import set_password\n"
        "set_password(User.objects.get(pk=sys.argv[1]), sys.argv[2])",
        user,
        "opens-accounts-3",
    )
    return Caller.signed_in(live.url, "opener", "opens-accounts-3")


class TestRights:
    def test_what_is_granted_works(self, reader: Caller, unique: str) -> None:
        account = reader.create("ACCOUNT", {"Name": unique})
        assert reader.get("ACCOUNT", account)["Name"] == unique

    @pytest.mark.parametrize(
        ("method", "path", "row"),
        [
            ("PUT", "ACCOUNT", {"Id": "1", "Name": "x"}),
            ("DELETE", "delete/ACCOUNT", {"Id": "1"}),
            ("DELETE", "undelete/ACCOUNT", {"Id": "1"}),
            ("POST", "ROLE", {"Name": "x"}),
            ("POST", "AUDIT_LOG", {}),
        ],
    )
    def test_what_is_not_is_403(
        self, reader: Caller, method: str, path: str, row: dict[str, str]
    ) -> None:
        answer = reader.send(method, path, {"brmObjects": row})
        assert answer.status_code == 403
        assert answer.json()["error"] in ("INSUFFICIENT_RIGHTS", "READ_ONLY_ENTITY")

    @pytest.mark.parametrize("path", ["USER/1", "query?sql=SELECT Username FROM USER"])
    def test_nor_is_it_read(self, reader: Caller, path: str) -> None:
        assert reader.send("GET", path).status_code == 403

    def test_passwords_are_nowhere(self, admin: Caller) -> None:
        user = admin.query("SELECT Id FROM USER WHERE Username = 'admin'")[0]["Id"]
        record = admin.get("USER", user)
        assert "Password" not in record
        assert not any("argon2" in (value or "") for value in record.values())
        assert admin.send("GET", "query?sql=SELECT Password FROM USER").status_code == 400

    def test_history_says_who_and_through_which_request(
        self, live: Live, reader: Caller, unique: str
    ) -> None:
        body = {"brmObjects": {"Name": unique}}
        answer = reader.send("POST", "ACCOUNT", body, headers={"X-Request-Id": unique})
        record_id = answer.json()["createResponse"][0]["Id"]
        ((author,),) = live.rows(
            "SELECT u.username FROM customers_account a "
            "JOIN identity_user u ON u.id = a.created_user_id WHERE a.id = %s",
            record_id,
        )
        assert author == "opener"
