"""ENTITY_VALIDATION over HTTP: every verb that writes is judged, record by record."""

from typing import Any

import pytest

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, Live

Element = dict[str, Any]


class Ruled:
    """An entity of its own with a lookup to accounts and to itself, and what is done with it."""

    def __init__(self, admin: Caller, unique: str) -> None:
        self.admin = admin
        self.name = unique.replace("-", "_").upper()
        self.id = admin.create("ENTITY", {"EntityName": self.name})
        account = self._entity("ACCOUNT")
        for name, kind, more in (
            ("Code", "TEXT", {"ExternalKeyFlag": "1", "DataLength": "50"}),
            ("Name", "TEXT", {}),
            ("Amount", "MONEY", {}),
            ("Born", "DATE", {}),
            ("AccountId", "LOOKUP", {"ReferencedEntityId": account}),
            ("ParentId", "LOOKUP", {"ReferencedEntityId": self.id}),
        ):
            admin.create(
                "ENTITY_FIELD", {"EntityId": self.id, "FieldName": name, "DataType": kind, **more}
            )

    def _entity(self, name: str) -> str:
        (row,) = self.admin.query(f"SELECT Id FROM ENTITY WHERE EntityName = '{name}'")
        return str(row["Id"])

    def rule(self, formula: str, text: str = "No.", on: str = "", **more: Any) -> str:
        return self.admin.create(
            "ENTITY_VALIDATION",
            {
                "EntityId": self._entity(on) if on else self.id,
                "EntityValidationName": f"{self.name} {formula}"[:100],
                "FormulaValue": formula,
                "ErrorText": text,
                **more,
            },
        )

    def post(self, *rows: Element) -> list[Element]:
        return self.admin.write("POST", self.name, list(rows))

    def put(self, *rows: Element) -> list[Element]:
        return self.admin.write("PUT", self.name, list(rows))

    def ids(self, *rows: Element) -> list[str]:
        elements = self.post(*rows)
        assert all(e["success"] for e in elements), elements
        return [e["Id"] for e in elements]


@pytest.fixture
def ruled(admin: Caller, unique: str) -> Ruled:
    return Ruled(admin, unique)


def _refusals(elements: list[Element]) -> list[tuple[str, str, str]]:
    return [
        (e["ErrorCode"], e["ErrorText"].strip(), e["ErrorElementField"].strip()) for e in elements
    ]


FINE = ("0", "", "")


def test_the_documented_form_refuses_by_the_account_s_name(
    admin: Caller, ruled: Ruled, unique: str
) -> None:
    big = admin.create("ACCOUNT", {"Name": f"Big {unique}", "AccountTypeId": "1"})
    small = admin.create("ACCOUNT", {"Name": "Small", "AccountTypeId": "1"})
    ruled.rule(f"{{!AccountObj.Name}} = 'Big {unique}'", "Not for them.")
    elements = ruled.post(
        {"Name": "a", "AccountId": big}, {"Name": "b", "AccountId": small}, {"Name": "c"}
    )
    refused = ("VALIDATION_FAILED", "Not for them.", "AccountId")
    assert _refusals(elements) == [refused, FINE, FINE]
    assert [row["Name"] for row in admin.query(f"SELECT Name FROM {ruled.name}")] == ["b", "c"]


def test_all_broken_rules_are_told_in_their_order_and_each_record_its_own(ruled: Ruled) -> None:
    ruled.rule("{!Amount} > 10", "Too much.", ValdationOrder=2)
    ruled.rule("{!Name} LIKE 'x%'", "No x.", ValdationOrder=1)
    ruled.rule("{!Amount} > 20 AND {!Name} <> 'y'", "Only y may.", ValdationOrder=3)
    elements = ruled.post(
        {"Name": "x", "Amount": "15"},
        {"Name": "a", "Amount": "25"},
        {"Name": "xy"},
        {"Name": "y", "Amount": "9"},
    )
    assert _refusals(elements) == [
        ("VALIDATION_FAILED", "No x. Too much.", "Name,Amount"),
        ("VALIDATION_FAILED", "Too much. Only y may.", "Amount"),
        ("VALIDATION_FAILED", "No x.", "Name"),
        FINE,
    ]


def test_a_change_is_judged_by_what_the_record_was(ruled: Ruled) -> None:
    ruled.rule("ISCHANGED({!Amount}) AND {!Amount} < PRIORVALUE({!Amount})", "Only upwards.")
    ruled.rule("ISNEW() AND {!Amount} > 100", "Begin small.")
    (first, second) = ruled.ids({"Amount": "50"}, {"Amount": "60"})
    assert _refusals(ruled.post({"Amount": "101"})) == [
        ("VALIDATION_FAILED", "Begin small.", "Amount")
    ]
    elements = ruled.put({"Id": first, "Amount": "49.99"}, {"Id": second, "Amount": "500"})
    assert _refusals(elements) == [("VALIDATION_FAILED", "Only upwards.", "Amount"), FINE]
    assert _refusals(ruled.put({"Id": first, "Amount": "50.00", "Name": "same"})) == [FINE]


def test_an_upsert_is_judged_where_it_creates_and_where_it_updates(
    admin: Caller, ruled: Ruled
) -> None:
    ruled.rule("ISNEW() AND {!Amount} = 1", "No new ones.")
    ruled.rule("NOT ISNEW() AND {!Amount} = 2", "No old twos.")
    ruled.ids({"Code": "old", "Amount": "1.5"})
    rows = [
        {"Code": "old", "Amount": "2"},
        {"Code": "new", "Amount": "2"},
        {"Code": "newer", "Amount": "1"},
    ]
    body = {"brmObjects": rows, "externalIDFieldName": "Code"}
    answer = admin.send("PATCH", ruled.name, body)
    assert _refusals(answer.json()["upsertResponse"]) == [
        ("VALIDATION_FAILED", "No old twos.", "Amount"),
        FINE,
        ("VALIDATION_FAILED", "No new ones.", "Amount"),
    ]


def test_a_rule_sees_what_the_same_request_makes_of_related_records(ruled: Ruled) -> None:
    ruled.rule("{!ParentObj.Name} = 'closed'", "Its parent is closed.")
    parent, child = ruled.ids({"Name": "open"}, {"Name": "child"})
    elements = ruled.put({"Id": parent, "Name": "closed"}, {"Id": child, "ParentId": parent})
    assert _refusals(elements) == [
        FINE,
        ("VALIDATION_FAILED", "Its parent is closed.", "ParentId"),
    ]
    elements = ruled.put({"Id": parent, "Name": "open"}, {"Id": child, "ParentId": parent})
    assert _refusals(elements) == [FINE, FINE]


def test_what_does_not_exist_breaks_no_rule_and_is_refused_as_what_it_is(
    admin: Caller, ruled: Ruled
) -> None:
    ruled.rule("{!ParentObj.Name} = 'x' OR {!ParentObj.Name} <> 'x'", "Has a named parent.")
    (element,) = ruled.post({"ParentId": "999999999"})
    assert element["ErrorCode"] == "LOOKUP_NOT_FOUND", element
    (parent,) = ruled.ids({"Name": "x"})
    assert ruled.post({"ParentId": parent})[0]["ErrorText"] == "Has a named parent."
    (gone,) = admin.write("DELETE", f"delete/{ruled.name}", [{"Id": parent}])
    assert gone["success"]
    (element,) = ruled.post({"ParentId": parent})
    assert element["ErrorCode"] == "LOOKUP_NOT_FOUND", element


def test_a_rule_is_switched_off_and_on_again(admin: Caller, ruled: Ruled) -> None:
    rule = ruled.rule("{!Name} = 'x'")
    assert not ruled.post({"Name": "x"})[0]["success"]
    for active, taken in (("0", True), ("1", False)):
        (changed,) = admin.write("PUT", "ENTITY_VALIDATION", [{"Id": rule, "Active": active}])
        assert changed["success"]
        assert ruled.post({"Name": "x"})[0]["success"] is taken
    (deleted,) = admin.write("DELETE", "delete/ENTITY_VALIDATION", [{"Id": rule}])
    assert deleted["success"] and ruled.post({"Name": "x"})[0]["success"]
    (back,) = admin.write("DELETE", "undelete/ENTITY_VALIDATION", [{"Id": rule}])
    assert back["success"] and not ruled.post({"Name": "x"})[0]["success"]


def test_what_comes_back_is_judged(admin: Caller, ruled: Ruled) -> None:
    bad, good = ruled.ids({"Name": "x"}, {"Name": "y"})
    rows = [{"Id": bad}, {"Id": good}]
    assert all(e["success"] for e in admin.write("DELETE", f"delete/{ruled.name}", rows))
    ruled.rule("{!Name} = 'x'")
    elements = admin.write("DELETE", f"undelete/{ruled.name}", rows)
    assert _refusals(elements) == [("VALIDATION_FAILED", "No.", "Name"), FINE]


@pytest.mark.parametrize("entity", ["ACCOUNT", "PRODUCT"])
def test_core_entities_take_rules(admin: Caller, ruled: Ruled, unique: str, entity: str) -> None:
    rule = ruled.rule(f"{{!Name}} = 'bad {unique}'", on=entity)
    try:
        elements = admin.write(
            "POST", entity, [{"Name": f"bad {unique}"}, {"Name": f"good {unique}"}]
        )
        assert _refusals(elements) == [("VALIDATION_FAILED", "No.", "Name"), FINE]
    finally:
        admin.write("DELETE", "delete/ENTITY_VALIDATION", [{"Id": rule}])


def test_of_a_thousand_records_only_the_bad_ones_fail(admin: Caller, ruled: Ruled) -> None:
    ruled.rule("MOD({!Amount}, 10) = 0", "No tens.")
    ruled.rule("1 / ({!Amount} - 500) > 0 AND {!Amount} = 501", "Never.")
    elements = ruled.post(*({"Amount": str(n)} for n in range(1, 1001)))
    assert [e["success"] for e in elements] == [n % 10 != 0 and n != 501 for n in range(1, 1001)]
    assert admin.query(f"SELECT COUNT(Id) AS n FROM {ruled.name}")[0]["n"] == "899"


def test_absurd_values_harm_no_neighbour(ruled: Ruled) -> None:
    ruled.rule("ADDMONTHS({!Born}, {!Amount}) > TODAY() OR {!Born} + {!Amount} > TODAY()")
    ruled.rule("POWER({!Amount}, {!Amount}) > 5 AND LEFT({!Name}, {!Amount}) = 'x'")
    elements = ruled.post(
        {"Name": "x" * 255, "Amount": "999999999999999999", "Born": "9999-12-31"},
        {"Name": "%_\\'\"", "Amount": "-999999999999999999", "Born": "0001-01-01"},
        {"Name": "x", "Amount": "0.0000000001", "Born": "2024-02-29"},
        {"Name": "y", "Amount": "1", "Born": "2020-01-01"},
    )
    assert [e["success"] for e in elements] == [True] * 4


@pytest.fixture
def masked(admin: Caller, ruled: Ruled, unique: str, live: Live) -> Caller:
    """Somebody who writes the entity but sees its Name masked."""
    (field,) = admin.query(f"SELECT Id FROM ENTITY_FIELD WHERE ExternalKey = '{ruled.name}.Name'")
    admin.write("PUT", "ENTITY_FIELD", [{"Id": field["Id"], "PIIFlag": "1"}])
    role = admin.create("ROLE", {"Name": f"Role {unique}"})
    admin.create(
        "ENTITY_FIELD_ROLE",
        {
            "RoleId": role,
            "EntityId": ruled.id,
            "CreateFlag": "1",
            "ReadFlag": "1",
            "UpdateFlag": "1",
        },
    )
    live.run(
        "from metabrm.identity.models import User\n"
        "user = User(username=sys.argv[1], role_id=int(sys.argv[2]))\n"
        "user.set_password(sys.argv[3])\n"
        "user.save()",
        unique,
        role,
        PASSWORD,
    )
    return Caller.signed_in(live.url, unique, PASSWORD)


def test_a_refusal_tells_no_masked_value(masked: Caller, ruled: Ruled) -> None:
    (secret,) = ruled.ids({"Name": "Secret Name", "Amount": "1"})
    ruled.rule("LEFT({!Name}, 6) = 'Secret' AND {!Amount} > 5", "Not that much.")
    ruled.rule("{!ParentObj.Name} = 'Secret Name'", "Not below this one.")
    for method, row in (
        ("PUT", {"Id": secret, "Amount": "6"}),
        ("POST", {"ParentId": secret}),
        ("PUT", {"Id": secret, "Name": "****", "Amount": "7"}),
    ):
        answer = masked.send(method, ruled.name, {"brmObjects": [row]})
        ((_, (element,)),) = answer.json().items()
        assert element["ErrorCode"] == "VALIDATION_FAILED"
        assert "Secret" not in answer.text
    read = masked.send("GET", f"{ruled.name}/{secret}")
    assert read.status_code == 200 and "****" in read.text and "Secret" not in read.text


def test_a_wrong_rule_is_told_where_it_is_wrong(admin: Caller, ruled: Ruled) -> None:
    (element,) = admin.write(
        "POST",
        "ENTITY_VALIDATION",
        [
            {
                "EntityId": ruled.id,
                "EntityValidationName": "wrong",
                "FormulaValue": "{!Amount} > 5 AND {!AccountObj.Nmae} = 'x'",
                "ErrorText": "x",
            }
        ],
    )
    assert element["ErrorCode"] == "INVALID_VALUE"
    assert element["ErrorElementField"] == "FormulaValue"
    assert (
        "ACCOUNT has no field 'Nmae'. Did you mean Name? (At character 32.)"
        in (element["ErrorText"])
    )
