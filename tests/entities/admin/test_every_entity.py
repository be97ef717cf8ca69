"""Every entity has its pages, whatever it is."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entities.access import rights
from entities.admin import choice
from entities.schema.compiling import core_models
from entities.schema.current import current
from metabrm.identity.context import Context

ENTITIES = sorted(core_models())
#: Written by people in one way only: what was given up is sent again.
LOGS = ("OUTBOUND_MESSAGE",)


@pytest.mark.parametrize("entity", ENTITIES)
def test_list_search_filter_and_form_of_every_entity(entity, browser: Client, page) -> None:
    schema = current().entity(entity)
    listed = browser.get(page(entity))
    assert listed.status_code == 200
    assert schema.label_plural.casefold() in listed.text.casefold()
    assert browser.get(page(entity), {"q": "no such 1 %_' record"}).status_code == 200
    specs = listed.context["cl"].filter_specs
    parameters = [name for spec in specs for name in spec.expected_parameters()]
    for value in ("1", "-", "ACTIVE", "2026-02-30", "'"):
        assert browser.get(page(entity), dict.fromkeys(parameters, value)).status_code == 200
    added = browser.get(page(entity, "add"))
    assert added.status_code == (200 if schema.writable and entity not in LOGS else 403)


@pytest.mark.parametrize("entity", ["ACCOUNT", "USER", "ENTITY_FIELD", "CURRENCY", "COUNTRY"])
def test_an_existing_record_has_form_history_and_delete_page(
    entity, browser: Client, page, make
) -> None:
    record_id = current().entity(entity).model._default_manager.order_by("pk").first().pk
    for name in ("change", "history", "delete"):
        assert browser.get(page(entity, record_id, name)).status_code == 200


def test_a_list_takes_the_same_queries_for_one_record_and_for_forty(
    browser: Client, page, make
) -> None:
    make("ACCOUNT", Name="Account 0", ParentAccountId="1")
    browser.get(page("ACCOUNT"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(page("ACCOUNT"))
    for n in range(1, 40):
        make("ACCOUNT", Name=f"Account {n}", ParentAccountId="1")
    with CaptureQueriesContext(connection) as many:
        browser.get(page("ACCOUNT"))
    assert len(many) == len(few) <= 10


def test_a_form_takes_few_queries(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Acme", ParentAccountId="1")
    browser.get(page("ACCOUNT", record_id, "change"))
    with CaptureQueriesContext(connection) as taken:
        browser.get(page("ACCOUNT", record_id, "change"))
    assert len(taken) <= 16


def test_search_finds_by_name_key_and_id(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd", ExternalKey="BH-77")
    make("ACCOUNT", Name="Red Hill Ltd")
    for typed in ("harbor blue", "bh-77", str(record_id)):
        listed = browser.get(page("ACCOUNT"), {"q": typed})
        assert "Blue Harbor Ltd" in listed.text
        assert "Red Hill Ltd" not in listed.text


def test_filters_narrow_the_list(browser: Client, page, make) -> None:
    make("ACCOUNT", Name="Closed Ltd", Status="CLOSED")
    make("ACCOUNT", Name="Open Ltd")
    listed = browser.get(page("ACCOUNT"), {"status": "CLOSED"})
    assert [str(a) for a in listed.context["cl"].result_list] == ["Closed Ltd"]
    child = make("ACCOUNT", Name="Child Ltd", ParentAccountId="1")
    listed = browser.get(page("ACCOUNT"), {"parent_account_id": "1"})
    assert [a.pk for a in listed.context["cl"].result_list] == [child]


def test_a_lookup_offers_the_records_that_fit(browser: Client, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    answer = browser.get("/admin/lookup/CONTRACT/AccountId/", {"term": "harbor"}).json()
    assert answer["results"] == [{"id": str(record_id), "text": "Blue Harbor Ltd"}]
    answer = browser.get("/admin/lookup/PRICING/CurrencyCode/", {"term": "USD"}).json()
    assert answer["results"][0]["id"] == "USD"
    assert browser.get("/admin/lookup/NOTHING/X/").status_code == 404


def test_numbers_of_any_length_can_be_typed(browser: Client, page) -> None:
    long = "9" * 5000
    assert browser.get(page("ACCOUNT"), {"q": long}).status_code == 200
    lookup = "/admin/lookup/ACCOUNT/ParentAccountId/"
    assert browser.get(lookup, {"term": long}).json()["results"] == []
    assert browser.get(lookup, {"page": long}).json()["results"] == []


@pytest.mark.django_db
def test_a_list_shows_what_its_entity_names() -> None:
    schema = current().entity("INVOICE")
    shown = choice.columns(schema, rights(current(), Context.system("test"), schema))
    assert [field.name for field in shown] == [
        "Id",
        "AccountId",
        "BillingProfileId",
        "Status",
        "BillingCycleStartDate",
        "BillingCycleEndDate",
        "DueDate",
        "GrandTotalAmount",
        "PaymentStatus",
    ]
