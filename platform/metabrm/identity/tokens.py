"""JSON Web Tokens: a credential that a program carries instead of a session id.

simplejwt makes and checks them. A token is worth no more than its user: it works only while the
user and the user's role are active and the password is the one it was issued under.
"""

from typing import Any

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token, UntypedToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.identity.sessions import context_of_user

# The public client may be told to send its refresh token as the bearer.
BEARER_TYPES = (AccessToken.token_type, RefreshToken.token_type)


class BadToken(Exception):
    """The token is none of ours, has expired, or its user may no longer sign in."""


def issue(user: User) -> dict[str, Any]:
    """Tokens for `user`: access_token, refresh_token, token_type and expires_in, in seconds."""
    return _answer(RefreshToken.for_user(user))


def renew(refresh_token: str) -> dict[str, Any]:
    """A new access token for a refresh token, which stays the same; raises BadToken."""
    try:
        refresh = RefreshToken(refresh_token)
    except TokenError as error:
        raise BadToken(str(error)) from error
    _holder(refresh)
    return _answer(refresh)


def context_of_token(
    token: str, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any]:
    """The caller behind a bearer token and the value of the SQL expression `alongside`.

    Raises BadToken.
    """
    try:
        checked = UntypedToken(token)
    except TokenError as error:
        raise BadToken(str(error)) from error
    return _holder(checked, reason=reason, request_id=request_id, alongside=alongside)


def _holder(token: Token, **wanted: str) -> tuple[Context, Any]:
    user_id = str(token.get(api_settings.USER_ID_CLAIM, ""))
    if token.get(api_settings.TOKEN_TYPE_CLAIM) not in BEARER_TYPES or not user_id.isdecimal():
        raise BadToken("Token is of a wrong type")
    found = context_of_user(int(user_id), **wanted)
    if found is None:
        raise BadToken("The token's user may not sign in")
    context, value, password = found
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(password):
        raise BadToken("The user's password has changed since the token was issued")
    return context, value


def _answer(refresh: RefreshToken) -> dict[str, Any]:
    return {
        "access_token": str(refresh.access_token),
        "refresh_token": str(refresh),
        "token_type": "Bearer",
        "expires_in": int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    }
