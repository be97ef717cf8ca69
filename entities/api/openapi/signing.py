"""Signing in, in the description: the ways to prove who calls, and the addresses that give them."""

from typing import Any

from entities.api.openapi.shared import (
    AUTH,
    HELP,
    HOSTED,
    REST,
    TEXT,
    answer,
    body,
    content,
    errors,
    ref,
    thing,
)
from entities.errors import Code

Json = dict[str, Any]

SECURITY: Json = {
    "session": {
        "type": "apiKey",
        "in": "header",
        "name": "sessionid",
        "description": f"The SessionID that POST {REST}/login answers.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"The access_token of POST {AUTH}/authenticate or {AUTH}/token; the "
        "refresh_token is taken too.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An API key, as it was shown when it was made.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An API key as user name or as password.",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "The id and the secret of an OAuth client.",
    },
}

#: Each of them suffices.
ANY_CREDENTIAL: list[Json] = [{name: []} for name in ("session", "bearer", "key", "basic")]

EXAMPLES: Json = {
    "login": {"username": "ada", "password": "correct horse battery staple"},
    "authenticate": {
        "grant_type": "client_credentials",
        "client_id": "nightly-sync",
        "client_secret": "shown-once",
    },
}

_NOT_EMPTY: Json = TEXT | {"minLength": 1}
_PASSWORD: Json = _NOT_EMPTY | {"format": "password"}
_CREDENTIALS: Json = thing(["username", "password"], username=_NOT_EMPTY, password=_PASSWORD)
_CLIENT: Json = thing(
    [],
    grant_type={"enum": ["client_credentials"]},
    client_id=_NOT_EMPTY,
    client_secret=_PASSWORD,
)
_TOKENS: Json = thing(
    ["access_token", "refresh_token", "token_type", "expires_in"],
    access_token=TEXT,
    refresh_token=TEXT,
    token_type={"const": "Bearer"},
    expires_in={"type": "integer", "description": "Seconds."},
)
_HOSTED_TOKEN: Json = thing(["accessToken"], accessToken=thing(["content"], content=TEXT))


def paths() -> Json:
    """Sessions, tokens, and what opens a hosted payment page."""
    made = {
        f"{REST}/login": _login(),
        f"{REST}/logout": _logout(),
        f"{AUTH}/authenticate": _authenticate(),
        f"{AUTH}/token": _open("token", "Get tokens for a user", _CREDENTIALS, _TOKENS),
        f"{AUTH}/token/refresh": _open(
            "token.refresh",
            "Get new tokens",
            thing(["refresh_token"], refresh_token=_NOT_EMPTY),
            _TOKENS,
        ),
        f"{AUTH}/token/verify": _open(
            "token.verify",
            "Ask whose token this is",
            thing(["token"], token=_NOT_EMPTY),
            thing(["username", "token_type"], username=TEXT, token_type=TEXT),
        ),
        f"{AUTH}/revoke": _revoke(),
        f"{HOSTED}/authenticate": _open(
            "hostedPayments.authenticate",
            "Open a hosted payment page as a client",
            thing(["clientId", "secret"], clientId=_NOT_EMPTY, secret=_PASSWORD),
            _HOSTED_TOKEN,
        ),
        f"{HOSTED}/authenticate-session": _open(
            "hostedPayments.authenticateSession",
            "Open a hosted payment page in a session",
            thing(["sessionId"], sessionId=_NOT_EMPTY),
            _HOSTED_TOKEN,
        ),
    }
    return {path: {"post": operation} for path, operation in made.items()}


def secrets(entity: str, address: str) -> Json:
    """The address at which a record of `entity` gets a new secret, for who may change it."""
    operation = {
        "operationId": f"{entity}.secret",
        "summary": f"Give a record of {entity} a new secret",
        "tags": [entity],
        "parameters": [ref("parameters", "Id")],
        "responses": {
            "200": {
                "description": "The new secret, shown this once; the old one ends soon.",
                **content({"type": "object", "additionalProperties": TEXT}),
            },
            **errors(400, 403, 404),
        },
    }
    return {f"{AUTH}/{address}/{{Id}}/secret": {"post": operation}}


def _login() -> Json:
    element = thing(
        ["SessionID", "ErrorCode", "ErrorText"],
        SessionID=TEXT,
        ErrorCode=TEXT
        | {
            "enum": [
                "0",
                str(Code.INVALID_CREDENTIALS),
                str(Code.NEW_PASSWORD_NEEDED),
                str(Code.SIGN_IN_LOCKED),
            ]
        },
        ErrorText={"type": "array", "items": TEXT},
        help=HELP,
    )
    said = content(answer("loginResponse", element))
    refused = {"anyOf": [answer("loginResponse", element), ref("schemas", "Error.Answer")]}
    operation = _open("login", "Open a session", _CREDENTIALS, {}, example="login")
    operation["responses"] |= {
        "200": {"description": "The session.", **said},
        "401": {"description": "The username or the password is wrong.", **said},
        "403": {"description": "The user has to choose a new password first.", **said},
        "429": {
            "description": "Too many sign-ins have failed, or too many requests.",
            **content(refused),
        },
    }
    return operation


def _logout() -> Json:
    element = thing(
        ["ErrorCode", "ErrorText", "Success"],
        ErrorCode={"const": "0"},
        ErrorText=TEXT,
        Success={"const": "true"},
    )
    return {
        "operationId": "logout",
        "summary": "End the session",
        "tags": ["Signing in"],
        "security": [{"session": []}, {"bearer": []}],
        "responses": {
            "200": {
                "description": "The session has ended.",
                **content(answer("logoutResponse", element)),
            },
            **errors(),
        },
    }


def _authenticate() -> Json:
    operation = _open(
        "authenticate", "Get tokens for an OAuth client", _CLIENT, _TOKENS, example="authenticate"
    )
    said = dict(operation["requestBody"]["content"]["application/json"])
    operation["requestBody"] = {
        "description": "Not needed where the header and the query string say it all.",
        "content": {
            "application/json": said,
            "application/x-www-form-urlencoded": {"schema": _CLIENT},
        },
    }
    return operation | {
        "security": [{"client": []}, {}],
        "parameters": [
            {
                "name": "grant_type",
                "in": "query",
                "schema": {"enum": ["client_credentials"]},
            }
        ],
    }


def _revoke() -> Json:
    wanted = {"type": ["string", "integer"], "pattern": "^[0-9]+$"}
    sent = thing([], UserId=wanted | {"description": "Of whom; the caller where it is not sent."})
    done = thing(["UserId", "ended"], UserId=TEXT, ended={"type": "integer"})
    return {
        "operationId": "revoke",
        "summary": "End every session and token of a user",
        "tags": ["Signing in"],
        "requestBody": {"required": False, **content(sent)},
        "responses": {
            "200": {"description": "How many have ended.", **content(done)},
            **errors(400, 403, 404, 413),
        },
    }


def _open(
    operation_id: str, summary: str, sent: Json, answered: Json, *, example: str = ""
) -> Json:
    """A POST that needs no credential."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["Signing in"],
        "security": [],
        "requestBody": body(sent, example),
        "responses": {"200": {"description": summary, **content(answered)}, **errors(400, 413)},
    }
