"""Whose requests are counted together, what an answer tells, and what a refusal says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from metabrm import environment
from metabrm.environment import read

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.context import Context

#: Three a day: nothing comes back while a test runs.
RATE = "1000:1000:3"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets the variables; what earlier tests counted is not counted here."""
    from entities.api import limits
    from metabrm import embedded
    from metabrm.web import addresses, limiting

    kept = [limits._rate_of, limits._rate_of_addresses, limits._limiter, addresses._is_trusted]
    url = embedded.cache_url(environment.current())
    limiter = limiting.Limiter(url, patience=10)
    import redis

    with redis.Redis.from_url(url) as valkey:
        for key in valkey.scan_iter(limiting.PREFIX + b"*"):
            valkey.delete(key)

    def set_to(**variables: str) -> None:
        env = read(variables)
        monkeypatch.setattr(environment, "current", lambda: env)
        for function in kept:
            function.cache_clear()

    monkeypatch.setattr(limits, "_limiter", lambda: limiter)
    yield set_to
    monkeypatch.undo()
    for function in kept:
        function.cache_clear()


def session_of(context: Context) -> dict[str, str]:
    from metabrm.identity.models import User
    from metabrm.identity.sessions import open_session

    return {"sessionid": open_session(User.objects.get(pk=context.user_id))}


def get(headers: dict[str, str] | None = None, **more: Any) -> Any:
    return Client().get(
        "/rest/2.0/query?sql=SELECT+Id+FROM+CURRENCY", headers=headers or {}, **more
    )


def test_all_sessions_of_a_user_count_together_and_nobody_else_s(
    admin: Context, clerk: Callable[..., Context], limited: Callable[..., None]
) -> None:
    limited(BRM_RATE_LIMIT=RATE)
    one, two, other = session_of(admin), session_of(admin), session_of(clerk(CURRENCY="R"))
    answers = [get(one), get(two), get(one), get(two), get(one)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert [a.headers["RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0", "0"]
    assert get(other).status_code == 200
    assert get().status_code == 401
    refused = answers[3]
    assert refused.headers["RateLimit-Limit"] == "3"
    assert refused.headers["RateLimit-Policy"] == "1000;w=1;burst=1000, 3;w=86400"
    assert 0 < int(refused.headers["Retry-After"]) <= 86400
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"]
    body = refused.json()
    assert (body["error"], body["errors"][0]["error_code"]) == ("TOO_MANY_REQUESTS",) * 2
    assert (
        "User ada may send 1,000 requests a second, 1,000 at once after a pause, and 3 a day"
        in body["message"]
    )
    assert "Retry-After" not in answers[0].headers


def test_a_request_counts_once_however_many_records_it_has_and_whatever_comes_of_it(
    admin: Context, limited: Callable[..., None]
) -> None:
    limited(BRM_RATE_LIMIT=RATE)
    headers = session_of(admin)
    rows = json.dumps({"brmObjects": [{"Name": f"{i}"} for i in range(500)]})
    client = Client()
    answers = [
        client.post("/rest/2.0/PRODUCT", rows, content_type="application/json", headers=headers),
        client.post("/rest/2.0/PRODUCT", "{", content_type="application/json", headers=headers),
        client.get("/rest/2.0/NOTHING/1", headers=headers),
    ]
    assert [a.status_code for a in answers] == [200, 400, 404]
    assert [a.headers["RateLimit-Remaining"] for a in answers] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rest/2.0/login", {"username": "ada", "password": "wrong"}, 401),
        ("/auth/1.0/token", {"username": "ada", "password": "wrong"}, 401),
        ("/auth/1.0/token/verify", {"token": "x"}, 401),
    ],
)
def test_signing_in_is_counted_by_address(
    admin: Context, limited: Callable[..., None], path: str, body: Any, status: int
) -> None:
    limited(BRM_RATE_LIMIT=RATE)
    got = [Client().post(path, json.dumps(body), content_type="application/json") for _ in range(4)]
    assert [a.status_code for a in got] == [status] * 3 + [429]
    assert "Whoever calls from 127.0.0.1" in got[3].json()["message"]
    # Made-up credentials are no way around it, and whoever is signed in is not concerned.
    assert get({"sessionid": "x"}).status_code == 429
    assert get({"Authorization": "Bearer x"}).status_code == 429
    assert get().status_code == 429
    assert get(session_of(admin)).status_code == 200
    assert get(REMOTE_ADDR="192.0.2.1").status_code == 401


def test_users_and_roles_may_have_limits_of_their_own(
    admin: Context, clerk: Callable[..., Context], limited: Callable[..., None]
) -> None:
    nora = clerk(CURRENCY="R")
    limited(
        BRM_RATE_LIMIT=RATE,
        BRM_RATE_LIMITS=f"role:{admin.role_id}=1:9:99,user:{nora.username}=off",
    )
    assert get(session_of(admin)).headers["RateLimit-Limit"] == "9"
    unlimited = get(session_of(nora))
    assert unlimited.status_code == 200
    assert "RateLimit-Limit" not in unlimited.headers
    limited(BRM_RATE_LIMITS=f"role:{admin.role_id}=1:9:99,user:{admin.username}=2:7:99")
    assert get(session_of(admin)).headers["RateLimit-Limit"] == "7"
    limited(BRM_RATE_LIMIT="off")
    assert "RateLimit-Limit" not in get().headers


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "address"),
    [
        ("192.0.2.1", "", "", "192.0.2.1"),
        # Nobody is believed who is no proxy of ours.
        ("192.0.2.1", "198.51.100.9", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "10.0.0.0/8", "192.0.2.1"),
        ("10.0.0.7", "198.51.100.9", "10.0.0.0/8", "198.51.100.9"),
        ("10.0.0.7", "198.51.100.9:4711", "10.0.0.0/8", "198.51.100.9"),
        ("10.0.0.7", "[2001:db8::1]:80", "10.0.0.0/8", "2001:db8::1"),
        # What the sender wrote himself stands to the left of what our proxies saw.
        ("10.0.0.7", "1.1.1.1, 198.51.100.9", "10.0.0.0/8", "198.51.100.9"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.9, 10.0.0.8", "10.0.0.0/8", "198.51.100.9"),
        ("10.0.0.7", "nonsense, 10.0.0.8", "10.0.0.0/8", "10.0.0.8"),
        ("10.0.0.7", "", "10.0.0.0/8", "10.0.0.7"),
    ],
)
def test_the_address_behind_our_own_proxies(
    limited: Callable[..., None], remote: str, forwarded: str, proxies: str, address: str
) -> None:
    from django.test import RequestFactory

    from metabrm.web.addresses import client_address

    limited(BRM_TRUSTED_PROXIES=proxies)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=remote, headers=headers)
    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("", ""),
    ],
)
def test_a_sender_s_choice_of_addresses_counts_as_one(address: str, stands_for: str) -> None:
    from metabrm.web.addresses import one_and_the_same

    assert one_and_the_same(address) == stands_for
