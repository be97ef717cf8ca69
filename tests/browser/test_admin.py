"""An administrator at work, as a browser sees it."""

import os
from typing import Any

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def test_the_overview_shows_what_runs(tab: Any) -> None:
    tab.wait_for_selector("#running >> text=PostgreSQL")
    assert tab.is_visible("text=What the system holds")


def test_adding_finding_deleting_and_undoing(tab: Any) -> None:
    tab.goto("/admin/customers/account/add/")
    tab.fill("input[name=Name]", "Blue Harbor Ltd")
    tab.click("text=Save >> nth=-1")
    tab.wait_for_selector("text=is added")
    tab.goto("/admin/customers/account/?q=harbor")
    tab.click("#result_list >> text=Blue Harbor Ltd")
    tab.click("a:has-text('Delete account')")
    tab.click("button:has-text('Delete')")
    tab.click("button:has-text('Undo')")
    tab.wait_for_selector("text=is back")
    tab.click("#main a:has-text('History')")
    for action in ("UNDELETE", "CREATE"):
        tab.wait_for_selector(f".brm-entry >> text={action} >> nth=0")


def test_a_lookup_is_chosen_by_typing(tab: Any) -> None:
    tab.goto("/admin/catalog/pricing/add/")
    tab.click("#id_CurrencyCode + .select2")
    tab.fill(".select2-search__field", "euro")
    tab.click(".select2-results__option:has-text('EUR')")
    assert tab.input_value("#id_CurrencyCode") == "EUR"


def test_a_filter_is_applied_from_the_sheet(tab: Any) -> None:
    tab.goto("/admin/localization/currency/")
    tab.click("#main a:has-text('Filters')")
    tab.click("#changelist-filter button[type=submit], #changelist-filter button >> nth=0")
    tab.wait_for_load_state()
    assert tab.is_visible("#result_list")
