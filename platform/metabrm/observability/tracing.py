"""OpenTelemetry: spans of requests, tasks and database statements, where it is configured.

Configured means that OTEL_EXPORTER_OTLP_ENDPOINT (or that of the traces alone) is set; then the
optional packages must be installed. Otherwise nothing of them is imported and nothing costs
anything. Spans carry names and statements with placeholders, never a parameter.

Requests and statements are our own spans: the ready-made instrumentation of Django notes addresses
with their queries, and that of psycopg sees no statement of a pool's raw connections.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from metabrm.observability.facts import Facts
from metabrm.problems import Problem

if TYPE_CHECKING:  # the settings import this, and Django reads settings
    from django.http import HttpRequest

_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_LONGEST_STATEMENT = 2_000

_tracer: Any = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def configured() -> bool:
    """Whether spans are to be sent somewhere."""
    return any(os.environ.get(name, "").strip() for name in _VARIABLES)


def start_if_configured() -> None:
    """Begin to trace in this process, once."""
    global _tracer
    if _tracer is not None or not configured():
        return
    try:
        from metabrm.observability import spans
    except ImportError as error:
        raise Problem(
            f"{_VARIABLES[0]} is set, but {error.name} is not installed; install "
            "metabrm[opentelemetry] or unset the variable"
        ) from error
    _tracer = spans.start()


def trace_id() -> str:
    """The id of the trace at work, "" without one."""
    if _tracer is None:
        return ""
    from metabrm.observability import spans

    return spans.trace_id()


def request_span(request: "HttpRequest", known: Facts) -> AbstractContextManager[Any]:
    """A span around a request."""
    return _NOTHING if _tracer is None else _request_span(request, known)


@contextmanager
def _request_span(request: "HttpRequest", known: Facts) -> Iterator[None]:
    from metabrm.observability import spans

    with spans.of_request(_tracer, request.META, request.method or "", request.path) as span:
        yield
        spans.describe_request(span, known)


def tell(known: Facts, status: int) -> None:
    """What the answer was, for the span of the request."""
    if _tracer is not None:
        from metabrm.observability import spans

        spans.answered(status)


def statement_of(text: object) -> str:
    """A statement as it may be shown: its text with placeholders, literals taken out."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        # Composed of parts, of which some may be values; its kind is all that is safe to tell.
        return type(text).__name__
    return _LITERAL.sub("?", text)[:_LONGEST_STATEMENT]
