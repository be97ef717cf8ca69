"""/mediation/suspense and /mediation/tryout over HTTP: what is described is what is answered."""

from typing import Any

from tests.contract.calls import Caller
from tests.describing import misfits, resolved


def test_usage_in_suspense_is_worked_on(admin: Caller, nobody: Caller, unique: str) -> None:
    collector = admin.create("ACTIVITY_COLLECTOR", {"ActivityCollectorName": unique})
    document = admin.send("GET", "openapi.json").json()

    def told(answer: Any) -> Any:
        method = answer.request.method.lower()
        operation = document["paths"]["/rest/2.0/mediation/suspense"][method]
        described = resolved(document, operation["responses"]["200"])["content"]
        assert not misfits(document, described["application/json"]["schema"], answer.json())
        return answer.json()["suspenseResponse"]

    def post(**said: Any) -> Any:
        return admin.send("POST", "mediation/suspense", {"ActivityCollectorId": collector, **said})

    assert isinstance(told(admin.send("GET", "mediation/suspense")), list)
    (done,) = told(post(Action="DISCARD", Reason="a test"))
    assert (done["Count"], done["Errors"]) == ("0", [])
    (seen,) = told(post(Action="CORRECT", Values={"quantity": "2"}, Preview="1"))
    assert seen == {"Count": "0", "Quantity": "0", "Preview": "1"}
    (nothing,) = told(post(Action="RESUBMIT", Cause="UNKNOWN_TOKEN"))
    assert (nothing["Count"], nothing["ActivityCollectorHistoryId"]) == ("0", None)
    for wrong, status, code in (
        ({"Action": "BURN"}, 400, "INVALID_VALUE"),
        ({"Action": "RESUBMIT", "Preview": "yes"}, 400, "INVALID_VALUE"),
        ({"Action": "RESUBMIT", "Cause": ["x"]}, 400, "INVALID_VALUE"),
        ({"Action": "DISCARD"}, 400, "REQUIRED_FIELD_MISSING"),
        ({"Action": "RESUBMIT", "ActivityCollectorId": "9" * 18}, 404, "RECORD_NOT_FOUND"),
    ):
        refused = post(**wrong)
        assert (refused.status_code, refused.json()["error"]) == (status, code), refused.text
    (gone,) = told(post(Action="RESTORE", Ids=["9" * 18]))
    assert "no usage with Id 999" in gone["Errors"][0]["Message"]
    assert admin.send("GET", "mediation/suspense", params={"Sate": "X"}).status_code == 400
    assert nobody.send("GET", "mediation/suspense").status_code == 401


def test_a_collector_is_tried_out(admin: Caller, nobody: Caller, unique: str) -> None:
    collector = admin.create(
        "ACTIVITY_COLLECTOR", {"ActivityCollectorName": unique, "HeaderRowFlag": "1"}
    )
    for target, source in (("BillingIdentifier", "who"), ("Quantity", "much")):
        row = {"ActivityCollectorId": collector, "Target": target, "Source": source}
        admin.create("ACTIVITY_COLLECTOR_MAP", row)
    asked = {"ActivityCollectorId": collector, "Sample": "who,much\nx,1\ny,many\n"}
    answer = admin.send("POST", "mediation/tryout", asked)
    document = admin.send("GET", "openapi.json").json()
    operation = document["paths"]["/rest/2.0/mediation/tryout"]["post"]
    described = resolved(document, operation["responses"]["200"])["content"]["application/json"]
    assert answer.status_code == 200 and not misfits(document, described["schema"], answer.json())
    (told,) = answer.json()["tryoutResponse"]
    assert (told["Count"], told["Outcomes"]) == ("2", {"SUSPENSE": "2"})
    assert [r["Reasons"][0].split(":")[0] for r in told["Records"]] == ["NO_DATE", "BAD_NUMBER"]
    for wrong, status in (({}, 400), ({**asked, "ActivityCollectorId": "9" * 18}, 404)):
        assert admin.send("POST", "mediation/tryout", wrong).status_code == status
    assert nobody.send("POST", "mediation/tryout", asked).status_code == 401
