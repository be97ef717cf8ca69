"""How figures are made of seconds, and held against targets."""

import pytest

from bench.__main__ import chosen
from bench.measure import Result, Told, at_least, at_most, ratio, table


def result(**more: float) -> Result:
    return Result("api.create", 1000, 0.5, 0.25, 6.0, 2.0, 12.0, 200.0, dict(more))


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_round_does_not_count() -> None:
    assert ratio([2.0, 20.0, 2.1], [1.0, 10.0, 0.7]) == 2.0


def test_rows_per_second_are_those_of_ours() -> None:
    assert result().figures()["rows_per_s"] == 2000


def test_a_figure_at_its_bound_has_reached_it() -> None:
    judged = result()
    judged.judge([at_most("ours_over_limit", 2), at_least("stock_over_ours", 12.5)])
    assert judged.verdicts == [
        ("ours_over_limit <= 2", 2.0, True),
        ("stock_over_ours >= 12.5", 12.0, False),
    ]
    assert [line.split()[-1] for line in table([judged]).splitlines()[1:]] == ["PASS", "MISS"]


def test_figures_of_our_own_are_judged_and_shown_alike() -> None:
    told = Told("metadata.served", 1000, {"served_s": 0.5, "workers": 2.0})
    told.judge([at_most("served_s", 0.4), at_most("ours_growth", 11)])
    assert told.verdicts == [("served_s <= 0.4", 0.5, False)]
    assert table([told]).splitlines()[1].split()[-1] == "MISS"


def test_growth_is_judged_only_where_it_was_measured() -> None:
    judged = result()
    judged.judge([at_most("ours_growth", 11)])
    assert judged.verdicts == []


@pytest.mark.parametrize(
    "names", [["api"], ["api.create", "api.upsert", "api.retrieve", "api.single"]]
)
def test_a_name_means_all_benches_that_begin_so(names: list[str]) -> None:
    assert list(chosen(names)) == ["api.create", "api.upsert", "api.retrieve", "api.single"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SystemExit, match=r"api\.crate; try api\.create, "):
        chosen(["api.crate"])
