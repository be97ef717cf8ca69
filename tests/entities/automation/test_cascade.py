"""Going back in a cascade forgets just what was done since."""

from hypothesis import given, settings
from hypothesis import strategies as st

from entities.automation.cascade import ROUNDS, Cascade

ENTITY = 1
RECORDS = ACTIONS = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("changed"), RECORDS, st.just(0)),
        st.tuples(st.just("done"), RECORDS, ACTIONS),
    ),
    max_size=20,
)


def play(cascade: Cascade, steps: list[tuple[str, int, int]]) -> None:
    for what, record, action in steps:
        if what == "changed":
            cascade.changed(ENTITY, record)
        else:
            cascade.done(action, ENTITY, record)


def known(cascade: Cascade) -> list[tuple[bool, bool]]:
    return [
        (cascade.is_done(action, ENTITY, record), cascade.may_do(action, record))
        for action in range(3)
        for record in range(3)
    ]


@settings(max_examples=300, deadline=None)
@given(STEPS, STEPS, STEPS)
def test_what_was_undone_was_never_done(
    kept: list[tuple[str, int, int]],
    undone: list[tuple[str, int, int]],
    after: list[tuple[str, int, int]],
) -> None:
    one, other = Cascade(), Cascade()
    play(one, kept)
    mark = one.mark
    play(one, undone)
    one.back_to(mark)
    play(one, after)
    play(other, kept + after)
    assert known(one) == known(other)


def test_an_action_is_done_again_only_for_a_record_that_changed() -> None:
    cascade = Cascade()
    assert not cascade.is_done(1, ENTITY, 7)
    cascade.done(1, ENTITY, 7)
    assert cascade.is_done(1, ENTITY, 7)
    assert not cascade.is_done(2, ENTITY, 7)
    cascade.changed(ENTITY, 7)
    assert not cascade.is_done(1, ENTITY, 7)


def test_an_action_is_done_a_few_times_at_most() -> None:
    cascade = Cascade()
    for _ in range(ROUNDS):
        assert cascade.may_do(1, 7)
        cascade.done(1, ENTITY, 7)
    assert not cascade.may_do(1, 7)
    assert cascade.may_do(1, 8)
