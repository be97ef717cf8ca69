"""Who runs a job, that nobody else does, and how it ends.

A worker holds a lock of its database session as long as it runs a job: when it dies, the lock is
gone with the session, and the next one begins another attempt. Whatever an attempt writes, it
writes only while the job is RUNNING under its number (`Run.keep`), so that one which was cancelled,
or thought to be dead, stops at its next step. A watch looks every second whether it is so.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg import errors as pg

from entities.errors import Code, RequestError
from entities.models.bulk import UNFINISHED, BulkApiRequest, BulkJob, BulkUploadHistory
from entities.schema.description import quote
from metabrm import background, clock, environment
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User

log = logging.getLogger(__name__)

#: The task that runs a job in a worker, with the job's kind and Id.
TASK = "entities.tasks.run_bulk_job"
#: Kind of a job -> its model. The kind is half of the lock's key.
KINDS: dict[int, type[BulkJob]] = {0x6272_6D78: BulkApiRequest, 0x6272_6D79: BulkUploadHistory}
#: So often a job is begun that kills its worker.
MOST_ATTEMPTS = 5
#: Seconds between two looks of the watch.
LOOKS = 1.0
#: Beside a user's Id, the key of the lock of whoever counts his jobs.
_COUNTING = 0x6272_6D7A

_CLAIM = """
UPDATE {table} j SET status = 'RUNNING', attempts = attempts + 1, progress = 0, error_text = NULL,
    started_at = coalesce(started_at, %s), updated = %s
WHERE id = %s AND status IN ('PENDING', 'RUNNING')
  AND (status = 'RUNNING' OR %s > (
    SELECT count(*) FROM ({running}) r
    WHERE r.created_user_id IS NOT DISTINCT FROM j.created_user_id
  ))
RETURNING attempts, created_user_id
"""


class StoppedError(Exception):
    """The job is no longer this attempt's: it was cancelled, deleted or taken over."""


@dataclass
class Run:
    """One attempt at a job.

    user_id   who asked for it
    stop      called once by the watch when the job is no longer this attempt's
    """

    model: type[BulkJob]
    id: int
    attempt: int
    user_id: int | None
    stop: Callable[[], None] = field(default=lambda: None)
    stopped: bool = False

    def context(self, reason: str) -> Context:
        """Who asked for it, with the rights that he has now; with those of his key's role where he
        asked by a key that has one. RequestError if he or the role is gone."""
        if self.user_id is None:
            return Context.system(reason)
        user = User.objects.select_related("role", "time_zone").filter(pk=self.user_id).first()
        if user is None or not user.is_active:
            raise RequestError(
                Code.INSUFFICIENT_RIGHTS, "Whoever asked for this may no longer sign in."
            )
        role_id = self.model._default_manager.values_list("role_id", flat=True).get(pk=self.id)
        if role_id is None:
            return Context.of(user, reason=reason)
        role = Role.objects.filter(pk=role_id, status="ACTIVE", deleted_at=None).first()
        if role is None:
            raise RequestError(
                Code.INSUFFICIENT_RIGHTS,
                "The role of the API key by which this was asked for is no longer active.",
            )
        return Context.of(user, role=role, reason=reason)

    def keep(self, **values: Any) -> None:
        """Write columns of the job. StoppedError if it is no longer this attempt's."""
        kept = self.model._default_manager.filter(
            pk=self.id, status="RUNNING", attempts=self.attempt
        ).update(**values, updated=clock.now())
        if not kept:
            raise StoppedError

    def finish(self, status: str, **values: Any) -> None:
        """End the job."""
        self.keep(status=status, finished_at=clock.now(), **values)


def limit(model: type[BulkJob], job_ids: Sequence[int], context: Context) -> None:
    """Note that the jobs may no more than `context`, where its role is not the user's own."""
    if not job_ids or context.user_id is None or context.role_id is None:
        return
    if User.objects.filter(pk=context.user_id).exclude(role=context.role_id).exists():
        model._default_manager.filter(pk__in=job_ids).update(role_id=context.role_id)


def kind_of(model: type[BulkJob]) -> int:
    return next(kind for kind, known in KINDS.items() if known is model)


def tell(model: type[BulkJob], job_id: int) -> None:
    """Have a worker run the job now; without this the schedule does it."""
    background.tell(TASK, kind_of(model), job_id)


def unfinished() -> list[tuple[int, int]]:
    """Kind and Id of the jobs that wait, or whose worker may be gone, the oldest first."""
    found = [
        (created, kind, pk)
        for kind, model in KINDS.items()
        for pk, created in model._default_manager.filter(status__in=UNFINISHED).values_list(
            "pk", "created"
        )
    ]
    return [(kind, pk) for _, kind, pk in sorted(found)]


def run(kind: int, job_id: int, work: Callable[[Run], None]) -> bool:
    """Do the job unless somebody else is at it or it is done; whether it was done or begun.

    `work` ends it by `Run.finish`, or raises RequestError, which is why it failed.
    """
    model = KINDS[kind]
    with background.alone(kind, job_id) as mine:
        claimed = _claim(model, job_id) if mine else None
        if claimed is None:
            return False
        try:
            if claimed.attempt > MOST_ATTEMPTS:
                told = f"Whoever ran it died {MOST_ATTEMPTS} times. Tell the administrator."
                claimed.finish("FAILED", error_text=told)
                return True
            with _watched(claimed):
                work(claimed)
        except StoppedError:
            log.info("%s %s was stopped", model.brm.name, job_id)
        except Exception as error:
            _failed(claimed, error)
    _next(claimed)
    return True


def _failed(run: Run, error: Exception) -> None:
    told = (
        f"{error.field}: {error.message}" if isinstance(error, RequestError) and error.field else ""
    )
    if isinstance(error, RequestError):
        told = told or error.message
    elif _passing(error):
        # The next attempt finds the database again; there are not many.
        log.warning("%s %s is interrupted: %s", run.model.brm.name, run.id, error)
        return
    else:
        log.exception("%s %s failed", run.model.brm.name, run.id, exc_info=error)
        told = "It failed for a reason that is in the platform's log. Tell the administrator."
    with suppress(StoppedError):
        run.finish("FAILED", error_text=told)


def _passing(error: Exception) -> bool:
    """Whether the connection was lost, or another transaction was in the way."""
    cause = error.__cause__ if isinstance(error, DatabaseError | InterfaceError) else error
    if isinstance(cause, pg.QueryCanceled | pg.DiskFull):
        return False
    return isinstance(error, OperationalError | InterfaceError) or isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError
    )


def _claim(model: type[BulkJob], job_id: int) -> Run | None:
    """The next attempt at the job; None if it is done, or its maker's other jobs come first."""
    now = clock.now()
    most = environment.current().bulk_jobs_per_user
    running = " UNION ALL ".join(
        f"SELECT created_user_id FROM {quote(m._meta.db_table)} WHERE status = 'RUNNING'"
        for m in KINDS.values()
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_COUNTING])
        cursor.execute(
            _CLAIM.format(table=quote(model._meta.db_table), running=running),
            [now, now, job_id, most],
        )
        row = cursor.fetchone()
    return None if row is None else Run(model, job_id, *row)


def _next(done: Run) -> None:
    """Tell of the job that waited for this one to end."""
    for model in KINDS.values():
        waiting = model._default_manager.filter(status="PENDING", created_user=done.user_id)
        first = waiting.order_by("pk").values_list("pk", flat=True).first()
        if first is not None:
            tell(model, first)


@contextmanager
def _watched(run: Run) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=[run, done], daemon=True)
    thread.start()
    try:
        yield
    except pg.QueryCanceled:
        if run.stopped:
            raise StoppedError from None
        raise
    finally:
        done.set()
        thread.join()


def _watch(run: Run, done: threading.Event) -> None:
    with another_connection() as raw:
        while not done.wait(LOOKS):
            try:
                found = raw.execute(
                    f"SELECT FROM {quote(run.model._meta.db_table)} "
                    f"WHERE id = %s AND status = 'RUNNING' AND attempts = %s",
                    [run.id, run.attempt],
                ).rowcount
            except psycopg.Error:
                # Who runs the job meets the same trouble, and tells of it.
                return
            if not found:
                run.stopped = True
                run.stop()
                return


@contextmanager
def another_connection() -> Iterator[psycopg.Connection]:
    """A connection beside the thread's own, committing each statement by itself."""
    beside = connection.copy()
    try:
        beside.ensure_connection()
        raw: psycopg.Connection = beside.connection
        yield raw
    finally:
        beside.close()
