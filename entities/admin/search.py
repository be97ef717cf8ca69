"""Finding records by what is typed: in lists and in lookups.

On a table of ordinary size the text may stand anywhere in a title, key or name. On a big one only
what an index answers is asked: whole keys, and how a text begins.
"""

from collections.abc import Sequence
from typing import Any

from entities.access import EntityRights
from entities.admin import choice
from entities.admin.reader import may_see, where
from entities.admin.sizes import BIG, estimate
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot

_MOST_ID = 2**63 - 1


def condition(
    snapshot: Snapshot, schema: EntitySchema, rights: EntityRights, typed: str
) -> tuple[str, list[Any]]:
    """SQL over the alias `r`, and its parameters: every word is somewhere in the record."""
    big = estimate(schema) >= BIG
    fields = choice.searched(schema, rights)
    lookups = [] if big else choice.searched_lookups(schema, rights)
    parts: list[str] = []
    parameters: list[Any] = []
    for word in [typed.strip()] if big else typed.split():
        part, values = _word(snapshot, schema, fields, lookups, word, big)
        parts.append(f"({part})")
        parameters += values
    return " AND ".join(parts) or "TRUE", parameters


def matching_ids(
    snapshot: Snapshot, schema: EntitySchema, rights: EntityRights, typed: str
) -> tuple[str, list[Any]]:
    """A subquery of the Ids of the records that fit what was typed."""
    where, parameters = condition(snapshot, schema, rights, typed)
    return f"SELECT r.id FROM {quote(schema.table)} r WHERE {where}", parameters


def _word(
    snapshot: Snapshot,
    schema: EntitySchema,
    fields: Sequence[FieldSchema],
    lookups: Sequence[FieldSchema],
    word: str,
    big: bool,
) -> tuple[str, list[Any]]:
    parts: list[str] = []
    parameters: list[Any] = []
    if word.isascii() and word.isdecimal() and len(word) < 20 and int(word) <= _MOST_ID:
        parts.append("r.id = %s")
        parameters.append(int(word))
    if big:
        fields = [f for f in fields if f.unique or f.external_key or f.searchable]
        pattern = f"{_literal(word)}%"
    else:
        pattern = f"%{_literal(word)}%"
    for field in fields:
        parts.append(f"{field.sql('r')} {'LIKE' if big else 'ILIKE'} %s")
        parameters.append(pattern)
    for field in lookups:
        assert field.lookup is not None
        target = snapshot.target(field)
        title = target.field(target.title)
        telling = title.column is not None and title.type.name in ("TEXT", "EMAIL")
        if telling and may_see(snapshot, target, title):
            parts.append(
                f"{field.sql('r')} IN (SELECT t.{quote(field.lookup.column)} "
                f"FROM {quote(target.table)} t WHERE {title.sql('t')} ILIKE %s "
                f"{where(snapshot, target, 't')})"
            )
            parameters.append(pattern)
    return " OR ".join(parts) or "FALSE", parameters


def _literal(word: str) -> str:
    """The word with LIKE's own characters taken literally; no text holds a NUL."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\0", "�")
