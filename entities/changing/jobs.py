"""Indexes of large tables, built beside the work: requested with the change, run by a worker.

A job can be killed at any line. What it leaves, an index that the server marks as invalid, is
dropped by whoever runs the job next; a lock of the session keeps two from running one job.
"""

from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from psycopg import errors as pg

from entities.changing import tables
from entities.errors import Code, RequestError
from entities.models import SchemaJob
from entities.schema.description import quote
from metabrm import clock
from metabrm.background import alone, tell
from metabrm.identity.context import Context

#: The task that runs a job in a worker.
TASK = "entities.tasks.run_schema_job"
#: Beside a job's id, the key of the lock of whoever runs it.
_LOCK = 0x6272_6D6A  # "brmj"
#: So many groups of records that are in the way are named.
_SHOWN = 10


def request(job: SchemaJob) -> None:
    """Keep the job with the open transaction; a worker is told when it commits."""
    job.requested_at = clock.now()
    job.save()
    transaction.on_commit(lambda: tell(TASK, job.pk))


def cancel(index_name: str) -> None:
    """What was still to build the index, or failed to, is needless."""
    SchemaJob.objects.filter(
        index_name=index_name, status__in=("PENDING", "BUILDING", "FAILED")
    ).update(status="CANCELLED", finished_at=clock.now())


def retry(job_id: int, context: Context) -> None:
    """Have a failed job run again. RequestError if it has not failed, or for a caller who is no
    administrator."""
    if not context.administrator:
        raise RequestError(Code.INSUFFICIENT_RIGHTS, "Only an administrator changes the schema.")
    waiting = SchemaJob.objects.filter(pk=job_id, status="FAILED").update(
        status="PENDING", message=None, finished_at=None
    )
    if not waiting:
        raise RequestError(Code.RECORD_NOT_FOUND, f"Schema job {job_id} has not failed.")
    tell(TASK, job_id)


def unfinished() -> list[int]:
    """Jobs that wait, or whose worker may be gone."""
    waiting = SchemaJob.objects.filter(status__in=("PENDING", "BUILDING"))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def run(job_id: int) -> None:
    """Build the job's index, unless somebody else is at it or it is done. Outside a transaction."""
    with alone(_LOCK, job_id) as mine:
        job = SchemaJob.objects.filter(pk=job_id, status__in=("PENDING", "BUILDING")).first()
        if not mine or job is None:
            return
        job.status, job.started_at = "BUILDING", clock.now()
        job.save()
        unique = job.kind == "UNIQUE_INDEX"
        columns = job.columns.split(",")
        try:
            _drop(job)
            _build(job, columns, unique=unique)
            status, message = "READY", None
        except DatabaseError as error:
            status, message = "FAILED", _why(error, job.table_name, columns)
            _drop(job)
        done = SchemaJob.objects.filter(pk=job_id, status="BUILDING").update(
            status=status, message=message, finished_at=clock.now()
        )
        if not done:
            # A change made it needless meanwhile.
            _drop(job)


def _build(job: SchemaJob, columns: list[str], *, unique: bool) -> None:
    """Build the index beside the work: partition by partition where the table has some."""
    name, table = job.index_name, job.table_name
    with connection.cursor() as cursor:
        if not tables.partitions(table):
            cursor.execute(tables.create_index(name, table, columns, unique=unique, beside=True))
            return
        cursor.execute(tables.create_whole_index(name, table, columns, unique=unique))
        # A partition that is made from here on has it from the beginning.
        for number, part in _without(name, table):
            own = _own_name(name, number)
            cursor.execute(tables.create_index(own, part, columns, unique=unique, beside=True))
            cursor.execute(f"ALTER INDEX {quote(name)} ATTACH PARTITION {quote(own)}")


def _drop(job: SchemaJob) -> None:
    """Drop what there is of the index, beside the work where the server can."""
    beside = "" if tables.partitions(job.table_name) else "CONCURRENTLY "
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {beside}IF EXISTS {quote(job.index_name)}")
        # With the index go those that are part of it; one that was still being built is none.
        for number, _ in _without(job.index_name, job.table_name):
            own = quote(_own_name(job.index_name, number))
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")


def _own_name(index: str, number: int) -> str:
    """Name of the index of the partition whose number (oid) is given."""
    return f"{index}_{number}"


def _without(index: str, table: str) -> list[tuple[int, str]]:
    """Number and name of each partition that has no part of the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::bigint, c.relname FROM pg_inherits h JOIN pg_class c "
            "ON c.oid = h.inhrelid WHERE h.inhparent = %s::regclass AND NOT EXISTS (SELECT "
            "FROM pg_inherits p JOIN pg_index x ON x.indexrelid = p.inhrelid "
            "WHERE p.inhparent = to_regclass(%s) AND x.indrelid = c.oid) ORDER BY c.relname",
            [quote(table), quote(index)],
        )
        return cursor.fetchall()


def _why(error: DatabaseError, table: str, columns: list[str]) -> str:
    if isinstance(error.__cause__, pg.UniqueViolation):
        groups = duplicates(table, columns)
        if groups.ids:
            return (
                f"Records have the same values: {groups.words}. Change or delete all but one of "
                f"each, then try again."
            )
    return f"The database refused: {error}".strip()


@dataclass(frozen=True)
class Duplicates:
    """Live records that share their values; `words` name the first groups: "Ids 1, 2; Ids 3, 4"."""

    words: str
    ids: tuple[int, ...]


def duplicates(table: str, columns: list[str]) -> Duplicates:
    """The live records that have the same values in the columns."""
    listed = ", ".join(map(quote, columns))
    present = " AND ".join(f"{quote(c)} IS NOT NULL" for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (array_agg(id ORDER BY id))[:5], count(*) FROM {quote(table)} "
            f"WHERE deleted_at IS NULL AND {present} GROUP BY {listed} HAVING count(*) > 1 "
            f"ORDER BY min(id) LIMIT {_SHOWN + 1}"
        )
        groups = cursor.fetchall()
    words = [
        ", ".join(map(str, ids)) + (f" and {count - len(ids)} more" if count > len(ids) else "")
        for ids, count in groups[:_SHOWN]
    ]
    more = "; and others" if len(groups) > _SHOWN else ""
    return Duplicates(
        "; ".join(f"Ids {group}" for group in words) + more,
        tuple(id_ for ids, _ in groups[:_SHOWN] for id_ in ids),
    )
