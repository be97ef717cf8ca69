"""The guide of formulas: every example yields what stands beside it, and no function is missing."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from entities.formulas import FUNCTIONS, FormulaError, Kind, compiled, parse
from entities.formulas.operators import OPERATORS
from entities.schema.current import current
from entities.schema.formulating import compile_formula
from metabrm import clock
from tests.entities.formulas.conftest import Record

GUIDE = (Path(__file__).parents[3] / "docs/formulas.md").read_text()
KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "date": Kind.DATE,
    "date and time": Kind.DATETIME,
    "condition": Kind.FLAG,
}


def _table(heading: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines[2:]
    ]


def _code(cell: str) -> str:
    assert cell[0] == cell[-1] == "`", cell
    return cell[1:-1]


FIELDS: dict[str, Any] = {
    name: (KINDS[kind], value or None) for name, kind, value, _ in _table("The examples")
}
BEFORE = {name: before or None for name, _, _, before in _table("The examples")}
EXAMPLES = [
    *((_code(row[2]), "any", row[3]) for row in _table("Operators")),
    *((_code(row[3]), row[1], row[4]) for row in _table("Functions")),
]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, Decimal):
        return f"`{value.normalize():f}`"
    return f"`{value.isoformat() if isinstance(value, date) else value}`"


@pytest.mark.parametrize(("formula", "kind", "shown"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_an_example_yields_what_stands_beside_it(
    computed: Callable[..., Any], formula: str, kind: str, shown: str
) -> None:
    from django.db import connection

    with clock.frozen(datetime(2026, 3, 15, 12, tzinfo=UTC)), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('metabrm.now', %s, true)", [clock.now().isoformat()])
        found, value = computed(formula, FIELDS, BEFORE)
    assert _shown(value) == shown
    assert kind == "any" or found == KINDS[kind]


def test_every_function_stands_there_as_it_is_written() -> None:
    written = [_code(row[0]) for row in _table("Functions")]
    assert len(written) == len(set(written))
    assert set(written) == {f.signature for f in FUNCTIONS.values()} | {"DATE(value)"}
    for signature, _, _, example, _ in _table("Functions"):
        assert f"{_code(signature).partition('(')[0]}(" in example


def test_every_operator_stands_there() -> None:
    written = {sign for row in _table("Operators") for sign in re.findall("`([^`]+)`", row[0])}
    signs = {"NEGATIVE": "-", "POSITIVE": "+"}
    assert {signs.get(name, name) for name in OPERATORS} <= written


def _mistakes() -> Iterator[tuple[str, str]]:
    for formula, message in _table("When something is wrong"):
        yield _code(formula), message


@pytest.mark.parametrize(("formula", "message"), list(_mistakes()))
def test_a_mistake_is_told_as_the_guide_says(db: None, formula: str, message: str) -> None:
    names: Any = Record(FIELDS)
    with pytest.raises(FormulaError) as refused:
        if message.startswith("ACCOUNT "):
            compile_formula(current(), current().entity("ACCOUNT"), formula)
        compiled(parse(formula), names, prior=True)
    assert refused.value.message == message


@pytest.mark.parametrize("guide", ["README.md", "docs/admins.md"], ids=["readme", "administrators"])
def test_the_guide_is_linked(guide: str) -> None:
    text = (Path(__file__).parents[3] / guide).read_text()
    assert "formulas.md)" in text
