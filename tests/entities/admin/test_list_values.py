"""What a form offers for a list, and what a list of records can be narrowed by."""

import re
from typing import Any

import orjson
import pytest
from django.test import Client

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import create_one
from tests.entities.admin.conftest import Page

pytestmark = pytest.mark.django_db


def options(html: str, name: str) -> list[str]:
    """What the select called `name` offers, in order."""
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', html, re.DOTALL)
    assert select, html
    found = re.findall(r"<option[^>]*>\s*([^<]*?)\s*</option>", select[0])
    return [text for text in found if text not in ("---------", "All")]


@pytest.fixture
def ids(system: Context) -> dict[str, int]:
    entity = create_one("ENTITY", system, EntityName="PROMO")
    made = {}
    for field, kind in (("State", "LIST"), ("Tags", "MULTI_LIST"), ("Free", "MULTI_LIST")):
        made[field] = create_one(
            "ENTITY_FIELD", system, EntityId=entity, FieldName=field, DataType=kind
        )
    for field in ("State", "Tags"):
        for place, value in enumerate(["NEW", "OLD", "ODD"]):
            made[f"{field}.{value}"] = create_one(
                "ENTITY_FIELD_VALUES",
                system,
                EntityFieldId=made[field],
                ListValue=value,
                SortOrder=place,
            )
    made["holder"] = create_one("PROMO", system, State="ODD", Tags="ODD;NEW", Free="a;b")
    made["other"] = create_one("PROMO", system, State="NEW", Tags="OLD")
    for value in ("ODD", "OLD"):
        rows = [{"Id": made[f"{field}.{value}"], "ActiveFlag": "0"} for field in ("State", "Tags")]
        assert all(o.ok for o in records.update("ENTITY_FIELD_VALUES", rows, system))
    return made


def test_only_the_record_that_holds_a_retired_value_is_offered_it(
    browser: Client, page: Page, ids: dict[str, int]
) -> None:
    holder = browser.get(page("PROMO", ids["holder"], "change")).text
    assert options(holder, "State") == ["NEW", "ODD (retired)"]
    assert options(holder, "Tags") == ["NEW", "ODD (retired)"]
    other = browser.get(page("PROMO", ids["other"], "change")).text
    assert options(other, "State") == ["NEW"]
    assert options(other, "Tags") == ["NEW", "OLD (retired)"]
    new = browser.get(page("PROMO", "add")).text
    assert (options(new, "State"), options(new, "Tags")) == (["NEW"], ["NEW"])


def test_saving_keeps_what_is_held_and_takes_no_other_retired_value(
    browser: Client, page: Page, ids: dict[str, int], system: Context
) -> None:
    change = page("PROMO", ids["holder"], "change")
    sent = {"State": "ODD", "Tags": ["NEW", "ODD"], "Free": "b; c"}
    assert browser.post(change, sent).status_code == 302
    (row,) = records_of(ids["holder"], system)
    assert (row["State"], row["Tags"], row["Free"]) == ("ODD", "ODD;NEW", "b;c")
    refused = browser.post(page("PROMO", ids["other"], "change"), {"State": "ODD", "Tags": "OLD"})
    assert refused.status_code == 200
    assert "no longer in use" in refused.text


def test_a_list_is_narrowed_by_values_in_use_and_by_retired_ones_that_are_held(
    browser: Client, page: Page, ids: dict[str, int]
) -> None:
    schema = current().entity("PROMO")
    state, tags = (str(schema.field(name).column) for name in ("State", "Tags"))
    html = browser.get(page("PROMO")).text
    assert options(html, state) == ["NEW", "Not set", "ODD (retired)"]
    assert options(html, tags) == ["NEW", "Not set", "OLD (retired)", "ODD (retired)"]
    found = browser.get(page("PROMO"), {tags: "ODD"}).text
    assert page("PROMO", ids["holder"], "change") in found
    assert page("PROMO", ids["other"], "change") not in found


def records_of(record_id: int, context: Context) -> list[dict[str, Any]]:

    found: list[dict[str, Any]] = orjson.loads(records.retrieve("PROMO", [record_id], context))
    return found
