"""Every bench runs and says what it should; how fast a busy machine is, is no test's business."""

from typing import Any

import pytest

FIELDS = {
    *("bench", "rows", "ours_s", "limit_s", "stock_s", "ours_over_limit", "stock_over_ours"),
    *("rows_per_s", "peak_rss_mb"),
}
GROWTH = {"ours_growth", "limit_growth", "memory_growth"}
SINGLE = {
    f"{side}_{figure}" for side in ("ours", "stock") for figure in ("per_s", "p50_ms", "p99_ms")
}
OBSERVED = {
    *("invoices_of_a_day", "count_of_closed", "invoice_with_activities", "total_of_all"),
    *("a_page_of_invoices", "profile_by_hosted_id", "profile_with_account", "usage_by_product"),
    *("activities_of_an_account", "accounts_like"),
}

KEPT = {
    f"{question}_{figure}"
    for question in (
        *("one_by_id", "account_in_a_month", "account_in_all", "last_of_account", "invoice"),
        *("product_in_a_month", "account_product", "load", "newest", "a_thousand_repeats"),
    )
    for figure in ("ms", "growth")
}


@pytest.mark.parametrize(
    "bench",
    [
        *("api.create", "api.upsert", "api.retrieve", "metadata.create", "metadata.retrieve"),
        *("rating.files", "rating.onto"),
    ],
)
def test_a_bench_tells_its_figures_at_n_and_at_10n(
    lines: dict[tuple[str, int], Any], bench: str
) -> None:
    small, large = lines[bench, 30], lines[bench, 300]
    assert set(small) >= FIELDS
    assert set(large) >= FIELDS | GROWTH
    for line in (small, large):
        assert all(value > 0 for name, value in line.items() if name != "bench")


def test_loads_tell_what_their_worker_holds(lines: dict[tuple[str, int], Any]) -> None:
    assert lines["rating.onto", 300]["worker_mb"] < lines["rating.onto", 300]["peak_rss_mb"]


def test_single_creates_tell_rates_and_percentiles_of_both(
    lines: dict[tuple[str, int], Any],
) -> None:
    (line,) = (line for (bench, _), line in lines.items() if bench == "api.single")
    assert set(line) >= FIELDS | SINGLE | {"p50_over_stock", "p99_over_stock"}
    assert line["ours_p50_ms"] <= line["ours_p99_ms"]


@pytest.mark.parametrize(
    ("bench", "figures"),
    [
        ("metadata.version", {"check_us", "check_by_itself_us", "one_record_us", "share_percent"}),
        ("metadata.snapshot", {"entities", "fields", "build_s", "build_cpu_s"}),
        ("metadata.served", {"workers", "change_s", "served_s", "slowest_s"}),
        ("query.observed", {"median", "worst", *OBSERVED}),
        ("mediation.kept", {"slowest_ms", "most_growth", *KEPT}),
    ],
)
def test_a_bench_of_what_only_we_do_tells_its_own_figures(
    lines: dict[tuple[str, int], Any], bench: str, figures: set[str]
) -> None:
    line = lines[bench, 30]
    assert set(line) == {"bench", "rows"} | figures
    assert all(line[figure] > 0 for figure in figures)
