"""Somebody looks after collectors: a run moves on the page, a sample is tried out."""

import os
from typing import Any

import pytest

from billing.mediation.models import ActivityCollectorHistory
from tests.billing.mediation.standing import Standing
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
