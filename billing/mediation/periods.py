"""Spans of time as collectors write them: 90 DAYS."""

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"\s*([0-9]{1,5})\s*(MINUTE|HOUR|DAY|WEEK|MONTH)S?\s*", re.IGNORECASE)
_HOURS = {"MINUTE": 1 / 60, "HOUR": 1, "DAY": 24, "WEEK": 7 * 24, "MONTH": 31 * 24}


def span_of(text: str | None) -> timedelta | None:
    """The span that a text names, a number alone being days; None of none."""
    said = (text or "").strip()
    found = _SPAN.fullmatch(f"{said} DAYS" if said.isdecimal() else said)
    return timedelta(hours=int(found[1]) * _HOURS[found[2].upper()]) if found else None


def before(moment: datetime, text: str | None) -> datetime | None:
    """The moment so far back; None where the text names no span."""
    span = span_of(text)
    return None if span is None else moment - span
