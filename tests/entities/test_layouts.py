"""Layout rows: what they may say, and what becomes of them when fields come and go."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entities import records
from entities.errors import RequestError
from entities.models import EntityLayout
from entities.schema.current import current
from entities.schema.layouts import Section, read, written
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db

LAYOUT = "ENTITY_LAYOUT_CONFIGURATION"


@pytest.fixture
def ship(admin: Context) -> int:
    """A custom entity with a text, a document, a file and a lookup to ACCOUNT; its Id."""
    entity = create_one("ENTITY", admin, EntityName="SHIP")
    account = current().entity("ACCOUNT").id
    for name, kind, more in (
        ("Name", "TEXT", {}),
        ("Port", "TEXT", {}),
        ("Papers", "JSON", {}),
        ("Tons", "INTEGER", {}),
        ("Secret", "TEXT", {"HiddenFlag": "1"}),
        ("OwnerId", "LOOKUP", {"ReferencedEntityId": str(account)}),
    ):
        create_one(
            "ENTITY_FIELD",
            admin,
            EntityId=str(entity),
            FieldName=name,
            ExternalKey=f"SHIP.{name}",
            DataType=kind,
            **more,
        )
    return entity


def field_id(name: str) -> int:
    return current().entity("SHIP").field(name).id


def lay(context: Context, entity: int, fields: Any, kind: str = "LIST", **more: Any) -> Any:
    row = {"EntityId": str(entity), "layoutType": kind, "LayoutName": kind.title(), **more}
    return records.create(LAYOUT, [{**row, "LayoutFields": fields}], context)[0]


def shown(kind: str = "LIST") -> list[str]:
    layout = current().entity("SHIP").layouts.get(kind, ())
    return [name for section in layout for name in section.names]


# What may be said


@pytest.mark.parametrize(
    ("kind", "document", "code", "says"),
    [
        ("LIST", ["Name", "Nmae"], "UNKNOWN_FIELD", "has no field Nmae. Did you mean Name?"),
        (
            "LIST",
            ["OwnrObj.Name"],
            "UNKNOWN_FIELD",
            "no way over a lookup OwnrObj. Did you mean Ow",
        ),
        ("LIST", ["OwnerObj.Nam"], "UNKNOWN_FIELD", "ACCOUNT has no field Nam."),
        ("LIST", ["PortObj.Name"], "UNKNOWN_FIELD", "SHIP has no way over a lookup PortObj"),
        (
            "LIST",
            ["Name", "Port", "name"],
            "INVALID_VALUE",
            "name twice, the second time as field 3",
        ),
        ("LIST", ["OwnerObj.Name", "owner_id_obj.NAME"], "INVALID_VALUE", "twice"),
        ("LIST", [], "INVALID_VALUE", "names no field"),
        ("LIST", [{"Section": "A", "Fields": ["Name"]}], "INVALID_VALUE", "LIST layout has no sec"),
        ("SEARCH", [{"Section": "A", "Fields": ["Name"]}], "INVALID_VALUE", "has no sections"),
        ("LIST", ["Secret"], "INVALID_VALUE", "Secret, which is hidden in the admin (HiddenFlag)"),
        ("LIST", ["OwnerObj.CurrencyCode", "OwnerObj.ParentAccountId"], "INVALID_VALUE", "ends in"),
        ("INPUT", ["Name", "OwnerObj.Name"], "INVALID_VALUE", "INPUT layouts have only the entity"),
        ("SEARCH", ["OwnerObj.Name"], "INVALID_VALUE", "SEARCH layouts have only the entity's own"),
        (
            "SEARCH",
            ["Name", "Papers"],
            "INVALID_VALUE",
            "is a JSON field; SEARCH layouts have text",
        ),
        ("SEARCH", ["Tons"], "INVALID_VALUE", "is a INTEGER field"),
        ("LIST", "Name", "INVALID_VALUE", "is no JSON"),
        ("LIST", {"Name": 1}, "INVALID_VALUE", "is a list of field names"),
        ("LIST", ["Name", 7], "INVALID_VALUE", "has at [1] neither"),
        ("LIST", ["Name", ""], "INVALID_VALUE", "has at [1] no field's name"),
        ("LIST", [None], "INVALID_VALUE", "has at [0] neither"),
        ("LIST", ["Name"] * 501, "INVALID_VALUE", "has 501 fields; 500 are the most"),
        ("DETAIL", [{"Section": "A"}], "INVALID_VALUE", "a section that is not of the form"),
        ("DETAIL", [{"Section": 1, "Fields": []}], "INVALID_VALUE", "a heading that is no text"),
        ("DETAIL", [{"Section": "A", "Fields": "Name"}], "INVALID_VALUE", "no list of names"),
        ("DETAIL", [{"Section": "A", "Fields": [[]]}], "INVALID_VALUE", "[0].Fields[0] no field"),
        ("DETAIL", [{"Section": "A", "Fields": []}], "INVALID_VALUE", "names no field"),
        ("DETAIL", [{"Section": "A" * 101, "Fields": ["Name"]}], "INVALID_VALUE", "at most 100"),
        ("TREE", ["Name"], "VALUE_NOT_IN_LIST", "TREE"),
        ("LIST", None, "REQUIRED_FIELD_MISSING", "LayoutFields"),
    ],
)
def test_what_is_wrong_is_refused_and_says_why(
    admin: Context, ship: int, kind: str, document: Any, code: str, says: str
) -> None:
    outcome = lay(admin, ship, document, kind)
    assert code in codes([outcome])[0]
    assert any(says in p.message for p in outcome.problems), outcome.problems
    assert not EntityLayout.objects.exists()


@pytest.mark.parametrize(
    ("kind", "document", "kept"),
    [
        ("LIST", ["name", "OWNEROBJ.NAME"], ["Name", "OwnerObj.Name"]),
        ("LIST", '["Port"]', ["Port"]),
        ("LIST", ["Papers", "Tons", "Id", "Updated"], ["Papers", "Tons", "Id", "Updated"]),
        ("SEARCH", ["Name", "OwnerId", "Created"], ["Name", "OwnerId", "Created"]),
        (
            "DETAIL",
            ["Name", {"Section": " Sea ", "Fields": ["Port", "OwnerObj.Name"]}],
            ["Name", {"Section": "Sea", "Fields": ["Port", "OwnerObj.Name"]}],
        ),
        ("INPUT", [{"Section": "", "Fields": ["Port"]}], ["Port"]),
    ],
)
def test_a_layout_is_kept_with_the_names_as_the_fields_have_them(
    admin: Context, ship: int, kind: str, document: Any, kept: Any
) -> None:
    outcome = lay(admin, ship, document, kind)
    assert outcome.ok, outcome.problems
    row = EntityLayout.objects.get()
    assert row.layout_fields == kept
    assert row.external_key == f"SHIP.{kind.title()}"
    assert written(read(kept)) == kept


def test_it_is_read_changed_upserted_deleted_and_restored(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Name"]).ok
    layout = EntityLayout.objects.get()
    (outcome,) = records.update(LAYOUT, [{"Id": str(layout.pk), "LayoutLabel": "L"}], admin)
    assert outcome.ok
    row = {
        "ExternalKey": "SHIP.List",
        "EntityId": str(ship),
        "layoutType": "LIST",
        "LayoutName": "List",
        "LayoutFields": ["Port"],
    }
    (outcome,) = records.upsert(LAYOUT, [row], admin, key="ExternalKey")
    assert outcome.ok, outcome.problems
    assert outcome.id == layout.pk
    assert shown() == ["Port"]
    (outcome,) = records.delete(LAYOUT, [layout.pk], admin)
    assert outcome.ok
    assert shown() == []
    (outcome,) = records.undelete(LAYOUT, [layout.pk], admin)
    assert outcome.ok
    assert shown() == ["Port"]


def test_keys_and_names_are_unique_and_one_layout_of_a_kind_is_used(
    admin: Context, ship: int
) -> None:
    assert lay(admin, ship, ["Name"]).ok
    again = lay(admin, ship, ["Name"], LayoutName="Other")
    assert codes([again]) == [["DUPLICATE_KEY"]]
    assert "The LIST pages use the layout List already" in again.problems[0].message
    same_key = lay(admin, ship, ["Name"], LayoutName="Other", DefaultFlag="0")
    assert same_key.ok
    for more in ({"ExternalKey": "SHIP.List"}, {"LayoutName": "List", "ExternalKey": "x"}):
        row = {"DefaultFlag": "0", "LayoutName": "Third", **more}
        assert codes([lay(admin, ship, ["Name"], **row)]) == [["DUPLICATE_KEY"]]
    row = {"EntityId": str(ship), "layoutType": "DETAIL", "LayoutFields": ["Name"]}
    outcomes = records.create(LAYOUT, [{**row, "LayoutName": n} for n in ("A", "B")], admin)
    assert codes(outcomes) == [[], ["DUPLICATE_KEY"]]
    # Which one is used can change, one step after the other.
    other = EntityLayout.objects.get(layout_name="Other")
    default = EntityLayout.objects.get(layout_name="List")
    change = [{"Id": str(other.pk), "DefaultFlag": "1"}]
    assert codes(records.update(LAYOUT, change, admin)) == [["DUPLICATE_KEY"]]
    records.update(LAYOUT, [{"Id": str(default.pk), "DefaultFlag": "0"}], admin)
    assert codes(records.update(LAYOUT, change, admin)) == [[]]
    records.delete(LAYOUT, [other.pk], admin)
    records.update(LAYOUT, [{"Id": str(default.pk), "DefaultFlag": "1"}], admin)
    assert codes(records.undelete(LAYOUT, [other.pk], admin)) == [["DUPLICATE_KEY"]]


def test_a_layout_stays_with_its_entity(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Name"]).ok
    change = {"Id": str(EntityLayout.objects.get().pk)}
    account = {**change, "EntityId": str(current().entity("ACCOUNT").id)}
    assert codes(records.update(LAYOUT, [account], admin)) == [["FIELD_NOT_CHANGEABLE"]]
    to_search = {**change, "layoutType": "SEARCH", "LayoutFields": ["Tons"]}
    assert codes(records.update(LAYOUT, [to_search], admin)) == [["INVALID_VALUE"]]
    assert "LOOKUP_NOT_FOUND" in codes([lay(admin, 987654, ["Name"], LayoutName="X")])[0]
    log = current().entity("AUDIT_LOG").id
    assert codes([lay(admin, log, ["Action"])]) == [["VALIDATION_FAILED"]]


def test_changing_the_kind_alone_checks_what_is_there(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Tons"]).ok
    change = {"Id": str(EntityLayout.objects.get().pk), "layoutType": "SEARCH"}
    assert codes(records.update(LAYOUT, [change], admin)) == [["INVALID_VALUE"]]


def test_who_may_write_the_rows_may_arrange_and_learns_no_names(
    clerk: Any, admin: Context, ship: int
) -> None:
    nobody = clerk(SHIP="CRUD")
    with pytest.raises(RequestError) as refused:
        lay(nobody, ship, ["Name"])
    assert refused.value.code == "INSUFFICIENT_RIGHTS"
    decorator = clerk(ENTITY_LAYOUT_CONFIGURATION="CRUD", ENTITY="R")
    outcome = lay(decorator, ship, ["Nmae"])
    assert outcome.problems[0].message.endswith("SHIP has no field Nmae.")
    assert codes([lay(decorator, ship, ["Name"])]) == [["UNKNOWN_FIELD"]]
    keeper = clerk(ENTITY_LAYOUT_CONFIGURATION="CRUD", ENTITY="R", SHIP="R")
    assert lay(keeper, ship, ["Name"]).ok


NAMES = st.sampled_from(["Name", "Port", "OwnerObj.Name", "Tons"])
SECTIONS = st.fixed_dictionaries(
    {"Section": st.sampled_from(["", "A", "B"]), "Fields": st.lists(NAMES, max_size=3)}
)


@given(st.lists(NAMES | SECTIONS, max_size=6))
def test_reading_and_writing_keeps_names_headings_and_order(document: list[Any]) -> None:
    again = written(read(document))
    assert read(again) == read(document)

    def flat(entries: list[Any]) -> list[str]:
        return [n for e in entries for n in (e["Fields"] if isinstance(e, dict) else [e])]

    assert flat(again) == flat(document)
    kept = [e for e in document if isinstance(e, dict) and e["Fields"]]
    headings = [e["Section"] for e in kept if e["Section"]]
    assert [e["Section"] for e in again if isinstance(e, dict) and e["Section"]] == headings


# Fields come and go


def test_a_renamed_field_keeps_its_place(admin: Context, ship: int) -> None:
    fleet = create_one("ENTITY", admin, EntityName="FLEET")
    for name in ("FlagshipId", "Spare"):
        create_one(
            "ENTITY_FIELD",
            admin,
            EntityId=str(fleet),
            FieldName=name,
            ExternalKey=f"FLEET.{name}",
            DataType="LOOKUP",
            ReferencedEntityId=str(ship),
        )
    names = ["FlagshipId", "FlagshipObj.Port", "SpareObj.Port", "FlagshipObj.OwnerObj.Name"]
    assert lay(admin, fleet, names).ok
    assert lay(admin, ship, ["Port", "OwnerObj.Name", "OwnerId"]).ok
    fleet_field = current().entity("FLEET").field
    for id_, new in (
        (field_id("Port"), "Haven"),
        (field_id("OwnerId"), "HolderId"),
        (fleet_field("FlagshipId").id, "LeaderId"),
        (fleet_field("Spare").id, "ReserveId"),
    ):
        (outcome,) = records.update("ENTITY_FIELD", [{"Id": str(id_), "FieldName": new}], admin)
        assert outcome.ok, outcome.problems
    assert shown() == ["Haven", "HolderObj.Name", "HolderId"]
    (section,) = current().entity("FLEET").layouts["LIST"]
    assert section.names == (
        "LeaderId",
        "LeaderObj.Haven",
        "ReserveIdObj.Haven",
        "LeaderObj.HolderObj.Name",
    )
    # What stands there is what would be accepted.
    layout = EntityLayout.objects.get(entity=fleet)
    again = {"Id": str(layout.pk), "LayoutFields": layout.layout_fields}
    assert codes(records.update(LAYOUT, [again], admin)) == [[]]


def test_a_deleted_field_keeps_its_place_until_it_is_purged(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Name", "Port", "OwnerObj.Name"]).ok
    layout = EntityLayout.objects.get()
    port, owner = field_id("Port"), field_id("OwnerId")
    for id_ in (port, owner):
        assert codes(records.delete("ENTITY_FIELD", [id_], admin)) == [[]]
    # The row can be written back as it is read, but no other layout can name what is not there.
    again = {"Id": str(layout.pk), "LayoutFields": ["Port", "Name", "OwnerObj.Name"]}
    assert codes(records.update(LAYOUT, [again], admin)) == [[]]
    assert codes([lay(admin, ship, ["Port"], "DETAIL")]) == [["UNKNOWN_FIELD"]]
    records.undelete("ENTITY_FIELD", [port], admin)
    assert shown() == ["Port", "Name", "OwnerObj.Name"]
    for id_ in (port, owner):
        records.delete("ENTITY_FIELD", [id_], admin)
        assert codes(records.delete("ENTITY_FIELD", [id_], admin, permanently=True)) == [[]]
    layout.refresh_from_db()
    assert layout.layout_fields == ["Name"]


def test_what_has_become_unfit_leaves_the_pages_and_hinders_nobody(
    admin: Context, ship: int
) -> None:
    assert lay(admin, ship, ["Port", "OwnerObj.Name", "Name"]).ok
    layout = EntityLayout.objects.get()
    change = [{"Id": str(field_id("Port")), "HiddenFlag": "1"}]
    assert codes(records.update("ENTITY_FIELD", change, admin)) == [[]]
    again = {"Id": str(layout.pk), "LayoutFields": ["Name", "Port"]}
    assert codes(records.update(LAYOUT, [again], admin)) == [[]]
    assert codes([lay(admin, ship, ["Port"], "DETAIL")]) == [["INVALID_VALUE"]]


def test_purging_spares_the_field_that_has_taken_the_name(admin: Context, ship: int) -> None:
    old = field_id("Port")
    records.delete("ENTITY_FIELD", [old], admin)
    create_one(
        "ENTITY_FIELD",
        admin,
        EntityId=str(ship),
        FieldName="Port",
        ExternalKey="SHIP.Port",
        DataType="TEXT",
    )
    assert lay(admin, ship, ["Name", "Port"]).ok
    records.delete("ENTITY_FIELD", [old], admin, permanently=True)
    assert shown() == ["Name", "Port"]


def test_layouts_follow_their_entity(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Name"]).ok
    records.update("ENTITY", [{"Id": str(ship), "EntityName": "VESSEL"}], admin)
    assert EntityLayout.objects.get().external_key == "VESSEL.List"
    assert codes(records.delete("ENTITY", [ship], admin)) == [[]]
    assert codes(records.undelete("ENTITY", [ship], admin)) == [[]]
    assert current().entity("VESSEL").layouts["LIST"] == (Section("", ("Name",)),)
    records.delete("ENTITY", [ship], admin)
    assert codes(records.delete("ENTITY", [ship], admin, permanently=True)) == [[]]
    assert not EntityLayout.objects.exists()


def test_a_row_that_is_no_layout_takes_no_page_down(admin: Context, ship: int) -> None:
    assert lay(admin, ship, ["Name"]).ok
    EntityLayout.objects.update(layout_fields={"not": "a layout"})
    assert current().entity("SHIP").layouts == {}
    change = {"Id": str(EntityLayout.objects.get().pk), "LayoutFields": json.dumps(["Port"])}
    assert codes(records.update(LAYOUT, [change], admin)) == [[]]
    assert shown() == ["Port"]
