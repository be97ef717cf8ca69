"""Every way in, and every way that must not be one: keys, clients, tokens, locks and makers."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from django.test import Client

from metabrm import clock
from metabrm.environment import kept

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.context import Context
    from metabrm.identity.models import User

PASSWORD = "walnut-harbour-19"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GRANT = "grant_type=client_credentials"


def post(path: str, body: Any = b"", **headers: str) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic("POST", path, sent, content_type="text/plain", headers=named)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def whoami(**headers: str) -> Any:
    """What a caller is told who asks for nothing in particular."""
    return post("/rest/2.0/ROLE", {"brmObjects": []}, **headers)


def secret_of(entity: str, **row: Any) -> dict[str, str]:
    from entities import credentials
    from metabrm.identity.context import Context

    return credentials.make(entity, row, Context.system("test"))


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """The product's way takes a second where many tests run; one test is about it."""
    first = "django.contrib.auth.hashers.MD5PasswordHasher"
    settings.PASSWORD_HASHERS = [first, *settings.PASSWORD_HASHERS]


@pytest.fixture
def boss(db: None) -> User:
    """An administrator with a password."""
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Bosses", administrator_flag=True)
    user = User(username="boss", role=role)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def oauth(boss: User) -> dict[str, str]:
    """A client of the administrator."""
    return secret_of("OAUTH_CLIENT", Name="nightly sync", UserId=boss.pk)


@pytest.fixture
def key(boss: User) -> dict[str, str]:
    """A key of the administrator."""
    return secret_of("API_KEY", Name="export", UserId=boss.pk)


# OAuth 2 client credentials


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (f"?{GRANT}", "header"),
        (f"?{GRANT}&client_id={{client_id}}&client_secret={{client_secret}}", ""),
        ("", f"{GRANT}&client_id={{client_id}}&client_secret={{client_secret}}"),
        ("", '{{"client_id": "{client_id}", "client_secret": "{client_secret}"}}'),
    ],
    ids=["basic", "query", "form", "json"],
)
def test_a_client_puts_its_secret_where_it_likes(
    oauth: dict[str, str], query: str, place: str
) -> None:
    path = "/demogm/auth/1.0/authenticate" + query.format(**oauth)
    if place == "header":
        header = basic(oauth["client_id"], oauth["client_secret"])
        answer = post(path, Authorization=header)
    else:
        answer = post(path, place.format(**oauth).encode())
    issued = answer.json()
    assert list(issued) == ["access_token", "refresh_token", "token_type", "expires_in"]
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    for kind in ("access_token", "refresh_token"):
        assert whoami(Authorization=f"Bearer {issued[kind]}").status_code == 200
    renewed = post(
        "/auth/1.0/token",
        f"grant_type=refresh_token&refresh_token={issued['refresh_token']}".encode(),
    )
    assert whoami(Authorization=f"bearer {renewed.json()['access_token']}").status_code == 200


def test_the_header_counts_before_the_body_and_the_body_before_the_query(
    oauth: dict[str, str],
) -> None:
    path, right = "/auth/1.0/authenticate", f"client_id={oauth['client_id']}&client_secret="
    good, bad = right + oauth["client_secret"], right + "x"
    header = basic(oauth["client_id"], oauth["client_secret"])
    assert post(f"{path}?{bad}", bad.encode(), Authorization=header).status_code == 200
    assert post(f"{path}?{bad}", good.encode()).status_code == 200
    assert post(f"{path}?{good}", bad.encode()).status_code == 401
    assert post(f"{path}?{good}", Authorization=basic("a", "b")).status_code == 401


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("", 401, "NOT_AUTHENTICATED"),
        ("Basic", 401, "NOT_AUTHENTICATED"),
        ("Basic %%%", 401, "NOT_AUTHENTICATED"),
        ("Basic " + base64.b64encode(b"no colon").decode(), 401, "NOT_AUTHENTICATED"),
        (basic("", ""), 401, "NOT_AUTHENTICATED"),
        (basic("%", "' OR 1=1 --"), 401, "INVALID_CREDENTIALS"),
        (basic("a\0b", "c\0d"), 401, "INVALID_CREDENTIALS"),
        (basic("x" * 1_200, "y"), 401, "INVALID_CREDENTIALS"),
    ],
)
def test_what_is_no_client_gets_no_token(db: None, header: str, status: int, code: str) -> None:
    answer = post(f"/auth/1.0/authenticate?{GRANT}", Authorization=header)
    assert (answer.status_code, answer.json()["error"]) == (status, code)


def test_other_grants_are_refused(db: None) -> None:
    answer = post("/auth/1.0/authenticate?grant_type=implicit")
    assert (answer.status_code, answer.json()["error"]) == (400, "MALFORMED_REQUEST")


def test_a_rotated_secret_is_right_for_a_time_of_grace(oauth: dict[str, str]) -> None:
    from entities import credentials
    from entities.schema.current import current
    from metabrm.identity.context import Context

    def signs_in(secret: str) -> str | None:
        answer = post("/auth/1.0/authenticate", Authorization=basic(oauth["client_id"], secret))
        return answer.json().get("access_token")

    old = oauth["client_secret"]
    by_old = signs_in(old)
    new = credentials.issue_secret(
        current(), Context.system("test"), "OAUTH_CLIENT", int(oauth["Id"]), timedelta(hours=1)
    )["client_secret"]
    assert signs_in(old) and signs_in(new)
    assert whoami(Authorization=f"Bearer {by_old}").status_code == 200
    with clock.frozen(clock.now() + timedelta(minutes=61)):
        assert signs_in(old) is None
        # What was got by it ended with it, though the token itself is not yet too old to renew.
        assert whoami(Authorization=f"Bearer {by_old}").status_code == 401
        assert signs_in(new)


@pytest.mark.parametrize("how", ["deactivated", "deleted", "user", "role"])
def test_what_a_client_got_is_worth_no_more_than_the_client(
    oauth: dict[str, str], boss: User, how: str, system: Context
) -> None:
    from entities import records

    header = basic(oauth["client_id"], oauth["client_secret"])
    token = post("/auth/1.0/authenticate", Authorization=header).json()
    off = {"Status": "DEACTIVATED"}
    done = {
        "deactivated": lambda: records.update("OAUTH_CLIENT", [{"Id": oauth["Id"], **off}], system),
        "deleted": lambda: records.delete("OAUTH_CLIENT", [oauth["Id"]], system),
        "user": lambda: records.update("USER", [{"Id": boss.pk, **off}], system),
        "role": lambda: records.update("ROLE", [{"Id": boss.role_id, **off}], system),
    }[how]()
    assert done[0].ok, done
    for kind in ("access_token", "refresh_token"):
        assert whoami(Authorization=f"Bearer {token[kind]}").status_code == 401
    assert post("/auth/1.0/token/refresh", token).status_code == 401
    assert post("/auth/1.0/authenticate", Authorization=header).status_code == 401
    if how == "deactivated":
        records.update("OAUTH_CLIENT", [{"Id": oauth["Id"], "Status": "ACTIVE"}], system)
        assert post("/auth/1.0/authenticate", Authorization=header).status_code == 401


# API keys


def test_a_key_is_sent_in_three_ways(key: dict[str, str]) -> None:
    text = key["api_key"]
    ways = [
        {"X_Api_Key": text},
        {"Authorization": basic(text, "")},
        {"Authorization": basic("anybody", text)},
    ]
    for way in ways:
        assert whoami(**way).status_code == 200
    for way in ({"X_Api_Key": text + "x"}, {"Authorization": basic("brm_x", "")}):
        answer = whoami(**way)
        assert (answer.status_code, answer.json()["error"]) == (401, "NOT_AUTHENTICATED")


def test_a_key_is_read_by_nobody(key: dict[str, str], boss: User) -> None:
    from entities import records
    from entities.models import AuditLog
    from metabrm.identity.context import Context
    from metabrm.identity.models import Secret

    assert whoami(X_Api_Key=key["api_key"]).status_code == 200
    read = json.loads(records.retrieve("API_KEY", [int(key["Id"])], Context.of(boss)))[0]
    assert read["KeyPrefix"] == key["api_key"][:10]
    assert read["LastUsed"]
    kept = json.dumps(list(AuditLog.objects.values_list("before", "after")), default=str)
    hashed = bytes(Secret.objects.get().secret_hash)
    for secret in (key["api_key"], hashed.hex(), base64.b64encode(hashed).decode()):
        assert secret not in kept + json.dumps(read)


def test_what_is_sent_for_fields_of_the_platform_is_not_taken(boss: User) -> None:
    from entities import records
    from metabrm.identity.context import Context

    mine = {"Name": "a", "KeyPrefix": "brm_mine", "SecretIssued": "2020-01-01"}
    (made,) = records.create("API_KEY", [mine], Context.of(boss))
    assert made.ok
    read = json.loads(records.retrieve("API_KEY", [made.id or 0], Context.of(boss)))[0]
    assert (read["KeyPrefix"], read["SecretIssued"], read["UserId"]) == (None, None, str(boss.pk))
    for name in ("SecretHash", "KeyHash", "Secret", "Password"):
        (refused,) = records.create("API_KEY", [{"Name": "b", name: "x"}], Context.of(boss))
        assert [p.code for p in refused.problems] == ["UNKNOWN_FIELD"]
    (client,) = records.create("OAUTH_CLIENT", [{"Name": "c", "ClientId": "x"}], Context.of(boss))
    read = json.loads(records.retrieve("OAUTH_CLIENT", [client.id or 0], Context.of(boss)))[0]
    assert len(read["ClientId"]) == 32


@pytest.mark.parametrize(
    "how", ["deactivated", "deleted", "expired", "user", "user's role", "its role", "rotated"]
)
def test_a_key_ends(key: dict[str, str], boss: User, how: str, system: Context) -> None:
    from entities import credentials, records
    from entities.schema.current import current
    from metabrm.identity.models import Role

    off = {"Status": "DEACTIVATED"}
    other = Role.objects.create(name="Others")
    changes: dict[str, Callable[[], Any]] = {
        "deactivated": lambda: records.update("API_KEY", [{"Id": key["Id"], **off}], system),
        "deleted": lambda: records.delete("API_KEY", [key["Id"]], system),
        "expired": lambda: records.update(
            "API_KEY", [{"Id": key["Id"], "ExpirationDate": "2020-01-01"}], system
        ),
        "user": lambda: records.update("USER", [{"Id": boss.pk, **off}], system),
        "user's role": lambda: records.update("ROLE", [{"Id": boss.role_id, **off}], system),
        "its role": lambda: (
            records.update("API_KEY", [{"Id": key["Id"], "RoleId": other.pk}], system),
            records.update("ROLE", [{"Id": other.pk, **off}], system),
        ),
        "rotated": lambda: credentials.issue_secret(current(), system, "API_KEY", int(key["Id"])),
    }
    changes[how]()
    assert whoami(X_Api_Key=key["api_key"]).status_code == 401
    if how == "deactivated":
        records.update("API_KEY", [{"Id": key["Id"], "Status": "ACTIVE"}], system)
        assert whoami(X_Api_Key=key["api_key"]).status_code == 401


def test_a_key_s_role_never_makes_its_user_an_administrator(
    boss: User, clerk: Callable[..., Context]
) -> None:
    from metabrm.identity import sessions

    small = clerk(ACCOUNT="R")
    made = secret_of("API_KEY", Name="k", UserId=small.user_id, RoleId=boss.role_id)
    found = sessions.context_of_key(made["api_key"])
    assert found is not None and not found[0].administrator
    limited = secret_of("API_KEY", Name="l", UserId=boss.pk, RoleId=small.role_id)
    found = sessions.context_of_key(limited["api_key"])
    assert found is not None
    context = found[0]
    assert (context.user_id, context.role_id, context.administrator) == (
        boss.pk,
        small.role_id,
        False,
    )


# Several credentials at once


def test_the_first_good_credential_says_who_calls(boss: User, key: dict[str, str]) -> None:
    from metabrm.identity import services, tokens
    from metabrm.identity.models import Role, User

    def someone(name: str) -> User:
        return User.objects.create(username=name, role=Role.objects.create(name=name))

    def caller_by(**headers: str) -> str:
        from django.test import RequestFactory

        from entities.api.callers import caller

        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return caller(RequestFactory().get("/", headers=named))[0].username

    session = services.open_session(someone("by session"))
    bearer = "Bearer " + tokens.issue(someone("by token"))["access_token"]
    api_key = secret_of("API_KEY", Name="x", UserId=someone("by key").pk)["api_key"]
    all_three = {"sessionid": session, "Authorization": bearer, "X_Api_Key": api_key}
    assert caller_by(**all_three) == "by session"
    assert caller_by(**{**all_three, "sessionid": "gone"}) == "by token"
    assert caller_by(**{**all_three, "sessionid": "", "Authorization": "Bearer x"}) == "by key"
    twice = {"Authorization": basic(key["api_key"], ""), "X_Api_Key": api_key}
    assert caller_by(**twice) == "boss"
    # Where none is good, the first is answered for.
    answer = whoami(sessionid="gone", Authorization="Bearer x", X_Api_Key="brm_x")
    assert (answer.status_code, answer.json()["error"]) == (500, "INVALID_SESSION_ID")
    answer = whoami(Authorization="Bearer x", X_Api_Key="brm_x")
    assert (answer.status_code, "bearer" in answer.json()["message"]) == (401, True)


# Tokens


def forged(boss: User, algorithm: str, key: str, **changed: Any) -> str:
    from metabrm.identity import tokens

    good = tokens.issue(boss)["access_token"]
    header = {"kid": changed.pop("kid", "secret-key")}
    claims = jwt.decode(good, options={"verify_signature": False}) | changed
    return jwt.encode(claims, key, algorithm=algorithm, headers=header)


def test_forged_tokens_are_refused(boss: User) -> None:
    secret = kept.secret_key()
    good = forged(boss, "HS256", secret)
    assert whoami(Authorization=f"Bearer {good}").status_code == 200
    head, claims, _ = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","kid":"secret-key"}').rstrip(b"=").decode()
    for bad in (
        forged(boss, "none", ""),
        f"{unsigned}.{claims}.",
        f"{head}.{claims}.",
        forged(boss, "HS384", secret),
        forged(boss, "HS256", "x" * 64),
        forged(boss, "HS256", secret, kid="other"),
        forged(boss, "HS256", secret, kid="../../dev/null"),
        forged(boss, "HS256", secret, exp=1),
        forged(boss, "HS256", secret, sid=10**9),
        forged(boss, "HS256", secret, sid="1 OR 1=1"),
        forged(boss, "HS256", secret, user_id=str(boss.pk + 1)),
        forged(boss, "HS256", secret, token_type="sliding"),
        forged(boss, "HS256", secret, token_type="hosted_payment"),
    ):
        answer = whoami(Authorization=f"Bearer {bad}")
        assert (answer.status_code, answer.json()["error"]) == (401, "NOT_AUTHENTICATED")


def test_signing_keys_rotate(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from metabrm.identity import tokens

    first, second = ("a", "k" * 40), ("b", "l" * 40)

    def keys(*those: tuple[str, str]) -> None:
        monkeypatch.setattr(tokens, "signing_keys", lambda: tokens.SigningKeys(those))

    keys(first)
    old = tokens.issue(boss)["access_token"]
    keys(second, first)
    assert tokens.context_of_token(old)[0].username == "boss"
    assert jwt.get_unverified_header(tokens.issue(boss)["access_token"])["kid"] == "b"
    keys(second)
    with pytest.raises(tokens.BadToken):
        tokens.context_of_token(old)


@pytest.mark.parametrize("how", ["password", "deactivated", "deleted", "logout", "revoke"])
def test_a_revoked_token_stays_revoked(boss: User, how: str, system: Context) -> None:
    from entities import records
    from metabrm.identity import services

    issued = post("/auth/1.0/token", {"username": "boss", "password": PASSWORD}).json()
    bearer = f"Bearer {issued['access_token']}"
    session = services.open_session(boss)
    if how == "password":
        services.set_password(boss, "another-walnut-20")
    elif how == "logout":
        assert post("/rest/2.0/logout", Authorization=bearer).status_code == 200
    elif how == "revoke":
        assert post("/auth/1.0/revoke", Authorization=bearer).json()["ended"] == 2
    elif how == "deleted":
        assert records.delete("USER", [boss.pk], system)[0].ok
        assert records.undelete("USER", [boss.pk], system)[0].ok
    else:
        for status in ("DEACTIVATED", "ACTIVE"):
            row = {"Id": boss.pk, "Status": status}
            assert records.update("USER", [row], system)[0].ok
    assert whoami(Authorization=bearer).status_code == 401
    assert post("/auth/1.0/token/refresh", issued).status_code == 401
    assert whoami(sessionid=session).status_code == (200 if how == "logout" else 500)


def test_who_may_sign_others_out(boss: User, clerk: Callable[..., Context]) -> None:
    from metabrm.identity import services
    from metabrm.identity.models import User

    small = clerk(USER="RU")
    own = services.open_session(User.objects.get(pk=small.user_id))
    above = services.open_session(boss)
    refused = post("/auth/1.0/revoke", {"UserId": boss.pk}, sessionid=own)
    assert (refused.status_code, refused.json()["error"]) == (403, "INSUFFICIENT_RIGHTS")
    assert post("/auth/1.0/revoke", {"UserId": "x"}, sessionid=own).status_code == 400
    assert post("/auth/1.0/revoke", {"UserId": 10**9}, sessionid=own).status_code == 404
    assert post("/auth/1.0/revoke", {"UserId": small.user_id}, sessionid=above).status_code == 200
    assert whoami(sessionid=own).status_code == 500
    assert whoami(sessionid=above).status_code == 200


def test_a_sign_in_that_was_overtaken_by_a_new_password_opens_nothing(boss: User) -> None:
    from metabrm.identity import services, sessions, tokens
    from metabrm.identity.models import User

    proved = services.authenticate("boss", PASSWORD)
    assert proved is not None
    services.set_password(User.objects.get(pk=boss.pk), "another-walnut-20")
    for opens in (services.open_session, tokens.issue):
        with pytest.raises(sessions.SignInOvertakenError):
            opens(proved)


def test_what_is_purged_takes_its_secrets_and_sessions_along(
    boss: User, key: dict[str, str], oauth: dict[str, str], system: Context
) -> None:
    from entities import records
    from metabrm.identity.models import ApiSession, BrowserSession, Secret

    assert whoami(X_Api_Key=key["api_key"]).status_code == 200
    header = basic(oauth["client_id"], oauth["client_secret"])
    assert post("/auth/1.0/authenticate", Authorization=header).status_code == 200
    Client().force_login(boss)
    (done,) = records.delete("API_KEY", [key["Id"]], system, permanently=True)
    assert done.ok, done.problems
    (done,) = records.delete("USER", [boss.pk], system, permanently=True)
    assert done.ok, done.problems
    for model in (Secret, ApiSession, BrowserSession):
        assert not model.objects.exists()


# Hosted payment pages


def test_tokens_for_hosted_payment_pages_open_nothing_else(
    boss: User, oauth: dict[str, str]
) -> None:
    from metabrm.identity import services

    session = services.open_session(boss)
    by_client = {"clientId": oauth["client_id"], "secret": oauth["client_secret"]}
    where = "/demogm/hostedPayments/1.0/authenticate"
    for answer in (
        post(where, by_client, environmentId="7"),
        post(f"{where}-session", {"sessionId": session}),
        post(f"{where}-session", {"sessionId": "x"}, sessionid=session),
    ):
        token = answer.json()["accessToken"]["content"]
        verified = post("/auth/1.0/token/verify", {"token": token}).json()
        assert verified == {"username": "boss", "token_type": "hosted_payment"}
        assert whoami(Authorization=f"Bearer {token}").status_code == 401
        assert post("/auth/1.0/token/refresh", {"refresh_token": token}).status_code == 401
    services.close_session(session)
    assert post("/auth/1.0/token/verify", {"token": token}).status_code == 401
    assert post(f"{where}-session", {"sessionId": session}).status_code == 500
    assert post(f"{where}-session").status_code == 401
    assert post(where, {**by_client, "secret": "x"}).status_code == 401


# Lock-out


def login(name: str, password: str, address: str = "10.0.0.1", **more: str) -> Any:
    sent = json.dumps({"username": name, "password": password})
    return Client().generic("POST", "/rest/2.0/login", sent, REMOTE_ADDR=address, **more)


def test_a_name_is_locked_at_one_address_whether_it_exists_or_not(boss: User) -> None:
    answers = {}
    for name in ("boss", "nobody"):
        tries = [login(name, "wrong") for _ in range(6)]
        assert [t.status_code for t in tries] == [401] * 5 + [429]
        answers[name] = (tries[-1].content, tries[-1].headers["Retry-After"])
        element = tries[-1].json()["loginResponse"][0]
        assert (element["ErrorCode"], element["SessionID"]) == ("SIGN_IN_LOCKED", "")
    assert answers["boss"] == answers["nobody"]
    assert answers["boss"][1] == "900"
    # The right password is not even looked at, on no way in; elsewhere it is.
    assert login("boss", PASSWORD).status_code == 429
    assert login("BOSS", "wrong").status_code == 429
    token = {"username": "boss", "password": PASSWORD}
    answer = Client().generic("POST", "/auth/1.0/token", json.dumps(token), REMOTE_ADDR="10.0.0.1")
    assert (answer.status_code, answer.json()["error"]) == (429, "SIGN_IN_LOCKED")
    page = Client(REMOTE_ADDR="10.0.0.1").post("/admin/login/", token)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "900")
    assert PASSWORD not in page.content.decode()
    assert login("boss", PASSWORD, "10.0.0.2").status_code == 200


def test_who_has_to_choose_a_new_password_gets_no_further(
    boss: User, key: dict[str, str], system: Context
) -> None:
    from entities import records

    told = {"username": "boss", "password": PASSWORD}
    before = post("/auth/1.0/token", told).json()["access_token"]
    records.update("USER", [{"Id": boss.pk, "ResetPasswordFlag": "true"}], system)
    assert whoami(Authorization=f"Bearer {before}").status_code == 401
    answer = post("/rest/2.0/login", told)
    (element,) = answer.json()["loginResponse"]
    assert (answer.status_code, element["ErrorCode"]) == (403, "NEW_PASSWORD_NEEDED")
    assert element["SessionID"] == "" and "/admin/" in element["ErrorText"][0]
    answer = post("/auth/1.0/token", told)
    assert (answer.status_code, answer.json()["error"]) == (403, "NEW_PASSWORD_NEEDED")
    # Whoever has not the password is not told; a key needs none.
    assert post("/auth/1.0/token", {**told, "password": "x"}).status_code == 401
    assert whoami(X_Api_Key=key["api_key"]).status_code == 200
    browser = Client()
    assert browser.post("/admin/login/", told).status_code == 302
    for page in ("/admin/", "/admin/sessions/", f"/admin/identity/user/{boss.pk}/password/"):
        for sent in (browser.get(page), browser.post(page)):
            assert (sent.status_code, sent["Location"]) == (302, "/admin/password_change/")
    assert browser.get("/docs/").status_code == 401
    address = "/admin/password_change/"
    assert "Choose a new password first" in browser.get(address).text
    new = "another-walnut-20"
    passwords = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "the password you have" in browser.post(address, passwords).text
    passwords |= {"new_password1": new, "new_password2": new}
    assert browser.post(address, passwords).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert post("/rest/2.0/login", {**told, "password": new}).status_code == 200


def test_a_sign_in_is_logged_with_whose_it_is(
    boss: User, oauth: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from metabrm.observability import logs

    lines: list[Any] = []
    monkeypatch.setattr(logs, "tell", lambda logger, level, event, line: lines.append(line))
    right = {"username": "boss", "password": PASSWORD}
    issued = post("/auth/1.0/token", right).json()
    session = post("/rest/2.0/login", right).json()["loginResponse"][0]["SessionID"]
    post("/auth/1.0/authenticate", {n: oauth[n] for n in ("client_id", "client_secret")})
    post("/auth/1.0/token/refresh", issued)
    post("/auth/1.0/token/verify", {"token": issued["access_token"]})
    post("/hostedPayments/1.0/authenticate-session", {"sessionId": session})
    assert [line.get("username") for line in lines] == ["boss"] * 6
    # What was typed for a name may be a password.
    post("/rest/2.0/login", {**right, "username": PASSWORD})
    assert "username" not in lines[-1]


def test_the_lock_ends_by_time_and_by_the_command(boss: User) -> None:
    from django.core.management import call_command

    with clock.frozen(NOON):
        for _ in range(5):
            login("boss", "wrong")
        assert login("boss", PASSWORD).status_code == 429
    with clock.frozen(NOON + timedelta(minutes=15, seconds=1)):
        assert login("boss", PASSWORD).status_code == 200
        for _ in range(5):
            login("boss", "wrong")
        assert login("boss", PASSWORD).status_code == 429
        call_command("axes_reset_username", "boss", verbosity=0)
        assert login("boss", PASSWORD).status_code == 200


def test_a_right_password_forgets_the_wrong_ones_of_its_name_only(boss: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert login("boss", "wrong").status_code == 401
        assert login("nobody", "wrong").status_code == 401
        assert login("boss", PASSWORD).status_code == 200
    assert [login("nobody", "x").status_code for _ in range(3)] == [401, 401, 429]


def test_many_names_at_one_address_and_many_addresses_for_one_name(
    boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metabrm.identity import lockout

    monkeypatch.setattr(lockout, "MANY", 2)
    names = [login(f"user{n}", "x").status_code for n in range(11)]
    assert names == [401] * 10 + [429]
    addresses = [login("boss", "x", f"10.1.0.{n}").status_code for n in range(11)]
    assert addresses == [401] * 10 + [429]


def test_an_ipv6_network_is_one_address_and_a_header_is_nobody_s(boss: User) -> None:
    tries = [login("boss", "x", f"2001:db8::{n}").status_code for n in range(6)]
    assert tries[-1] == 429
    claimed = [
        login("nobody", "x", HTTP_X_FORWARDED_FOR=f"10.9.9.{n}").status_code for n in range(6)
    ]
    assert claimed[-1] == 429


def test_a_client_is_locked_by_its_secret_too(oauth: dict[str, str]) -> None:
    bad = basic(oauth["client_id"], "wrong")
    tries = [post("/auth/1.0/authenticate", Authorization=bad) for _ in range(6)]
    assert [t.status_code for t in tries] == [401] * 5 + [429]
    good = basic(oauth["client_id"], oauth["client_secret"])
    assert post("/auth/1.0/authenticate", Authorization=good).status_code == 429


def test_names_with_patterns_and_lookalikes_are_nobody(boss: User) -> None:
    for name in (
        "bos%",
        "b_ss",
        "Boss",
        "boss ",
        "bos\u017f",
        "b\u043ess",
        "boss\u200b",
        "' OR ''='",
    ):
        assert login(name, PASSWORD, "10.2.0.1").status_code == 401


def test_no_secret_is_logged(
    boss: User, oauth: dict[str, str], key: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django").propagate = True
    session = login("boss", PASSWORD).json()["loginResponse"][0]["SessionID"]
    login("boss", "a wrong secret word")
    issued = post("/auth/1.0/token", {"username": "boss", "password": PASSWORD}).json()
    secret = oauth["client_secret"]
    post(f"/auth/1.0/authenticate?client_id={oauth['client_id']}&client_secret={secret}")
    post("/auth/1.0/authenticate", Authorization=basic(oauth["client_id"], secret))
    post(f"/auth/1.0/nowhere?client_secret={secret}")
    whoami(sessionid=session), whoami(X_Api_Key=key["api_key"])
    whoami(Authorization=f"Bearer {issued['access_token']}")
    for word in (
        PASSWORD,
        "a wrong secret word",
        secret,
        session,
        key["api_key"],
        *(issued[kind] for kind in ("access_token", "refresh_token")),
    ):
        assert word not in caplog.text


# Makers of credentials


@pytest.mark.parametrize("entity", ["API_KEY", "OAUTH_CLIENT"])
def test_nobody_makes_a_credential_of_somebody_who_may_more(
    boss: User, clerk: Callable[..., Context], entity: str
) -> None:
    from entities import records

    verbs = {"API_KEY": "CRUD", "OAUTH_CLIENT": "CRUD", "USER": "R", "ROLE": "R"}
    small = clerk(**verbs)
    (refused,) = records.create(entity, [{"Name": "x", "UserId": boss.pk}], small)
    assert [p.code for p in refused.problems] == ["INSUFFICIENT_RIGHTS"]
    (own,) = records.create(entity, [{"Name": "own"}], small)
    assert own.ok
    (moved,) = records.update(entity, [{"Id": own.id, "UserId": boss.pk}], small)
    assert not moved.ok
    theirs = secret_of(entity, Name="theirs", UserId=boss.pk)
    for done in (
        records.update(entity, [{"Id": theirs["Id"], "Name": "mine"}], small),
        records.delete(entity, [theirs["Id"]], small),
    ):
        assert [p.code for p in done[0].problems] == ["INSUFFICIENT_RIGHTS"]


@pytest.mark.parametrize("entity", ["API_KEY", "OAUTH_CLIENT"])
def test_a_key_makes_nothing_that_may_more_than_itself(
    boss: User, clerk: Callable[..., Context], entity: str
) -> None:
    from entities import credentials, records
    from entities.errors import RequestError
    from entities.schema.current import current
    from metabrm.identity import sessions

    small = clerk(API_KEY="CRUD", OAUTH_CLIENT="CRUD", USER="R", ROLE="R")
    limited = secret_of("API_KEY", Name="limited", UserId=boss.pk, RoleId=small.role_id)
    found = sessions.context_of_key(limited["api_key"])
    assert found is not None
    by_key = found[0]
    for row in ({"Name": "full"}, {"Name": "full", "UserId": boss.pk}):
        (refused,) = records.create(entity, [row], by_key)
        assert [p.code for p in refused.problems] == ["INSUFFICIENT_RIGHTS"]
    # It does not lift its own limit, and takes no full credential of its user over.
    (lifted,) = records.update("API_KEY", [{"Id": limited["Id"], "RoleId": ""}], by_key)
    (nulled,) = records.update(
        "API_KEY", [{"Id": limited["Id"], "fieldsToNull": ["RoleId"]}], by_key
    )
    assert not lifted.ok and not nulled.ok
    full = secret_of(entity, Name="theirs", UserId=boss.pk)
    with pytest.raises(RequestError, match="may do what you may not"):
        credentials.issue_secret(current(), by_key, entity, int(full["Id"]))


def test_a_secret_is_issued_to_whoever_may_change_its_record(
    boss: User, clerk: Callable[..., Context], key: dict[str, str], oauth: dict[str, str]
) -> None:
    from metabrm.identity import services
    from metabrm.identity.models import User

    def issued(path: str, caller: Context) -> Any:
        session = services.open_session(User.objects.get(pk=caller.user_id))
        return post(f"/auth/1.0/{path}/secret", sessionid=session)

    keeper, reader = clerk(API_KEY="CRU", OAUTH_CLIENT="CRU"), clerk(API_KEY="R", OAUTH_CLIENT="R")
    for path in (f"api_keys/{key['Id']}", f"oauth_clients/{oauth['Id']}"):
        for caller in (keeper, reader):
            refused = issued(path, caller)
            assert (refused.status_code, refused.json()["error"]) == (403, "INSUFFICIENT_RIGHTS")
    from metabrm.identity.context import Context

    new = issued(f"api_keys/{key['Id']}", Context.of(boss))
    assert new.headers["Cache-Control"] == "no-store"
    assert whoami(X_Api_Key=new.json()["api_key"]).status_code == 200
    assert whoami(X_Api_Key=key["api_key"]).status_code == 401
    assert issued("api_keys/999999999", Context.of(boss)).status_code == 404
    assert post(f"/auth/1.0/api_keys/{key['Id']}/secret").status_code == 401


def test_a_role_above_the_maker_s_is_given_to_no_key(
    boss: User, clerk: Callable[..., Context]
) -> None:
    from entities import records

    small = clerk(API_KEY="CRU", ROLE="R")
    above = clerk(API_KEY="CRUD", ROLE="R", ACCOUNT="CRUD")
    for role in (boss.role_id, above.role_id):
        (refused,) = records.create("API_KEY", [{"Name": "x", "RoleId": role}], small)
        assert [p.field for p in refused.problems] == ["RoleId"]


def test_external_users_are_never_administrators(
    boss: User, clerk: Callable[..., Context], system: Context
) -> None:
    from entities import records
    from metabrm.identity.models import Role
    from tests.factories import AccountFactory

    portal = Role.objects.create(name="Portal", customer_portal_role=True)
    row = {
        "RoleId": portal.pk,
        "Email": "portal.user@example.test",
        "AccountId": AccountFactory(),
        "Username": "portal.user@example.test",
        "LanguageCode": "en",
        "TimeZoneId": 1,
        "InternalAuthenticationDisabledFlag": 0,
    }
    (refused,) = records.create("EXTERNAL_USER", [{**row, "RoleId": boss.role_id}], system)
    assert [p.field for p in refused.problems] == ["RoleId"]
    (made,) = records.create("EXTERNAL_USER", [row], system)
    assert made.ok, made.problems
    (up,) = records.update("EXTERNAL_USER", [{"Id": made.id, "RoleId": boss.role_id}], system)
    assert [p.code for p in up.problems] == ["VALIDATION_FAILED"]
    raise_role = [{"Id": portal.pk, "AdministratorFlag": "1"}]
    (raised,) = records.update("ROLE", raise_role, system)
    assert [p.field for p in raised.problems] == ["AdministratorFlag"]
    assert records.delete("EXTERNAL_USER", [made.id], system)[0].ok
    assert records.update("ROLE", raise_role, system)[0].ok
    assert not records.undelete("EXTERNAL_USER", [made.id], system)[0].ok
    assert records.update("ROLE", [{**raise_role[0], "AdministratorFlag": "0"}], system)[0].ok
    assert records.undelete("EXTERNAL_USER", [made.id], system)[0].ok
    small = clerk(EXTERNAL_USER="CRUD", ROLE="R", ACCOUNT="R")
    above = clerk(EXTERNAL_USER="CRUD", ROLE="R", ACCOUNT="CRUD")
    (refused,) = records.create(
        "EXTERNAL_USER", [{**row, "Username": "b", "RoleId": above.role_id}], small
    )
    assert [p.code for p in refused.problems][:1] == ["INSUFFICIENT_RIGHTS"]
    (support,) = records.create(
        "SUPPORT_USERS",
        [{n: row[n] for n in ("RoleId", "Email", "Username", "LanguageCode", "TimeZoneId")}],
        system,
    )
    assert support.ok, support.problems
    # They are people, not users: nobody signs in as one.
    assert login("portal.user@example.test", "", "10.3.0.1").status_code == 400
    assert login("portal.user@example.test", "x", "10.3.0.1").status_code == 401


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("BOSS", "DUPLICATE_KEY"),
        ("boss", "DUPLICATE_KEY"),
        ("b\u043ess", "INVALID_VALUE"),
        ("bo\u200bss", "INVALID_VALUE"),
        ("bo\u017fs", "INVALID_VALUE"),
        (" boss", ""),
        ("\u0431\u043e\u0441\u0441", ""),
        ("\u5c71\u7530\u592a\u90ce", ""),
    ],
)
def test_nobody_is_called_like_somebody_else(
    boss: User, system: Context, name: str, code: str
) -> None:
    from entities import records

    (made,) = records.create("USER", [{"Username": name, "RoleId": boss.role_id}], system)
    if name == " boss":
        assert not made.ok
    else:
        assert [p.code for p in made.problems] == ([code] if code else [])


# Passwords


def test_an_old_hash_is_renewed_when_its_password_is_right(boss: User, settings: Any) -> None:
    from django.contrib.auth.hashers import make_password

    from metabrm.identity import services
    from metabrm.identity.models import User

    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    session = services.open_session(boss)
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=boss.pk).update(password=old)
    assert login("boss", PASSWORD).status_code == 200
    boss.refresh_from_db()
    assert boss.password.startswith("argon2$argon2id$v=19$m=65536,t=3,p=4$")
    # It is the same password, so what was open stays open.
    assert whoami(sessionid=session).status_code == 200


def test_weak_passwords_are_refused(boss: User) -> None:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    for weak in (
        "short-one-7",
        "password1234",
        "123456789012345",
        "boss",
    ):
        with pytest.raises(ValidationError):
            validate_password(weak, boss)
    validate_password(PASSWORD, boss)


# Commands


def test_the_commands_make_and_end_clients_and_keys(
    boss: User, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import CommandError, call_command

    def run(*words: str) -> Any:
        call_command(*words)
        return json.loads(capsys.readouterr().out)

    made = run("oauth_client", "create", "--user", "boss")
    header = basic(made["client_id"], made["client_secret"])
    assert post("/auth/1.0/authenticate", Authorization=header).status_code == 200
    assert made["client_secret"] not in json.dumps(run("oauth_client", "list"))
    rotated = run("oauth_client", "rotate", made["client_id"], "--grace-hours", "0")
    assert post("/auth/1.0/authenticate", Authorization=header).status_code == 401
    assert rotated["client_secret"] != made["client_secret"]
    run("oauth_client", "revoke", made["client_id"])
    header = basic(made["client_id"], rotated["client_secret"])
    assert post("/auth/1.0/authenticate", Authorization=header).status_code == 401

    key = run("api_key", "create", "--user", "boss", "--name", "k", "--expires", "2999-01-01")
    assert whoami(X_Api_Key=key["api_key"]).status_code == 200
    assert key["api_key"] not in json.dumps(run("api_key", "list"))
    newer = run("api_key", "rotate", "k")
    assert whoami(X_Api_Key=key["api_key"]).status_code == 401
    assert whoami(X_Api_Key=newer["api_key"]).status_code == 200
    run("api_key", "revoke", "k")
    assert whoami(X_Api_Key=newer["api_key"]).status_code == 401
    for words in (
        ("oauth_client", "create", "--user", "nobody"),
        ("oauth_client", "rotate", "x"),
        ("api_key", "revoke", "x"),
    ):
        with pytest.raises(CommandError):
            call_command(*words)


def test_a_command_says_when_a_key_could_not_be_revoked(
    key: dict[str, str], system: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import CommandError, call_command

    from entities.schema.current import current
    from tests.entities.acting import create_one

    create_one(
        "ENTITY_VALIDATION",
        system,
        EntityId=current().entity("API_KEY").id,
        EntityValidationName="keys stay",
        FormulaValue="{!Status} <> 'ACTIVE'",
        ErrorText="Keys stay as they are.",
    )
    with pytest.raises(CommandError, match="Keys stay as they are"):
        call_command("api_key", "revoke", "export")
    assert "DEACTIVATED" not in capsys.readouterr().out
    assert whoami(X_Api_Key=key["api_key"]).status_code == 200


def test_where_somebody_signs_in_from_is_kept_fit_to_be_shown(boss: User) -> None:
    from metabrm.identity.models import ApiSession

    login("boss", PASSWORD, "10.4.0.1", HTTP_USER_AGENT="evil\r\nSet-Cookie: a\x1b[2J" + "x" * 500)
    (row,) = ApiSession.objects.all()
    assert (row.address, len(row.agent)) == ("10.4.0.1", 200)
    assert row.agent.isprintable()


def test_the_caller_of_a_key_costs_one_statement(
    key: dict[str, str], django_assert_num_queries: Any
) -> None:
    from metabrm.identity import sessions

    sessions.context_of_key(key["api_key"])
    with django_assert_num_queries(0):  # the one is prepared, and past Django's own cursors
        assert sessions.context_of_key(key["api_key"]) is not None
