"""A report in words, for a terminal and for a log."""

from collections.abc import Iterator
from typing import Any

from entities.transfer.difference import Action, Change
from entities.transfer.importing import Report

_SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.REMOVE: "-"}
#: Characters of a value that are shown.
_SHOWN = 200


def lines(report: Report) -> Iterator[str]:
    """What is different, what it takes, what is in the way; one thing a line."""
    if not report.changes and not report.faults:
        yield "Nothing to do: the system is what the document says."
        yield from _by_hand(report)
        return
    for change in report.changes:
        yield f"{_SIGNS[change.action]} {change.sentence}{danger(change)}"
        for word, (now, then) in change.values.items():
            yield f"    {word}: {shown(now)} -> {shown(then)}"
    if report.steps:
        yield ""
        yield "Steps:"
        for step in report.steps:
            yield f"  {step.words} {step.lock_words}"
    if report.faults:
        yield ""
        yield "Not possible:"
        for fault in report.faults:
            yield f"  {fault}"
    yield ""
    yield summary(report)
    yield from _by_hand(report)


def _by_hand(report: Report) -> Iterator[str]:
    if report.secrets:
        yield "To be set by hand, because secrets do not travel:"
        yield from (f"  {secret}" for secret in report.secrets)


def summary(report: Report) -> str:
    """ "3 to create, 1 to change, 0 to remove; 1 of them destructive." """
    counts = dict.fromkeys(Action, 0)
    for change in report.changes:
        counts[change.action] += 1
    told = (
        f"{counts[Action.CREATE]} to create, {counts[Action.CHANGE]} to change, "
        f"{counts[Action.REMOVE]} to remove"
    )
    dangerous = len(report.dangerous)
    return f"{told}; {dangerous} of them destructive." if dangerous else f"{told}."


def danger(change: Change) -> str:
    """ " [destructive: it is deleted with its values; 12 affected]" """
    if not change.danger:
        return ""
    counted = "" if change.affected is None else f"; {change.affected:,} affected"
    return f"  [destructive: {change.danger}{counted}]"


def shown(value: Any) -> str:
    """A value for people; one that is long is cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
