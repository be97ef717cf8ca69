"""The admin's price explorer: the question in the address, the answer as a tree."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.factories import AccountFactory, PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

EXPLORER = "/admin/price-explorer/"


def signed_in(context: Any) -> Client:
    from metabrm.identity.models import User

    client = Client()
    client.force_login(User.objects.get(pk=context.user_id))
    return client


def test_the_answer_leads_to_the_records(clerk: Callable[..., Any]) -> None:
    product, account = ProductFactory(Name="<b>Minutes"), AccountFactory()
    PriceFactory(ProductId=str(product), Rate="2.5")
    browser = signed_in(clerk(ACCOUNT="R", PRODUCT="R", PRICING="R"))
    question = {"AccountId": account, "ProductId": product, "Quantity": "3", "Day": "2026-06-15"}
    html = browser.get(EXPLORER, question).content.decode()
    assert "3 x 2.5 = 7.5" in html and 'class="brm-won"' in html
    assert f'href="/admin/catalog/product/{product}/change/"' in html
    assert "&lt;b&gt;Minutes" in html and "<b>Minutes" not in html
    wrong = browser.get(EXPLORER, question | {"Day": "soon"}).content.decode()
    assert "Day can&#x27;t be &#x27;soon&#x27;. Send a date such as 2026-06-15." in wrong


def test_it_is_in_the_menu_of_whoever_may_use_it(clerk: Callable[..., Any]) -> None:
    may = signed_in(clerk(ACCOUNT="R", PRODUCT="R", PRICING="R"))
    may_not = signed_in(clerk(ACCOUNT="R", PRODUCT="R"))
    assert f'href="{EXPLORER}"' in may.get("/admin/").content.decode()
    assert f'href="{EXPLORER}"' not in may_not.get("/admin/").content.decode()
    assert (may.get(EXPLORER).status_code, may_not.get(EXPLORER).status_code) == (200, 403)


def test_a_line_leads_to_its_explanation(clerk: Callable[..., Any]) -> None:
    from tests.billing.rating.test_loads import Feed, used

    feed = Feed()
    feed.send(used())
    ((line,),) = feed.lines("id")
    readable = dict.fromkeys(("ACCOUNT", "PRODUCT", "PRICING", "ACCOUNT_PRODUCT"), "R")
    browser = signed_in(clerk(**readable, ACTIVITY="R"))
    page = browser.get(f"/admin/mediation/activity/{line}/change/").content.decode()
    assert f'href="{EXPLORER}?ActivityId={line}"' in page
    assert "The line says the same." in browser.get(EXPLORER, {"ActivityId": line}).content.decode()
    blind = signed_in(clerk(ACTIVITY="R"))
    page = blind.get(f"/admin/mediation/activity/{line}/change/").content.decode()
    assert EXPLORER not in page
