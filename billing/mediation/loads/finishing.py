"""What became of a load's usage: charges, suspense, counts; then its file is put away."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connection, transaction

from billing.mediation.loads import charged
from billing.mediation.mapping.statement import ONLY
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorHistory,
    LoadShard,
    UsageEvent,
)
from billing.mediation.models.loads import RUNNING
from metabrm import clock

log = logging.getLogger(__name__)

_MOST = Decimal("1e18")

# Usage with a cause waits in suspense, with the account product that was found for it: the others
# that its record is charged to have their lines. What came from there waits again, under its new
# cause.
_SUSPENDED = """
INSERT INTO mediation_collectorfields (
    activity_collector_id, activity_collector_history_id, record_number, file_line,
    billing_identifier, activity_date, quantity, charge_type, origination_country_code,
    destination_country_code, override_rate, override_cost, override_buy_cost, usage_identifier,
    signature, extra_fields, raw_record, cause, reason, process_state, process_description,
    created, updated, consolidation_exempt, started, started_date, ended
)
SELECT DISTINCT ON (u.line, u.usage_identifier, u.account_product_id)
       u.collector_id, u.load_id, u.line, u.line, left(u.token, 255), u.activity_date,
       CASE WHEN abs(u.quantity) < 1e18 THEN u.quantity END, u.charge_type,
       left(coalesce(u.extra ->> %(origin)s,
                     (SELECT c.name FROM catalog_countrycode c
                      WHERE c.id = u.origin_id)), 255),
       left(coalesce(u.extra ->> %(destination)s,
                     (SELECT c.name FROM catalog_countrycode c
                      WHERE c.id = u.destination_id)), 255),
       CASE WHEN abs(u.override_rate) < 1e18 THEN u.override_rate END,
       CASE WHEN abs(u.override_cost) < 1e18 THEN u.override_cost END,
       CASE WHEN abs(u.buy_cost) < 1e18 THEN u.buy_cost END,
       left(u.usage_identifier, 255), u.signature,
       nullif(
           coalesce(u.extra - ARRAY[%(origin)s, %(destination)s], '{}') || CASE
               WHEN u.account_product_id IS NULL THEN '{}'
               ELSE jsonb_build_object(%(product)s::text, u.account_product_id)
           END,
           '{}'
       ),
       CASE WHEN jsonb_typeof(u.raw) = 'string' THEN u.raw #>> '{}' ELSE u.raw::text END,
       u.cause, left(u.reason, 4000), 'SUSPENSE', left(u.reason, 1000),
       %(now)s, %(now)s, false, true, %(now)s, false
FROM mediation_usage u
WHERE u.load_id = %(load)s AND u.cause IS NOT NULL AND u.collector_fields_id IS NULL
ORDER BY u.line, u.usage_identifier, u.account_product_id
"""
_AGAIN = """
UPDATE mediation_collectorfields c
SET process_state = 'SUSPENSE', cause = u.cause, reason = left(u.reason, 4000),
    process_description = left(u.reason, 1000), signature = coalesce(c.signature, u.signature),
    reprocess_status = CASE WHEN c.reprocess_status IS NULL THEN NULL ELSE 'FAILED' END,
    reprocess_date = %(now)s, updated = %(now)s
FROM mediation_usage u
WHERE u.load_id = %(load)s AND u.cause IS NOT NULL AND u.collector_fields_id = c.id
"""
# The other rows that were posted or resubmitted are done with; what has no usage in flight any
# more was dropped as a duplicate, or added to another.
_DONE = """
UPDATE mediation_collectorfields c
SET process_state = CASE WHEN u.lines IS NULL THEN 'DUPLICATE' ELSE 'PROCESSED' END,
    cause = NULL, reason = NULL, process_description = NULL, ended = true, ended_date = %(now)s,
    mapping_count = coalesce(u.lines, 0), mapping_date = %(now)s, updated = %(now)s,
    reprocess_status = CASE WHEN c.reprocess_status IS NULL THEN NULL ELSE 'DONE' END
FROM mediation_collectorfields o
LEFT JOIN (
    SELECT collector_fields_id, count(*) AS lines FROM mediation_usage
    WHERE load_id = %(load)s AND cause IS NULL AND collector_fields_id IS NOT NULL
    GROUP BY collector_fields_id
) u ON u.collector_fields_id = o.id
WHERE c.id = o.id AND o.deleted_at IS NULL AND (
    %(posted)s AND o.activity_collector_history_id = %(load)s AND o.process_state = 'PENDING'
    OR NOT %(posted)s AND o.reprocess_status = 'LOAD ' || %(load)s::text
       AND o.process_state = 'RESUBMITTED'
)
"""
_SUSPENDED_RECORDS = """
SELECT count(DISTINCT line) FROM mediation_usage WHERE load_id = %(load)s AND cause IS NOT NULL
"""
# Where the shards did not keep what their lines come to. All that a record is charged to is of one
# account, which pays in one currency.
_CHARGED = """
SELECT coalesce(a.currency_code, ''), count(*), count(DISTINCT a.line_number),
       coalesce(sum(a.quantity) FILTER (WHERE NOT refill), 0), coalesce(sum(a.rated_amount), 0)
FROM mediation_activity a
CROSS JOIN LATERAL (SELECT coalesce(a.prepaid_by_id = a.account_product_id, false) AS refill) bought
WHERE a.activity_collector_history_id = %(load)s AND a.reversal_of_id IS NULL
GROUP BY 1 ORDER BY 1
"""
# The ends of the index tell; whoever looks for another Id reads all of the load.
_OTHERS = """
SELECT min(load_id) < %(load)s OR max(load_id) > %(load)s FROM mediation_usage
"""
_REMOVE = "DELETE FROM mediation_usage WHERE load_id = %(load)s"


def finish(load_id: int) -> bool:
    """False while something of the load is still to be rated. Can be killed and run again."""
    load = ActivityCollectorHistory.objects.filter(pk=load_id).first()
    if load is None:
        return False
    if load.status == RUNNING and load.stage == "MAPPED":
        collector = ActivityCollector.objects.get(pk=load.activity_collector_id)
        tried = collector.status == "Test Mode"
        if not tried and LoadShard.objects.filter(load_id=load_id, rated=False).exists():
            return False
        _write(load, tried)
        load.refresh_from_db()
    if load.stage == "FINISHED":
        _put_away(load)
    return True


def _write(load: ActivityCollectorHistory, tried: bool) -> None:
    about: dict[str, Any] = {
        "load": load.pk,
        "now": clock.now(),
        "posted": load.source == "API",
        "origin": "ORIGINATION_COUNTRY_CODE",
        "destination": "DESTINATION_COUNTRY_CODE",
        "product": ONLY,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUSPENDED_RECORDS, about)
        (suspended,) = cursor.fetchone()
        by_currency: list[charged.Charged] = []
        if not tried:
            if suspended:
                cursor.execute(_SUSPENDED, about)
            if load.source in ("API", "SUSPENSE"):
                cursor.execute(_AGAIN, about)
                cursor.execute(_DONE, about)
            by_currency = _charged(cursor, about)
        LoadShard.objects.filter(load=load).delete()
        UsageEvent.objects.filter(load=load).delete()
        notice = "Test Mode: it was tried, and nothing was charged." if tried else load.notice
        ActivityCollectorHistory.objects.filter(pk=load.pk).update(
            status="COMPLETED",
            stage="FINISHED",
            progress=100,
            rated_date=about["now"],
            end_date=clock.now(),
            updated=about["now"],
            processed_count=sum(records for _, _, records, _, _ in by_currency),
            error_count=suspended,
            suspended_count=suspended,
            rated_count=sum(lines for _, lines, _, _, _ in by_currency),
            total_quantity=_total(one[3] for one in by_currency),
            rated_amount=_total(one[4] for one in by_currency),
            amounts={one[0]: f"{one[4]:f}" for one in by_currency} or None,
            notice=notice,
            next_attempt=None,
        )
        _remove_usage(cursor, about)


def _total(values: Iterable[Decimal]) -> Decimal | None:
    """Their sum; None where it has more digits than the load can hold."""
    total = sum(values, Decimal())
    return total if abs(total) < _MOST else None


def _charged(cursor: Any, about: dict[str, Any]) -> list[charged.Charged]:
    """What the load's lines come to, by currency."""
    found = charged.of_shards(about["load"])
    if found is None:
        cursor.execute(_CHARGED, about)
        found = cursor.fetchall()
    return found


def _remove_usage(cursor: Any, about: dict[str, Any]) -> None:
    """Remove the load's usage in flight; where there is no other, all at once, which leaves nothing
    that has to be cleaned up before the next load finds the table small again."""
    if not _others(cursor, about):
        # Whoever is at the table is not waited for.
        with suppress(OperationalError), transaction.atomic():
            cursor.execute("LOCK TABLE mediation_usage IN ACCESS EXCLUSIVE MODE NOWAIT")
            if not _others(cursor, about):
                cursor.execute("TRUNCATE mediation_usage")
                return
    cursor.execute(_REMOVE, about)


def _others(cursor: Any, about: dict[str, Any]) -> bool:
    """Whether usage of other loads is in flight."""
    cursor.execute(_OTHERS, about)
    return bool(cursor.fetchone()[0])


def _put_away(load: ActivityCollectorHistory) -> None:
    """Archive or delete the file where it came from; what fails is told, and tried again."""
    from billing.mediation.sources import put_away

    collector = ActivityCollector.objects.get(pk=load.activity_collector_id)
    try:
        place = put_away(load, collector)
    except Exception as error:
        log.warning("the file of load %s could not be put away", load.pk, exc_info=error)
        told = f"The file could not be put away: {type(error).__name__}: {error}"
        ActivityCollectorHistory.objects.filter(pk=load.pk).update(notice=told[:4000])
        return
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(stage="DONE", archive_place=place)
