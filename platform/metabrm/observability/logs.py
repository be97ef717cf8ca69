"""Log lines by structlog: one JSON object per event in production, readable ones in a terminal.

Whatever is logged, by us, Django or Celery, comes through the one formatter here: with the request
id and the trace it belongs to, errors as `tracebacks` tells them. A JSON line holds control
characters escaped, and the readable form escapes them too, so nobody writes lines of his own by
what he calls himself.
"""

import json
import logging
import re
import sys
import time
from collections.abc import MutableMapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from metabrm import environment
from metabrm.observability import tracebacks, tracing
from metabrm.observability.facts import known

#: `extra={TOLD: {...}}` is how a line tells more than its text.
TOLD = "told"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_Event = MutableMapping[str, Any]


def default_format() -> str:
    """Readable where somebody reads: when the standard error stream is a terminal."""
    return "console" if sys.stderr is not None and sys.stderr.isatty() else "json"


def configuration(level: str, form: str) -> dict[str, Any]:
    """Django's setting LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "metabrm.observability.logs.Lines", "form": form}},
        "filters": {"failures": {"()": "metabrm.observability.logs.Failures"}},
        "handlers": {
            "stderr": {"class": "metabrm.observability.logs.Stderr", "formatter": "lines"}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": ["stderr"], "level": level, "propagate": False},
            # Answers have their lines; what is told besides is why one failed.
            "django.request": {"level": "ERROR", "filters": ["failures"]},
            # The line of the request tells it.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # What they tell of each task, arguments included, is told by our own lines.
            "celery.app.trace": {"level": "CRITICAL"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # At DEBUG these tell arguments and SQL parameters.
            "celery.pool": {"level": "INFO"},
            "celery.concurrency": {"level": "INFO"},
            "django.db.backends": {"level": "INFO"},
        },
    }


class Lines(structlog.stdlib.ProcessorFormatter):
    """The formatter of all log lines; without a `form`, the environment says which."""

    def __init__(self, form: str = "") -> None:
        form = form or environment.current().log_format or default_format()
        self.rendering = (
            [_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
            if form == "console"
            else [_json]
        )
        super().__init__(processors=[_from_record, _error, *self.rendering])


class Stderr(logging.StreamHandler[Any]):
    """The handler of all log lines. What comes in numbers, a line per request and per task, takes
    the short way through `tell`: a record of the logging module costs more than the line."""

    def write(self, text: str) -> None:
        """Write a line."""
        with self.lock or nullcontext():
            self.stream.write(text + "\n")
            self.flush()


class Failures(logging.Filter):
    """Lets through what tells of an error that was raised."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


def tell(name: str, level: int, event: str, told: dict[str, Any]) -> None:
    """Log a line with what `told` says, as the logger of that name. Never fails."""
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level):
        return
    ours = next((h for h in logging.getLogger().handlers if isinstance(h, Stderr)), None)
    if (
        ours is None
        or len(logging.getLogger().handlers) > 1
        or not isinstance(ours.formatter, Lines)
    ):
        # Somebody else listens too, a test or another tool: the usual way, which reaches all.
        logger.log(level, event, extra={TOLD: told})
        return
    line: Any = _opening(time.time(), _LEVELS[level], name, event)
    line.update(told)
    for processor in ours.formatter.rendering:
        line = processor(None, "", line)
    with suppress(OSError, ValueError):
        ours.write(line)


_LEVELS = {
    level: logging.getLevelName(level).lower()
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
}


def _opening(created: float, level: str, name: str, event: Any) -> _Event:
    """What every line says: when, how bad, from where, in which request and trace."""
    made: _Event = {
        "timestamp": datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": name,
        "event": event,
    }
    facts = known()
    if facts is not None:
        made["request_id"] = facts.request_id
    trace = tracing.trace_id()
    if trace:
        made["trace_id"] = trace
    return made


def _from_record(logger: Any, name: str, event: _Event) -> _Event:
    """The line of a record, whoever logged it."""
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog", None)
    made = _opening(record.created, record.levelname.lower(), record.name, event.pop("event", ""))
    # Nothing else that hangs on a record is told: it may be the request with all its values.
    made.update(getattr(record, TOLD, ()))
    made.update(event)
    if record.exc_info:
        made["exc_info"] = record.exc_info
    return made


def _error(logger: Any, name: str, event: _Event) -> _Event:
    """The error without the values it is about."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = tracebacks.told(error)
    return event


def _json(logger: Any, name: str, event: _Event) -> str:
    try:
        text = orjson.dumps(event, default=repr).decode()
    except TypeError:
        # Half a character, which UTF-8 has no bytes for.
        return json.dumps(event, default=repr)
    # JSON needs no escape for line ends beyond ASCII; who splits lines may think otherwise.
    return text if text.isascii() else _CONTROL.sub(lambda c: f"\\u{ord(c[0]):04x}", text)


def _one_line(logger: Any, name: str, event: _Event) -> _Event:
    """Escape what would end a line or steer a terminal; the traceback's own lines are ours."""
    return {
        key: _CONTROL.sub(_escaped, value)
        if isinstance(value, str) and key != "exception"
        else value
        for key, value in event.items()
    }


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
