"""Errors as the log tells them: where and what, without the values they are about.

The messages of errors quote what they complain of, and a password or a customer's name may be it.
So the frames are told whole and the messages without what stands in quotes, and of a database
error its kind, its SQLSTATE and the names of the schema that it concerns, for its text and details
hold keys and rows. Messages of the kinds that quote nothing but names of the program stay as they
are.
"""

import re
import traceback
from collections.abc import Iterator

import psycopg

#: Errors whose messages quote names of the program only.
_ABOUT_NAMES = (AttributeError, ImportError, NameError)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\([^()]*\)=\([^()]*\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: Causes of causes that are told.
_MOST = 6


def told(error: BaseException) -> str:
    """The error with its causes, the first cause first."""
    return "\n".join(_parts(error))


def message(error: BaseException) -> str:
    """Kind and message in one line, without values."""
    kind = type(error).__qualname__
    if isinstance(error, psycopg.Error):
        return f"{kind}: {_database(error)}"
    cause = error.__cause__
    if isinstance(cause, psycopg.Error) and type(error).__module__.startswith("django.db"):
        return f"{kind}: {_database(cause)}"
    text = str(error)
    if not isinstance(error, _ABOUT_NAMES):
        text = _QUOTED.sub("…", text)
        if isinstance(error, KeyError):
            text = "…"
    text = _CONTROL.sub(" ", text)[:500]
    return f"{kind}: {text}" if text else kind


def _parts(error: BaseException) -> Iterator[str]:
    chain: list[tuple[BaseException, str]] = []
    seen: set[int] = set()
    now: BaseException | None = error
    link = ""
    while now is not None and id(now) not in seen and len(chain) < _MOST:
        seen.add(id(now))
        chain.append((now, link))
        if now.__cause__ is not None:
            now, link = now.__cause__, "which caused:"
        elif now.__context__ is not None and not now.__suppress_context__:
            now, link = now.__context__, "while it was handled:"
        else:
            now = None
    for one, link in reversed(chain):
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(one.__traceback__)).rstrip("\n")
        yield message(one)
        if link:
            yield link


def _database(error: psycopg.Error) -> str:
    """SQLSTATE and names. Without a diagnosis the server never answered, and the driver's own words
    tell of hosts and users only."""
    found = error.diag
    if error.sqlstate is None:
        return _CONTROL.sub(" ", str(error))[:500]
    names = {
        "schema": found.schema_name,
        "table": found.table_name,
        "column": found.column_name,
        "type": found.datatype_name,
        "constraint": found.constraint_name,
        "in": found.source_function,
    }
    said = _QUOTED.sub("…", found.message_primary or "")
    concerns = ", ".join(f"{what} {name}" for what, name in names.items() if name)
    return _CONTROL.sub(" ", f"{error.sqlstate} {said} ({concerns})")[:500]
