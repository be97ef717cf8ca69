"""Filter logic means what it says, and says where it is wrong."""

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entities.access.logic import DEEPEST, LogicError, joined


@pytest.mark.parametrize(
    ("text", "conditions", "sql"),
    [
        ("1", ["a"], "(a)"),
        ("1 AND (2 OR 3)", ["a", "b", "c"], "((a) AND ((b) OR (c)))"),
        ("1 or 2 and 3", ["a", "b", "c"], "((a) OR ((b) AND (c)))"),
        ("not 1 AND 2", ["a", "b"], "((NOT (a)) AND (b))"),
        ("NOT(1 OR 2)", ["a", "b"], "(NOT ((a) OR (b)))"),
        ("NOT NOT 1", ["a"], "(a)"),
        (" ( ( 2)And\n1 ) ", ["a", "b"], "((b) AND (a))"),
        ("1 AND 1", ["a OR b"], "((a OR b) AND (a OR b))"),
    ],
)
def test_examples(text: str, conditions: list[str], sql: str) -> None:
    assert joined(text, conditions) == sql


@pytest.mark.parametrize(
    ("text", "count", "position", "says"),
    [
        ("", 1, 0, "number of a condition belongs at the end"),
        ("1 AND", 1, 5, "number of a condition belongs at the end"),
        ("AND 1", 1, 0, "belongs before 'AND'"),
        ("1 2", 2, 2, "AND or OR belongs before '2'"),
        ("1 AND 3", 2, 6, "no condition 3; there are 1 to 2"),
        ("0", 1, 0, "no condition 0; there is only 1"),
        ("9" * 900, 1, 0, "no condition 99999999999999999999;"),
        ("(1 OR 2", 2, 0, "( is never closed"),
        ("1 AND (2 OR (1)", 2, 6, "( is never closed"),
        ("1 OR 2)", 2, 6, ") closes nothing"),
        ("(1 2)", 2, 3, "AND, OR or ) belongs before '2'"),
        ("()", 1, 1, "belongs before ')'"),
        ("1 AND 2", 3, 7, "Condition 3 is not used"),
        ("1; DROP TABLE x", 1, 1, "';' means nothing"),
        ("1 XOR 2", 2, 2, "'X' means nothing"),
        ("1 ANDY 2", 2, 2, "'A' means nothing"),
        ("١", 1, 0, "means nothing"),
        ("(" * 400 + "1" + ")" * 400, 1, DEEPEST, "nested"),
    ],
)
def test_mistakes_are_told_with_their_place(
    text: str, count: int, position: int, says: str
) -> None:
    with pytest.raises(LogicError, match=re.escape(says)) as refused:
        joined(text, ["TRUE"] * count)
    assert refused.value.position == position
    assert f"at character {position + 1})" in str(refused.value)


_TREES = st.recursive(
    st.integers(1, 5),
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(["AND", "OR"]), inner, inner),
    ),
    max_leaves=20,
)


def _value(tree: Any, values: list[bool]) -> bool:
    if isinstance(tree, int):
        return values[tree - 1]
    if tree[0] == "NOT":
        return not _value(tree[1], values)
    left, right = (_value(part, values) for part in tree[1:])
    return (left and right) if tree[0] == "AND" else (left or right)


_BINDING = {"OR": 0, "AND": 1, "NOT": 2}


def _text(tree: Any, least: int, chance: random.Random) -> str:
    """The tree as people may write it: brackets where needed and sometimes elsewhere."""
    if isinstance(tree, int):
        text, binding = str(tree), 3
    elif tree[0] == "NOT":
        text, binding = f"NOT {_text(tree[1], 2, chance)}", 2
    else:
        binding = _BINDING[tree[0]]
        parts = [_text(part, binding, chance) for part in tree[1:]]
        text = f" {tree[0]} ".join(parts)
    if binding < least or chance.random() < 0.1:
        text = f"({text})"
    return text.lower() if chance.random() < 0.3 else text


@given(_TREES, st.lists(st.booleans(), min_size=5, max_size=5), st.randoms(use_true_random=False))
def test_it_means_what_the_oracle_says(tree: Any, values: list[bool], chance: Any) -> None:
    text = _text(("AND", tree, ("OR", 1, ("NOT", 1))), 0, chance)
    for number in range(2, 6):
        text = f"({text}) AND ({number} OR NOT {number})"
    try:
        sql = joined(text, [f"c{n}" for n in range(5)])
    except LogicError as error:
        assert "nested" in str(error)
        return
    names = {f"c{n}": value for n, value in enumerate(values)}
    assert eval(sql.replace("AND", "and").replace("OR", "or").replace("NOT", "not"), names) is (
        _value(tree, values)
    )


@given(st.text(alphabet="123()ANDORT not \n;'", max_size=60))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    try:
        sql = joined(text, ["x", "y"])
    except LogicError:
        return
    assert re.fullmatch(r"(?:\(|\)|x|y| AND | OR |NOT )+", sql)
