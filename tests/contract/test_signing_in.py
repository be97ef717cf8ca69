"""Signing in and out, and what is answered to whoever has not."""

import pytest
import requests

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, USERNAME, Live

CREDENTIALS = {"username": USERNAME, "password": PASSWORD}


def session_of(answer: requests.Response) -> str:
    (element,) = answer.json()["loginResponse"]
    return str(element["SessionID"])


def test_login_answers_one_element_with_a_session(nobody: Caller) -> None:
    answer = nobody.send("POST", "login", CREDENTIALS)
    assert answer.status_code == 200
    (name,) = answer.json()
    (element,) = answer.json()[name]
    assert name == "loginResponse"
    assert (element["ErrorCode"], element["ErrorText"]) == ("0", [])
    assert len(element["SessionID"]) >= 32


@pytest.mark.parametrize("stale", ["", "gone-long-ago", "x" * 5000])
def test_login_does_not_mind_a_stale_session_header(nobody: Caller, stale: str) -> None:
    answer = nobody.send("POST", "login", CREDENTIALS, headers={"sessionid": stale.encode()})
    assert session_of(answer)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x"])
def test_the_body_is_json_whatever_its_content_type(nobody: Caller, kind: str) -> None:
    answer = nobody.send("POST", "login", CREDENTIALS, headers={"Content-Type": kind})
    assert session_of(answer)


@pytest.mark.parametrize(
    ("username", "password"),
    [(USERNAME, "wrong"), ("nobody-at-all", PASSWORD), ("a\0b", "c"), (USERNAME, "x" * 100_000)],
)
def test_a_wrong_password_is_401_without_a_session(
    nobody: Caller, username: str, password: str
) -> None:
    answer = nobody.send("POST", "login", {"username": username, "password": password})
    assert answer.status_code == 401
    (element,) = answer.json()["loginResponse"]
    assert not element["SessionID"]
    assert element["ErrorCode"] != "0"
    assert "".join(element["ErrorText"])


@pytest.mark.parametrize(
    "body",
    [{}, {"username": USERNAME}, {"username": 5, "password": PASSWORD}, [], "x", b"", b"{"],
    ids=str,
)
def test_a_login_that_lacks_something_is_400(nobody: Caller, body: object) -> None:
    answer = nobody.send("POST", "login", body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "MALFORMED_REQUEST"


@pytest.mark.parametrize("name", ["sessionid", "sessionId", "SESSIONID", "SessionID"])
def test_the_session_header_in_any_case(nobody: Caller, name: str) -> None:
    session_id = session_of(nobody.send("POST", "login", CREDENTIALS))
    answer = nobody.send("POST", "ROLE", {"brmObjects": []}, headers={name: session_id})
    assert answer.status_code == 200


def test_without_any_credential_it_is_401(nobody: Caller) -> None:
    for headers in ({}, {"sessionid": ""}, {"Authorization": "Basic YTpi"}):
        answer = nobody.send("GET", "ROLE/1", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["error_code"] == "NOT_AUTHENTICATED"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("session_id", ["no-such-session", "x" * 5000, "'; DROP TABLE x"])
def test_an_unknown_session_is_500_so_that_clients_log_in_again(
    nobody: Caller, session_id: str
) -> None:
    answer = nobody.send("GET", "ROLE/1", headers={"sessionid": session_id.encode()})
    assert answer.status_code == 500
    assert answer.json()["error"] == "INVALID_SESSION_ID"
    ((code, text),) = [(e["error_code"], e["error_message"]) for e in answer.json()["errors"]]
    assert code == "INVALID_SESSION_ID"
    assert "Log in again" in text


def test_logout_ends_the_session_and_only_that_one(live: Live, nobody: Caller) -> None:
    ending = Caller.signed_in(live.url, USERNAME, PASSWORD)
    staying = Caller.signed_in(live.url, USERNAME, PASSWORD)
    answer = ending.send("POST", "logout")
    assert answer.json() == {
        "logoutResponse": [{"ErrorCode": "0", "ErrorText": " ", "Success": "true"}]
    }
    after = ending.send("POST", "ROLE", {"brmObjects": []})
    assert (after.status_code, after.json()["error"]) == (500, "INVALID_SESSION_ID")
    assert staying.send("POST", "ROLE", {"brmObjects": []}).status_code == 200
    assert ending.send("POST", "logout").status_code == 200
    assert nobody.send("POST", "logout").status_code == 401


def token(nobody: Caller, name: str, body: object) -> requests.Response:
    url = f"{nobody.url}/auth/1.0/{name}"
    return nobody.http.post(url, json=body, timeout=30)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_replaces_the_session(nobody: Caller, kind: str) -> None:
    issued = token(nobody, "token", CREDENTIALS)
    assert issued.status_code == 200
    assert issued.json()["token_type"] == "Bearer"
    assert issued.json()["expires_in"] > 0
    for scheme in ("Bearer", "bearer"):
        bearer = {"Authorization": f"{scheme} {issued.json()[kind]}"}
        answer = nobody.send("POST", "ROLE", {"brmObjects": []}, headers=bearer)
        assert answer.status_code == 200
    stale = {**bearer, "sessionid": "gone-long-ago"}
    assert nobody.send("POST", "ROLE", {"brmObjects": []}, headers=stale).status_code == 200


@pytest.mark.parametrize("bad", ["", "x", "a.b.c", "ä"])
def test_a_bad_bearer_is_401(nobody: Caller, bad: str) -> None:
    header = {"Authorization": f"Bearer {bad}".encode()}
    answer = nobody.send("GET", "ROLE/1", headers=header)
    assert answer.status_code == 401
    assert answer.json()["error"] == "NOT_AUTHENTICATED"


def test_tokens_are_renewed_and_verified(nobody: Caller) -> None:
    issued = token(nobody, "token", CREDENTIALS).json()
    renewed = token(nobody, "token/refresh", {"refresh_token": issued["refresh_token"]})
    assert renewed.status_code == 200
    verified = token(nobody, "token/verify", {"token": renewed.json()["access_token"]})
    assert verified.json() == {"username": USERNAME, "token_type": "access"}
    for name, body in (
        ("token", {**CREDENTIALS, "password": "wrong"}),
        ("token/refresh", {"refresh_token": issued["access_token"]}),
        ("token/verify", {"token": "a.b.c"}),
    ):
        refused = token(nobody, name, body)
        assert (refused.status_code, refused.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert token(nobody, "token", {}).status_code == 400


def test_a_key_is_made_and_revoked_over_the_api(admin: Caller, nobody: Caller, unique: str) -> None:
    made = admin.create("API_KEY", {"Name": unique, "UserIdObj": {"Username": USERNAME}})
    issued = admin.http.post(f"{admin.url}/auth/1.0/api_keys/{made}/secret", timeout=30).json()
    key = issued["api_key"]
    assert issued["Id"] == made and key not in str(admin.get("API_KEY", made))

    def statuses() -> list[int]:
        url = f"{nobody.url}/rest/2.0/ROLE"
        ways = [{"headers": {"X-Api-Key": key}}, {"auth": (key, "")}, {"auth": ("me", key)}]
        body = {"brmObjects": []}
        return [requests.post(url, json=body, timeout=30, **way).status_code for way in ways]

    assert statuses() == [200, 200, 200]
    admin.write("PUT", "API_KEY", {"Id": made, "Status": "DEACTIVATED"})
    assert statuses() == [401, 401, 401]


def test_a_portal_user_is_stored(admin: Caller, unique: str) -> None:
    role = admin.create("ROLE", {"Name": unique, "CustomerPortalRole": 1})
    account = admin.create("ACCOUNT", {"Name": unique, "AccountTypeId": "1"})
    (zone,) = admin.query("SELECT Id FROM TIME_ZONE WHERE Name = 'Europe/Berlin'")
    made = admin.create(
        "EXTERNAL_USER",
        {
            "RoleId": int(role),
            "Email": f"{unique}@example.test",
            "AccountId": int(account),
            "Username": f"{unique}@example.test",
            "LanguageCode": "en",
            "TimeZoneId": int(zone["Id"]),
            "InternalAuthenticationDisabledFlag": 0,
        },
    )
    read = admin.get("EXTERNAL_USER", made)
    assert (read["RoleName"], read["Status"]) == (unique, "ACTIVE")
    assert read["InternalAuthenticationDisabledFlag"] == "0"


def test_a_session_opens_a_hosted_payment_page(nobody: Caller) -> None:
    session = session_of(nobody.send("POST", "login", CREDENTIALS))
    url = f"{nobody.url}/hostedPayments/1.0/authenticate-session"
    sent = {"sessionId": session}
    answer = nobody.http.post(url, json=sent, headers={"sessionid": session}, timeout=30)
    assert answer.json()["accessToken"]["content"]
    assert nobody.http.post(url, json={"sessionId": "x"}, timeout=30).status_code == 500


def test_whoever_guesses_is_locked_out(nobody: Caller, unique: str) -> None:
    wrong = {"username": unique, "password": "wrong"}
    tries = [nobody.send("POST", "login", wrong) for _ in range(6)]
    assert [t.status_code for t in tries] == [401] * 5 + [429]
    assert int(tries[-1].headers["Retry-After"]) > 0
    assert session_of(nobody.send("POST", "login", CREDENTIALS))
