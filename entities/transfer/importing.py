"""An import from its document to its end: everything or nothing, and what is done is what was seen.

The import holds the write gate alone, so nobody changes anything between the look at the difference
and its end. A dry run does the same and undoes it: whatever the verbs refuse comes to light with
its line, and the steps are those that would be taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from entities import changing
from entities.changing import Step
from entities.errors import Code, RequestError, nearest
from entities.schema.current import current
from entities.schema.description import fold
from entities.transfer import applying, document, dumping, reading
from entities.transfer.difference import Change, Difference, difference
from entities.transfer.guarding import judge
from entities.transfer.parsing import Fault
from entities.transfer.shipped import Shipped
from metabrm.identity.context import Context


@dataclass(frozen=True)
class Report:
    """What an import would do, or did.

    changes  what is different, in the order of the document
    faults   why it can't be done; nothing is done then
    steps    what is done to tables, with the locks it takes
    secrets  what has to be set by hand afterwards
    digest   of what is seen here: `carry_out` does just that
    applied  whether it was done
    moved    whether the system was no longer as seen, so that nothing was done
    """

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    digest: str = ""
    applied: bool = False
    moved: bool = False

    @property
    def dangerous(self) -> list[Change]:
        """Those of the changes that destroy or take something."""
        return [change for change in self.changes if change.danger]


def export(context: Context, entities: Iterable[str] = ()) -> str:
    """The document of all configuration, or of the named `entities` with what is theirs.

    Raises RequestError for a caller who is no administrator, and for an unknown entity.
    """
    _administrators_only(context)
    with transaction.atomic():
        snapshot = current()
        shipped = Shipped(snapshot)
        tree = reading.read(snapshot, shipped)
    by_name = {item.folded(): item.name for item in tree.sections["entities"]}
    only = set()
    for name in entities:
        if fold(name) not in by_name:
            near = nearest(name, list(by_name.values()))
            raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.{near}")
        only.add(by_name[fold(name)])
    return dumping.dump(tree, shipped, frozenset(only))


def examine(text: str | bytes, context: Context) -> Report:
    """What importing the document would do. Raises DocumentError for what is wrong with it by
    itself, RequestError for a caller who is no administrator or a schema that is always busy."""
    _administrators_only(context)
    found = _look(text)
    if found.faults or not found.changes:
        seen = found.digest(_text(text))
        return Report(found.changes, found.faults, secrets=found.secrets, digest=seen)
    return _begin(text, context, rehearsal=True)


def carry_out(
    text: str | bytes, context: Context, *, destructive: bool = False, digest: str = ""
) -> Report:
    """Import the document, all of it or nothing.

    `destructive` allows changes that destroy or take something. With the `digest` of an earlier
    report nothing is done unless the difference is still the one that was reported.
    Raises as `examine` does.
    """
    _administrators_only(context)
    return _begin(text, context, destructive=destructive, digest=digest)


def _begin(
    text: str | bytes,
    context: Context,
    *,
    rehearsal: bool = False,
    destructive: bool = False,
    digest: str = "",
) -> Report:
    return changing.together(
        context, lambda: _attempt(text, context, rehearsal, destructive, digest)
    )


class _UndoError(Exception):
    """The attempt is over, and nothing of it stays."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def _attempt(
    text: str | bytes, context: Context, rehearsal: bool, destructive: bool, digest: str
) -> Report:
    try:
        with transaction.atomic(), changing.recorded(rehearsal=rehearsal) as steps:
            found = _look(text)
            seen = found.digest(_text(text))
            if found.faults or not found.changes:
                done = not found.faults
                return Report(found.changes, found.faults, [], found.secrets, seen, applied=done)
            if digest and digest != seen:
                raise _UndoError(Report(found.changes, digest=seen, moved=True))
            if not rehearsal and not destructive and found.dangerous:
                faults = [_refusal(change) for change in found.dangerous]
                raise _UndoError(Report(found.changes, faults, digest=seen))
            faults = applying.apply(found, Shipped(current()), context)
            faults.sort(key=lambda fault: (fault.mark is None, fault.mark or 0))
            done = not rehearsal and not faults
            report = Report(found.changes, faults, steps(), found.secrets, seen, applied=done)
            if faults or rehearsal:
                raise _UndoError(report)
            return report
    except _UndoError as over:
        return over.report


def _look(text: str | bytes) -> Difference:
    """The difference as it is now, with what it would destroy."""
    snapshot = current()
    shipped = Shipped(snapshot)
    wanted = document.read(text, shipped)
    found = difference(wanted, reading.read(snapshot, shipped), shipped)
    judge(found, snapshot)
    return found


def _refusal(change: Change) -> Fault:
    counted = f" ({change.affected:,} affected)" if change.affected is not None else ""
    return Fault(
        change.item.mark,
        f"{change.sentence}: {change.danger}{counted}; that is only done when destructive changes "
        f"are allowed",
    )


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode(errors="replace")


def _administrators_only(context: Context) -> None:
    if not context.administrator:
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS, "Only an administrator moves configuration between systems."
        )
