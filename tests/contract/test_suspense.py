"""/mediation/suspense and /mediation/tryout over HTTP: what is described is what is answered."""

import gzip
import io
import zipfile
from typing import Any

from entities import files
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
    for wrong, status in (({}, 404), ({**asked, "ActivityCollectorId": "9" * 18}, 404)):
        assert admin.send("POST", "mediation/tryout", wrong).status_code == status
    nothing = admin.send("POST", "mediation/tryout", asked | {"Sample": " "})
    assert (nothing.status_code, nothing.json()["error"]) == (400, "REQUIRED_FIELD_MISSING")

    def form(content: bytes, name: str = "a.csv", **fields: str) -> Any:
        return admin.send(
            "POST",
            "mediation/tryout",
            files={"File": (name, content), **{n: (None, v) for n, v in fields.items()}},
        )

    # A file, as it is, packed, or too large; whatever its name.
    one = {"ActivityCollectorId": collector}
    sample = asked["Sample"].encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", sample)
    for content in (sample, gzip.compress(sample), packed.getvalue()):
        answer = form(content, "../a", **one)
        assert answer.json()["tryoutResponse"] == [told], answer.text
    for content, fields, status, code in (
        (b"x" * (files.MOST_BYTES + 1), one, 413, "REQUEST_TOO_LARGE"),
        (sample, {}, 404, "RECORD_NOT_FOUND"),
        (sample, one | {"Sample": "who"}, 400, "INVALID_VALUE"),
        (sample, one | {"Sampel": "who"}, 400, "UNKNOWN_FIELD"),
        (sample, one | {"Sample": "x" * 7_000_000}, 413, "REQUEST_TOO_LARGE"),
    ):
        refused = form(content, **fields)
        assert (refused.status_code, refused.json()["error"]) == (status, code), refused.text
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        broken = admin.send("POST", "mediation/tryout", b"?", headers={"Content-Type": kind})
        assert broken.status_code in (400, 404), broken.text
    as_text = admin.send("POST", "mediation/tryout", {**one, "File": "who"})
    assert (as_text.status_code, as_text.json()["error"]) == (400, "INVALID_VALUE")
    assert nobody.send("POST", "mediation/tryout", asked).status_code == 401
