"""Random formulas over random records yield in PostgreSQL what they yield in Python."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entities.formulas import FormulaError, Kind
from tests.entities.formulas.oracle import FIELDS, RECORDS, Sentence, sentences

KINDS = {"number": Kind.NUMBER, "text": Kind.TEXT, "date": Kind.DATE, "flag": Kind.FLAG}


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    def shown(value: Any) -> Any:
        if isinstance(value, Fraction):
            return Decimal(value.numerator) / Decimal(value.denominator)
        return value

    return {name: (KINDS[kind], shown(record[name])) for name, kind in FIELDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_formulas_yield_what_the_oracle_says(computed: Callable[..., Any], kind: str) -> None:
    @settings(
        max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(sentence=sentences(kind), record=RECORDS)
    def check(sentence: Sentence, record: dict[str, Any]) -> None:
        expected = sentence.value(record)
        try:
            _, found = computed(sentence.text, _fields(record))
        except FormulaError as error:
            # Too large for any record: refused before there is one.
            assert "could have more than" in error.message
            return
        if isinstance(found, Decimal):
            found = Fraction(found)
        assert found == expected, sentence.text

    check()


def test_the_oracle_tells_right_from_wrong(computed: Callable[..., Any]) -> None:
    """A property that can't fail proves nothing: a wrong oracle is found out."""

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        # The simplest record that finds it out is of no interest.
        phases=[Phase.generate],
    )
    @given(record=RECORDS, days=st.integers(1, 9))
    def check(record: dict[str, Any], days: int) -> None:
        _, found = computed("NVL({!N}, 1)", _fields(record))
        assert Fraction(found) == (record["N"] or 1)

    with pytest.raises(AssertionError):
        check()
