"""What is wrong with a formula is told with the place, and with what would be right."""

from typing import Any

import pytest

from entities.formulas import FormulaError, Kind, compiled, parse
from tests.entities.formulas.conftest import Record

RECORD: Any = Record(
    {
        "Name": (Kind.TEXT, None),
        "Qty": (Kind.NUMBER, None),
        "Start": (Kind.DATE, None),
        "At": (Kind.DATETIME, None),
        "Yes": (Kind.FLAG, None),
    }
)

#: Formula with ^ at the place that is to be told, and words of the message.
REFUSALS = [
    # Words
    ("^", "empty"),
    ("^'x", "never ends"),
    ("{!Name} = 'it'^s'", "an operator is missing"),
    ('{!Name} = ^"x"', "single quotes"),
    ("{!Name} = ^\N{LEFT SINGLE QUOTATION MARK}x", "straight single quotes"),
    ("^{Name} = 'x'", "{Name} names no field; write {!Field}"),
    ("^{!} = 'x'", "{!} names no field"),
    ("^{!Name = 'x'", "names no field"),
    ("^{!1st}", "names no field"),
    ("^{!Näme}", "names no field"),
    ("{!Yes} ^&& {!Yes}", "Write AND"),
    ("{!Yes} ^| {!Yes}", "OR to join conditions"),
    ("^!{!Yes}", "Write NOT"),
    ("{!Qty} ^== 1", "single ="),
    ("{!Qty} ^% 2", "MOD(a, b)"),
    ("{!Qty} ^^ 2", "POWER(a, b)"),
    ("^[Name] = 'x'", "{!Name}"),
    ("{!Qty} = 1^;", "means nothing here"),
    ("{!Qty} = ^12a", "12a is no number"),
    ("{!Qty} = ^1e999", "1e is no number"),
    ("{!Name} = ^\\x", "means nothing here"),
    # Grammar
    ("{!Qty} +^", "a value is missing"),
    ("{!Qty} + ^* 2", "a value is missing"),
    ("{!Qty} ^2", "an operator is missing"),
    ("{!Qty} = 1 ^= 2", "two values are compared at a time"),
    ("^({!Qty}", "never closed"),
    ("{!Qty}^)", "closes nothing"),
    ("({!Qty} + ^)", "a value is missing"),
    ("{!Name} IN ^'a'", "a list in parentheses"),
    ("{!Name} IN (^)", "a value is missing"),
    ("{!Name} IS ^'x'", "NULL or NOT NULL"),
    ("{!Qty} BETWEEN 1^", "an operator is missing"),
    ("^Name = 'x'", "{!Name}"),
    ("SELECT ^1", "an operator is missing"),
    ("{!Name} ^. {!Name}", "means nothing here"),
    # Names
    ("{!^Nmae} = 'x'", "There is no Nmae"),
    ("^UPER({!Name})", "Did you mean UPPER?"),
    ("^pg_sleep(1)", "There is no function PG_SLEEP"),
    ("^SUBSTR({!Name})", "SUBSTR(text, start, length)"),
    ("^TODAY(1)", "TODAY()"),
    ("^DATE(2026, 1)", "year, month and day"),
    ("ISCHANGED(^1)", "takes a field"),
    ("PRIORVALUE({!Qty} ^+ 1)", "takes a field"),
    # Kinds
    ("{!Name} = ^{!Qty}", "{!Name} is a text and {!Qty} a number"),
    ("{!Start} > ^{!Qty}", "is a date and"),
    ("{!Qty} = ^'many'", "'many' is no number; {!Qty} is a number"),
    ("{!Qty} > ^'1_000'", "is no number"),
    ("{!Start} = ^'2026-02-30'", "no date such as '2026-02-28'; {!Start} is a date"),
    ("{!Start} = ^20260228", "no date"),
    ("{!Start} = ^'20260228'", "no date"),
    ("{!Start} IN ('2026-01-01', ^'soon')", "no date"),
    ("{!At} < ^'later'", "no date and time such as"),
    ("{!Yes} = ^'maybe'", "write TRUE or FALSE"),
    ("{!Yes} = ^2", "write TRUE or FALSE"),
    ("{!Yes} ^< TRUE", "neither is less"),
    ("^{!Name} AND {!Yes}", "is a text; a condition belongs here. Compare it"),
    ("NOT ^{!Qty}", "a condition belongs here"),
    ("IF(^{!Qty}, 1, 2)", "a condition belongs here"),
    ("IF({!Yes}, ^1, {!Start})", "no date"),
    ("IF({!Yes}, {!Name}, ^{!Start})", "is a text and {!Start} a date"),
    ("UPPER(^{!Qty})", "{!Qty} is a number; a text belongs here. Put it into TEXT(…)."),
    ("1 + {!Start} + ^{!Start}", "{!Start}"),
    ("{!Qty} * ^{!Name}", "a number belongs here. Put it into NUMBER(…)."),
    ("{!Name} ^+ 'x'", "texts are joined with &"),
    ("{!Qty} * ^'x'", "is no number"),
    ("YEAR(^{!Name})", "Put it into DATE(…)."),
    ("ADDMONTHS(^{!At}, 1)", "Put it into DATE(…)."),
    ("MAX(^1, {!Start})", "{!Start} is a date"),
    ("^MAX({!Yes}, TRUE)", "neither great nor small"),
    ("{!Name} LIKE ^{!Qty}", "a text belongs here"),
    ("{!Yes} ^BETWEEN TRUE AND FALSE", "lies between nothing"),
    ("DATE(^'2026-13-01')", "no date"),
    # Formats and patterns
    ("TEXT({!Qty}, ^'abc')", "'999,990.00'"),
    ("TEXT({!Qty}, ^{!Name})", "written out"),
    ("TEXT({!Start}, ^'YYYY-QQ')", "'DD.MM.YYYY'"),
    ("TEXT({!Name}, ^'x')", "has no format"),
    ("REGEX({!Name}, ^{!Name})", "written out, in single quotes"),
    ("REGEX({!Name}, 'a^(b')", "never closed"),
    ("REGEX({!Name}, 'a^)b')", "closes nothing"),
    ("REGEX({!Name}, '^*a')", "nothing to repeat"),
    ("REGEX({!Name}, 'a+^+')", "nothing to repeat"),
    ("REGEX({!Name}, 'a^{300}')", "up to 255"),
    ("REGEX({!Name}, 'a^{3,2}')", "up to 255"),
    ("REGEX({!Name}, '(a)^\\1')", "put a backslash before it"),
    ("REGEX({!Name}, '^(?=a)')", "not supported"),
    ("REGEX({!Name}, 'a^[z-a]')", "class"),
    ("REGEX({!Name}, '^((a{100}){100}){100}')", "states"),
    ("REGEX({!Name}, '^***=a')", "nothing to repeat"),
    ("REGEX({!Name}, 'a^$b')", "put a backslash before it"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "said"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_a_wrong_formula_is_refused_with_the_place(marked: str, said: str) -> None:
    # In the one formula that is about the sign itself, the first one marks.
    position = marked.index("^")
    formula = marked[:position] + marked[position + 1 :]
    with pytest.raises(FormulaError) as refused:
        compiled(parse(formula), RECORD, prior=True)
    assert said in refused.value.message
    assert refused.value.position == position
    assert refused.value.told().endswith(f"(At character {position + 1}.)")


@pytest.mark.parametrize("formula", ["ISNEW()", "ISCHANGED({!Qty})", "PRIORVALUE({!Qty}) = 1"])
def test_changes_can_be_asked_for_only_where_there_are_some(formula: str) -> None:
    with pytest.raises(FormulaError, match="about a change"):
        compiled(parse(formula), RECORD)


@pytest.mark.parametrize(
    ("expect", "formula", "sql"),
    [
        (Kind.FLAG, "1", "true"),
        (Kind.FLAG, "'0'", "false"),
        (Kind.FLAG, "NULL", "NULL::boolean"),
        (Kind.DATE, "'2026-01-31'", "'2026-01-31'::date"),
        (Kind.NUMBER, "'42'", "'42'::numeric"),
        (Kind.TEXT, "42", "'42'::text"),
        (Kind.DATETIME, "{!Start}", "({t}.\"Start\"::timestamp AT TIME ZONE 'UTC')"),
    ],
)
def test_a_literal_becomes_what_is_expected(expect: Kind, formula: str, sql: str) -> None:
    assert compiled(parse(formula), RECORD, expect=expect).sql == sql
