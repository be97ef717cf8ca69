"""A whole load is taken back: its lines are removed while nobody was charged, else reversed.

So is what was charged later of its records that had to wait, by the loads that tried them again.
The records of other loads that a load had tried again wait again once it is taken back.

A line on no invoice, or on a CURRENT one, gets a line that takes it back beside it (ReversalOf), so
that both stay readable; neither has a signature any more: the same usage may come again. One on an
invoice that is closed stays as it is, and is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.db import connection, transaction

from billing.mediation.loads.running import KIND
from billing.mediation.models import Activity, ActivityCollectorHistory
from billing.mediation.models.loads import REVERSED, REVERSING
from metabrm import clock
from metabrm.background import alone

#: Columns that are taken back with the sign turned.
_TURNED = (
    "quantity",
    "rated_amount",
    "cost_override",
    "cost_unrounded",
    "standard_cost_unrounded",
    "tax_cost_unrounded",
    "prepaid_quantity",
)
#: Columns that a reversing line has of its own, or not at all.
_OWN = (
    *("id", "created", "updated", "signature", "reversal_of_id", "process_description"),
    *("update_error", "reprocess_queue_id"),
)
#: Key of the lock of whoever takes lines back: none is taken back twice.
ALONE = 0x6272_6D72
_OF_LOAD = """
    (a.activity_collector_history_id = %(load)s
     OR a.activity_collector_history_id = ANY (%(retries)s)
        AND a.collector_stage_id = ANY (%(tried)s))
"""
_OPEN = f"""
    {_OF_LOAD} AND a.deleted_at IS NULL
    AND a.reversal_of_id IS NULL
    AND NOT EXISTS (
        SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id AND r.deleted_at IS NULL
          AND r.activity_collector_history_id = a.activity_collector_history_id
    )
"""
# Its records that were tried again, the loads that may have, and whether one of these is at work.
_TRIED = """
SELECT coalesce(array_agg(c.id), '{}'),
       ARRAY(SELECT h.id FROM mediation_activitycollectorhistory h
             WHERE h.source = 'SUSPENSE' AND h.id > %(load)s AND h.activity_collector_id = (
                 SELECT activity_collector_id FROM mediation_activitycollectorhistory
                 WHERE id = %(load)s)),
       coalesce(bool_or(c.process_state = 'RESUBMITTED' AND EXISTS (
           SELECT FROM mediation_activitycollectorhistory h
           WHERE c.reprocess_status = 'LOAD ' || h.id
             AND h.status IN ('PENDING', 'WAITING', 'RUNNING'))), false)
FROM mediation_collectorfields c
WHERE c.activity_collector_history_id = %(load)s AND c.reprocess_status IS NOT NULL
"""
_WAIT_AGAIN = """
UPDATE mediation_collectorfields
SET process_state = 'SUSPENSE', cause = 'TAKEN_BACK', updated = %(now)s,
    reason = format('Load %%s, which charged it, was taken back.', %(load)s),
    process_description = format('Load %%s, which charged it, was taken back.', %(load)s)
WHERE id = ANY (%(ids)s) AND process_state = 'PROCESSED'
  AND activity_collector_history_id <> %(load)s
"""
#: A line `a` on no invoice, or on one that is not closed.
ON_OPEN_INVOICE = """
    (a.invoice_id IS NULL OR EXISTS (
        SELECT FROM invoicing_invoice i WHERE i.id = a.invoice_id AND i.status = 'CURRENT'
    ))
"""
# In the order in which rating locks them: what is prepaid, then the sums over tiers.
_LOCK_PREPAID = f"""
SELECT FROM rating_accumulatorvalue WHERE level = 'Prepaid' AND scope_id IN (
    SELECT a.prepaid_by_id FROM mediation_activity a WHERE {_OPEN} AND a.prepaid_by_id IS NOT NULL
) ORDER BY id FOR UPDATE
"""
_LOCK_SUMS = f"""
SELECT FROM rating_accumulatorvalue WHERE id IN (
    SELECT a.accumulator_value_id FROM mediation_activity a WHERE {_OPEN}
) ORDER BY id FOR UPDATE
"""
# The parts of a record that was split over bands are one charge.
_TAKE_BACK = """
WITH reversed AS (
    {reversed} RETURNING accumulator_value_id, quantity, split_from_bill_act_id, prepaid_by_id,
                         prepaid_quantity, account_product_id, collector_stage_id
), lowered AS (
    UPDATE rating_accumulatorvalue s
    SET quantity = s.quantity + r.quantity, charges = s.charges - r.charges, updated = %(now)s
    FROM (
        SELECT accumulator_value_id, sum(quantity - coalesce(prepaid_quantity, 0)) AS quantity,
               count(*) FILTER (WHERE split_from_bill_act_id IS NULL) AS charges
        FROM reversed WHERE accumulator_value_id IS NOT NULL GROUP BY 1
    ) r
    WHERE s.id = r.accumulator_value_id
), returned AS (
    -- What was drawn is there again, what refills had added is not.
    UPDATE rating_accumulatorvalue s
    SET quantity = s.quantity + r.drawn, included = s.included + r.refilled, updated = %(now)s
    FROM (
        SELECT prepaid_by_id,
               coalesce(sum(prepaid_quantity)
                        FILTER (WHERE account_product_id <> prepaid_by_id), 0) AS drawn,
               coalesce(sum(prepaid_quantity)
                        FILTER (WHERE account_product_id = prepaid_by_id), 0) AS refilled
        FROM reversed WHERE prepaid_by_id IS NOT NULL GROUP BY 1
    ) r
    WHERE s.level = 'Prepaid' AND s.scope_id = r.prepaid_by_id
)
SELECT count(*), coalesce(array_agg(DISTINCT collector_stage_id)
                         FILTER (WHERE collector_stage_id IS NOT NULL), '{}')
FROM reversed
"""
# What reversing would do: lines and amounts, by currency and by the invoice that they stand on.
_PREVIEW = f"""
SELECT CASE WHEN a.invoice_id IS NULL THEN 'NONE' WHEN {ON_OPEN_INVOICE} THEN 'OPEN'
            ELSE 'CLOSED' END,
       coalesce(a.currency_code, ''), count(*), coalesce(sum(a.rated_amount), 0)
FROM mediation_activity a WHERE {_OPEN}
GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""
_WAITING = """
SELECT count(*) FROM mediation_collectorfields
WHERE activity_collector_history_id = %(load)s AND process_state = 'SUSPENSE'
  AND cause IS NOT NULL AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Coming:
    """What reversing a load would do. lines: the invoice they stand on (NONE, OPEN; CLOSED ones
    stay), the currency, how many, their amount; waiting: records in suspense that are given up."""

    lines: list[tuple[str, str, int, Decimal]]
    waiting: int

    @property
    def reversed(self) -> int:
        """Lines that are taken back."""
        return sum(count for invoice, _, count, _ in self.lines if invoice != "CLOSED")

    @property
    def kept(self) -> int:
        """Lines that stay, on closed invoices."""
        return sum(count for invoice, _, count, _ in self.lines if invoice == "CLOSED")


def preview(load_id: int) -> Coming:
    """What `reverse` would do to a load as it is now."""
    with connection.cursor() as cursor:
        about, _ = _about(cursor, load_id)
        cursor.execute(_PREVIEW, about)
        lines = cursor.fetchall()
        cursor.execute(_WAITING, about)
        (waiting,) = cursor.fetchone()
    return Coming(lines, waiting)


def _about(cursor: Any, load_id: int) -> tuple[dict[str, Any], bool]:
    """The parameters of the statements, and whether records of the load are being tried again."""
    cursor.execute(_TRIED, {"load": load_id})
    tried, retries, busy = cursor.fetchone()
    about = {"load": load_id, "tried": tried, "retries": retries if tried else []}
    return about, busy


def reverse(load_id: int) -> bool:
    """Take back the load if it is REVERSING, and none of its records is being tried again; twice
    does nothing."""
    with alone(KIND, load_id) as mine:
        if not mine:
            return False
        with transaction.atomic(), connection.cursor() as cursor:
            load = ActivityCollectorHistory.objects.select_for_update().filter(
                pk=load_id, status=REVERSING
            )
            if not load:
                return False
            about, busy = _about(cursor, load_id)
            if busy:
                return False
            about["now"] = clock.now()
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALONE])
            # The key of the table is the Id and the date, of which a reversing line keeps one.
            cursor.execute(_LOCK_PREPAID, about)
            cursor.execute(_LOCK_SUMS, about)
            reversed_ = taking_back(f"{_OPEN} AND {ON_OPEN_INVOICE}")
            cursor.execute(_TAKE_BACK.replace("{reversed}", reversed_), about)
            count, ids = cursor.fetchone()
            cursor.execute(_WAIT_AGAIN, {**about, "ids": ids})
            cursor.execute(
                f"SELECT count(*) FROM mediation_activity a "
                f"WHERE {_OPEN} AND NOT {ON_OPEN_INVOICE}",
                about,
            )
            (left,) = cursor.fetchone()
            cursor.execute(
                f"UPDATE mediation_activity a SET signature = NULL "
                f"WHERE {_OF_LOAD} AND a.signature IS NOT NULL "
                f"AND {ON_OPEN_INVOICE}",
                about,
            )
            cursor.execute(
                "UPDATE mediation_collectorfields SET process_state = 'REVERSED', cause = NULL, "
                "reason = NULL, updated = %(now)s WHERE activity_collector_history_id = %(load)s "
                "AND process_state IN ('SUSPENSE', 'PROCESSED', 'DISCARDED')",
                about,
            )
            told = f"{left} lines stand on closed invoices, and stay." if left else None
            ActivityCollectorHistory.objects.filter(pk=load_id).update(
                status=REVERSED,
                reversed_date=about["now"],
                reversed_count=count,
                notice=told,
                updated=about["now"],
            )
    return True


def taking_back(
    condition: str,
    source: str = "mediation_activity",
    more: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The statement that writes a line beside each line `a` of which the condition holds, to take
    it back; it takes the parameter `now`. The lines may lie in another table of the same columns;
    `more` are columns of what is written, and what they hold."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, Activity._meta.db_table)
    copied = [column.name for column in described if column.name not in _OWN]
    quoted = connection.ops.quote_name
    columns = {
        quoted(name): f"-a.{quoted(name)}" if name in _TURNED else f"a.{quoted(name)}"
        for name in copied
    }
    columns |= dict(more)
    return f"""
        INSERT INTO mediation_activity ({", ".join(columns)}, created, updated, reversal_of_id,
                                        process_description)
        SELECT {", ".join(columns.values())}, %(now)s, %(now)s, a.id,
               left('Reversal: ' || coalesce(a.process_description, 'usage'), 1000)
        FROM {source} a WHERE {condition}
    """
