"""What kinds of values there are."""

from enum import StrEnum


class Kind(StrEnum):
    """What can be done with a value; `noun` completes "is a …"."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    DATE = "DATE"
    DATETIME = "DATETIME"
    FLAG = "FLAG"
    NULL = "NULL"

    @property
    def noun(self) -> str:
        return _NOUNS[self]

    @property
    def pg_type(self) -> str:
        """The SQL type of the kind's values."""
        return _PG_TYPES[self]


_NOUNS = {
    Kind.TEXT: "text",
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "date and time",
    Kind.FLAG: "condition",
    Kind.NULL: "missing value",
}
_PG_TYPES = {
    Kind.TEXT: "text",
    Kind.NUMBER: "numeric",
    Kind.DATE: "date",
    Kind.DATETIME: "timestamptz",
    Kind.FLAG: "boolean",
    Kind.NULL: "text",
}
#: SQL type of a column -> the kind of its values, where formulas know them.
OF_COLUMNS = {
    "text": Kind.TEXT,
    "bigint": Kind.NUMBER,
    "numeric": Kind.NUMBER,
    "date": Kind.DATE,
    "timestamptz": Kind.DATETIME,
    "boolean": Kind.FLAG,
}
