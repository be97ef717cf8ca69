"""Who sends a request, by a session, a token or an API key, and on which schema it runs.

Both are asked of the database in one statement. Where a request carries several credentials, each
suffices, and the first that is good says who calls: the header `sessionid`, then `Authorization`
(Bearer, or Basic with an API key), then `X-Api-Key`. Where none is good, the first is answered for.
"""

from typing import Any

from django.http import HttpRequest

from entities.api.limits import admit, admit_address
from entities.errors import Code, RequestError
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.identity.secret import key_in
from metabrm.identity.sessions import context_of_key, context_of_session
from metabrm.identity.tokens import BadToken, context_of_token
from metabrm.observability.facts import facts
from metabrm.web.middleware import request_id_of

#: Digits of a number that is longer than any Id.
LONGEST_ID = 30

_NO_CREDENTIAL = (
    "No session ID was provided. Log in with POST .../rest/2.0/login and send its SessionID in the "
    "header sessionid, or send an access token in the header Authorization: Bearer, or an API key "
    "in the header X-Api-Key."
)
_SCHEMA_VERSION = "(SELECT v.version FROM entities_schemaversion v WHERE v.id = 1)"


def caller(request: HttpRequest) -> tuple[Context, Snapshot]:
    """The request's caller and the snapshot it runs on.

    RequestError NOT_AUTHENTICATED (no credential, or a bad bearer token), INVALID_SESSION_ID, or
    TOO_MANY_REQUESTS.
    """
    session_id = session_id_of(request)
    about = {
        "reason": f"REST {request.method}",
        "request_id": request_id_of(request),
        "alongside": _SCHEMA_VERSION,
    }
    found = context_of_session(session_id, **about) if session_id else None
    if found is None:
        found, refusal = _otherwise(request, about)
    else:
        facts().credential = "session"
    if found is None:
        admit_address(request)
        if session_id:
            raise RequestError(
                Code.INVALID_SESSION_ID,
                "The session is not known or has expired. Log in again.",
                field="sessionid",
            )
        raise RequestError(Code.NOT_AUTHENTICATED, refusal)
    context, version = found
    facts().username = context.username
    admit(request, context)
    return context, current(version or 0)


def served(snapshot: Snapshot, entity: str) -> str:
    """The name of an entity that is served over the API; RequestError UNKNOWN_ENTITY."""
    schema = snapshot.entity(entity)
    if not schema.api_enabled:
        raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {entity!r}.")
    facts().entity = schema.name
    return schema.name


def is_id(text: str) -> bool:
    """Whether a record may have this Id: a whole number of no more digits than one can have."""
    return text.isascii() and text.isdecimal() and len(text) < LONGEST_ID


def session_id_of(request: HttpRequest) -> str:
    """The session id in the header `sessionid`, however it is capitalised; "" without one."""
    return str(request.META.get("HTTP_SESSIONID", "")).strip()


def bearer_of(request: HttpRequest) -> str:
    """The token in the header Authorization: Bearer; "" without one."""
    kind, _, token = str(request.META.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    return token.strip() if kind.casefold() == "bearer" else ""


def key_of(request: HttpRequest) -> str:
    """The API key in the header X-Api-Key; "" without one."""
    return str(request.META.get("HTTP_X_API_KEY", "")).strip()


def _otherwise(
    request: HttpRequest, about: dict[str, str]
) -> tuple[tuple[Context, Any] | None, str]:
    """The caller by any credential but a session, and what to say where there is none."""
    refusal = ""
    header = str(request.META.get("HTTP_AUTHORIZATION", "")).strip()
    if header[:7].casefold() in ("bearer", "bearer "):
        try:
            found = context_of_token(bearer_of(request), **about)
            facts().credential = "token"
            return found, ""
        except BadToken as bad:
            refusal = f"The bearer token is not accepted: {bad}."
    for key in (key_in(header), key_of(request)):
        if key:
            holder = context_of_key(key, **about)
            if holder is not None:
                facts().credential = "key"
                return holder, ""
            refusal = refusal or "The API key is not known, has expired or was revoked."
    return None, refusal or _NO_CREDENTIAL
