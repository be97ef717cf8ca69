"""What holds for every change of the schema: who may make one, and which names are free."""

import re
from collections.abc import Iterable, Sequence

from entities.errors import Code, nearest
from entities.records.batch import UNSET, Batch
from entities.schema.description import fold

#: Words that mean something else where a field or an entity is named.
RESERVED_FIELDS = frozenset({"rownum", "rowid", "level", "fieldstonull"})
RESERVED_ENTITIES = frozenset(
    {"login", "logout", "query", "files", "bulk", "openapi", "openapi.json", "dual", "brmobjects"}
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def administrators_only(batch: Batch, fields: Sequence[str] = ()) -> None:
    """A formula reads what its author may not; so the schema belongs to administrators.

    `fields`: of an update, those that are meant; how things are called and shown may be left to
    others.
    """
    if batch.context.administrator:
        return
    changed = {
        index
        for name in fields
        for index, value in enumerate(batch.sent(name))
        if value is not UNSET and value != batch.stored[name][index]
    }
    for index in [i for i in batch.live if not fields or i in changed]:
        batch.fail(
            index,
            Code.INSUFFICIENT_RIGHTS,
            "Only an administrator changes the schema.",
        )


def check_name(batch: Batch, index: int, name: str, field: str, *, taken: Iterable[str]) -> None:
    """Fail the record for a `name` that is none, is reserved or, as names compare, is taken."""
    folded = fold(name)
    noun = "field" if field == "FieldName" else "entity"
    reserved = RESERVED_FIELDS if field == "FieldName" else RESERVED_ENTITIES
    if not _NAME.fullmatch(name):
        message = (
            f"{field} {name[:80]!r} is no name; one has letters, digits and underscores and starts "
            f"with a letter."
        )
        batch.fail(index, Code.INVALID_VALUE, message, field)
    elif folded in {fold(word) for word in reserved}:
        message = f"{field} {name!r} has a meaning of its own; use another name."
        batch.fail(index, Code.INVALID_VALUE, message, field)
    elif field == "FieldName" and folded.endswith("obj"):
        message = (
            f"{field} {name!r} ends in Obj, as the way over a lookup to its target does; "
            f"use another name."
        )
        batch.fail(index, Code.INVALID_VALUE, message, field)
    else:
        same = [other for other in taken if fold(other) == folded]
        if same:
            batch.fail(
                index,
                Code.DUPLICATE_KEY,
                f"There is the {noun} {same[0]} already, and names are compared without regard to "
                f"case and underscores; use another name.",
                field,
            )


def unknown(name: str, known: list[str], what: str) -> str:
    """ "There is no X 'Y'. Did you mean Z?" """
    return f"There is no {what} {name!r}.{nearest(name, known)}"
