"""What costs something else is taken back by a line beside it, and written anew.

The new line says which it replaces (ReratedFrom) and keeps the rest of it: its invoice, its load,
its signature; the old keeps that, too, so that the same usage sent again is still known, whatever
was corrected of it. A line on a closed invoice stays; the line that takes it back and the new one
stand on none, for the next invoice.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from billing.mediation.loads.reversing import taking_back
from billing.mediation.models import Activity
from billing.rating.rerating import prepaid, recurring
from billing.rating.rerating.pricing import RATED

# The lines of the records that have changed, as they are to be copied.
TAKEN_BACK = """
CREATE TEMP TABLE rerate_back ON COMMIT DROP AS
SELECT l.* FROM rerate_line l
JOIN rerate_record r ON r.root_id = l.root_id
JOIN rerate_changed c ON c.seq = r.seq;
UPDATE rerate_back b SET invoice_id = NULL
FROM invoicing_invoice i WHERE i.id = b.invoice_id AND i.status <> 'CURRENT';
ANALYZE rerate_back
"""
# Lines that have no price at all any more say why; those that have one again say it no longer.
TO_TELL = """
SELECT FROM rerate_usage WHERE cause IS NOT NULL
UNION ALL SELECT FROM rerate_line WHERE update_error IS NOT NULL LIMIT 1
"""
TELL = """
UPDATE mediation_activity a SET update_error = left(u.reason, 1000)
FROM rerate_line l
JOIN rerate_record r ON r.root_id = l.id
LEFT JOIN rerate_usage u ON u.line = r.seq
WHERE a.id = l.id AND a.activity_date = l.activity_date
  AND a.update_error IS DISTINCT FROM left(u.reason, 1000)
"""
WHOSE = "SELECT account_id FROM rerate_back UNION SELECT account_id FROM rerate_new"
_RUN = "%(run)s::bigint"
#: Columns that a new line has of its own.
_OWN = {
    "id": "n.id",
    "created": "%(now)s",
    "updated": "%(now)s",
    "reversal_of_id": "NULL",
    "rerated_from_id": "o.id",
    "update_error": "NULL",
    "discounted_by_id": "NULL",
    "process_status": "nullif(o.process_status, 'UNRATED')",
    "reprocess_queue_id": _RUN,
}
#: The same of a refill: it has no more of the record that needed it.
_OF_REFILL = {
    name: f"o.{name}" for name in ("activity_collector_history_id", "line_number", "invoice_id")
} | {"rerated_from_id": "o.id", "reprocess_queue_id": _RUN}
#: The same of a charge, which is whole but for these.
_OF_CHARGE = {"line_number": "NULL", "reprocess_queue_id": _RUN}


def write(cursor: Any, given: dict[str, Any]) -> set[int]:
    """Write what has changed; `given` says when (now) and for which RERATE (run). Gives whose
    lines they are, and were."""
    cursor.execute(TAKEN_BACK)
    cursor.execute(taking_back("true", "rerate_back", {"reprocess_queue_id": _RUN}), given)
    usage = {name: f"n.{name}" for name in RATED} | _OWN
    refilled = prepaid.refill("n")
    cursor.execute(_anew(usage, "o", f"r.of_load AND NOT {refilled}"), given)
    if prepaid.drawn(cursor):
        cursor.execute(_anew(_OF_REFILL, "n", refilled), given)
    if recurring.keep(cursor):
        cursor.execute(_anew(_OF_CHARGE, "n", "NOT r.of_load"), given)
    cursor.execute(WHOSE)
    return {account for (account,) in cursor.fetchall()}


def tell(cursor: Any) -> int:
    """Say on the lines why they could not be priced; gives how many say something new."""
    cursor.execute(TO_TELL)
    if not cursor.rowcount:
        return 0
    cursor.execute(TELL)
    return int(cursor.rowcount)


def _anew(own: Mapping[str, str], others: str, which: str) -> str:
    """The statement that writes new lines `n` of records whose first line is `o`: `own` columns
    with what they hold, the `others` with what they are there."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, Activity._meta.db_table)
    quoted = connection.ops.quote_name
    columns = {
        quoted(column.name): own.get(column.name, f"{others}.{quoted(column.name)}")
        for column in described
    }
    return f"""
        INSERT INTO mediation_activity ({", ".join(columns)})
        SELECT {", ".join(columns.values())}
        FROM rerate_new n
        JOIN rerate_changed c ON c.seq = n.line_number
        JOIN rerate_record r ON r.seq = n.line_number
        JOIN rerate_back o ON o.id = r.root_id
        WHERE {which}
    """  # noqa: S608 - names of columns
