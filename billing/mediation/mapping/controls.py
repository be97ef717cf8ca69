"""What the header and the trailer of a file say is reconciled with what is in it."""

from decimal import Decimal, InvalidOperation
from typing import Any

from billing.mediation.mapping import casting, fields
from billing.mediation.models import ActivityCollector, ActivityCollectorControl
from billing.mediation.models.collectors import FIXED_WIDTH
from billing.mediation.reading import TABLE, Layout, Sessions, Staged, UnreadableError
from billing.mediation.reading.body import split
from billing.mediation.reading.layout import value_sql


def reconcile(
    sessions: Sessions, collector: ActivityCollector, layout: Layout, staged: Staged
) -> list[dict[str, Any]]:
    """What each control says and what was found; UnreadableError where they differ: the file is
    not what was sent."""
    looked_at = [
        _looked_at(sessions, control, layout, staged)
        for control in ActivityCollectorControl.objects.filter(
            activity_collector=collector, deleted_at=None
        ).order_by("sort_order", "id")
    ]
    wrong = [difference for _, difference in looked_at if difference]
    if wrong:
        raise UnreadableError(" ".join(wrong))
    return [told for told, _ in looked_at]


def _looked_at(
    sessions: Sessions, control: ActivityCollectorControl, layout: Layout, staged: Staged
) -> tuple[dict[str, Any], str]:
    """A control with what it says and what was found, and the sentence about their difference."""
    where = f"The {control.place.lower()}'s line {control.line_number}"
    told: dict[str, Any] = {
        "Place": control.place,
        "LineNumber": control.line_number,
        "Kind": control.kind,
        "Source": control.source,
    }
    lines = staged.head if control.place == "HEADER" else staged.tail
    if not 1 <= control.line_number <= len(lines):
        return told, f"{where} is missing: there are {len(lines)} such lines."
    said = _value(lines[control.line_number - 1], control.position, layout)
    told["Said"] = said
    if control.kind == "TEXT":
        wanted = told["Found"] = (control.expected or "").strip()
        return told, "" if said == wanted else f"{where} has {said[:80]!r} in place of {wanted!r}."
    try:
        number = Decimal(said)
    except InvalidOperation:
        return told, f"{where} has {said[:80]!r} at {control.position}, which is no number."
    if control.kind == "RECORD COUNT":
        found, what = Decimal(staged.count), "records"
    else:
        sql = value_sql(layout, staged.names, control.source or "")
        if sql is None:
            return (
                told,
                f"{where} is a sum of {control.source!r}, which is no column of the records.",
            )
        cast = casting.number_sql(fields.over(sql, "r"))
        found, what = Decimal(0), f"as the sum of {control.source}"
        for cursor in sessions.cursors:
            cursor.execute(f"SELECT coalesce(sum({cast}), 0) FROM {TABLE} r")
            found += cursor.fetchone()[0]
    told["Found"] = f"{found:f}"
    if found == number:
        return told, ""
    return told, f"{where} says {number:f}, and there are {found:f} {what}."


def _value(line: str, position: str, layout: Layout) -> str:
    if layout.format == FIXED_WIDTH or "-" in position:
        first, _, last = position.partition("-")
        if not first.strip().isdecimal() or not (last or first).strip().isdecimal():
            return ""
        return line[int(first) - 1 : int(last or first)].strip()
    values = split(line, layout)
    number = position.strip().lower().removeprefix("column").strip()
    at = int(number) if number.isdecimal() else 0
    return values[at - 1].strip() if 1 <= at <= len(values) else ""
