"""The months of ACTIVITY: made ahead, made when lines are about to come, taken out when archived.

Whoever writes many lines calls `ensure_months` first. Lines of a month that has no table of its own
are written all the same; they lie in the default partition until the month is made.
"""

from collections.abc import Iterable
from datetime import date

from django.db import connection, models

from billing.mediation.models import Activity
from metabrm import environment, months

TABLE = Activity._meta.db_table
COLUMN = "activity_date"

#: Why a month must not go: lines that invoicing still has to do with, in words.
_OPEN = """
SELECT count(*) || ' lines stand on invoices that are not CLOSED, such as INVOICE '
       || array_to_string((array_agg(DISTINCT i.id))[1:5], ', ')
FROM {{part}} a JOIN {invoices} i ON i.id = a.invoice_id
WHERE a.deleted_at IS NULL AND i.deleted_at IS NULL AND i.status <> 'CLOSED' HAVING count(*) > 0
"""
_UNBILLED = """
UNION ALL
SELECT count(*) || ' lines stand on no invoice yet, such as ACTIVITY '
       || array_to_string((array_agg(a.id))[1:5], ', ') || '; give --unbilled if none is to come'
FROM {part} a WHERE a.deleted_at IS NULL AND a.invoice_id IS NULL AND NOT a.non_billable_flag
HAVING count(*) > 0
"""

#: Why a month must not come back: lines whose lookup, which holds its target fast, leads nowhere.
_GONE = """
SELECT count(*) || ' lines have no {words} any more, such as that with Id '
       || array_to_string((array_agg(DISTINCT a.{column}))[1:5], ', ')
FROM {{part}} a WHERE a.{column} IS NOT NULL
AND NOT EXISTS (SELECT FROM {target} p WHERE p.id = a.{column}) HAVING count(*) > 0
"""


def ensure_months(first_day: date, last_day: date) -> list[date]:
    """Make the months from `first_day` to `last_day` (in UTC) that are missing; returns those made.

    Not those more than five years back or one ahead. Call it outside a transaction, before lines
    are inserted; two may at once, and nobody who reads waits for long.
    """
    return ensure_months_of(months.between(first_day, last_day))


def ensure_months_of(days: Iterable[date]) -> list[date]:
    """Make the months of these days, as `ensure_months` does; for loads of few but distant days."""
    return months.ensure(TABLE, COLUMN, months.sensible(days))


def ensure_ahead() -> list[date]:
    """Make this month and BRM_ACTIVITY_MONTHS_AHEAD more."""
    made = months.ensure(TABLE, COLUMN, months.coming(environment.current().activity_months_ahead))
    _keep_statistics()
    return made


def _keep_statistics() -> None:
    """Have the server look at the lines as a whole every week: by itself it looks at each month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(last_analyze < now() - interval '7 days', true) "
            "FROM pg_stat_all_tables WHERE relid = %s::regclass",
            [TABLE],
        )
        if cursor.fetchone() in (None, (True,)):
            cursor.execute(f"ANALYZE {TABLE}")


def create(month: date) -> bool:
    """Make one month, however distant; False if it has a table already."""
    return bool(months.ensure(TABLE, COLUMN, [month]))


def detach(month: date, *, unbilled: bool = False) -> str:
    """Take a month out for archiving; returns the name of the table that it then is.

    Raises Problem while lines of it stand on invoices that are not CLOSED, or on none unless
    `unbilled`.
    """
    invoice = Activity._meta.get_field("invoice").related_model
    invoices = connection.ops.quote_name(invoice._meta.db_table)
    objection = _OPEN.format(invoices=invoices) + ("" if unbilled else _UNBILLED)
    return months.detach(TABLE, month, objection)


def attach(month: date) -> None:
    """Put a month back. Raises Problem, such as where lines of it point to what was purged."""
    objections = [
        _GONE.format(
            column=connection.ops.quote_name(field.column),
            target=connection.ops.quote_name(field.related_model._meta.db_table),
            words=field.related_model._meta.verbose_name,
        )
        for field in Activity._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is models.PROTECT
    ]
    months.attach(TABLE, COLUMN, month, " UNION ALL ".join(objections))


def outside() -> int:
    """Lines in the default partition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {months.rest_of(TABLE)}")
        return int(cursor.fetchone()[0])
