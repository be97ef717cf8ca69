"""bulk.extract: the records of a table out to CSV and JSON files, against COPY TO of the same."""

import statistics
import tempfile

from bench.api import limit
from bench.api.rows import COLUMNS, FIELDS, pieces, rows
from bench.bulk import worker
from bench.installation import TABLE, Installation
from bench.measure import Figures, at_most, ratio, watch

_ROWS = f"SELECT id, {', '.join(COLUMNS)} FROM {TABLE} WHERE deleted_at IS NULL"
#: The least that each form takes: the same rows as CSV, and as JSON objects.
_LIMITS = {
    "CSV": f"COPY ({_ROWS}) TO STDOUT (FORMAT csv)",
    "JSON": f"COPY (SELECT row_to_json(r) FROM ({_ROWS}) r) TO STDOUT",
}
_QUERY = f"SELECT Id, {', '.join(FIELDS)} FROM ACCOUNT_PRODUCT"
#: Rows made at a time.
_PORTION = 50_000


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """At n, and then at 10n, where the ratios are taken."""
    told: dict[str, float] = {}
    for size in (n, 10 * n):
        _fill(installation, size)
        peaks: list[float] = []
        now: dict[str, float] = {"rows_10n": size}
        for form, limit_sql in _LIMITS.items():
            copied, ours = [], []
            for _ in range(rounds):
                copied.append(_copy(installation, limit_sql))
                done = _extract(form)
                ours.append(done.seconds)
                peaks.append(done.peak_rss_mb)
            name = form.lower()
            now[f"{name}_copy_s"] = statistics.median(copied)
            now[f"{name}_s"] = statistics.median(ours)
            now[f"{name}_over_copy"] = ratio(ours, copied)
        now["peak_rss_mb"] = max(peaks)
        if told:
            now["memory_growth"] = now["peak_rss_mb"] / told["peak_rss_mb"]
            now["ours_growth"] = now["csv_s"] / told["csv_s"]
        told = now
    return told


def _fill(installation: Installation, n: int) -> None:
    installation.empty()
    for piece in pieces(range(n), _PORTION):  # type: ignore[arg-type]
        limit.copy(installation, rows(installation, piece))  # type: ignore[arg-type]
    installation.database.execute(f"ANALYZE {TABLE}")
    installation.database.commit()


def _copy(installation: Installation, statement: str) -> float:
    """COPY TO into a file; seconds."""
    database = installation.database
    with tempfile.TemporaryFile() as file, watch() as seconds:
        with database.cursor() as cursor, cursor.copy(statement) as coming:
            for data in coming:
                file.write(data)
        database.commit()
    return seconds()


def _extract(form: str) -> worker.Done:
    from entities import records
    from entities.bulk import jobs
    from entities.models.bulk import BulkApiRequest
    from metabrm.identity.context import Context

    row = {"RequestName": form, "RequestBody": _QUERY, "ResponseFormat": form}
    (made,) = records.create("BULK_API_REQUEST", [row], Context.system("bench"))
    assert made.ok and made.id is not None, made.problems
    found = worker.done(jobs.kind_of(BulkApiRequest), made.id)
    records.delete("BULK_API_REQUEST", [made.id], Context.system("bench"))
    return found


BENCH = Figures(
    about="BULK_API_REQUEST over 21 columns in files of 10,000 records, at n and 10n; limit: COPY "
    "TO STDOUT of the same columns, as CSV or as JSON objects, into a file",
    figures=figures,
    targets=(
        at_most("csv_over_copy", 2),
        at_most("json_over_copy", 2),
        at_most("memory_growth", 1.25),
    ),
)
