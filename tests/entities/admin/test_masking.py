"""The admin's pages show a mask in place of personal data to those who may not see it."""

import pytest
from django.test import Client

from entities.models import EntityField
from entities.schema.current import current
from metabrm.identity.models import Role

SECRET = "Zebra-Secret"
READ = {"ACCOUNT": "rwcd", "AUDIT_LOG": "r"}


@pytest.fixture
def hidden(make) -> int:
    """An account whose Name and Description are personal."""
    schema = current().entity("ACCOUNT")
    ids = [schema.field(name).id for name in ("Name", "Description")]
    EntityField.objects.filter(pk__in=ids).update(pii_flag=True)
    make("ACCOUNT", Name="Another", Description="Another")
    return make("ACCOUNT", Name=SECRET, Description=SECRET)


def _pages(page, record_id: int) -> list[str]:
    here = page("ACCOUNT")
    return [
        here,
        f"{here}?o=1",
        page("ACCOUNT", record_id, "change"),
        page("ACCOUNT", record_id, "history"),
        page("ACCOUNT", record_id, "delete"),
        page("AUDIT_LOG"),
        "/admin/",
        "/admin/lookup/ACCOUNT/ParentAccountId/?term=",
    ]


def test_no_page_shows_a_masked_value(limited, page, hidden: int, browser: Client) -> None:
    client = limited(READ)
    for address in _pages(page, hidden):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert SECRET not in answer.text, address
    assert "****" in client.get(page("ACCOUNT", hidden, "change")).text
    assert SECRET in browser.get(page("ACCOUNT", hidden, "change")).text


def test_searching_and_looking_up_find_no_masked_value(limited, page, hidden: int) -> None:
    client = limited(READ)
    assert client.get(page("ACCOUNT") + f"?q={SECRET}").context["cl"].result_count == 0
    found = client.get(f"/admin/lookup/ACCOUNT/ParentAccountId/?term={SECRET}").json()
    assert found["results"] == []


def test_a_masked_value_is_not_asked_for_in_the_form(limited, page, hidden: int) -> None:
    client = limited(READ)
    form = client.get(page("ACCOUNT", hidden, "change")).context["adminform"].form
    assert not {"Name", "Description"} & form.fields.keys()
    form = client.get(page("ACCOUNT", "add")).context["adminform"].form
    assert {"Name", "Description"} <= form.fields.keys()


def test_lists_are_not_sorted_by_a_masked_value(
    limited, page, browser: Client, hidden: int
) -> None:
    client = limited(READ)
    seen = browser.get(page("ACCOUNT") + "?o=1").context["cl"].queryset.query.order_by
    assert "name" in seen
    for place in range(1, 9):
        order = client.get(page("ACCOUNT") + f"?o={place}").context["cl"].queryset.query.order_by
        assert not {"name", "-name"} & set(order), place


def test_the_right_shows_the_values(limited, page, hidden: int) -> None:
    client = limited(READ)
    Role.objects.filter(internal_role=True).update(view_pii_flag=True)
    assert SECRET in client.get(page("ACCOUNT", hidden, "change")).text


def test_a_lookup_by_a_masked_key_lists_no_keys(limited, browser: Client) -> None:
    rights = {"BILLING_PROFILE": "rwcd", "CURRENCY": "r"}
    address = "/admin/lookup/BILLING_PROFILE/CurrencyCode/?term=USD"
    client = limited(rights)
    assert "USD" in client.get(address).text
    EntityField.objects.filter(external_key="CURRENCY.CurrencyCode").update(pii_flag=True)
    answer = client.get(address)
    assert answer.status_code == 403 and "USD" not in answer.text
    assert "USD" in browser.get(address).text
