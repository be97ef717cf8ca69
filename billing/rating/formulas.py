"""What the formula of a rating method makes of a charge: SQL over the line that is to be written.

A formula reads the fields of the line, those of whatever it looks up, and the line's custom fields;
Rate, CostUnrounded and RatedAmount are what the price comes to without it, empty where there is
none. It never fails: where something can't be computed, the result is empty, and the charge has a
cause instead of an amount.
"""

from collections.abc import Mapping

from entities.formulas import FormulaError
from entities.schema.current import current
from entities.schema.description import quote
from entities.schema.formulating import compile_formula

NO_RESULT = "FORMULA"


def result(text: str, filled: Mapping[str, str]) -> str:
    """SQL of what the formula comes to, NULL where that is no number of the size of an amount.

    `filled`: column of the line -> SQL; the others are empty.
    """
    snapshot = current()
    activity = snapshot.entity("ACTIVITY")
    try:
        found = compile_formula(snapshot, activity, text, expect="NUMBER")
    except FormulaError:
        # Something that it reads has been taken away since.
        return "NULL::numeric"
    columns = {quote(name): sql for name, sql in filled.items()}
    for field in activity.fields:
        if field.column is not None and quote(field.column) not in columns:
            by_key = field.lookup is not None and field.lookup.by_key
            kind = "text" if by_key else field.type.pg_type
            columns[quote(field.column)] = f"NULL::{kind}"
    row = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    result = found.sql.replace("{t}", "line_")
    return (
        f"(SELECT CASE WHEN abs(result_) < 1e18 THEN round(result_, 10) END "  # noqa: S608
        f"FROM (SELECT {row}) line_ CROSS JOIN LATERAL (SELECT {result} AS result_) made_)"
    )


def reads(text: str) -> frozenset[tuple[str, str]]:
    """(entity, field) of all that the formula reads."""
    snapshot = current()
    try:
        return compile_formula(snapshot, snapshot.entity("ACTIVITY"), text).references
    except FormulaError:
        return frozenset()


def no_quantity(method: str) -> str:
    """SQL of the sentence that FormulaQuantity yields nothing, for a statement with parameters."""
    return (
        f"format('FormulaQuantity of rating method %%s yields no quantity: something that it reads "
        f"is empty or not there any more, it divides by zero, or the quantity is below 0.', "
        f"{method})"
    )


def no_result(method: str, about: str) -> str:
    """SQL of the sentence that a formula yields nothing, for a statement with parameters."""
    return (
        f"format('The formula of rating method %%s yields no amount for {about}: something that "
        f"it reads is empty or not there any more, it divides by zero, or the amount has more than "
        f"18 digits.', {method})"
    )
