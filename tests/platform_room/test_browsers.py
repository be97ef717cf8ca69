"""What browsers are told: who may call from where, by which way, and what a page may do.

Settings are read once, so each environment has a process of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from metabrm.web.security import POLICY
from tests.patience import STUCK
from tests.platform_room.conftest import ROOT

ORIGIN = "https://portal.example.com"
#: Sends requests, as method, path and headers, and prints what came of each.
PROGRAM = """
import json, sys
import django
django.setup()
from django.test import Client
print(json.dumps([
    [answer.status_code, {k.lower(): v for k, v in answer.headers.items()}]
    for method, path, headers in json.loads(sys.argv[1])
    for answer in [Client(HTTP_HOST="localhost").generic(method, path, headers=headers)]
]))
"""


def sent(state: Path, requests: list[Any], **variables: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(requests)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "metabrm.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
            "BRM_STATE_DIR": str(state),
            "BRM_RATE_LIMIT": "100:100:100",
            # Nobody is there; nothing here needs them.
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=STUCK,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def preflight(path: str, origin: str = ORIGIN, method: str = "PATCH") -> list[Any]:
    asked = "authorization,content-type,idempotency-key,sessionid,x-api-key"
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": asked,
    }
    return ["OPTIONS", path, headers]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a product says that is reached by https and may be called from two sites."""
    requests: dict[str, Any] = {
        "allowed": preflight("/acme/rest/2.0/ACCOUNT"),
        "foreign": preflight("/rest/2.0/ACCOUNT", "https://evil.example"),
        "page": preflight("/docs/errors"),
        "plain": ["GET", "/rest/2.0/ACCOUNT/1", {"Origin": ORIGIN}],
        "bare": ["GET", "/rest/2.0/ACCOUNT/1", {}],
        "host": ["GET", "/rest/2.0/ACCOUNT/1", {"Host": "billing.example"}],
        "other host": ["GET", "/rest/2.0/ACCOUNT/1", {"Host": "evil.example"}],
        "health": ["GET", "/health/live", {}],
    }
    found = sent(
        tmp_path_factory.mktemp("browsers"),
        list(requests.values()),
        BRM_CORS_ORIGINS=f"https://other.example.com,{ORIGIN}",
        BRM_HTTPS="on",
        BRM_ALLOWED_HOSTS="localhost,billing.example",
    )
    return dict(zip(requests, found, strict=True))


def test_only_the_sites_named_may_call_the_api_and_only_the_api(answers: dict[str, Any]) -> None:
    status, told = answers["allowed"]
    assert (status, told["access-control-allow-origin"]) == (200, ORIGIN)
    assert "PATCH" in told["access-control-allow-methods"]
    headers = told["access-control-allow-headers"].split(", ")
    needed = {"authorization", "content-type", "idempotency-key", "sessionid", "x-api-key"}
    assert needed <= {*headers}
    assert "access-control-allow-credentials" not in told
    for name in ("foreign", "page", "bare"):
        assert "access-control-allow-origin" not in answers[name][1]
    # An error too is for the script to read, and so are the headers that it is told of.
    status, told = answers["plain"]
    assert (status, told["access-control-allow-origin"]) == (401, ORIGIN)
    exposed = told["access-control-expose-headers"].split(", ")
    assert {"Retry-After", "Idempotency-Replayed"} <= {*exposed}
    assert "origin" in told["vary"].lower()


def test_browsers_are_held_to_https(answers: dict[str, Any]) -> None:
    for _, told in answers.values():
        assert told["strict-transport-security"] == "max-age=31536000"


def test_another_host_s_name_is_refused(answers: dict[str, Any]) -> None:
    assert (answers["host"][0], answers["other host"][0]) == (401, 400)


def test_without_a_setting_no_site_may_and_nothing_is_said_of_https(client: Client) -> None:
    method, path, headers = preflight("/rest/2.0/ACCOUNT")
    for answer in (
        client.generic(method, path, headers=headers),
        client.get("/health/live", headers={"Origin": ORIGIN}),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
        assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/admin/login/", "/docs/errors"])
def test_a_page_loads_nothing_from_elsewhere(db: None, client: Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    policy = page.headers[POLICY]
    for rule in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"):
        assert rule in policy.split("; ")
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_what_is_no_page_may_do_nothing(client: Client) -> None:
    for path in ("/rest/2.0/ACCOUNT/1", "/health/live"):
        answer = client.get(path)
        assert answer.headers[POLICY] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_admin_s_cookie_opens_no_door_of_the_api(db: None, client: Client) -> None:
    """So a site that makes a browser send requests with the cookie gets nowhere."""
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Admins here", administrator_flag=True)
    client.force_login(User.objects.create(username="cookie", role=role))
    assert client.get("/admin/").status_code == 200
    body = json.dumps({"brmObjects": {"Name": "Forged"}})
    answers = [
        client.get("/rest/2.0/query?sql=SELECT+Id+FROM+CURRENCY"),
        client.post("/rest/2.0/PRODUCT", body, content_type="text/plain"),
        client.delete("/rest/2.0/delete/PRODUCT", body),
    ]
    assert [a.status_code for a in answers] == [401] * 3


def test_a_form_without_its_token_is_refused(db: None) -> None:
    from metabrm.identity.models import Role, User

    client = Client(enforce_csrf_checks=True)
    role = Role.objects.create(name="Admins here", administrator_flag=True)
    client.force_login(User.objects.create(username="cookie", role=role))
    refused = client.post("/admin/logout/")
    assert refused.status_code == 403
    assert client.get("/admin/").status_code == 200
    # Programs have no cookie, and need no token.
    assert client.post("/rest/2.0/login", "{}", content_type="application/json").status_code == 400
