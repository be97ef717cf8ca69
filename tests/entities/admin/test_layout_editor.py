"""The layout editor: what it offers, what its preview shows, saving, conflicts, the way back."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.models import Entity, EntityLayout
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.custom import custom_entity

pytestmark = pytest.mark.django_db

KINDS = ("LIST", "DETAIL", "INPUT", "SEARCH")
ROOT = "/admin/designer/"
LAYOUT = "ENTITY_LAYOUT_CONFIGURATION"


@pytest.fixture
def ship(db: None) -> Entity:
    return custom_entity(
        "SHIP",
        {
            "Name": {"required_flag": True, "searchable_flag": True},
            "Port": {},
            "Papers": {"data_type": "LONG_TEXT"},
            "Secret": {"hidden_flag": True},
            "OwnerId": {"data_type": "LOOKUP", "to": "ACCOUNT", "field_label": "Owner"},
        },
    )


def address(kind: str = "LIST", entity: str = "SHIP") -> str:
    return f"{ROOT}{entity}/layouts/{kind}/"


def names(answer: Any) -> list[str]:
    return [item.name for section in answer.context["shown"] for item in section["items"]]


def offered(answer: Any) -> dict[str, list[str]]:
    return {heading: [i.name for i in items] for heading, items in answer.context["available"]}


def save(client: Client, document: Any, kind: str = "LIST", seen: str | None = None) -> Any:
    if seen is None:
        seen = client.get(address(kind)).context["seen"]
    sent = {"ask": "save", "document": json.dumps(document), "seen": seen}
    return client.post(address(kind), sent)


def undo(client: Client, kind: str = "LIST") -> Any:
    last = client.get(address(kind)).context["last"]
    return client.post(address(kind), {"ask": "undo", "change": str(last.id)}, follow=True)


def preview(client: Client, document: Any, kind: str) -> Any:
    return client.post(address(kind), {"ask": "preview", "document": json.dumps(document)})


@pytest.mark.parametrize("kind", KINDS)
def test_every_entity_has_an_editor_for_every_kind(browser: Client, kind: str) -> None:
    for schema in current().entities.values():
        answer = browser.get(address(kind, schema.name))
        assert answer.status_code == (404 if schema.name == "AUDIT_LOG" else 200)
        if answer.status_code == 200:
            # What stands there by default may be saved as it is.
            assert not any(i.gone for s in answer.context["shown"] for i in s["items"])


def test_the_page_of_an_entity_leads_there(browser: Client, ship: Entity) -> None:
    assert f'href="{address()}"' in browser.get(f"{ROOT}SHIP/").text
    assert browser.get(f"{ROOT}SHIP/layouts/").headers["Location"] == address()
    assert browser.get(address("TREE")).status_code == 404
    assert browser.get(address(entity="NOSHIP")).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_can_be_saved_as_it_is(browser: Client, ship: Entity, kind: str) -> None:
    shown = names(browser.get(address(kind)))
    answer = save(browser, shown, kind)
    assert answer.json() == {"go": address(kind)}, answer.text
    assert EntityLayout.objects.get().layout_fields == shown
    after = browser.get(address(kind))
    assert names(after) == shown
    assert after.context["row"]["username"] == "boss"


def test_what_can_be_taken_is_offered_once(browser: Client, ship: Entity) -> None:
    save(browser, ["Name", "OwnerObj.Name", "OwnerId"])
    answer = browser.get(address())
    groups = offered(answer)
    assert groups[""] == [
        "Id",
        "Port",
        "Papers",
        "Created",
        "CreatedUserId",
        "Updated",
        "UpdatedUserId",
    ]
    assert "OwnerObj.Status" in groups["Owner"]
    assert "OwnerObj.Name" not in groups["Owner"]
    assert offered(browser.get(address("INPUT"))).keys() == {""}
    searchable = offered(browser.get(address("SEARCH")))[""] + names(browser.get(address("SEARCH")))
    assert "Papers" not in searchable
    notes = [i.notes for s in browser.get(address("SEARCH")).context["shown"] for i in s["items"]]
    assert [bool(n) for n in notes][:1] == [False]
    assert any(notes)


def test_the_preview_is_the_page_that_would_be(browser: Client, make: Any, ship: Entity) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    make("SHIP", Name="Ariel", Port="Cadiz", OwnerId=str(owner))
    listed = preview(browser, ["Port", "OwnerObj.Name"], "LIST")
    assert listed.context["columns"] == ["Port", "Owner › Name"]
    assert "Cadiz" in listed.text
    assert "Blue Harbor Ltd" in listed.text
    assert "Ariel" not in listed.text
    detail = preview(browser, [{"Section": "Home", "Fields": ["Port", "OwnerObj.Name"]}], "DETAIL")
    assert [(h, [label for label, _ in v]) for h, v in detail.context["groups"]] == [
        ("Home", ["Port", "Owner › Name"])
    ]
    form = preview(browser, ["Port"], "INPUT")
    assert [(h, [f.name for f in fields]) for h, fields in form.context["sets"]] == [
        ("", ["Port"]),
        ("Also needed", ["Name"]),
    ]
    assert "what no record can do without: Name" in form.text
    search = preview(browser, ["Port", "OwnerId"], "SEARCH")
    assert search.context["filters"] == ["Owner"]
    assert "Port or Owner or Id" in search.text
    assert "Without an index: Port, Owner" in search.text
    assert not EntityLayout.objects.exists()
    assert current().entity("SHIP").layouts == {}


@pytest.mark.parametrize("document", ["", "{", "[1]", "[" * 5000, '[{"Section": 1}]', "null"])
@pytest.mark.parametrize("ask", ["preview", "save"])
def test_what_is_no_layout_is_refused(
    browser: Client, ship: Entity, ask: str, document: str
) -> None:
    answer = browser.post(address(), {"ask": ask, "document": document, "seen": ""})
    assert answer.status_code in (400, 422)
    assert not EntityLayout.objects.exists()


def test_what_is_wrong_is_told_and_nothing_is_written(browser: Client, ship: Entity) -> None:
    answer = save(browser, ["Name", "Nmae", "Secret"])
    assert answer.status_code == 422
    first, second = answer.json()["problems"]
    assert "no field Nmae" in first
    assert "hidden in the admin" in second


def test_who_comes_second_is_told(browser: Client, ship: Entity) -> None:
    assert save(browser, ["Name"], seen="").status_code == 200
    # Two opened the editor before there was a layout.
    late = save(browser, ["Port"], seen="")
    assert late.status_code == 409
    assert "boss has saved this layout" in late.json()["stale"]
    assert EntityLayout.objects.get().layout_fields == ["Name"]
    # He looked at what is there, and means it.
    assert save(browser, ["Port"], seen=late.json()["seen"]).status_code == 200
    assert EntityLayout.objects.get().layout_fields == ["Port"]
    seen = browser.get(address()).context["seen"]
    browser.post(address(), {"ask": "reset", "seen": seen})
    gone = save(browser, ["Name"], seen=seen)
    assert gone.status_code == 409
    assert "back to the default" in gone.json()["stale"]
    browser.post(address(), {"ask": "reset", "seen": seen})
    assert EntityLayout.objects.filter(deleted_at=None).count() == 0


def test_the_last_change_can_be_undone(browser: Client, ship: Entity) -> None:
    usual = names(browser.get(address()))
    assert browser.get(address()).context["last"] is None
    save(browser, ["Name"])
    save(browser, ["Port", "Name"])
    undo(browser)
    assert names(browser.get(address())) == ["Name"]
    undo(browser)
    assert names(browser.get(address())) == ["Port", "Name"]
    browser.post(address(), {"ask": "reset", "seen": browser.get(address()).context["seen"]})
    assert names(browser.get(address())) == usual
    undo(browser)
    assert names(browser.get(address())) == ["Port", "Name"]
    undo(browser)
    assert names(browser.get(address())) == usual


def test_undoing_an_older_change_is_refused(browser: Client, ship: Entity) -> None:
    save(browser, ["Name"])
    older = browser.get(address()).context["last"].id
    save(browser, ["Port"])
    for change in (str(older), "", "x", "0"):
        answer = browser.post(address(), {"ask": "undo", "change": change}, follow=True)
        assert "another change meanwhile" in answer.text
    assert names(browser.get(address())) == ["Port"]


def test_a_first_save_finds_a_free_name(browser: Client, ship: Entity) -> None:
    row = {
        "EntityId": str(ship.pk),
        "layoutType": "LIST",
        "LayoutName": "List",
        "DefaultFlag": "0",
        "LayoutFields": ["Name"],
    }
    assert records.create(LAYOUT, [row], Context.system("test"))[0].ok
    assert save(browser, ["Port"]).status_code == 200
    assert EntityLayout.objects.get(default_flag=True).external_key == "SHIP.List 2"


def test_a_field_that_is_away_stays_in_its_place(browser: Client) -> None:
    system = Context.system("test")
    (made,) = records.create("ENTITY", [{"EntityName": "SHIP"}], system)
    for name in ("Name", "Port"):
        row = {"EntityId": str(made.id), "FieldName": name, "DataType": "TEXT"}
        (field,) = records.create("ENTITY_FIELD", [row], system)
    save(browser, ["Port", "Name"])
    records.delete("ENTITY_FIELD", [field.id], system)
    answer = browser.get(address())
    assert [i.gone for s in answer.context["shown"] for i in s["items"]] == [True, False]
    assert save(browser, ["Port", "Name", "Id"]).status_code == 200
    records.undelete("ENTITY_FIELD", [field.id], system)
    assert names(browser.get(address())) == ["Port", "Name", "Id"]


# Who may

DESIGNS = {"ENTITY": "r", "ENTITY_FIELD": "ru"}


@pytest.mark.parametrize(
    ("grants", "opens", "saves", "resets"),
    [
        ({"SHIP": "crud", LAYOUT: "crud"}, 403, 403, 403),
        (DESIGNS, 403, 403, 403),
        ({**DESIGNS, LAYOUT: "r"}, 200, 403, 403),
        ({**DESIGNS, LAYOUT: "ru"}, 200, 200, 403),
        ({**DESIGNS, LAYOUT: "crud"}, 200, 200, 302),
    ],
)
def test_each_does_only_what_he_may(
    browser: Client,
    limited: Any,
    ship: Entity,
    grants: dict[str, str],
    opens: int,
    saves: int,
    resets: int,
) -> None:
    save(browser, ["Name"])
    client, seen = limited(grants), browser.get(address()).context["seen"]
    assert client.get(address()).status_code == opens
    assert save(client, ["Port"], seen=seen).status_code == saves
    seen = browser.get(address()).context["seen"]
    assert client.post(address(), {"ask": "reset", "seen": seen}).status_code == resets
    shown = names(browser.get(address()))
    assert (shown == ["Name"]) == (saves == 403)
    if opens == 200 and saves == 403:
        assert "data-save" not in client.get(address()).text
        last = browser.get(address()).context["last"]
        client.post(address(), {"ask": "undo", "change": str(last.id)})
        assert names(browser.get(address())) == ["Name"]


def test_the_preview_shows_no_more_than_the_page(limited: Any, make: Any, ship: Entity) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    make("SHIP", Name="Ariel", Port="Cadiz", OwnerId=str(owner))
    client = limited({**DESIGNS, LAYOUT: "crud", "SHIP": "r"}, {"SHIP": ["Port"]})
    nobody = ["Name", "Port", "OwnerObj.Name"]
    for kind in ("LIST", "DETAIL"):
        text = preview(client, nobody, kind).text
        assert "Ariel" in text
        assert "Cadiz" not in text
        assert "Harbor" not in text
    assert "no form is shown" in preview(client, ["Name"], "INPUT").text


def test_strangers_sign_in_first(db: None) -> None:
    assert Client().post(address(), {"ask": "save", "document": "[]"}).status_code == 302


def test_the_pages_take_few_queries(browser: Client, make: Any, ship: Entity) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    for number in range(5):
        make("SHIP", Name=f"Ship {number}", OwnerId=str(owner))
    for kind, most in (("LIST", 11), ("DETAIL", 12), ("INPUT", 9), ("SEARCH", 9)):
        browser.get(address(kind))
        with CaptureQueriesContext(connection) as queries:
            browser.get(address(kind))
        assert len(queries) <= most, [q["sql"][:90] for q in queries]


def test_markup_stays_text(browser: Client, make: Any, ship: Entity) -> None:
    hostile = "<script>alert(1)</script>"
    make("SHIP", Name=hostile)
    document = [{"Section": hostile, "Fields": ["Name"]}]
    assert save(browser, document, "DETAIL").status_code == 200
    assert hostile not in browser.get(address("DETAIL")).text
    assert hostile not in preview(browser, document, "DETAIL").text
    assert hostile not in preview(browser, ["Name"], "LIST").text
