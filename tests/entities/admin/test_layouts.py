"""Pages look as their layouts say, as far as the reader's rights go, in as few queries as ever."""

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.access import EntityRights, rights
from entities.admin.derived import derive
from entities.models import Entity, EntityLayout
from entities.schema import layouts
from entities.schema.current import current
from entities.schema.description import EntitySchema
from metabrm.identity.context import Context
from tests.entities.custom import custom_entity, custom_field

pytestmark = pytest.mark.django_db

Make = Callable[..., int]


@pytest.fixture
def ship(db: None) -> Entity:
    """A custom entity with a lookup to ACCOUNT."""
    return custom_entity(
        "SHIP",
        {
            "Name": {"required_flag": True},
            "Port": {},
            "Flag": {"data_type": "FLAG", "field_label": "Sails"},
            "Built": {"data_type": "DATE"},
            "Price": {"data_type": "MONEY"},
            "OwnerId": {"data_type": "LOOKUP", "to": "ACCOUNT", "field_label": "Owner"},
        },
    )


def lay(entity: Entity, kind: str, *fields: Any) -> EntityLayout:
    row = {
        "EntityId": str(entity.pk),
        "layoutType": kind,
        "LayoutName": kind.title(),
        "LayoutFields": list(fields),
    }
    (outcome,) = records.create("ENTITY_LAYOUT_CONFIGURATION", [row], Context.system("test"))
    assert outcome.ok, outcome.problems
    return EntityLayout.objects.get(pk=outcome.id)


def columns(answer: Any) -> list[str]:
    shown = [getattr(c, "__name__", c) for c in answer.context["cl"].list_display]
    return [name for name in shown if name != "action_checkbox"]


def headings(answer: Any) -> dict[str | None, list[str]]:
    """Heading -> names of what stands under it on a record's page."""
    return {
        fieldset.name: [
            str(f.field.name if not f.is_readonly else f.field["name"])
            for line in fieldset
            for f in line
        ]
        for fieldset in answer.context["adminform"]
    }


class _Links(HTMLParser):
    """Finds links inside links, which browsers tear apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.depth = self.nested = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "a":
            self.nested += self.depth > 0
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "a"


# Lists


def test_a_list_shows_what_its_layout_says(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    make("SHIP", Name="Ariel", Port="Cadiz", OwnerId=str(owner))
    usual = columns(browser.get(page("SHIP")))
    layout = lay(ship, "LIST", "Port", "OwnerObj.Name", "OwnerObj.CreatedUserObj.Username", "Name")
    answer = browser.get(page("SHIP"))
    assert columns(answer) == ["Port", "OwnerObj.Name", "OwnerObj.CreatedUserObj.Username", "Name"]
    assert "Owner › Name" in answer.text
    assert answer.text.count("Blue Harbor Ltd") == 1
    records.delete("ENTITY_LAYOUT_CONFIGURATION", [layout.pk], Context.system("test"))
    assert columns(browser.get(page("SHIP"))) == usual


def test_a_list_takes_as_many_queries_for_forty_records_as_for_one(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    lay(
        ship,
        "LIST",
        "Name",
        "OwnerId",
        "OwnerObj.Name",
        "OwnerObj.CreatedUserObj.Username",
        "Price",
    )
    counts = []
    for more in (1, 39):
        for number in range(more):
            owner = make("ACCOUNT", Name=f"Owner {more} {number}")
            make("SHIP", Name=f"Ship {number}", OwnerId=str(owner))
        browser.get(page("SHIP"))
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page("SHIP")).status_code == 200
        counts.append(len(queries))
    assert counts == [8, 8]


def test_a_record_can_be_opened_from_any_list(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    record = make("SHIP", Name="Ariel", OwnerId=str(owner))
    layout = lay(ship, "LIST", "OwnerId", "Name")
    for names in (["OwnerId", "Name"], ["OwnerId"], ["OwnerObj.Name", "OwnerId"], ["Flag"]):
        change = {"Id": str(layout.pk), "LayoutFields": names}
        records.update("ENTITY_LAYOUT_CONFIGURATION", [change], Context.system("test"))
        answer = browser.get(page("SHIP"))
        assert f'href="{page("SHIP", record, "change")}' in answer.text
        assert _Links(answer.text).nested == 0


def test_computed_fields_can_be_listed(browser: Client, page: Any, make: Make) -> None:
    entity = Entity.objects.get(entity_name="ENTITY")
    lay(entity, "LIST", "EntityName", "BaseEntity")
    assert columns(browser.get(page("ENTITY"))) == ["EntityName", "BaseEntity"]


def test_rights_win_over_the_layout(
    browser: Client, limited: Any, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    record = make("SHIP", Name="Ariel", Port="Cadiz", Price="77", OwnerId=str(owner))
    shown = ("Name", "Port", "OwnerObj.Name", "Price")
    lay(ship, "LIST", *shown)
    lay(ship, "DETAIL", *shown)
    lay(ship, "SEARCH", "Port", "Name", "OwnerId")
    lay(ship, "INPUT", "Price", "Name")
    client = limited({"SHIP": "ru"}, {"SHIP": ["Port", "Price"]})
    answer = client.get(page("SHIP"))
    assert columns(answer) == ["Name"]
    assert not client.get(page("SHIP"), {"q": "Cadiz"}).context["cl"].result_list
    assert not client.get(page("SHIP"), {"q": "Harbor"}).context["cl"].result_list
    form = client.get(page("SHIP", record, "change"))
    assert headings(form) == {None: ["Name"]}
    for text in (answer.text, form.text):
        assert "Cadiz" not in text
        assert "Harbor" not in text
        assert "77" not in text
    client.post(page("SHIP", record, "change"), {"Name": "Bella", "Price": "1", "Port": "X"})
    (stored,) = browser.get(page("SHIP")).context["cl"].result_list
    assert (stored.pk, stored.brm_computed["OwnerObj.Name"]) == (record, "Blue Harbor Ltd")
    assert "Bella" in browser.get(page("SHIP")).text
    assert "77" in browser.get(page("SHIP")).text


def test_what_is_masked_stays_masked_over_a_lookup(
    limited: Any, page: Any, make: Make, ship: Entity
) -> None:
    account = Entity.objects.get(entity_name="ACCOUNT")
    custom_field(account, "Captain", pii_flag=True)
    owner = make("ACCOUNT", Name="Blue Harbor Ltd", Captain="Nemo")
    record = make("SHIP", Name="Ariel", OwnerId=str(owner))
    lay(ship, "LIST", "Name", "OwnerObj.Captain")
    lay(ship, "DETAIL", "Name", "OwnerObj.Captain")
    client = limited({"SHIP": "r", "ACCOUNT": "r"})
    for address in (page("SHIP"), page("SHIP", record, "change")):
        text = client.get(address).text
        assert "****" in text
        assert "Nemo" not in text


def test_a_layout_with_nothing_for_the_reader_is_as_good_as_none(
    limited: Any, page: Any, make: Make, ship: Entity
) -> None:
    make("SHIP", Name="Ariel")
    lay(ship, "LIST", "Price")
    answer = limited({"SHIP": "r"}, {"SHIP": ["Price"]}).get(page("SHIP"))
    assert "Name" in columns(answer)


# Search


def test_search_looks_where_its_layout_says(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    make("SHIP", Name="Ariel", Port="Cadiz", OwnerId=str(owner))

    def found(words: str) -> int:
        return len(browser.get(page("SHIP"), {"q": words}).context["cl"].result_list)

    assert (found("Ariel"), found("Cadiz")) == (1, 0)
    lay(ship, "SEARCH", "Port", "Built", "OwnerId")
    answer = browser.get(page("SHIP"))
    assert (found("Ariel"), found("Cadiz"), found("harbor")) == (0, 1, 1)
    assert [f.title for f in answer.context["cl"].filter_specs] == ["Built", "Owner"]
    assert "Port or Owner or Id" in answer.text


def test_related_lists_are_narrowed_by_lookups_that_have_no_filter(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner, other = make("ACCOUNT", Name="A"), make("ACCOUNT", Name="B")
    make("SHIP", Name="Ariel", OwnerId=str(owner))
    make("SHIP", Name="Bella", OwnerId=str(other))
    lay(ship, "SEARCH", "Name")
    text = browser.get(page("ACCOUNT", owner, "change")).text
    (address,) = {part.split('"')[0] for part in text.split('href="') if "ship/?" in part[:80]}
    (only,) = browser.get(address).context["cl"].result_list
    assert only.pk


# A record's page


def test_the_form_asks_for_what_the_layout_says(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    lay(ship, "INPUT", "Port", {"Section": "Money", "Fields": ["Price"]})
    answer = browser.get(page("SHIP", "add"))
    # A form without the required name could not be saved.
    assert headings(answer) == {None: ["Port"], "Money": ["Price"], "Also needed": ["Name"]}
    browser.post(page("SHIP", "add"), {"Port": "Cadiz", "Price": "7", "Name": "Ariel"})
    (record,) = browser.get(page("SHIP")).context["cl"].result_list
    answer = browser.get(page("SHIP", record.pk, "change"))
    assert list(answer.context["adminform"].form.fields) == ["Port", "Price"]
    assert headings(answer)["More"] == ["Id", "Name", "Flag", "Built", "OwnerId"]
    # What the form does not ask for stays as it is, whatever is posted.
    browser.post(
        page("SHIP", record.pk, "change"), {"Port": "Genoa", "Price": "7", "Name": "Stolen"}
    )
    text = browser.get(page("SHIP")).text
    assert "Genoa" in text
    assert "Ariel" in text
    assert "Stolen" not in text


def test_what_the_address_fills_in_is_asked_for(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    lay(ship, "INPUT", "Name")
    address = f"{page('SHIP', 'add')}?OwnerId={owner}"
    assert headings(browser.get(address)) == {None: ["Name"], "Also needed": ["OwnerId"]}
    browser.post(address, {"Name": "Ariel", "OwnerId": str(owner)})
    (record,) = browser.get(page("SHIP")).context["cl"].result_list
    assert record.brm_titles["OwnerId"] == (owner, "Blue Harbor Ltd")


def test_details_follow_their_layout_below_the_form(
    browser: Client, limited: Any, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    record = make("SHIP", Name="Ariel", Port="Cadiz", OwnerId=str(owner))
    lay(
        ship,
        "DETAIL",
        "Name",
        {"Section": "Home", "Fields": ["Port", "OwnerObj.Name"]},
        {"Section": "Past", "Fields": ["Built", "Created"]},
    )
    reader = limited({"SHIP": "r", "ACCOUNT": "r"})
    answer = reader.get(page("SHIP", record, "change"))
    assert headings(answer) == {
        None: ["Name"],
        "Home": ["Port", "OwnerObj.Name"],
        "Past": ["Built", "Created"],
    }
    assert "Blue Harbor Ltd" in answer.text
    lay(ship, "INPUT", "Port", "Name")
    answer = browser.get(page("SHIP", record, "change"))
    assert headings(answer) == {
        None: ["Port", "Name"],
        "Home": ["OwnerObj.Name"],
        "Past": ["Built", "Created"],
    }
    # A new record has no details.
    assert headings(browser.get(page("SHIP", "add"))) == {None: ["Port", "Name"]}


def test_a_record_page_takes_as_few_queries_with_layouts(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    owner = make("ACCOUNT", Name="Blue Harbor Ltd")
    record = make("SHIP", Name="Ariel", OwnerId=str(owner))
    counts = []
    for kind in (None, "INPUT", "DETAIL"):
        if kind:
            lay(ship, kind, "Name", "OwnerId", *(["OwnerObj.Name"] * (kind == "DETAIL")))
        browser.get(page("SHIP", record, "change"))
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page("SHIP", record, "change")).status_code == 200
        counts.append(len(queries))
    # Everything behind the lookups is one statement.
    assert counts[1] <= counts[0]
    assert counts[2] <= counts[0] + 1


def test_markup_in_headings_and_values_stays_text(
    browser: Client, page: Any, make: Make, ship: Entity
) -> None:
    hostile = "<script>alert(1)</script>"
    owner = make("ACCOUNT", Name=hostile)
    record = make("SHIP", Name="Ariel", OwnerId=str(owner))
    lay(ship, "DETAIL", {"Section": hostile, "Fields": ["OwnerObj.Name"]})
    lay(ship, "LIST", "Name", "OwnerObj.Name")
    for address in (page("SHIP", record, "change"), page("SHIP")):
        assert hostile not in browser.get(address).text


@pytest.mark.parametrize("kind", ["LIST", "DETAIL", "INPUT", "SEARCH"])
def test_a_deleted_field_leaves_the_pages_and_comes_back(
    browser: Client, page: Any, make: Make, kind: str
) -> None:
    """Whatever the kind of layout, its pages open while a field that it names is away."""
    system = Context.system("test")
    (made,) = records.create("ENTITY", [{"EntityName": "BOAT"}], system)
    entity = Entity.objects.get(pk=made.id)
    for name in ("Name", "Port"):
        row = {"EntityId": str(made.id), "FieldName": name, "DataType": "TEXT"}
        (field,) = records.create("ENTITY_FIELD", [row], system)
    record = make("BOAT", Name="Ariel", Port="Cadiz")
    lay(entity, kind, "Port", "Name")
    addresses = (page("BOAT"), page("BOAT", "add"), page("BOAT", record, "change"))
    before = [browser.get(a).status_code for a in addresses]
    assert records.delete("ENTITY_FIELD", [field.id], system)[0].ok
    away = [browser.get(a) for a in addresses]
    assert before == [a.status_code for a in away] == [200, 200, 200]
    assert not any("Cadiz" in a.text for a in away)
    assert records.undelete("ENTITY_FIELD", [field.id], system)[0].ok
    assert any("Port" in browser.get(a).text for a in addresses)


def test_a_record_behind_a_lookup_that_the_reader_may_not_see_reads_as_none(
    make: Make, ship: Entity
) -> None:
    seen, unseen = make("ACCOUNT", Name="Seen"), make("ACCOUNT", Name="Unseen")
    for owner in (seen, unseen):
        make("SHIP", Name="Ariel", OwnerId=str(owner))
    snapshot = current()
    schema = snapshot.entity("SHIP")

    def rights_of(on: EntitySchema) -> EntityRights:
        whole = rights(snapshot, Context.system("test"), on)
        return replace(whole, condition="{t}.name <> 'Unseen' OR {t}.name LIKE 'x%'")

    place = layouts.resolve(snapshot, schema, "OwnerObj.Name")
    assert place is not None
    found = list(schema.model._default_manager.order_by("pk"))
    derive(snapshot, schema, found, (), [place], rights_of)
    assert [record.brm_computed for record in found] == [
        {"OwnerObj.Name": "Seen"},
        {"OwnerObj.Name": None},
    ]


def test_what_can_only_be_written_stands_on_forms_alone(
    browser: Client, limited: Any, page: Any, make: Make
) -> None:
    action = Entity.objects.get(entity_name="WORKFLOW_ACTION")
    lay(action, "INPUT", "ActionName", "Secret")
    row = {"EntityId": str(action.pk), "layoutType": "DETAIL", "LayoutName": "D"}
    (refused,) = records.create(
        "ENTITY_LAYOUT_CONFIGURATION", [{**row, "LayoutFields": ["Secret"]}], Context.system("test")
    )
    assert "never read" in refused.problems[0].message
    answer = browser.get(page("WORKFLOW_ACTION", "add"))
    assert "Secret" in answer.context["adminform"].form.fields
    account = str(current().entity("ACCOUNT").id)
    rule = make("WORKFLOW_RULE", RuleName="R", EntityId=account, Event="After Create")
    values = {"ActionType": "WEBHOOK", "Url": "https://example.com/", "Secret": "open sesame 1234"}
    made = make("WORKFLOW_ACTION", ActionName="A", WorkflowRuleId=str(rule), **values)
    for client in (browser, limited({"WORKFLOW_ACTION": "r", "WORKFLOW_RULE": "r"})):
        form = client.get(page("WORKFLOW_ACTION", made, "change"))
        assert form.status_code == 200
        assert "sesame" not in form.text
