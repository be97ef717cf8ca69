"""What the metadata core tells at each scrape: its schema, its jobs and its outbox."""

from collections.abc import Iterable

from django.apps import apps
from django.db import connection, models

from entities.schema.versioning import database_version
from metabrm import clock
from metabrm.fields import ListField
from metabrm.observability.metrics import Answer, asked

#: Status of a job that is under way, as the tables call it.
_RUNNING = frozenset({"RUNNING", "BUILDING"})
_WAITING = frozenset({"PENDING"})
_OUTBOX = """
SELECT count(*), coalesce(extract(epoch FROM %s - min(created)), 0)
FROM entities_outboundmessage WHERE status IN ('PENDING', 'SENDING')
"""


@asked
def schema() -> Iterable[Answer]:
    """The version that all workers should serve."""
    version = float(database_version())
    yield "metabrm_database_schema_version", "Newest version of the schema.", (), [((), version)]


@asked
def work() -> Iterable[Answer]:
    """Jobs by kind and state, and what waits in the outbox."""
    samples = [
        ((model.__name__, state), float(model._default_manager.filter(status__in=status).count()))
        for model in job_models()
        for state, status in (("waiting", _WAITING), ("running", _RUNNING))
    ]
    yield "metabrm_jobs", "Jobs by kind and state: waiting or running.", ("kind", "state"), samples
    with connection.cursor() as cursor:
        cursor.execute(_OUTBOX, [clock.now()])
        waiting, oldest = cursor.fetchone()
    yield (
        "metabrm_outbox_waiting",
        "Webhooks and mail that wait to be sent.",
        (),
        [((), float(waiting))],
    )
    yield (
        "metabrm_outbox_oldest_seconds",
        "Age of the oldest that waits; 0 where none does.",
        (),
        [((), float(oldest))],
    )


def job_models() -> list[type[models.Model]]:
    """The tables of jobs: those of the core whose Status can say that one runs."""
    return [
        model
        for model in apps.get_app_config("entities").get_models()
        for field in model._meta.fields
        if isinstance(field, ListField) and field.name == "status" and _RUNNING & {*field.values}
    ]
