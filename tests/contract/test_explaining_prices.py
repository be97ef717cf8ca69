"""Why a price counts, over HTTP: what is described is what is answered."""

from tests.contract.calls import Caller
from tests.describing import misfits, resolved


def test_a_price_is_explained(admin: Caller, nobody: Caller, unique: str) -> None:
    product = admin.create("PRODUCT", {"Name": unique})
    admin.create("PRICING", {"ProductId": product, "Rate": "2.5", "CurrencyCode": "USD"})
    account = admin.create("ACCOUNT", {"Name": unique, "AccountTypeId": "1"})
    asked = {"AccountId": account, "ProductId": product, "Quantity": "3.001", "Day": "2026-06-15"}

    by_address = admin.send("GET", "rating/explain", params=asked)
    by_body = admin.send("POST", "Rating/Explain", {**asked, "quantity": 3.001, "Quantity": None})
    assert by_address.status_code == by_body.status_code == 200
    assert by_address.json() == by_body.json()
    (told,) = by_address.json()["explainResponse"]
    assert (told["Arithmetic"], told["Amount"]) == ("3.001 x 2.5 = 7.5025", "7.5")
    assert [(c["Source"], c["Id"], c["Status"]) for c in told["Candidates"]] == [
        ("Product", product, "won")
    ]
    assert told["Text"][-1] == told["Conclusion"]

    document = admin.send("GET", "openapi.json").json()
    operation = document["paths"]["/rest/2.0/rating/explain"]["post"]
    described = resolved(document, operation["responses"]["200"])["content"]["application/json"]
    assert not misfits(document, described["schema"], by_body.json())

    line = admin.create(
        "ACTIVITY",
        {"AccountId": account, "ProductId": product, "ActivityDate": "2026-06-15", "Quantity": "2"},
    )
    (of_line,) = admin.send("GET", "rating/explain", params={"activityid": line}).json()[
        "explainResponse"
    ]
    assert (of_line["Amount"], of_line["Line"]["Id"]) == ("5", line)

    for wrong, status, code, says in (
        ({}, 400, "REQUIRED_FIELD_MISSING", "AccountId with ProductId"),
        ({**asked, "Prodct": "1"}, 400, "UNKNOWN_FIELD", "Did you mean ProductId?"),
        ({**asked, "AccountId": "x'"}, 400, "INVALID_VALUE", "such as 1001"),
        ({**asked, "Quantity": "NaN"}, 400, "INVALID_VALUE", "such as 12.5"),
        ({**asked, "Quantity": "1e9999999"}, 400, "INVALID_VALUE", "such as 12.5"),
        ({**asked, "Day": "15.6.2026"}, 400, "INVALID_VALUE", "2026-06-15"),
        ({**asked, "CurrencyCode": "a\0"}, 400, "INVALID_VALUE", "such as USD"),
        ({**asked, "CurrencyCode": "ZZZ"}, 400, "INVALID_VALUE", "such as USD"),
        ({**asked, "Before": "-1"}, 400, "INVALID_VALUE", "0 or more"),
        ({**asked, "AccountId": "9" * 18}, 404, "RECORD_NOT_FOUND", "ACCOUNT"),
        ({"ActivityId": "9" * 18}, 404, "RECORD_NOT_FOUND", "ACTIVITY"),
        ({"ActivityId": line, "Day": "2026-06-15"}, 400, "INVALID_VALUE", "Leave out Day"),
    ):
        refused = admin.send("GET", "rating/explain", params=wrong)
        assert (refused.status_code, refused.json()["error"]) == (status, code), refused.text
        assert says in refused.json()["message"]
    assert nobody.send("GET", "rating/explain", params=asked).status_code == 401
    assert admin.send("PUT", "rating/explain", asked).status_code == 405
