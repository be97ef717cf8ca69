"""Who sends a request, by the `sessionid` header or a bearer token, and on which schema it runs.

Both are asked of the database in one statement. Where a request carries both credentials either
suffices, the session first.
"""

from django.http import HttpRequest

from entities.api.limits import admit, admit_address
from entities.errors import Code, RequestError
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.identity.sessions import context_of_session
from metabrm.identity.tokens import BadToken, context_of_token
from metabrm.web.middleware import request_id_of

#: Digits of a number that is longer than any Id.
LONGEST_ID = 30

_SCHEMA_VERSION = "(SELECT v.version FROM entities_schemaversion v WHERE v.id = 1)"


def caller(request: HttpRequest) -> tuple[Context, Snapshot]:
    """The request's caller and the snapshot it runs on.

    RequestError NOT_AUTHENTICATED (no credential, or a bad bearer token), INVALID_SESSION_ID, or
    TOO_MANY_REQUESTS.
    """
    session_id = session_id_of(request)
    token = _bearer(request)
    about = {
        "reason": f"REST {request.method}",
        "request_id": request_id_of(request),
        "alongside": _SCHEMA_VERSION,
    }
    found = context_of_session(session_id, **about) if session_id else None
    if found is None and token:
        try:
            found = context_of_token(token, **about)
        except BadToken as bad:
            if not session_id:
                admit_address(request)
                raise RequestError(
                    Code.NOT_AUTHENTICATED, f"The bearer token is not accepted: {bad}."
                ) from bad
    if found is None:
        admit_address(request)
        if session_id:
            raise RequestError(
                Code.INVALID_SESSION_ID,
                "The session is not known or has expired. Log in again.",
                field="sessionid",
            )
        raise RequestError(
            Code.NOT_AUTHENTICATED,
            "No session ID was provided. Log in with POST .../rest/2.0/login and send its "
            "SessionID in the header sessionid, or send an access token in the header "
            "Authorization: Bearer.",
        )
    context, version = found
    admit(request, context)
    return context, current(version or 0)


def served(snapshot: Snapshot, entity: str) -> str:
    """The name of an entity that is served over the API; RequestError UNKNOWN_ENTITY."""
    schema = snapshot.entity(entity)
    if not schema.api_enabled:
        raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {entity!r}.")
    return schema.name


def is_id(text: str) -> bool:
    """Whether a record may have this Id: a whole number of no more digits than one can have."""
    return text.isascii() and text.isdecimal() and len(text) < LONGEST_ID


def session_id_of(request: HttpRequest) -> str:
    """The session id in the header `sessionid`, however it is capitalised; "" without one."""
    return str(request.META.get("HTTP_SESSIONID", "")).strip()


def _bearer(request: HttpRequest) -> str:
    kind, _, token = str(request.META.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    return token.strip() if kind.casefold() == "bearer" else ""
