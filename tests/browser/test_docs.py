"""The API's documentation in the browser: found, searched, read, and requests tried out."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_admin_to_a_request_that_is_tried_out(tab: Any) -> None:
    tab.click('a[href="/docs/"]')
    tab.wait_for_selector("[data-words]")
    assert tab.locator("[data-words]:visible").count() > 40
    tab.fill("#search", "billingprofile")
    shown = tab.locator("[data-words]:visible a").all_inner_texts()
    assert shown[0] == "BILLING_PROFILE" and len(shown) < 15
    tab.fill("#search", "nothing is called this")
    tab.wait_for_selector("#none:visible")

    tab.goto("/docs/ROLE/")
    assert tab.locator("#client").is_visible() and not tab.locator("#curl").is_visible()
    tab.click("#tab-curl")
    assert tab.locator("#curl").is_visible() and not tab.locator("#client").is_visible()
    tab.keyboard.press("ArrowLeft")
    assert tab.locator("#requests").is_visible()

    tab.goto("/docs/swagger/?entity=ROLE")
    tab.click("#session")
    tab.wait_for_selector("text=Requests are now sent in a session of yours")
    tab.locator(".opblock-get .opblock-summary-control").first.click()
    tab.click(".try-out__btn")
    tab.click(".execute")
    tab.wait_for_selector(".live-responses-table tbody .response-col_status")
    answered = tab.locator(".live-responses-table tbody .response-col_status").first.inner_text()
    assert answered.startswith("200")


def test_redoc_is_drawn_under_the_policy(colleague: Any) -> None:
    """Its maker's logo, which it asks another host for, is not let out."""
    outside: list[str] = []
    failed: list[str] = []
    colleague.on("request", lambda r: None if "//localhost:" in r.url else outside.append(r.url))
    colleague.on("requestfailed", lambda r: failed.append(r.url))
    colleague.set_viewport_size({"width": 420, "height": 900})
    colleague.goto("/docs/redoc/?entity=ROLE")
    colleague.wait_for_selector("h2:has-text('Find records of ROLE')")
    assert [u for u in outside if u.startswith("http")] == [u for u in failed if "cdn" in u]
    for page in ("/docs/", "/docs/ROLE/"):
        colleague.goto(page)
        assert colleague.evaluate("document.documentElement.scrollWidth") <= 420
