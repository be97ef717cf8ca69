"""An administrator arranges pages in the browser; a colleague at work sees it at once."""

import os
from typing import Any

import pytest

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

EDITOR = "/admin/designer/ACCOUNT/layouts/"
LIST = "/admin/customers/account/"
SHOWN = "[data-shown] > [data-name]"


@pytest.fixture
def account(transactional_db: None) -> int:
    """An account with a parent; its Id."""
    from tests.factories import AccountFactory

    parent = AccountFactory(Name="Harbor Group")
    return AccountFactory(Name="Blue Harbor Ltd", ParentAccountId=str(parent))


def shown(tab: Any) -> list[str]:
    return [item.get_attribute("data-name") for item in tab.query_selector_all(SHOWN)]


def heads(tab: Any) -> list[str]:
    tab.goto(LIST)
    cells = tab.query_selector_all("#result_list thead th[class*=column-], #result_list thead th")
    found = [cell.inner_text().strip() for cell in cells]
    return [text for text in dict.fromkeys(found) if text]


def _save(tab: Any) -> None:
    with tab.expect_navigation():
        tab.click("[data-save]")
    tab.wait_for_selector("text=layout is saved")


def test_a_list_is_arranged_and_everybody_sees_it(tab: Any, colleague: Any, account: int) -> None:
    before = heads(colleague)
    tab.goto("/admin/designer/ACCOUNT/")
    tab.click(".brmd-facts a:has-text('layouts')")
    tab.wait_for_url(f"**{EDITOR}LIST/")
    assert tab.is_disabled("[data-save]")
    first = shown(tab)
    # Out with the last, in with a field behind a lookup, up with it, by buttons alone.
    last = first[-1]
    tab.click(f"[data-name={last}] [data-out]")
    tab.fill("[data-find]", "ParentAccountObj.Name")
    added = "[data-name='ParentAccountObj.Name']"
    tab.click(f"{added} [data-in]")
    tab.focus(f"{added} [data-by='-1']")
    tab.keyboard.press("Enter")
    wanted = [*first[:-2], "ParentAccountObj.Name", first[-2]]
    assert shown(tab) == wanted
    tab.wait_for_selector(".brml-sample th:has-text('› Name')")
    assert "Harbor Group" in tab.inner_text("[data-preview]")
    _save(tab)
    assert shown(tab) == wanted
    after = heads(colleague)
    assert any("›" in head for head in after)
    assert after != before
    tab.click("text=Reset to default")
    tab.wait_for_selector("text=as they are without a layout")
    assert heads(colleague) == before
    tab.click("text=Undo last change")
    tab.wait_for_selector("text=The last change is undone")
    assert heads(colleague) == after


def test_a_field_is_dragged_into_place(tab: Any, account: int) -> None:
    tab.goto(f"{EDITOR}LIST/")
    first = shown(tab)
    away = tab.get_attribute("[data-available] > [data-name]", "data-name")
    tab.drag_and_drop(
        f"[data-available] > [data-name={away}]",
        f"[data-shown] > [data-name={first[0]}]",
        target_position={"x": 30, "y": 3},
    )
    assert shown(tab) == [away, *first]
    tab.drag_and_drop(f"[data-shown] > [data-name={first[1]}]", ".brml-available h2")
    assert shown(tab) == [away, first[0], *first[2:]]
    _save(tab)
    assert shown(tab) == [away, first[0], *first[2:]]


def test_a_form_has_headings(tab: Any, account: int) -> None:
    tab.goto(f"{EDITOR}INPUT/")
    tab.click("[data-heading]")
    tab.keyboard.type("Numbers & <b>names</b>")
    moved = shown(tab)[0]
    for _ in range(len(shown(tab)) + 1):
        tab.click(f"[data-name={moved}] [data-by='1']")
    tab.wait_for_selector("[data-preview] h3:has-text('Numbers & <b>names</b>')")
    _save(tab)
    tab.goto(f"{LIST}{account}/change/")
    assert tab.is_visible("h2:has-text('Numbers & <b>names</b>')")


def test_nothing_is_lost_by_leaving_or_by_coming_second(
    tab: Any, colleague: Any, account: int
) -> None:
    for page in (tab, colleague):
        page.goto(f"{EDITOR}SEARCH/")
        page.click(f"[data-name={shown(page)[0]}] [data-out]")
    asked: list[str] = []
    colleague.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    colleague.evaluate("location.assign('/admin/')")
    colleague.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert colleague.url.endswith("/SEARCH/")
    _save(tab)
    mine = shown(colleague)[1:]
    colleague.click(f"[data-name={shown(colleague)[0]}] [data-out]")
    colleague.click("[data-save]")
    colleague.wait_for_selector("#layout-trouble:has-text('boss has saved this layout')")
    colleague.click("text=Save mine in its place")
    colleague.wait_for_selector("text=layout is saved")
    assert shown(colleague) == mine


def test_it_can_be_used_on_a_telephone(tab: Any, account: int) -> None:
    tab.set_viewport_size({"width": 390, "height": 800})
    for kind in ("LIST", "DETAIL", "INPUT", "SEARCH"):
        tab.goto(f"{EDITOR}{kind}/")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        first = shown(tab)[0]
        tab.click(f"[data-name={first}] [data-by='1']")
        assert shown(tab)[1] == first
