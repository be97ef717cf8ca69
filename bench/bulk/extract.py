"""bulk.extract: the records of a table out to CSV and JSON files, against COPY TO of the same."""

import statistics
import tempfile

from bench.api import limit
from bench.api.rows import COLUMNS, FIELDS, pieces, rows
from bench.bulk import worker
from bench.installation import TABLE, Installation
from bench.measure import Figures, at_most, ratio, watch

_COPY = f"COPY (SELECT id, {', '.join(COLUMNS)} FROM {TABLE} WHERE deleted_at IS NULL) TO STDOUT"
_QUERY = f"SELECT Id, {', '.join(FIELDS)} FROM ACCOUNT_PRODUCT"
#: Rows made at a time.
_PORTION = 50_000


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """At n, and then at 10n, where the ratios are taken."""
    told: dict[str, float] = {}
    for size in (n, 10 * n):
        _fill(installation, size)
        copied = [_copy(installation) for _ in range(rounds)]
        csv = [_extract("CSV") for _ in range(rounds)]
        json = [_extract("JSON") for _ in range(rounds)]
        seconds = [done.seconds for done in csv]
        peak = max(done.peak_rss_mb for done in csv + json)
        if told:
            told["memory_growth"] = peak / told["peak_rss_mb"]
            told["ours_growth"] = statistics.median(seconds) / told["csv_s"]
        told |= {
            "rows_10n": size,
            "copy_s": statistics.median(copied),
            "csv_s": statistics.median(seconds),
            "json_s": statistics.median(d.seconds for d in json),
            "csv_over_copy": ratio(seconds, copied),
            "json_over_copy": ratio([d.seconds for d in json], copied),
            "peak_rss_mb": peak,
        }
    return told


def _fill(installation: Installation, n: int) -> None:
    installation.empty()
    for piece in pieces(range(n), _PORTION):  # type: ignore[arg-type]
        limit.copy(installation, rows(installation, piece))  # type: ignore[arg-type]
    installation.database.execute(f"ANALYZE {TABLE}")
    installation.database.commit()


def _copy(installation: Installation) -> float:
    """COPY TO into a file; seconds."""
    database = installation.database
    with tempfile.TemporaryFile() as file, watch() as seconds:
        with database.cursor() as cursor, cursor.copy(_COPY) as coming:
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
    "TO STDOUT of the same columns into a file",
    figures=figures,
    targets=(
        at_most("csv_over_copy", 2),
        at_most("json_over_copy", 2),
        at_most("memory_growth", 1.25),
    ),
)
