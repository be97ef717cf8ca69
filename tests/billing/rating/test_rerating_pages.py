"""The admin's pages: what it comes to first, then a button that does it."""

from collections.abc import Callable
from typing import Any

import pytest

from billing.rating.models import Rerate
from billing.rating.rerating import runs
from tests.billing.mediation.standing import asked
from tests.billing.rating.test_explorer import signed_in
from tests.billing.rating.test_loads import Feed, used
from tests.billing.rating.test_rerating import every_line, standing_lines

pytestmark = pytest.mark.django_db

RERATE, CORRECT = "/admin/rerate/", "/admin/correct-line/"


def test_prices_are_previewed_and_then_rated_again(clerk: Callable[..., Any]) -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 4})
    asked("UPDATE catalog_pricing SET rate = 3 RETURNING 1")
    browser = signed_in(clerk(ACTIVITY="CRU", PRODUCT="R", ACCOUNT="R", RERATE="R", PRICING="R"))
    before = every_line()
    question = {"ProductId": str(usage["product_id"])}
    page = browser.get(RERATE, question).content.decode()
    assert "1 of 1 line costs something else" in page
    assert "10.00 → 12.00 USD" in page and "2.00 USD" in page
    assert every_line() == before
    done = browser.post(RERATE, question)
    run = Rerate.objects.get()
    assert done["Location"] == f"/admin/rating/rerate/{run.pk}/change/"
    runs.carry_out(run.pk)
    assert standing_lines(usage["product_id"]) == [(1, 4, 12)]
    page = browser.get(RERATE, question).content.decode()
    assert "Nothing changes: 1 line costs the same" in page and 'name="ProductId" value' not in page
    assert "can&#x27;t be &#x27;x&#x27;" in browser.get(RERATE, {"AccountId": "x"}).content.decode()
    assert browser.get(done["Location"]).status_code == 200
    product = browser.get(f"/admin/catalog/product/{usage['product_id']}/change/").content.decode()
    assert f'href="{RERATE}?ProductId={usage["product_id"]}"' in product


def test_a_line_is_corrected(clerk: Callable[..., Any]) -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 4})
    ((line,),) = feed.lines("id")
    browser = signed_in(clerk(ACTIVITY="CRU"))
    tools = browser.get(f"/admin/mediation/activity/{line}/change/").content.decode()
    assert f'href="{CORRECT}?ActivityId={line}"' in tools
    page = browser.get(CORRECT, {"ActivityId": line}).content.decode()
    assert "something else" not in page and f'value="{line}"' in page
    assert "It says 4." in page and "10.00 USD" in page
    fixed = {"ActivityId": line, "Quantity": "6"}
    page = browser.get(CORRECT, fixed).content.decode()
    assert "10.00 → 15.00 USD" in page and "4 → 6" in page
    assert len(every_line()) == 1
    done = browser.post(CORRECT, fixed)
    assert standing_lines(usage["product_id"]) == [(1, 6, 15)]
    ((new,),) = asked("SELECT id FROM mediation_activity WHERE rerated_from_id = %s", line)
    assert done["Location"] == f"/admin/mediation/activity/{new}/change/"
    for wrong, says in (
        (line, f"was taken back; line {new} replaced it"),
        ("x", "Send the Id of a record"),
        ("9" * 18, "no ACTIVITY with Id"),
        ("<b>", "can&#x27;t be &#x27;&lt;b&gt;&#x27;"),
    ):
        for page in (
            browser.get(CORRECT, {"ActivityId": wrong}),
            browser.post(CORRECT, {"ActivityId": wrong, "Quantity": "1"}),
        ):
            assert page.status_code == 200 and says in page.content.decode()
    never = browser.get(CORRECT, {"ActivityId": str(new), "ActivityDate": "2026-02-30T10:00"})
    assert "can&#x27;t be &#x27;2026-02-30T10:00&#x27;" in never.content.decode()
    # A moment is typed in the zone of the page.
    moved = {"ActivityId": str(new), "ActivityDate": "2026-06-16T08:30"}
    asked(
        "UPDATE identity_user SET time_zone_id = (SELECT min(id) FROM localization_timezone "
        "WHERE canonical_name = 'America/Chicago') RETURNING 1"
    )
    assert browser.post(CORRECT, moved).status_code == 302
    assert asked(
        "SELECT activity_date::text FROM mediation_activity WHERE rerated_from_id = %s", new
    ) == [("2026-06-16 13:30:00+00",)]


@pytest.mark.parametrize("address", [RERATE, CORRECT])
def test_whoever_may_not_write_lines_gets_neither(clerk: Callable[..., Any], address: str) -> None:
    browser = signed_in(clerk(ACTIVITY="RU", PRODUCT="R"))
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"ProductId": "1"}).status_code == 403
    assert f'href="{address}"' not in browser.get("/admin/").content.decode()
