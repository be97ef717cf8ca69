"""bulk.load: a file of records in through the verbs, against COPY FROM into the same table."""

import csv
import gzip
import io
import statistics

from bench.api import limit
from bench.api.rows import FIELDS, Row, rows
from bench.bulk import worker
from bench.installation import Installation
from bench.measure import Figures, at_most, ratio

#: Records of the largest file.
MOST = 200_000


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """At n, and then at 10n, or the most that a file holds, where the ratio is taken."""
    told: dict[str, float] = {}
    for size in (min(n, MOST // 10), min(10 * n, MOST)):
        new = rows(installation, range(size))
        content = _packed(new)
        copied, loaded = [], []
        for _ in range(rounds):
            installation.empty()
            copied.append(limit.copy(installation, new))
            installation.empty()
            loaded.append(_load(content, size))
        seconds = [done.seconds for done in loaded]
        peak = max(done.peak_rss_mb for done in loaded)
        if told:
            told["memory_growth"] = peak / told["peak_rss_mb"]
            told["ours_growth"] = statistics.median(seconds) / told["load_s"]
        told |= {
            "rows_10n": size,
            "copy_s": statistics.median(copied),
            "load_s": statistics.median(seconds),
            "load_over_copy": ratio(seconds, copied),
            "peak_rss_mb": peak,
        }
    return told


def _packed(new: list[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([tuple(FIELDS), *new])
    return gzip.compress(text.getvalue().encode(), 1)


def _load(content: bytes, size: int) -> worker.Done:
    from entities import files, records
    from entities.bulk import jobs
    from entities.models.bulk import BulkUploadHistory
    from metabrm.identity.context import Context

    context = Context.system("bench")
    (made,) = records.create("BULK_UPLOAD_HISTORY", [{"EntityName": "ACCOUNT_PRODUCT"}], context)
    assert made.ok and made.id is not None, made.problems
    files.attach("BULK_UPLOAD_HISTORY", made.id, "AllRecordsFile", "all.csv.gz", content, context)
    found = worker.done(jobs.kind_of(BulkUploadHistory), made.id)
    job = BulkUploadHistory.objects.get(pk=made.id)
    assert job.accepted_count == size, (job.accepted_count, job.rejected_count)
    return found


BENCH = Figures(
    about="BULK_UPLOAD_HISTORY of records x 20 fields, a packed CSV file, each record validated, "
    "audited and told of, at n and 10n; limit: one COPY of the rows into the same table",
    figures=figures,
    targets=(at_most("load_over_copy", 3), at_most("memory_growth", 1.25)),
)
