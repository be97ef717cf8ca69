"""One log line and a few counts per request: who did what, how much of it, and what it cost."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from metabrm.observability import facts, logs, metrics, tracing
from metabrm.web.middleware import request_id_of

#: What is asked every few seconds by machines is told on demand only.
_QUIET = ("/health/", "/static/", "/metrics")
#: Live clients sign in again on this status 500; it is nothing to look after.
_ENDED_SESSION = "INVALID_SESSION_ID"
_LONGEST_PATH = 300


class Observed:
    """Middleware; stands right behind the one that gives the request its id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter_ns()
        known, token = facts.begin(request_id_of(request))
        try:
            with tracing.request_span(request, known):
                response = self.get_response(request)
                elapsed = time.perf_counter_ns() - begun
                if not known.username:
                    _note_browser(request, known)
                tracing.tell(known, response.status_code)
                metrics.count_request(known, response.status_code, elapsed)
                _tell(request, response.status_code, known, elapsed)
            return response
        finally:
            facts.end(token)


def _note_browser(request: HttpRequest, known: facts.Facts) -> None:
    """Who is signed in with a browser, if the request had to find that out."""
    user = getattr(request, "_cached_user", None)
    if user is not None and user.is_authenticated:
        known.username = user.get_username()
        known.credential = "cookie"


def _tell(request: HttpRequest, status: int, known: facts.Facts, elapsed: int) -> None:
    level = logging.INFO
    if status >= 500 and known.code != _ENDED_SESSION:
        level = logging.WARNING
    elif request.path.startswith(_QUIET):
        level = logging.DEBUG
    line: dict[str, object] = {
        "method": request.method,
        "path": request.path[:_LONGEST_PATH],
        "status": status,
        "ms": round(elapsed / 1e6, 2),
    }
    if known.calls:
        line["database_ms"] = round(known.database_ns / 1e6, 2)
        line["database_calls"] = known.calls
    for name in ("username", "credential", "org", "entity", "verb", "code"):
        value = getattr(known, name)
        if value:
            line[name] = value
    if known.rows or known.failed:
        line["rows"] = known.rows
        line["failed"] = known.failed
    logs.tell("metabrm.request", level, "request", line)
