"""The page of slow queries: what took long, without what was asked for, for administrators only."""

import pytest
import redis
from django.test import Client

from metabrm.identity.models import Role, User
from metabrm.observability import facts, heart, slow
from tests.observing import logged

ADDRESS = "/admin/slow-queries/"


@pytest.fixture
def kept() -> None:
    heart.client().delete(slow._KEY)
    known, token = facts.begin("req-20")
    known.username, known.entity = "<b>liner</b>", "ACCOUNT"
    slow.tell("SELECT Id FROM ACCOUNT WHERE Name = ?", 2_345_000_000, 7, "answered", "Seq Scan 'x'")
    facts.end(token)


def test_the_newest_come_first_and_say_all(browser: Client, kept: None) -> None:
    slow.tell("SELECT 1", 1_000_000_000, 0, "QUERY_TIMEOUT")
    shown = browser.get(ADDRESS)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert text.index("QUERY_TIMEOUT") < text.index("2345 ms, ACCOUNT")
    assert "SELECT Id FROM ACCOUNT WHERE Name = ?" in text
    assert "7 rows, answered, request req-20" in text
    assert "Seq Scan ?" in text
    assert "<b>liner" not in text
    assert "Slow queries" in browser.get("/admin/").content.decode()


def test_only_so_many_are_kept(db: None, kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "MOST_KEPT", 3)
    for number in range(5):
        slow.tell(f"query {number}", 1_000_000_000, 0, "answered")
    assert [found.query for found in slow.latest()] == ["query 4", "query 3", "query 2"]


def test_others_than_administrators_see_nothing_of_it(db: None, kept: None) -> None:
    user = User.objects.create(username="clerk", role=Role.objects.create(name="Clerk"))
    client = Client()
    assert client.get(ADDRESS).status_code == 302
    client.force_login(user)
    assert client.get(ADDRESS).status_code == 403
    assert "slow-queries" not in client.get("/admin/").content.decode()


def test_without_valkey_the_page_says_so(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(heart, "client", refuse)
    assert "does not answer" in browser.get(ADDRESS).content.decode()
    slow.tell("query", 1_000_000_000, 0, "answered")


def test_the_line_of_a_page_tells_who_is_signed_in(browser: Client) -> None:
    with logged() as seen:
        browser.get("/admin/")
    (line,) = seen.of("request")
    assert (line["username"], line["credential"]) == ("boss", "cookie")
