"""Work in the background: the request that asked for it, one line and a few counts per task."""

import logging
import time
from contextvars import Token
from typing import Any

from celery import signals

from metabrm.observability import facts, heart, logs, metrics, sampling

log = logging.getLogger("metabrm.task")

#: The header of a message that carries the id of the request it comes from.
_HEADER = "metabrm_request_id"
_BEGUN = "_metabrm_begun"


def connect() -> None:
    """Have Celery tell of every task; each receiver is known by a name, so this may come twice."""
    signals.before_task_publish.connect(_sent, dispatch_uid="metabrm.sent")
    signals.task_prerun.connect(_begun, dispatch_uid="metabrm.begun")
    signals.task_postrun.connect(_over, dispatch_uid="metabrm.over")
    signals.task_failure.connect(_failed, dispatch_uid="metabrm.failed")
    signals.worker_process_init.connect(_process, dispatch_uid="metabrm.process")
    signals.beat_init.connect(_scheduler, dispatch_uid="metabrm.scheduler")
    # Django has configured the logs; Celery is to leave them so.
    signals.setup_logging.connect(_no_logs_of_its_own, dispatch_uid="metabrm.logs")


def _no_logs_of_its_own(**_: Any) -> None:
    """Celery sets up its logs only where nobody answers this signal."""


def _sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
    known = facts.known()
    if known is not None and headers is not None:
        headers[_HEADER] = known.request_id


def _process(**_: Any) -> None:
    sampling.start()


def _scheduler(**_: Any) -> None:
    signals.after_task_publish.connect(_scheduler_sent, dispatch_uid="metabrm.scheduler-sent")


def _scheduler_sent(**_: Any) -> None:
    heart.beat(heart.SCHEDULER)


def _begun(task: Any = None, task_id: str = "", **_: Any) -> None:
    # A worker makes the headers part of the request, a task that is run on the spot keeps them.
    headers = task.request.headers or {}
    request_id = task.request.get(_HEADER) or headers.get(_HEADER)
    known, token = facts.begin(str(request_id or task_id))
    known.verb = "task"
    setattr(task.request, _BEGUN, (token, time.perf_counter_ns()))


def _failed(exception: BaseException | None = None, sender: Any = None, **_: Any) -> None:
    known = facts.facts()
    known.code = "INTERNAL_ERROR"
    log.error("task failed: %s", sender.name, exc_info=exception)


def _over(task: Any = None, task_id: str = "", state: str | None = None, **_: Any) -> None:
    begun: tuple[Token[facts.Facts | None], int] | None = getattr(task.request, _BEGUN, None)
    if begun is None:
        return
    token, at = begun
    known = facts.facts()
    elapsed = time.perf_counter_ns() - at
    outcome = (state or "UNKNOWN").lower()
    line: dict[str, object] = {
        "task": task.name,
        "task_id": task_id,
        "outcome": outcome,
        "ms": round(elapsed / 1e6, 2),
    }
    if known.calls:
        line["database_ms"] = round(known.database_ns / 1e6, 2)
        line["database_calls"] = known.calls
    if known.rows or known.failed:
        line["rows"], line["failed"] = known.rows, known.failed
    logs.tell(log.name, logging.INFO, "task", line)
    facts.end(token)
    metrics.TASKS.labels(task.name, outcome).inc()
    metrics.TASK_SECONDS.labels(task.name).observe(elapsed / 1e9)
    if not task.app.conf.task_always_eager:
        heart.beat(heart.WORKER)
