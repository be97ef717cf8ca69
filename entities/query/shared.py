"""What all SELECTs of one query share: its text, the snapshot, the caller, parameters, tables.

Every table of a query, wherever it stands, is made by `Query.table`: there the caller's right to
read the entity is checked, and `Source.visible` yields the conditions that hide rows from him.
Until the whole statement is known a table is written as a mark. It is rendered as the table, or,
for a statement that must ask nothing of rows before it is known that they exist for the caller, as
the rows of it that do.
"""

import re

from sqlglot import exp

from entities.access.rights import require, rights
from entities.query.limits import MAX_TABLES
from entities.query.parameters import Parameters
from entities.query.parse import Statement
from entities.query.reckoning import Asked
from entities.query.sources import Source
from entities.schema.description import EntitySchema, FieldSchema, fold, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: No text of a query holds a NUL, so no name in one looks like this.
_MARK = re.compile("\0(t[0-9]+)\0")


class Query:
    """One query that is being compiled."""

    def __init__(self, statement: Statement, snapshot: Snapshot, context: Context) -> None:
        self.statement = statement
        self.snapshot = snapshot
        self.context = context
        self.parameters = Parameters()
        self.sources: list[Source] = []
        self.reckoned: list[Asked] = []
        self._aliases = 0

    def alias(self) -> str:
        """A name that nothing else in the statement has."""
        self._aliases += 1
        return f"t{self._aliases - 1}"

    def table(
        self,
        schema: EntitySchema,
        node: exp.Expression | None,
        names: frozenset[str] = frozenset(),
        joined: str = "FROM",
    ) -> Source:
        """A further table, of `schema`. RequestError INSUFFICIENT_RIGHTS, QUERY_INVALID."""
        allowed = rights(self.snapshot, self.context, schema)
        require(allowed.read, self.context, "read", schema)
        if len(self.sources) == MAX_TABLES:
            self.statement.invalid(
                f"The query reads from more than {MAX_TABLES} tables, relations included; "
                "send it in parts.",
                node,
            )
        made = self._made(schema) if schema.inputs else ""
        source = Source(schema, self.alias(), allowed, names, joined, made)
        self.sources.append(source)
        return source

    def _made(self, schema: EntitySchema) -> str:
        """SQL of the records that are reckoned from what the query's condition gives of the
        entity's inputs; "" where it gives none.

        Only what holds for every row counts: `Field = value` in the condition as a whole or where
        ANDs join it.
        """
        where = self.statement.select.args.get("where")
        values: dict[str, str] = {}
        for node in where.this.flatten() if where and isinstance(where.this, exp.And) else [where]:
            equal = node.unnest() if node is not None else None
            equal = equal.this.unnest() if isinstance(equal, exp.Where) else equal
            if isinstance(equal, exp.EQ) and isinstance(equal.expression, exp.Literal):
                column = equal.this
                if isinstance(column, exp.Column):
                    values[fold(column.name)] = str(equal.expression.this)
        given = tuple(_argument(field, values.get(fold(field.name))) for field in schema.inputs)
        if not any(value is not None for value in given):
            return ""
        sql, place = self.parameters.reserve("jsonb")
        self.reckoned.append(Asked(place, schema.name, given))
        return sql

    def hides_rows(self) -> bool:
        """Whether there may be rows that do not exist for the caller."""
        return any(source.rights.condition for source in self.sources)

    def rendered(self, sql: str, *, apart: bool = False) -> str:
        """The SQL with its tables in place.

        `apart`: rows that the caller's rights hide are sorted out before anything else is asked of
        them. That is slower: no index serves what the query asks for.
        """
        tables = {source.alias: _table_sql(source, apart) for source in self.sources}
        return _MARK.sub(lambda found: tables[found[1]], sql)


def _table_sql(source: Source, apart: bool) -> str:
    table = f"{quote(source.schema.table)} {source.alias}"
    if source.made:
        row = f"NULL::{quote(source.schema.table)}"
        table = f"jsonb_populate_recordset({row}, {source.made}) {source.alias}"
    if not apart or not source.rights.condition:
        return table
    # OFFSET keeps the planner from asking the query's conditions first.
    return f"(SELECT * FROM {table} WHERE {' AND '.join(source.visible())} OFFSET 0) {source.alias}"


def _argument(field: FieldSchema, text: str | None) -> str | None:
    """The text as PostgreSQL reads it; None where it is no value of the field, which the condition
    that it stands in is told."""
    if text is None:
        return None
    decoded, refused = field.type.decode([text], field)
    return None if refused else str(decoded[0])
