"""The designer: who may open it, what its pages show, and that its changes are the verbs'."""

import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.customers.models import Account
from entities import fieldtypes, records
from entities.admin.designer import panel
from entities.admin.designer.sample import sample_value, unsaved
from entities.formulas import FUNCTIONS
from entities.models import Entity, EntityField, SchemaChange, SchemaJob
from entities.schema.current import current
from metabrm import clock
from metabrm.identity.context import Context
from metabrm.identity.models import User

ROOT = "/admin/designer/"
HOSTILE = "<script>alert('x')</script>\"'"


@pytest.fixture
def designed(browser: Client) -> str:
    """An entity made by the designer; its address."""
    sent = {"EntityLabel": "Promotion", "EntityName": "PROMO", "RetentionDays": "30"}
    sent |= {"ApiEnabled": "on", "VisibleFlag": "on"}
    answer = browser.post(f"{ROOT}new/", {**sent, "ask": "apply"})
    assert answer.headers["Content-Type"] == "application/json", answer.text
    assert answer.json() == {"go": f"{ROOT}PROMO/"}
    return f"{ROOT}PROMO/"


def add(browser: Client, address: str, **sent: Any) -> Any:
    """What the panel of a new field answers to Apply."""
    asked = {"ask": "apply", "ApiAccessableFlag": "on"}
    return browser.post(f"{address}fields/new/", {**asked, **sent})


# Who may


def test_it_is_in_the_menu_of_those_who_may(browser: Client) -> None:
    assert f'href="{ROOT}"' in browser.get("/admin/").text


@pytest.mark.parametrize(
    "grants",
    [
        {"ACCOUNT": "crud"},
        {"ENTITY": "r", "ENTITY_FIELD": "r"},
        {"ENTITY": "crud"},
        {"ENTITY": "cud", "ENTITY_FIELD": "crud"},
    ],
)
def test_it_is_closed_to_those_who_may_not(limited: Any, grants: dict[str, str]) -> None:
    client = limited(grants)
    assert f'href="{ROOT}"' not in client.get("/admin/").text
    for tail in ("", "new/", "jobs/", "changes/", "ACCOUNT/", "ACCOUNT/fields/new/"):
        assert client.get(f"{ROOT}{tail}").status_code == 403
    for tail in ("new/", "restore/", "ACCOUNT/order/", "ACCOUNT/formula/", "ACCOUNT/delete/"):
        assert client.post(f"{ROOT}{tail}", {"ask": "apply"}).status_code == 403


def test_a_stranger_signs_in_first(db: None) -> None:
    assert Client().get(ROOT).status_code == 302


def test_a_role_does_only_what_it_may(limited: Any) -> None:
    client = limited({"ENTITY": "r", "ENTITY_FIELD": "ru"})
    shown = client.get(f"{ROOT}ACCOUNT/").text
    assert "New field" not in shown
    assert "Edit entity" not in shown
    sent = {"FieldName": "Mine", "DataType": "TEXT", "ask": "apply"}
    assert client.post(f"{ROOT}ACCOUNT/fields/new/", sent).status_code == 403
    assert client.post(f"{ROOT}new/", {"EntityName": "MINE", "ask": "apply"}).status_code == 403
    assert not Entity.objects.filter(entity_name="MINE").exists()


def test_counts_changes_and_jobs_are_for_those_who_may_read_them(limited: Any, make: Any) -> None:
    make("ACCOUNT", Name="Blue Harbor Ltd")
    SchemaChange.objects.create(
        changed_at=clock.now(), entity_name="X", summary="Secret plan", milliseconds=1
    )
    client = limited({"ENTITY": "r", "ENTITY_FIELD": "ru"})
    rows = client.get(ROOT).context["entities"]
    assert next(r for r in rows if r["name"] == "ACCOUNT")["held"] is None
    assert next(r for r in rows if r["name"] == "ENTITY_FIELD")["held"].count > 0
    assert "Secret plan" not in client.get(f"{ROOT}changes/").text


# Pages


def test_an_entity_s_page_leads_to_its_rules_and_to_no_other_s(
    browser: Client, designed: str
) -> None:
    system = Context.system("test")
    add(browser, designed, FieldLabel="Code", FieldName="Code", DataType="TEXT")
    for entity in ("PROMO", "ACCOUNT"):
        rule = {"EntityIdObj": {"EntityName": entity}, "Event": "After Create"}
        (made,) = records.create("WORKFLOW_RULE", [{**rule, "RuleName": f"on {entity}"}], system)
        assert made.ok, made.problems
    shown = html.unescape(browser.get(designed).text)
    for label in ("validation rule", "unique key", "right", "sharing rule", "layout"):
        assert f"<b>0</b> {label}s</a>" in shown
    (address,) = re.findall(r'href="([^"]+)"[^/]*/span><b>1</b> workflow rule</a>', shown)
    listed = browser.get(address).text
    assert "on PROMO" in listed
    assert "on ACCOUNT" not in listed


def test_the_overview_tells_of_every_entity(browser: Client, make: Any) -> None:
    make("ACCOUNT", Name="Blue Harbor Ltd")
    rows = {r["name"]: r for r in browser.get(ROOT).context["entities"]}
    assert set(rows) >= {e.name for e in current().entities.values()}
    assert str(rows["ACCOUNT"]["held"]) == str(Account.objects.count())
    assert rows["ACCOUNT"]["fields"] == len(current().entity("ACCOUNT").fields)


def test_a_large_table_is_estimated_and_says_so(
    browser: Client, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("One", "Two", "Three"):
        make("ACCOUNT", Name=name)
    monkeypatch.setattr("entities.admin.designer.reading.COUNTED", 2)
    rows = {r["name"]: r for r in browser.get(ROOT).context["entities"]}
    assert rows["ACCOUNT"]["held"].about
    assert str(rows["ACCOUNT"]["held"]).startswith("about ")


def test_the_pages_take_few_queries_however_much_there_is(browser: Client) -> None:
    browser.get(ROOT)
    for address, most in ((ROOT, 9), (f"{ROOT}ACCOUNT/", 11), (f"{ROOT}changes/", 8)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get(address).status_code == 200
        assert len(queries) <= most, [q["sql"][:80] for q in queries]


@pytest.mark.parametrize("name", ["NO_SUCH", HOSTILE, "..", "ACCOUNT'--"])
def test_what_is_not_there_is_not_found(browser: Client, name: str) -> None:
    answer = browser.get(f"{ROOT}{name}/fields/new/")
    assert answer.status_code == 404
    assert HOSTILE not in answer.text


def test_a_field_is_edited_only_under_its_own_entity(browser: Client) -> None:
    field = current().entity("CONTRACT").fields[0].id
    assert browser.get(f"{ROOT}ACCOUNT/fields/{field}/").status_code == 404


def test_jobs_show_what_runs_and_what_failed(browser: Client) -> None:
    common = {
        "entity_id": 1,
        "entity_name": "ACCOUNT",
        "kind": "UNIQUE_INDEX",
        "table_name": "t",
        "index_name": "i",
        "columns": "c",
        "requested_at": clock.now(),
    }
    SchemaJob.objects.create(summary="Build one", status="BUILDING", **common)
    SchemaJob.objects.create(summary="Two", status="FAILED", message=HOSTILE, **common)
    for address in (f"{ROOT}jobs/", f"{ROOT}jobs/rows/"):
        shown = browser.get(address).text
        assert '<progress class="brmd-progress" max="100" value="0"' in shown
        assert "Try again" in shown
        assert HOSTILE not in shown


def test_changes_say_who_what_and_why_and_are_paged(browser: Client, boss: User) -> None:
    for number in range(30):
        SchemaChange.objects.create(
            changed_at=clock.now(),
            user=boss,
            reason=HOSTILE,
            entity_id=current().entity("ACCOUNT").id,
            entity_name="ACCOUNT",
            summary=f"Step {number}.",
            statements="ALTER TABLE t",
            milliseconds=3,
        )
    first = browser.get(f"{ROOT}changes/").text
    assert "Step 29." in first
    assert "Step 4." not in first
    assert "boss" in first
    assert HOSTILE not in first
    assert "Step 4." in browser.get(f"{ROOT}changes/?p=2").text
    assert "Step 29." in browser.get(f"{ROOT}ACCOUNT/changes/?p=nonsense").text
    assert "Step 29." not in browser.get(f"{ROOT}CONTRACT/changes/").text


# The panel


def test_each_option_is_there_for_the_types_that_name_it() -> None:
    assert panel.types_of("FormulaValue") == ["FORMULA"]
    assert panel.types_of("ReferencedEntityId") == ["LOOKUP"]
    assert panel.types_of("CurrencySource") == ["MONEY"]
    assert "ID" not in dict(panel.types())
    assert panel.types_of("HelpContentShort") == [name for name, _ in panel.types()]


def test_every_option_that_a_type_names_is_asked_for() -> None:
    named = {o for n in fieldtypes.names() for o in fieldtypes.get(n).options}
    assert named <= set(panel.OPTIONS)


@pytest.mark.parametrize("name", [n for n in fieldtypes.names() if fieldtypes.get(n).options])
def test_the_preview_and_the_sample_work_for_every_type(
    browser: Client, db: None, name: str
) -> None:
    target = current().entity("ACCOUNT").id
    sent = {
        "FieldLabel": "Sign",
        "FieldName": "Sign",
        "DataType": name,
        "ReferencedEntityId": str(target),
        "value": ["Red", "Blue"],
        "value_id": ["", ""],
        "value_active": ["1", "1"],
    }
    answer = browser.post(f"{ROOT}ACCOUNT/fields/new/", {**sent, "ask": "preview"})
    assert answer.status_code == 200
    assert "Sign" in answer.text
    field = unsaved(current(), sent, ["Red", "Blue"])
    if field.type.sample is not None:
        value = sample_value(field)
        decoded, refused = field.type.decode([value], field_with_column(field))
        assert not refused
        assert decoded[0] not in (None, "")


def field_with_column(field: Any) -> Any:
    object.__setattr__(field, "column_type", list[field.type.msgspec_type(field) | None])
    return field


@pytest.mark.parametrize("length", ["", "x", "0", "3", "5,2", "999999999,999", "-1", "٣", "1,9"])
@pytest.mark.parametrize("name", ["TEXT", "DECIMAL", "INTEGER", "LIST", "MONEY"])
def test_a_length_that_is_none_does_not_break_the_preview(
    browser: Client, name: str, length: str
) -> None:
    sent = {"FieldName": "Sign", "DataType": name, "DataLength": length, "ask": "preview"}
    assert browser.post(f"{ROOT}ACCOUNT/fields/new/", sent).status_code == 200


def test_the_guide_of_formulas_is_linked_where_they_are_typed(browser: Client) -> None:
    panel = browser.get(f"{ROOT}ACCOUNT/fields/new/").text
    assert panel.count(f'href="{ROOT}help/formulas/"') == 2
    page = html.unescape(browser.get(f"{ROOT}help/formulas/").text)
    for function in FUNCTIONS.values():
        assert f"<td><code>{function.signature}</code></td>" in page
    assert "<td><code>{!Code} & '-' & {!Quantity}</code></td>" in page
    assert "<td><code>&</code> <code>||</code></td>" in page
    assert "<li>In a list after IN, and as a case of CASE, <code>''</code> stands" in page
    assert "**" not in page.split("brmd-guide")[1]


def test_nothing_typed_becomes_markup(browser: Client) -> None:
    sent = dict.fromkeys((*panel.OF_EVERY_FIELD, *panel.OPTIONS), HOSTILE)
    sent |= {"DataType": "LIST", "value": HOSTILE, "value_id": "", "value_active": "1"}
    for ask in ("preview", "review", "apply"):
        shown = browser.post(f"{ROOT}ACCOUNT/fields/new/", {**sent, "ask": ask, "reason": HOSTILE})
        assert shown.status_code == 200
        assert HOSTILE not in shown.text


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(browser: Client) -> None:
    sent = {"EntityLabel": "Kept words", "EntityName": "1 bad name", "ask": "apply"}
    shown = browser.post(f"{ROOT}new/", sent)
    assert "starts with a letter" in shown.text
    assert "Kept words" in shown.text


# Changes


def test_reviewing_writes_nothing(browser: Client) -> None:
    version = current().version
    sent = {"EntityLabel": "Promotion", "EntityName": "PROMO", "RetentionDays": "30"}
    shown = browser.post(f"{ROOT}new/", {**sent, "ask": "review"}).text
    assert "Make the entity PROMO" in shown
    assert "CREATE TABLE" in shown
    assert not Entity.objects.filter(entity_name="PROMO").exists()
    assert current().version == version


def test_an_entity_and_a_list_field_are_made_with_the_reason(
    browser: Client, designed: str
) -> None:
    answer = add(
        browser,
        designed,
        FieldLabel="Color",
        FieldName="Color",
        DataType="LIST",
        value=["Red", "Blue"],
        value_id=["", ""],
        value_active=["1", "1"],
        reason="marketing asked",
    )
    assert answer.json() == {"go": designed}
    color = current().entity("PROMO").field("Color")
    assert list(color.list_values.values()) == ["Red", "Blue"]
    assert SchemaChange.objects.order_by("-id").first().reason == "marketing asked"
    assert "marketing asked" in browser.get(f"{designed}changes/").text


def test_a_field_and_its_list_are_made_together_or_not_at_all(
    browser: Client, designed: str
) -> None:
    listed = {"value": ["Red", "a;b"], "value_id": ["", ""], "value_active": ["1", "1"]}
    named = {"FieldLabel": "Color", "FieldName": "Color", "DataType": "MULTI_LIST"}
    answer = add(browser, designed, **named, **listed)
    assert "semicolon" in answer.text
    assert "a;b" in answer.text
    assert not EntityField.objects.filter(external_key="PROMO.Color").exists()
    assert add(browser, designed, **named, **listed | {"value": ["Red", "a"]}).json()
    assert list(current().entity("PROMO").field("Color").list_values.values()) == ["Red", "a"]


def test_a_stale_panel_does_not_overwrite(browser: Client) -> None:
    field = EntityField.objects.get(external_key="ACCOUNT.Name")
    address = f"{ROOT}ACCOUNT/fields/{field.pk}/"
    opened = browser.get(address)
    seen = opened.context["seen"]
    form = {k: v for k, v in opened.context["form"].initial.items() if v not in (None, False)}
    EntityField.objects.filter(pk=field.pk).update(field_label="Theirs", updated=clock.now())
    refused = browser.post(address, {**form, "FieldLabel": "Mine", "seen": seen, "ask": "apply"})
    assert "changed this since you opened it" in refused.text
    assert EntityField.objects.get(pk=field.pk).field_label == "Theirs"
    fresh = browser.get(address).context["seen"]
    done = browser.post(address, {**form, "FieldLabel": "Mine", "seen": fresh, "ask": "apply"})
    assert done.json()["go"] == f"{ROOT}ACCOUNT/"
    assert EntityField.objects.get(pk=field.pk).field_label == "Mine"


def test_deleting_an_entity_demands_its_name_and_can_be_undone(
    browser: Client, designed: str
) -> None:
    mistyped = browser.post(f"{designed}delete/", {"typed_name": "PROM", "ask": "apply"})
    assert "not its name" in mistyped.text
    assert current().find("PROMO") is not None
    entity_id = current().entity("PROMO").id
    done = browser.post(f"{designed}delete/", {"typed_name": "PROMO", "ask": "apply"})
    assert done.json() == {"go": ROOT}
    assert current().find("PROMO") is None
    assert "Undo" in browser.get(ROOT).text
    browser.post(f"{ROOT}restore/", {"what": "ENTITY", "id": entity_id})
    assert current().find("PROMO") is not None


def test_an_entity_in_the_bin_is_purged_with_its_table_by_its_name(
    browser: Client, designed: str
) -> None:
    promo = current().entity("PROMO")
    assert browser.get(f"{ROOT}purge/{promo.id}/").status_code == 404
    browser.post(f"{designed}delete/", {"typed_name": "PROMO", "ask": "apply"})
    address = f"{ROOT}purge/{promo.id}/"
    assert f'data-panel="{address}"' in browser.get(ROOT).text
    assert "for good" in browser.get(address).text
    assert "not its name" in browser.post(address, {"typed_name": "PROM", "ask": "apply"}).text
    assert Entity.objects.filter(pk=promo.id).exists()
    done = browser.post(address, {"typed_name": "PROMO", "ask": "apply"})
    assert done.json() == {"go": ROOT}
    assert not Entity.objects.filter(pk=promo.id).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [promo.table])
        assert cursor.fetchone() == (None,)


def test_the_records_in_the_way_of_a_change_are_linked(browser: Client, designed: str) -> None:
    add(browser, designed, FieldLabel="Sign", FieldName="Sign", DataType="TEXT", DataLength="20")
    promo = current().entity("PROMO")
    outcomes = records.create(
        "PROMO", [{"Sign": "a"}, {}, {"Sign": "b"}, {}], Context.system("test")
    )
    empty = [outcomes[n].id for n in (1, 3)]
    address = f"{designed}fields/{promo.field('Sign').id}/"
    opened = browser.get(address)
    form = {k: v for k, v in opened.context["form"].initial.items() if v not in (None, False)}
    sent = {**form, "RequiredFlag": "on", "seen": opened.context["seen"], "ask": "review"}
    shown = browser.post(address, sent).text
    for record_id in empty:
        place = f"/admin/{promo.model._meta.app_label}/{promo.model._meta.model_name}/{record_id}"
        assert f'href="{place}/change/"' in shown
        assert browser.get(f"{place}/change/").status_code == 200


def test_a_field_is_deleted_restored_and_purged_by_name(browser: Client, designed: str) -> None:
    add(browser, designed, FieldLabel="Sign", FieldName="Sign", DataType="TEXT", DataLength="20")
    field_id = current().entity("PROMO").field("Sign").id
    address = f"{designed}fields/{field_id}/delete/"
    assert browser.post(address, {"ask": "apply"}).json() == {"go": designed}
    assert current().entity("PROMO").find("Sign") is None
    restored = browser.post(
        f"{ROOT}restore/", {"what": "ENTITY_FIELD", "id": field_id, "back": designed}
    )
    assert restored["Location"] == designed
    assert current().entity("PROMO").find("Sign") is not None
    browser.post(address, {"ask": "apply"})
    assert "json" not in browser.post(address, {"ask": "apply"})["Content-Type"]
    assert EntityField.objects.filter(pk=field_id).exists()
    assert browser.post(address, {"ask": "apply", "typed_name": "Sign"}).json() == {"go": designed}
    assert not EntityField.objects.filter(pk=field_id).exists()


def test_restoring_leads_nowhere_else(browser: Client) -> None:
    sent = {"what": "ENTITY", "id": "1", "back": "https://example.com/"}
    assert browser.post(f"{ROOT}restore/", sent)["Location"] == ROOT


def test_the_order_of_the_fields_is_kept(browser: Client) -> None:
    schema = current().entity("ACCOUNT")
    ids = [str(f.id) for f in schema.fields]
    ids[1], ids[2] = ids[2], ids[1]
    assert browser.post(f"{ROOT}ACCOUNT/order/", {"id": ids}).status_code == 200
    assert [str(f.id) for f in current().entity("ACCOUNT").fields] == ids
    short = browser.post(f"{ROOT}ACCOUNT/order/", {"id": ids[1:]})
    assert short.status_code == 409
    assert "load the page again" in short.json()["error"]
