"""How what went wrong looks over HTTP.

Every request-level error has the body `{"error": CODE, "message": text, "help": address,
"errors": [{"error_code": CODE, "error_message": text}]}`, and in the element of `errors` the
`field` or the `position` (0-based, in the query) where they are known. The catalogue knows the
status of each code and what `help` leads to.
"""

import logging
from collections.abc import Iterable

import orjson
import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpResponse

from entities.catalogue import CATALOGUE, help_for
from entities.errors import Code, RequestError
from metabrm.observability import tracebacks
from metabrm.observability.facts import facts

log = logging.getLogger("metabrm.api")

JSON = "application/json"
RETRY_AFTER_SECONDS = 1

STATUS: dict[Code, int] = {code: entry.status for code, entry in CATALOGUE.items()}


class MethodNotAllowed(RequestError):
    """The address exists but not for this method; `allowed` are those it takes."""

    def __init__(self, method: str, allowed: Iterable[str], hint: str = "") -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(
            Code.METHOD_NOT_ALLOWED,
            f"This address takes {self.allowed}, not {method}.{' ' + hint if hint else ''}",
        )


def answer_to(error: Exception, request_id: str) -> HttpResponse:
    """The answer to a request that ended in `error`, whatever it is; logs what is our own fault."""
    if isinstance(error, RequestError):
        return rendered(error)
    if isinstance(error, OperationalError | InterfaceError) or _connection_lost(error):
        log.warning("request %s: database unavailable: %s", request_id, tracebacks.message(error))
        return rendered(
            RequestError(
                Code.TEMPORARILY_UNAVAILABLE,
                "The database can't be reached or is too busy. What this request writes was "
                "stored whole or not at all, most likely not at all; send it again.",
            )
        )
    log.error("request %s failed", request_id, exc_info=error)
    return rendered(
        RequestError(
            Code.INTERNAL_ERROR,
            f"Something went wrong on our side. Tell the administrator the request id "
            f"{request_id}; the server's log has the details.",
        )
    )


def rendered(error: RequestError) -> HttpResponse:
    """A request-level error as an answer."""
    facts().code = error.code
    detail: dict[str, object] = {"error_code": error.code, "error_message": error.message}
    if error.field:
        detail["field"] = error.field
    if error.position is not None:
        detail["position"] = error.position
    body = {
        "error": error.code,
        "message": error.message,
        "help": help_for(error.code),
        "errors": [detail],
    }
    status = STATUS[error.code]
    response = HttpResponse(orjson.dumps(body), content_type=JSON, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif status in (409, 429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = error.allowed
    return response


def _connection_lost(error: Exception) -> bool:
    """A server that goes down in the middle of a statement doesn't always say so by the book."""
    cause = error.__cause__
    return (
        isinstance(error, DatabaseError)
        and isinstance(cause, psycopg.Error)
        and (cause.sqlstate or "").startswith(("08", "57P"))
    )
