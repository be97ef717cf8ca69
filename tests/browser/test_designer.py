"""An administrator designs an entity in the browser; a colleague who is at work has it at once."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.changing import jobs, tables
from entities.models import SchemaJob
from metabrm.identity.context import Context

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

_LISTED = ("LIST", "MULTI_LIST")
_API_NAMES = "rows => rows.map(row => row.cells[2].textContent.trim())"
_TOP = {"x": 300, "y": 2}


@pytest.fixture(autouse=True)
def _swept(transactional_db: None) -> Iterator[None]:
    """The tables that were designed go with the rows that describe them."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{table}" CASCADE')


def _review_and_apply(tab: Any) -> None:
    tab.click("button[value=review]")
    tab.wait_for_selector("[data-plan]")
    tab.click("button[value=apply]")


def _new_entity(tab: Any, label: str) -> str:
    """The API name that the panel proposed."""
    tab.goto("/admin/designer/")
    tab.click("button:has-text('New entity')")
    tab.fill("[name=EntityLabel]", label)
    name = str(tab.input_value("[name=EntityName]"))
    _review_and_apply(tab)
    tab.wait_for_url(f"**/designer/{name}/")
    return name


def _new_field(tab: Any, kind: str) -> None:
    label = f"Ship {kind.lower().replace('_', ' ')}"
    tab.click("button:has-text('New field')")
    tab.fill("[name=FieldLabel]", label)
    tab.select_option("[name=DataType]", kind)
    if kind in _LISTED:
        for value in ("Red", "Green"):
            tab.click("[data-value-add]")
            tab.keyboard.type(value)
    if kind == "LOOKUP":
        tab.fill("[data-search-in]", "(account)")
    if kind == "FORMULA":
        tab.fill("[name=FormulaValue]", "{!ShipInteger} * ")
        tab.wait_for_selector("[data-says].brmd-error code:has-text('▸')")
        tab.fill("[name=FormulaValue]", "{!ShipInteger} * 2")
        tab.wait_for_selector("[data-says]:visible:not(.brmd-error)")
    _review_and_apply(tab)
    tab.wait_for_selector(f"#designer-fields >> text='{label}'")


def test_an_entity_with_every_type_of_field_is_there_for_all_at_once(
    tab: Any, colleague: Any
) -> None:
    name = _new_entity(tab, "Ship Voyage")
    assert name == "SHIP_VOYAGE"
    tab.click("button:has-text('New field')")
    tab.wait_for_selector("[name=DataType] option", state="attached")
    options = "els => els.map(el => el.value)"
    kinds = tab.eval_on_selector_all("[name=DataType] option", options)
    tab.click("[data-close] >> nth=0")
    assert {"TEXT", "LIST", "LOOKUP", "FORMULA"} < set(kinds)
    for kind in sorted(kinds, key=lambda k: k == "FORMULA"):
        _new_field(tab, kind)
    tab.click(".brmd-facts a:has-text('records')")
    tab.wait_for_load_state()
    records = tab.url
    tab.goto(f"{records}add/")
    tab.fill("input[name=ShipText]", "Mary Rose")
    tab.fill("input[name=ShipInteger]", "21")
    tab.select_option("select[name=ShipList]", "Green")
    tab.click("text=Save >> nth=-1")
    tab.wait_for_selector("text=is added")

    colleague.goto("/admin/designer/")
    assert colleague.is_visible("#designer-entities >> text=SHIP_VOYAGE")
    colleague.goto(records)
    colleague.click("#result_list tbody a >> nth=0")
    colleague.wait_for_selector("input[name=ShipText]")
    assert colleague.input_value("input[name=ShipText]") == "Mary Rose"
    assert colleague.input_value("select[name=ShipList]") == "Green"
    assert colleague.is_visible("text='42'")


def test_fields_are_moved_by_keyboard_and_deletion_is_undone_in_place(tab: Any) -> None:
    name = _new_entity(tab, "Pier")
    for kind in ("TEXT", "DATE"):
        _new_field(tab, kind)
    tab.focus("[aria-label='Move ShipDate up']")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=The order is saved.")
    tab.reload()
    names = tab.eval_on_selector_all("#designer-fields tbody tr", _API_NAMES)
    assert names.index("ShipDate") < names.index("ShipText")
    tab.route("**/order/", lambda route: route.abort())
    tab.focus("[aria-label='Move ShipDate down']")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=It is as it was.")
    assert tab.eval_on_selector_all("#designer-fields tbody tr", _API_NAMES) == names
    tab.unroute("**/order/")
    assert not tab.query_selector("[aria-label='Delete Id'], [aria-label='Delete Created']")
    tab.click("[aria-label='Delete ShipDate']")
    tab.click(".brmd-panel-foot button[type=submit]")
    tab.click("button:has-text('Undo')")
    tab.wait_for_selector("text=It is back")
    assert tab.url.endswith(f"/designer/{name}/")
    assert tab.is_visible("#designer-fields >> text=ShipDate")


def test_a_field_is_dragged_to_its_place(tab: Any) -> None:
    _new_entity(tab, "Quay")
    for kind in ("TEXT", "DATE"):
        _new_field(tab, kind)
    tab.drag_and_drop("tr:has-text('ShipDate')", "tr:has-text('ShipText')", target_position=_TOP)
    tab.wait_for_selector("text=The order is saved.")
    tab.reload()
    names = tab.eval_on_selector_all("#designer-fields tbody tr", _API_NAMES)
    assert names.index("ShipDate") + 1 == names.index("ShipText")


def test_a_job_that_failed_says_why_and_is_tried_again(
    tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "size", lambda table: tables.AT_ONCE + 1)
    monkeypatch.setattr(jobs, "tell", lambda task, job_id: None)
    name = _new_entity(tab, "Berth")
    _new_field(tab, "TEXT")
    system = Context.system("test")
    first, twin = (o.id for o in records.create(name, [{"ShipText": "a"}] * 2, system))
    records.delete(name, [twin], system)
    tab.click("[aria-label='Edit ShipText']")
    tab.check("[name=UniqueField]")
    _review_and_apply(tab)
    tab.wait_for_selector("text=Edit ShipText: done.")
    job = SchemaJob.objects.latest("id")
    with connection.cursor() as cursor:
        # Past the verbs, which would refuse it.
        cursor.execute(f"UPDATE {job.table_name} SET deleted_at = NULL")
    jobs.run(job.pk)
    tab.goto("/admin/designer/jobs/")
    tab.wait_for_selector("text=failed")
    assert tab.is_visible(f"text=Ids {first}, {twin}")
    records.delete(name, [twin], system)
    tab.click("button:has-text('Try again')")
    tab.wait_for_selector("text=The job begins again.")
    jobs.run(job.pk)
    tab.wait_for_selector(".brm-badge:text('ready')")
