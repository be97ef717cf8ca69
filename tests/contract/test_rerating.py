"""Lines rated again over HTTP: what is described is what is answered."""

from tests.contract.calls import Caller
from tests.describing import misfits, resolved


def test_lines_are_rated_again(admin: Caller, nobody: Caller, unique: str) -> None:
    product = admin.create("PRODUCT", {"Name": unique})
    asked = {"ProductId": product, "Preview": "1"}
    shown = admin.send("POST", "rating/rerate", asked)
    (told,) = shown.json()["rerateResponse"]
    assert (shown.status_code, told["Status"], told["Lines"]) == (200, "PREVIEW", "0")
    (begun,) = admin.send("POST", "Rating/Rerate", {"ProductId": product}).json()["rerateResponse"]
    record = admin.send("GET", f"RERATE/{begun['RerateId']}")
    assert record.status_code == 200
    assert record.json()["retrieveResponse"][0]["Reason"].startswith("Asked for by ")

    document = admin.send("GET", "openapi.json").json()
    operation = document["paths"]["/rest/2.0/rating/rerate"]["post"]
    described = resolved(document, operation["responses"]["200"])["content"]["application/json"]
    assert not misfits(document, described["schema"], shown.json())
    assert "/rest/2.0/rating/correct" in document["paths"]

    for address, wrong, status, code in (
        ("rerate", {}, 400, "REQUIRED_FIELD_MISSING"),
        ("rerate", {"Produkt": "1"}, 400, "UNKNOWN_FIELD"),
        ("correct", {"ActivityId": "9" * 18, "Quantity": "1"}, 404, "RECORD_NOT_FOUND"),
    ):
        refused = admin.send("POST", f"rating/{address}", wrong)
        assert (refused.status_code, refused.json()["error"]) == (status, code), refused.text
    assert nobody.send("POST", "rating/rerate", asked).status_code == 401
    assert admin.send("GET", "rating/rerate").status_code == 405
