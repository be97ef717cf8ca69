"""A real browser before a live server.

The browser is Debian's: `apt-get install chromium`. Where there is none these tests are skipped
with that advice; with BRM_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from metabrm.identity.models import User

PASSWORD = "Tall-ships-sail-7"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]


def _unavailable(reason: str) -> None:
    if os.environ.get("BRM_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, without a window."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _unavailable("no Chromium on PATH; install it with: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _unavailable("playwright is not installed; install it with: pip install playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def boss(transactional_db: None) -> User:
    """An administrator with a password."""
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Boss", administrator_flag=True)
    user = User(username="boss", role=role)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def tab(chromium: Any, live_server: Any, boss: User) -> Iterator[Any]:
    """A tab signed in as the administrator. It must not ask any other host for anything, and
    nothing it asks for may fail.
    """
    page = chromium.new_page(base_url=live_server.url, viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(15_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on(
        "request",
        lambda r: None if r.url.startswith((live_server.url, "data:")) else wrong.append(r.url),
    )
    page.goto("/admin/")
    page.fill("input[name=username]", "boss")
    page.fill("input[name=password]", PASSWORD)
    page.click("#login-form button")
    page.wait_for_selector("#holds")
    yield page
    page.close()
    assert not wrong


@pytest.fixture
def colleague(chromium: Any, live_server: Any, boss: User) -> Iterator[Any]:
    """A tab of another user, in a session of its own."""
    from metabrm.identity.models import User

    user = User(username="mate", role=boss.role)
    user.set_password(PASSWORD)
    user.save()
    page = chromium.new_context(base_url=live_server.url).new_page()
    page.set_default_timeout(15_000)
    page.goto("/admin/")
    page.fill("input[name=username]", "mate")
    page.fill("input[name=password]", PASSWORD)
    page.click("#login-form button")
    page.wait_for_selector("#holds")
    yield page
    page.context.close()
