"""Numbers in file names: a file that was left out, or comes again, is told."""

import re
from typing import Any

from billing.mediation.models import ActivityCollector

_PLACE = "{sequence}"


def pattern_of(text: str) -> re.Pattern[str] | None:
    """The pattern as an expression; None where it has no place for one number."""
    if text.count(_PLACE) != 1:
        return None
    before, after = text.split(_PLACE)
    return re.compile(f"{_glob(before)}(?P<number>[0-9]{{1,18}}){_glob(after)}", re.IGNORECASE)


def _glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in text)


def number(collector: ActivityCollector, name: str) -> dict[str, Any]:
    """Number and notice of a load of the file; the collector remembers the highest.

    In the transaction that claims the file, so that no number is lost.
    """
    expression = pattern_of(collector.sequence_pattern) if collector.sequence_pattern else None
    if expression is None:
        return {}
    found = expression.fullmatch(name)
    if found is None:
        return {"notice": f"The name has no number as in {collector.sequence_pattern}."}
    here = int(found["number"])
    locked = ActivityCollector.objects.select_for_update().get(pk=collector.pk)
    last = locked.last_sequence_number
    notice = None
    if last is not None and here > last + 1:
        missing = f"{last + 1}" if here == last + 2 else f"{last + 1} to {here - 1}"
        notice = f"Number {here} follows {last}: {missing} did not come."
    elif last is not None and here <= last:
        notice = f"Number {here} comes after {last}: out of order, or again."
    if last is None or here > last:
        ActivityCollector.objects.filter(pk=collector.pk).update(last_sequence_number=here)
    return {"sequence_number": here, "notice": notice}
