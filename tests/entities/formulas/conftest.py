"""Formulas over a record made of constants, computed by PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from entities.formulas import Kind

    Field = tuple[Kind, Any]


class Record:
    """Names for a record of fields: name -> (kind, value); `Old` of it: before the change."""

    def __init__(self, fields: dict[str, Field], old: dict[str, Any] | None = None) -> None:
        self.fields_as_given = fields
        self.fields = {name.casefold(): (name, *field) for name, field in fields.items()}
        self.old = old

    def value(self, reference: Any, *, prior: bool) -> Any:
        from entities.formulas import FormulaError, Term

        word = reference.words[-1]
        found = self.fields.get(word.text.casefold())
        if found is None or len(reference.words) > 1:
            raise FormulaError(f"There is no {word.text}.", word.position)
        name, kind, value = found
        return Term(
            f'{"{p}" if prior else "{t}"}."{name}"',
            kind,
            reference.position,
            str(reference),
            length=max(100, len(str(value))),
            simple=True,
        )

    def relation(self, alias: str, values: dict[str, Any] | None) -> tuple[str, list[str | None]]:
        """One row of typed constants, and what they are bound to; of no values at all, nulls."""
        columns, bound = [], []
        for name, kind, value in self.fields.values():
            shown = value if values is None else values.get(name)
            columns.append(f'%s::{kind.pg_type} AS "{name}"')
            bound.append(None if shown is None else str(shown))
        return f"(SELECT 1::bigint AS id, {', '.join(columns)}) {alias}", bound


@pytest.fixture
def computed(db: None) -> Callable[..., Any]:
    """`computed("{!A} + 1", A=(Kind.NUMBER, 2))`: the kind and the value of the formula."""
    from django.db import connection, transaction

    from entities.formulas import compiled, parse

    def compute(
        formula: str, fields: dict[str, Field], old: dict[str, Any] | None = None
    ) -> tuple[str, Any]:
        record = Record(fields, old)
        term = compiled(parse(formula), record, prior=True)
        text = term.sql.replace("{t}", "t").replace("{p}", "p")
        now, values = record.relation("t", None)
        before, values_before = record.relation("p", old or {})
        if old is None:
            before = before.replace("SELECT 1::bigint", "SELECT NULL::bigint")
        with transaction.atomic(), connection.cursor() as cursor:
            # With parameters, so that a percent sign in the formula's SQL would be noticed.
            bound = ["here", *values, *values_before]
            cursor.execute(f"SELECT {text}, %s FROM {now}, {before}", bound)
            value, here = cursor.fetchone()
        assert here == "here"
        return str(term.kind), value

    return compute
