"""A whole load is taken back: its lines are removed while nobody was charged, else reversed.

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
_OPEN = """
    a.activity_collector_history_id = %(load)s AND a.deleted_at IS NULL
    AND a.reversal_of_id IS NULL
    AND NOT EXISTS (
        SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id AND r.deleted_at IS NULL
          AND r.activity_collector_history_id = %(load)s
    )
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
                         prepaid_quantity, account_product_id
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
SELECT count(*) FROM reversed
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
        cursor.execute(_PREVIEW, {"load": load_id})
        lines = cursor.fetchall()
        cursor.execute(_WAITING, {"load": load_id})
        (waiting,) = cursor.fetchone()
    return Coming(lines, waiting)


def reverse(load_id: int) -> bool:
    """Take back the load if it is REVERSING; twice does nothing."""
    with alone(KIND, load_id) as mine:
        if not mine:
            return False
        with transaction.atomic(), connection.cursor() as cursor:
            load = ActivityCollectorHistory.objects.select_for_update().filter(
                pk=load_id, status=REVERSING
            )
            if not load:
                return False
            about: dict[str, Any] = {"load": load_id, "now": clock.now()}
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALONE])
            # The key of the table is the Id and the date, of which a reversing line keeps one.
            cursor.execute(_LOCK_PREPAID, about)
            cursor.execute(_LOCK_SUMS, about)
            reversed_ = taking_back(f"{_OPEN} AND {ON_OPEN_INVOICE}")
            cursor.execute(_TAKE_BACK.replace("{reversed}", reversed_), about)
            (count,) = cursor.fetchone()
            cursor.execute(
                f"SELECT count(*) FROM mediation_activity a "
                f"WHERE {_OPEN} AND NOT {ON_OPEN_INVOICE}",
                about,
            )
            (left,) = cursor.fetchone()
            cursor.execute(
                f"UPDATE mediation_activity a SET signature = NULL "
                f"WHERE a.activity_collector_history_id = %(load)s AND a.signature IS NOT NULL "
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
