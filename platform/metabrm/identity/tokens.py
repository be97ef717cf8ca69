"""JSON Web Tokens: a credential that a program carries instead of a session id.

simplejwt makes and checks them; the keys of BRM_SIGNING_KEYS are told apart by the header `kid`,
the first one signs, and the algorithm is the one we sign by, whatever a token says. Every token
names a row of who is signed in (`sessions.open_tokens`): it is worth no more than its user, works
only while the row is there, and so ends as a session does.
"""

from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token, UntypedToken

from metabrm.environment import kept
from metabrm.identity import sessions
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.identity.sessions import NOWHERE, Origin
from metabrm.observability.facts import facts

#: The claim that names the row of who is signed in.
ROW_CLAIM = "sid"


_T = TypeVar("_T", bound=Token)


class BadToken(Exception):
    """The token is none of ours, has expired, or its user may no longer sign in."""


class SigningKeys(TokenBackend):
    """All keys of this process: the first signs, each verifies what names it."""

    def __init__(self, keys: tuple[tuple[str, str], ...]) -> None:
        self.first = keys[0][0]
        self.keys = dict(keys)
        super().__init__(api_settings.ALGORITHM, keys[0][1])

    def encode(self, payload: dict[str, Any]) -> str:
        return jwt.encode(
            payload, self.signing_key, algorithm=self.algorithm, headers={"kid": self.first}
        )

    def get_verifying_key(self, token: Any) -> Any:
        try:
            key = self.keys.get(jwt.get_unverified_header(token).get("kid", ""))
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise TokenBackendError("Token is invalid") from error
        if key is None:
            raise TokenBackendError("Token is invalid")
        return key


@cache
def signing_keys() -> SigningKeys:
    """The keys of this process."""
    return SigningKeys(kept.signing_keys())


class _Ours:
    """Mixin of simplejwt's tokens: signed and checked with our keys."""

    def get_token_backend(self) -> SigningKeys:
        return signing_keys()


class Access(_Ours, AccessToken):
    """What a program sends with every request."""


class Refresh(_Ours, RefreshToken):
    """What it gets a new one by; the public client may be told to send it as the bearer."""

    access_token_class = Access


class HostedPayment(_Ours, Token):
    """What a hosted payment page is opened with, and nothing else."""

    token_type = "hosted_payment"
    lifetime = timedelta(minutes=15)


class _Any(_Ours, UntypedToken):
    pass


BEARER_TYPES = (Access.token_type, Refresh.token_type)
KNOWN_TYPES = (*BEARER_TYPES, HostedPayment.token_type)


def issue(user: User, origin: Origin = NOWHERE, *, secret_id: int | None = None) -> dict[str, Any]:
    """Tokens for `user`, or for a client by its secret: access_token, refresh_token, token_type and
    expires_in, in seconds."""
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME
    row_id = sessions.open_tokens(user, origin, lifetime, secret_id=secret_id)
    return _answer(_named(Refresh(), user.pk, row_id))


def issue_for_hosted_payment(user_id: int, row_id: int) -> str:
    """A token for a hosted payment page, to whom the row says is signed in."""
    return str(_named(HostedPayment(), user_id, row_id))


def renew(refresh_token: str) -> dict[str, Any]:
    """A new access token for a refresh token, which stays the same; raises BadToken."""
    refresh = _checked(Refresh, refresh_token)
    context, _ = _holder(refresh, (Refresh.token_type,))
    facts().username = context.username
    return _answer(refresh)


def context_of_token(
    token: str, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any]:
    """The caller behind a bearer token and the value of the SQL expression `alongside`.

    Raises BadToken.
    """
    wanted = {"reason": reason, "request_id": request_id, "alongside": alongside}
    return _holder(_checked(_Any, token), BEARER_TYPES, **wanted)


def close(token: str) -> None:
    """End what the token belongs to, the tokens that were issued with it; raises BadToken."""
    checked = _checked(_Any, token)
    _holder(checked, BEARER_TYPES)
    sessions.close_row(checked[ROW_CLAIM])


def holder_of(token: str) -> tuple[Context, str]:
    """Whom a token of any kind belongs to, and its kind; raises BadToken."""
    checked = _checked(_Any, token)
    context, _ = _holder(checked, KNOWN_TYPES)
    return context, str(checked[api_settings.TOKEN_TYPE_CLAIM])


def _checked(kind: type[_T], token: str) -> _T:
    try:
        return kind(token)  # type: ignore[arg-type]
    except TokenError as error:
        raise BadToken(str(error)) from error


def _holder(token: Token, kinds: tuple[str, ...], **wanted: str) -> tuple[Context, Any]:
    user_id, row_id = token.get(api_settings.USER_ID_CLAIM), token.get(ROW_CLAIM)
    if token.get(api_settings.TOKEN_TYPE_CLAIM) not in kinds or not (
        isinstance(user_id, str) and user_id.isdecimal() and isinstance(row_id, int)
    ):
        raise BadToken("Token is of a wrong type")
    found = sessions.context_of_tokens(row_id, int(user_id), **wanted)
    if found is None:
        raise BadToken("Token was revoked, or its user may not sign in")
    return found


def _named(token: _T, user_id: int, row_id: int) -> _T:
    token[api_settings.USER_ID_CLAIM] = str(user_id)
    token[ROW_CLAIM] = row_id
    return token


def _answer(refresh: Refresh) -> dict[str, Any]:
    return {
        "access_token": str(refresh.access_token),
        "refresh_token": str(refresh),
        "token_type": "Bearer",
        "expires_in": int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    }
