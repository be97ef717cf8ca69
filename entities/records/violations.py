"""What the database refuses, told in the entity's own words."""

import re

from django.db import DatabaseError
from psycopg import errors as pg

from entities.access import EntityRights
from entities.errors import Code, Problem
from entities.schema.description import EntitySchema


def problem_of(error: DatabaseError, schema: EntitySchema, granted: EntityRights) -> Problem | None:
    """The problem of the one record whose write raised `error`, as a caller with these rights may
    know it; None if it is not the record's."""
    cause = error.__cause__
    if not isinstance(cause, pg.Error):
        return None
    diagnosis = cause.diag
    field = schema.by_column.get(diagnosis.column_name or "")
    name = field.name if field else ""
    if isinstance(cause, pg.UniqueViolation):
        return _duplicate(diagnosis.message_detail or "", schema, granted)
    if isinstance(cause, pg.CheckViolation):
        constraint = diagnosis.constraint_name or ""
        message = schema.constraint_messages.get(constraint) or f"the rule {constraint} is broken"
        return Problem(Code.VALIDATION_FAILED, name, f"{message[:1].upper()}{message[1:]}.")
    if isinstance(cause, pg.NotNullViolation):
        return Problem(Code.REQUIRED_FIELD_MISSING, name, f"{name} is required.")
    if isinstance(cause, pg.ForeignKeyViolation):
        return Problem(
            Code.LOOKUP_NOT_FOUND, name, "A record that this one points to does not exist any more."
        )
    if isinstance(cause, pg.DataError):
        return Problem(
            Code.INVALID_VALUE, name, f"A value does not fit: {diagnosis.message_primary}."
        )
    return None


def _duplicate(detail: str, schema: EntitySchema, granted: EntityRights) -> Problem:
    """`Key (name, account_id)=(x, 1) already exists.` -> the fields and the value."""
    match = re.match(r"Key \((.*?)\)=\((.*)\) already exists", detail, re.DOTALL)
    columns = match.group(1).replace('"', "").split(", ") if match else []
    fields = [schema.by_column[c].name for c in columns if c in schema.by_column]
    return duplicate(schema, tuple(fields), match.group(2) if match else "", granted)


def duplicate(
    schema: EntitySchema, fields: tuple[str, ...], value: str, granted: EntityRights
) -> Problem:
    """Another live record holds the unique key `fields` with this value, which is told only to
    those who may know it: part of it may be stored and not sent. What is encrypted at rest is not
    told: messages end in logs."""
    named = " and ".join(fields)
    key = [schema.field(name) for name in fields]
    told = all(field.name in granted.known and not field.encrypted for field in key)
    what = f"{named or 'the same key'} {value!r}" if told else f"the same {named}"
    return Problem(
        Code.DUPLICATE_KEY,
        ",".join(fields),
        f"Another {schema.name} has {what}; send another value, or update that record.",
    )
