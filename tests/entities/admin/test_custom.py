"""Custom entities, and core entities with custom fields, have all pages that core entities have."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entities.models import Entity
from tests.entities.custom import custom_entity, custom_field

Make = Callable[..., int]


@pytest.fixture
def promotions(db: None) -> Entity:
    """PROMOTION, with a key, a lookup to ACCOUNT, money, a day and a flag."""
    return custom_entity(
        "PROMOTION",
        {
            "Name": {"required_flag": True},
            "Code": {"external_key_flag": True, "unique_field": True},
            "AccountId": {"data_type": "LOOKUP", "to": "ACCOUNT", "field_label": "Account"},
            "Budget": {"data_type": "MONEY"},
            "Starts": {"data_type": "DATE"},
            "Live": {"data_type": "FLAG"},
        },
        entity_label="Promotion",
        short_help_label="What marketing promised.",
    )


def test_it_is_listed_found_filtered_and_sorted(
    browser: Client, page: Any, make: Make, promotions: Entity
) -> None:
    account = make("ACCOUNT", Name="Blue Harbor Ltd")
    spring = make("PROMOTION", Name="Spring", Code="SPR", AccountId=str(account), Live="1")
    autumn = make("PROMOTION", Name="Autumn", Code="AUT")
    listed = browser.get(page("PROMOTION"))
    assert [r.pk for r in listed.context["cl"].result_list] == [autumn, spring]
    for said in ("Promotions", "What marketing promised.", "Blue Harbor Ltd", "Recycle bin"):
        assert said in listed.text
    assert browser.get("/admin/custom/promotion/").status_code == 200
    for typed in ("spring", "SPR", str(spring), "harbor"):
        found = browser.get(page("PROMOTION"), {"q": typed}).context["cl"].result_list
        assert [r.pk for r in found] == [spring]
    parameters = [
        name for spec in listed.context["cl"].filter_specs for name in spec.expected_parameters()
    ]
    assert len(parameters) > 4
    for value in ("1", "-", "2026-02-30", "'"):
        assert browser.get(page("PROMOTION"), dict.fromkeys(parameters, value)).status_code == 200
    column = listed.context["cl"].model_admin.schema.field("Live").column
    found = browser.get(page("PROMOTION"), {column: "1"}).context["cl"].result_list
    assert [r.pk for r in found] == [spring]
    assert browser.get(page("PROMOTION"), {"o": "1"}).status_code == 200


def test_it_is_added_changed_deleted_and_brought_back(
    browser: Client, page: Any, promotions: Entity, make: Make
) -> None:
    sent = {"Name": "Spring", "Code": "SPR", "AccountId": "1", "Budget": "12.5"}
    done = browser.post(page("PROMOTION", "add"), {**sent, "Starts": "soon"})
    assert "Starts" in done.context["adminform"].form.errors
    done = browser.post(page("PROMOTION", "add"), {**sent, "Starts": "2026-03-01"}, follow=True)
    assert "is added" in done.text and "Spring" in done.text
    (record,) = done.context["cl"].result_list
    refused = browser.post(page("PROMOTION", "add"), sent)
    assert "Code" in refused.context["adminform"].form.errors
    address = page("PROMOTION", record.pk, "change")
    shown = browser.get(address)
    assert shown.context["adminform"].form["Budget"].value() == "12.5"
    assert shown.context["title"] == "Spring"
    browser.post(address, {**sent, "Name": "Late spring", "Starts": "2026-03-01"})
    history = browser.get(page("PROMOTION", record.pk, "history")).text
    assert "Late spring" in history and "admin: change promotion" in history
    gone = browser.post(page("PROMOTION", record.pk, "delete"), {"confirmed": "1"}, follow=True)
    assert "Undo" in gone.text
    bin_page = browser.get(page("PROMOTION", "recycle-bin")).text
    assert "Late spring" in bin_page and "boss" in bin_page
    back = browser.post(page("PROMOTION", "restore"), {"id": record.pk}, follow=True)
    assert "is back" in back.text


def test_lookups_from_and_to_it(browser: Client, page: Any, make: Make, promotions: Entity) -> None:
    account = Entity.objects.get(entity_name="ACCOUNT")
    field = custom_field(account, "PromotionId", "LOOKUP", to="PROMOTION", field_label="Promotion")
    spring = make("PROMOTION", Name="Spring", AccountId="1")
    answer = browser.get("/admin/lookup/ACCOUNT/PromotionId/", {"term": "spri"}).json()
    assert answer["results"] == [{"id": str(spring), "text": "Spring"}]
    assert browser.get("/admin/lookup/PROMOTION/AccountId/", {"term": "root"}).json()["results"]
    acme = make("ACCOUNT", Name="Acme", PromotionId=str(spring))
    related = browser.get(page("PROMOTION", spring, "change")).context["related"]
    (accounts,) = [r for r in related if r.count]
    assert (accounts.label, accounts.count) == ("Accounts", 1)
    assert f"{field.column_name}={spring}" in accounts.url
    assert "Acme" in browser.get(accounts.url).text
    related = browser.get(page("ACCOUNT", 1, "change")).context["related"]
    assert ("Promotions", 1) in [(r.label, r.count) for r in related]
    assert "Spring" in browser.get(page("ACCOUNT", acme, "change")).text
    refused = browser.post(page("PROMOTION", spring, "delete"), {"confirmed": "1"}, follow=True)
    assert "is not deleted" in refused.text


def test_it_is_in_the_menu_and_on_the_overview(
    browser: Client, page: Any, make: Make, promotions: Entity
) -> None:
    make("PROMOTION", Name="Spring")
    shown = browser.get("/admin/")
    rooms = dict(shown.context["rooms"])
    assert [tile["label"] for tile in rooms["Custom"]] == ["Promotions"]
    Entity.objects.filter(pk=promotions.pk).update(node="Customers")
    rooms = dict(browser.get("/admin/").context["rooms"])
    assert "Custom" not in rooms
    assert "Promotions" in [tile["label"] for tile in rooms["Customers"]]


def test_a_core_entity_with_a_custom_field_has_it_everywhere(
    browser: Client, page: Any, make: Make
) -> None:
    account = Entity.objects.get(entity_name="ACCOUNT")
    tier = custom_field(account, "Tier", required_flag=False, external_key_flag=True)
    custom_field(account, "Score", "INTEGER")
    acme = make("ACCOUNT", Name="Acme", Tier="Gold-1", Score="7", ParentAccountId="1")
    make("ACCOUNT", Name="Other")
    assert page("ACCOUNT") == "/admin/customers/account/"
    listed = browser.get(page("ACCOUNT"))
    assert "Tier" in listed.text and "Gold-1" in listed.text
    found = browser.get(page("ACCOUNT"), {"q": "gold-1"}).context["cl"].result_list
    assert [r.pk for r in found] == [acme]
    found = browser.get(page("ACCOUNT"), {"parent_account_id": "1"}).context["cl"].result_list
    assert [r.pk for r in found] == [acme]
    address = page("ACCOUNT", acme, "change")
    form = browser.get(address).context["adminform"].form
    assert (form["Tier"].value(), form["Score"].value()) == ("Gold-1", 7)
    sent = {b.name: b.value() for b in form if b.value() not in (None, False)}
    assert browser.post(address, {**sent, "Score": "8"}).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, {tier.column_name} FROM customers_account WHERE id = {acme}")
        assert cursor.fetchone() == ("Acme", "Gold-1")
    assert "Score" in browser.get(page("ACCOUNT", acme, "history")).text


def test_a_user_with_a_custom_field_can_be_given_a_password(
    browser: Client, page: Any, boss: Any
) -> None:
    custom_field(Entity.objects.get(entity_name="USER"), "Desk")
    assert browser.get(page("USER")).status_code == 200
    assert browser.get(page("USER", boss.pk, "change")).status_code == 200
    sent = {"password1": "a long pass phrase 7", "password2": "a long pass phrase 7"}
    done = browser.post(page("USER", boss.pk, "password"), {**sent, "usable_password": "true"})
    assert done.status_code == 302
    boss.refresh_from_db()
    assert boss.check_password("a long pass phrase 7")


def test_the_pages_take_as_few_queries_as_those_of_core_entities(
    browser: Client, page: Any, make: Make, promotions: Entity
) -> None:
    spring = make("PROMOTION", Name="Spring", AccountId="1")
    for n in range(20):
        make("PROMOTION", Name=f"Promotion {n}", AccountId="1")
    for address, most in (
        (page("PROMOTION"), 10),
        (page("PROMOTION", spring, "change"), 16),
        (page("PROMOTION", "add"), 10),
    ):
        browser.get(address)
        with CaptureQueriesContext(connection) as taken:
            assert browser.get(address).status_code == 200
        assert len(taken) <= most, address


def test_who_may_not_read_it_sees_nothing_of_it(
    limited: Any, page: Any, make: Make, promotions: Entity
) -> None:
    make("PROMOTION", Name="Spring", AccountId="1")
    clerk = limited({"ACCOUNT": "r"})
    assert clerk.get(page("PROMOTION")).status_code == 403
    assert "Promotion" not in clerk.get("/admin/").text
    assert "Promotion" not in clerk.get(page("ACCOUNT", 1, "change")).text
