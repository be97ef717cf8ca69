"""A batch of records on its way through a verb, column by column.

Records keep their place: every list is as long as the request, and index i is always the i-th
record of the request. A record with a problem stays in the lists but is no longer `live`.
"""

from collections.abc import Sequence
from typing import Any, Final

from entities.errors import Code, Problem
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context


class _Unset:
    """The type of UNSET: nothing was sent for the field. Falsy, unlike a sent value."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


class Batch:
    """The records of one verb call.

    columns    field -> Python values sent, UNSET where a record does not mention the field
    stored     field name -> values in the database before the write (updates and deletes)
    ids        Id per record, None until known
    places     index in the request per record, for messages: a batch may be part of a request
    problems   index -> what is wrong with the record; absent while it is live
    memory     what a behavior learned before the write and needs after it
    whole      the batch that this one is a part of: an upsert updates before it creates
    alone      one record, and all that its transaction is about: if it fails, everything is
               undone, so it needs no savepoint to be undone by itself
    """

    def __init__(
        self,
        snapshot: Snapshot,
        schema: EntitySchema,
        context: Context,
        size: int,
        *,
        alone: bool = False,
    ) -> None:
        self.snapshot = snapshot
        self.schema = schema
        self.context = context
        self.size = size
        self.alone = alone
        self.columns: dict[FieldSchema, list[Any]] = {}
        self.stored: dict[str, list[Any]] = {}
        self.ids: list[int | None] = [None] * size
        self.places: Sequence[int] = range(size)
        self.problems: dict[int, list[Problem]] = {}
        self.memory: dict[str, Any] = {}
        self.whole: Batch | None = None

    @property
    def live(self) -> Sequence[int]:
        """Indexes of the records that have no problem."""
        if not self.problems:
            return range(self.size)
        return [i for i in range(self.size) if i not in self.problems]

    def fail(
        self,
        index: int,
        code: Code,
        message: str,
        field: str = "",
        *,
        of: str = "",
        in_the_way: Sequence[int] = (),
    ) -> None:
        """Record what is wrong with record `index`; `message` says what would be right."""
        problem = Problem(code, field, message, of, tuple(in_the_way))
        self.problems.setdefault(index, []).append(problem)

    def sent(self, field: str) -> list[Any]:
        """What was sent for the field called `field`, UNSET where nothing was."""
        return self.columns.get(self.schema.field(field)) or [UNSET] * self.size

    def effective(self, field: str) -> list[Any]:
        """What the field will hold after the write: sent, else stored, else default, else None."""
        schema = self.schema.field(field)
        sent = self.columns.get(schema)
        fallback = self.stored.get(schema.name) or [schema.default] * self.size
        if sent is None:
            return list(fallback)
        return [was if value is UNSET else value for value, was in zip(sent, fallback, strict=True)]

    def value(self, field: str, index: int) -> Any:
        """What `effective` says of one record, without looking at the others."""
        schema = self.schema.field(field)
        sent = self.columns.get(schema)
        if sent is not None and sent[index] is not UNSET:
            return sent[index]
        stored = self.stored.get(schema.name)
        return stored[index] if stored else schema.default

    def put(self, field: str, values: list[Any]) -> None:
        """Set the field for every record; UNSET leaves a record as it is."""
        if len(values) != self.size:
            raise ValueError(f"{len(values)} values for {self.size} records")
        self.columns[self.schema.field(field)] = values
