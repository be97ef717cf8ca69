"""Who reads the page that is being made: which records exist for him, what of them he may see.

A record's title appears wherever something points to it, many calls away from the request. It is
asked here, in the one place that makes titles, so that no page can forget to ask.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from entities.access import rights
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

_reader: ContextVar[Context | None] = ContextVar("reader", default=None)


@contextmanager
def reading(context: Context | None) -> Iterator[None]:
    """Make pages for `context`; None: for nobody in particular, who sees everything."""
    token = _reader.set(context)
    try:
        yield
    finally:
        _reader.reset(token)


def may_see(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema) -> bool:
    """Whether the reader may know the field's values."""
    context = _reader.get()
    return context is None or field.name in rights(snapshot, context, schema).known


def where(snapshot: Snapshot, schema: EntitySchema, alias: str) -> str:
    """ "AND …" of the records over `alias` that exist for the reader, "" for all."""
    context = _reader.get()
    return "" if context is None else rights(snapshot, context, schema).where(alias)
