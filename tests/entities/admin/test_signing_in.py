"""Who is signed in, as the admin shows and ends it; secrets that are shown once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from metabrm import clock

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.models import User

SESSIONS = "/admin/sessions/"


@pytest.fixture
def worker(db: None) -> User:
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Worker")
    return User.objects.create(username="wanda", role=role)


def test_the_list_says_who_from_where_and_ends_one(browser: Client, worker: User) -> None:
    from metabrm.identity import services
    from metabrm.identity.sessions import Origin

    session = services.open_session(worker, Origin("10.7.7.7", "<b>sync</b>/2"))
    other = services.open_session(worker)
    shown = browser.get(SESSIONS).content.decode()
    for text in ("wanda", "10.7.7.7", "&lt;b&gt;sync&lt;/b&gt;/2", "boss", "browser"):
        assert text in shown
    assert "<b>sync" not in shown and session not in shown
    key = re.search(r'value="(program-\d+)"', browser.get(f"{SESSIONS}?user={worker.pk}").text)
    assert key is not None
    browser.post(SESSIONS, {"end": key[1]})
    left = [services.context_of_session(s) is not None for s in (session, other)]
    assert sorted(left) == [False, True]


def test_a_user_is_signed_out_everywhere_and_unlocked(browser: Client, worker: User) -> None:
    from metabrm.identity import lockout, services, tokens

    theirs = Client()
    theirs.force_login(worker)
    session, token = services.open_session(worker), tokens.issue(worker)["access_token"]
    address = f"{SESSIONS}?user={worker.pk}"
    assert theirs.get("/admin/").status_code == 200
    browser.post(address, {"everywhere": "1"})
    assert theirs.get("/admin/").status_code == 302
    assert services.context_of_session(session) is None
    with pytest.raises(tokens.BadToken):
        tokens.context_of_token(token)
    assert browser.get("/admin/").status_code == 200

    for _ in range(5):
        Client().post("/admin/login/", {"username": "wanda", "password": "wrong"})
    assert lockout.failures("wanda") == 5
    assert "5 failed sign-ins" in browser.get(address).text
    browser.post(address, {"unlock": "1"})
    assert lockout.failures("wanda") == 0


def test_others_see_and_end_only_their_own(limited: Callable[..., Client], boss: User) -> None:
    from metabrm.identity import services

    above = services.open_session(boss)
    clerk = limited({"USER": "ru"})
    shown = clerk.get(SESSIONS).text
    assert "clerk" in shown and "boss" not in shown
    assert clerk.get(f"{SESSIONS}?user={boss.pk}").status_code == 403
    from metabrm.identity.models import ApiSession

    row = ApiSession.objects.get()
    assert clerk.post(SESSIONS, {"end": f"program-{row.pk}"}).status_code == 403
    assert clerk.post(f"{SESSIONS}?user={boss.pk}", {"everywhere": "1"}).status_code == 403
    assert services.context_of_session(above) is not None
    for wrong in ("x", "9" * 30, "0"):
        assert clerk.get(f"{SESSIONS}?user={wrong}").status_code == 404
    assert clerk.post(SESSIONS, {"unlock": "1"}).status_code == 403
    assert clerk.post(SESSIONS, {"everywhere": "1"}).status_code == 302
    assert clerk.get("/admin/").status_code == 302


def test_nobody_from_outside_sees_the_list(client: Client, db: None) -> None:
    assert client.get(SESSIONS).status_code == 302


def test_a_browser_s_session_is_new_at_sign_in_and_kept_as_a_hash(boss: User) -> None:
    from django.conf import settings

    from metabrm.identity.models import BrowserSession

    boss.set_password("Tall-ships-sail-7")
    boss.save()
    client = Client(REMOTE_ADDR="10.5.5.5", HTTP_USER_AGENT="Firefox")
    planted = client.session
    planted["cart"] = "1"
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""
    sent = {"username": "boss", "password": "Tall-ships-sail-7", "next": "/admin/"}
    assert client.post("/admin/login/", sent).status_code == 302
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert cookie != planted.session_key
    row = BrowserSession.objects.get(user=boss)
    assert (row.address, row.agent) == ("10.5.5.5", "Firefox")
    assert row.session_key != cookie
    thief = Client()
    for stolen in (row.session_key, planted.session_key or ""):
        thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
        assert thief.get("/admin/").status_code == 302


def test_a_browser_is_signed_out_after_the_longest_time(browser: Client) -> None:
    with clock.frozen(clock.now() + timedelta(hours=23)):
        assert browser.get("/admin/").status_code == 200
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize(("entity", "what"), [("API_KEY", "api_key"), ("OAUTH_CLIENT", "client_")])
def test_a_secret_is_made_at_a_press_and_shown_once(
    browser: Client, boss: User, make, page, entity: str, what: str
) -> None:
    made = make(entity, Name="sync", UserId=str(boss.pk))
    address = page(entity, made, "secret")
    assert address in browser.get(page(entity, made, "change")).text
    asked = browser.get(address)
    assert "<code>" not in asked.text
    shown = browser.post(address)
    secret = re.findall(r"<code>([^<]+)</code>", shown.text)[-1]
    assert what in shown.text and len(secret) >= 40
    assert "no-store" in shown.headers["Cache-Control"]
    for later in (address, page(entity, made, "change"), page(entity, made, "history")):
        assert secret not in browser.get(later).text


def test_who_may_not_change_a_key_gets_no_secret(
    limited: Callable[..., Client], boss: User, make, page
) -> None:
    made = make("API_KEY", Name="sync", UserId=str(boss.pk))
    clerk = limited({"API_KEY": "ru"})
    assert clerk.post(page("API_KEY", made, "secret")).status_code == 403
    from metabrm.identity.models import Secret

    assert not Secret.objects.exists()
