"""A piece of SQL that we made, and what kind of value it yields.

Every scalar of a query becomes a Term. A literal stays undecided until it meets what it is compared
or combined with: `'42'` beside an id is a number, beside a name it is a text, beside a date it is a
mistake. Only then is it decoded, and what reaches the database is the decoded value as a parameter.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlglot import exp

from entities import fieldtypes
from entities.fieldtypes import Refused
from entities.fieldtypes.numbers import to_decimal
from entities.query.limits import MAX_TEXT
from entities.schema.description import FieldSchema

_INT8 = 2**63


class Kind(StrEnum):
    """What can be done with a value; the text completes "is a …"."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"
    FLAG = "flag"
    JSON = "JSON document"
    NULL = "null"


#: PostgreSQL type in which literals of a kind are bound.
PG_TYPES = {
    Kind.TEXT: "text",
    Kind.NUMBER: "numeric",
    Kind.DATE: "date",
    Kind.DATETIME: "timestamptz",
    Kind.FLAG: "boolean",
    Kind.JSON: "jsonb",
    Kind.NULL: "text",
}
_KINDS = {
    "text": Kind.TEXT,
    "bigint": Kind.NUMBER,
    "numeric": Kind.NUMBER,
    "date": Kind.DATE,
    "timestamptz": Kind.DATETIME,
    "boolean": Kind.FLAG,
    "jsonb": Kind.JSON,
}
_NOUNS = {
    "ID": "ids",
    "LOOKUP": "ids",
    "INTEGER": "whole numbers",
    "DATE": "dates such as 2026-02-28",
    "DATETIME": "instants such as 2026-02-28T14:30:00Z",
    "FLAG": "1 or 0",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A scalar of the query.

    sql      over the aliases of the query's tables; of a literal: not to be used
    node     where it stands in the text
    field    the field, of a plain column
    key      the canonical name, of a plain column
    whole    whole numbers: literals beside them are bound as such, so that an index serves
    literal  the text of a literal still undecided; `quoted` if it stood in quotes
    made     put together by the query, so that nothing bounds its length
    """

    sql: str
    kind: Kind
    node: exp.Expression
    field: FieldSchema | None = None
    key: str = ""
    whole: bool = False
    literal: str | None = None
    quoted: bool = False
    made: bool = False

    @property
    def empty(self) -> bool:
        """The literal '', which is no value at all, as in Oracle."""
        return self.literal == "" and self.quoted

    @property
    def place(self) -> str:
        """Of a column that is encrypted at rest: what its values are sealed for; else ""."""
        return self.field.type.place if self.field is not None else ""

    @property
    def null(self) -> bool:
        return self.kind is Kind.NULL or self.empty

    def over(self, sql: str) -> "Term":
        """The same value where it is `sql`."""
        return replace(self, sql=sql)

    def wire_sql(self, expression: str) -> str:
        """SQL over `expression`, which holds this term's value, whose JSON is the wire form."""
        if self.field is not None:
            return self.field.type.wire_sql(expression)
        if self.kind is Kind.NUMBER:
            return f"{expression}::text" if self.whole else f"trim_scale({expression})::text"
        if self.kind is Kind.FLAG:
            return f"{expression}::int::text"
        return expression

    def text_sql(self) -> str:
        """This term's value as text, spelled as it is on the wire."""
        if self.kind is Kind.TEXT:
            return self.sql
        if self.kind is Kind.DATETIME:
            return f"(to_json({self.sql}) #>> '{{}}')"
        return f"({self.wire_sql(self.sql)})::text"


def column(field: FieldSchema, alias: str, node: exp.Expression, key: str = "") -> Term:
    """The term of a field over the table `alias`."""
    key = key or field.name
    sql = field.sql(alias)
    if field.lookup is not None and field.lookup.by_key:
        return Term(sql, Kind.TEXT, node, field, key)
    kind = _KINDS.get(field.type.pg_type)
    if kind is None or field.type.name == "FILE":
        # Several values, or a storage key: the wire form is all that anybody outside knows.
        return Term(field.wire_sql(alias), Kind.TEXT, node, key=key)
    return Term(sql, kind, node, field, key, whole=field.type.pg_type == "bigint")


def bounded(term: Term, expression: str) -> str:
    """SQL of `expression`, which holds a text of the query's own making; an error if it is long."""
    if not term.made or term.kind is not Kind.TEXT:
        return expression
    # A length that is out of bounds is what PostgreSQL refuses by itself.
    return (
        f"CASE WHEN length({expression}) > {MAX_TEXT} THEN substr({expression}, 1, -1) "
        f"ELSE {expression} END"
    )


class Mismatch(ValueError):
    """A literal is not of the kind it should be; the message says so, without naming the field."""


def decoded(text: str, kind: Kind, whole: bool) -> tuple[str, str]:
    """A literal's text -> (value as PostgreSQL reads it, PostgreSQL type). Raises Mismatch."""
    if kind is Kind.NUMBER:
        number = _number(text)
        if whole and number == number.to_integral_value() and -_INT8 <= number < _INT8:
            return str(int(number)), "bigint"
        return str(number), "numeric"
    if kind in (Kind.DATE, Kind.DATETIME, Kind.FLAG):
        name = {Kind.DATE: "DATE", Kind.DATETIME: "DATETIME", Kind.FLAG: "FLAG"}[kind]
        try:
            value: Any = fieldtypes.get(name).literal(text)
        except Refused:
            raise Mismatch(f"{_shown(text)} is not a {kind}") from None
        return (str(value) if kind is Kind.FLAG else value.isoformat()), PG_TYPES[kind]
    return text, "text"


def holds(term: Term | None) -> str:
    """ "; AccountId holds ids" for the column beside which a literal was mistaken, or ""."""
    if term is None or term.field is None:
        return ""
    return f"; {term.field.name} holds {_NOUNS.get(term.field.type.name, f'{term.kind}s')}"


def _number(text: str) -> Decimal:
    try:
        return to_decimal(text, "")
    except Refused:
        raise Mismatch(f"{_shown(text)} is not a number") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
