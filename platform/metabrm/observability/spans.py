"""The spans themselves; imported only where OpenTelemetry is configured."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from celery import signals
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from metabrm.observability import tracebacks, tracing
from metabrm.observability.facts import Facts

_BEGUN = "_metabrm_span"


def start() -> Tracer:
    """Send spans to the configured place from now on."""
    name = os.environ.get("OTEL_SERVICE_NAME", "metabrm")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    tracer = provider.get_tracer("metabrm")
    _trace_statements(tracer)
    _trace_tasks(tracer, provider)
    return tracer


def trace_id() -> str:
    """The id of the trace at work in hexadecimal digits, "" without one."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


@contextmanager
def of_request(tracer: Tracer, meta: Mapping[str, Any], method: str, path: str) -> Iterator[Span]:
    """A span around a request, in the trace that its caller belongs to."""
    carrier = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in meta.items()
        if name in ("HTTP_TRACEPARENT", "HTTP_TRACESTATE")
    }
    with tracer.start_as_current_span(
        method,
        context=propagate.extract(carrier),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "url.path": path},
    ) as span:
        yield span


def describe_request(span: Span, known: Facts) -> None:
    """What is known of a request when it is over."""
    name = " ".join(part for part in (known.verb, known.entity) if part)
    if name:
        span.update_name(name)
    facts = {
        "metabrm.request_id": known.request_id,
        "enduser.id": known.username,
        "metabrm.entity": known.entity,
        "metabrm.verb": known.verb,
        "metabrm.code": known.code,
    }
    for key, value in facts.items():
        if value:
            span.set_attribute(key, value)
    span.set_attribute("metabrm.rows", known.rows)
    span.set_attribute("metabrm.failed", known.failed)


def answered(status: int) -> None:
    """The HTTP status of the request at work."""
    span = trace.get_current_span()
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _trace_statements(tracer: Tracer) -> None:
    """All cursors inherit these methods, the raw ones and Django's."""
    for name in ("execute", "executemany"):
        plain = getattr(psycopg.Cursor, name)

        def traced(self: Any, query: Any, *more: Any, _plain: Any = plain, **named: Any) -> Any:
            if not trace.get_current_span().get_span_context().is_valid:
                return _plain(self, query, *more, **named)
            text = tracing.statement_of(query)
            with tracer.start_as_current_span(
                text.split(None, 1)[0].upper() if text.strip() else "SQL",
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "db.query.text": text},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    return _plain(self, query, *more, **named)
                except psycopg.Error as error:
                    span.set_status(Status(StatusCode.ERROR, tracebacks.message(error)))
                    raise

        setattr(psycopg.Cursor, name, traced)


def _trace_tasks(tracer: Tracer, provider: TracerProvider) -> None:
    def sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
        if headers is not None:
            propagate.inject(headers)

    def begun(task: Any = None, task_id: str = "", **_: Any) -> None:
        carrier = {key: str(task.request.get(key) or "") for key in ("traceparent", "tracestate")}
        manager = tracer.start_as_current_span(
            task.name,
            context=propagate.extract({k: v for k, v in carrier.items() if v}),
            kind=SpanKind.CONSUMER,
            attributes={"messaging.system": "celery", "messaging.message.id": task_id},
            record_exception=False,
            set_status_on_exception=False,
        )
        setattr(task.request, _BEGUN, (manager, manager.__enter__()))

    def over(task: Any = None, state: str | None = None, **_: Any) -> None:
        manager, span = getattr(task.request, _BEGUN, (None, None))
        if manager is None or span is None:
            return
        span.set_attribute("celery.state", state or "")
        if state == "FAILURE":
            span.set_status(Status(StatusCode.ERROR))
        manager.__exit__(None, None, None)

    def ending(**_: Any) -> None:
        provider.force_flush()

    signals.before_task_publish.connect(sent, weak=False, dispatch_uid="metabrm.trace-sent")
    signals.task_prerun.connect(begun, weak=False, dispatch_uid="metabrm.trace-begun")
    signals.task_postrun.connect(over, weak=False, dispatch_uid="metabrm.trace-over")
    signals.worker_process_shutdown.connect(ending, weak=False, dispatch_uid="metabrm.trace-ending")
