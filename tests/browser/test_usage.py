"""Somebody looks after collectors and their lines: a run moves on the page, a sample is tried out,
lines are rated again, one is corrected.
"""

import os
from typing import Any

import pytest

from billing.mediation.models import ActivityCollectorHistory
from billing.rating.models import Rerate
from billing.rating.rerating import runs
from tests.billing.mediation.standing import Standing, asked
from tests.billing.rating.test_loads import Feed, used
from tests.factories import BillingProfileFactory, PriceFactory

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def test_a_run_moves_and_a_sample_is_tried_out(tab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from metabrm import background

    monkeypatch.setattr(background, "tell", lambda *what: None)
    standing = Standing().usual()
    BillingProfileFactory(AccountId=str(standing.account))
    PriceFactory(ProductId=str(standing.product), Rate="2.5")
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,3\n")
    runs = ActivityCollectorHistory.objects.filter(pk=load.pk)
    runs.update(status="RUNNING", progress=40)
    tab.goto(f"/admin/mediation/activitycollector/{standing.collector}/change/")
    tab.evaluate("window.kept = 'not loaded again'")
    tab.wait_for_selector("#collector-state progress[value='40']")
    runs.update(progress=80)
    tab.wait_for_selector("#collector-state progress[value='80']")
    runs.update(status="COMPLETED", progress=100)
    tab.wait_for_selector("#collector-state .brm-badge:has-text('COMPLETED')")
    assert tab.evaluate("window.kept") == "not loaded again"

    tab.set_viewport_size({"width": 400, "height": 900})
    tab.click("#collector-tools a:has-text('Try out')")
    tab.get_by_label("Lines, with the header as they come").fill(
        f"who,at,much\n{standing.token},2026-11-02,3\n<b id=x>,2026-11-02,1\n"
    )
    tab.click("button:has-text('Try')")
    tab.wait_for_selector("#tried :text('7.5 USD')")
    assert tab.locator("#x").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") == 400


def test_lines_are_rated_again_and_one_is_corrected(
    tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metabrm import background

    monkeypatch.setattr(background, "tell", lambda *what: None)
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 4})
    asked("UPDATE catalog_pricing SET rate = 3 RETURNING 1")
    tab.goto(f"/admin/catalog/product/{usage['product_id']}/change/")
    tab.click("a[href*='rerate/?ProductId=']")
    tab.wait_for_selector("h1:has-text('Re-rate')")
    tab.click("button:has-text('Preview')")
    tab.wait_for_selector("#answer :text('10.00 → 12.00 USD')")
    tab.click("#answer button:has-text('Re-rate')")
    tab.wait_for_selector("#rerate-state :text('PENDING')")
    runs.carry_out(Rerate.objects.get().pk)
    tab.wait_for_selector("#rerate-state :text('1 of 1 line costs something else')")

    ((line,),) = asked("SELECT id FROM mediation_activity WHERE rerated_from_id IS NOT NULL")
    tab.set_viewport_size({"width": 400, "height": 900})
    tab.goto(f"/admin/correct-line/?ActivityId={line}")
    tab.wait_for_selector("#line :text('12.00 USD')")
    tab.get_by_label("Right quantity").fill("6")
    tab.click("button:has-text('Preview')")
    tab.wait_for_selector("#answer :text('12.00 → 18.00 USD')")
    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    tab.click("#answer button:has-text('Correct')")
    tab.wait_for_selector(":text('1 line was taken back.')")
    corrected = "SELECT rated_amount FROM mediation_activity WHERE rerated_from_id = %s"
    assert asked(corrected, line) == [(18,)]
