"""Which lines are rated again, with what is added up together with them.

Open are the lines that are on no invoice, or on a CURRENT one, and were not taken back.
Where a line is added up with others for its tier, or draws on the same prepaid usage, these come
along, for its price may move theirs, and those that are added up with them, and so on.
Their sums are locked before, so that no load adds to them meanwhile.

`rerate_line` has a line of a record each, with `root_id`, the first line of its record: a record is
what was rated at once, with its parts over bands; or a charge with all that followed it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.mediation.loads.reversing import ALONE, ON_OPEN_INVOICE
from billing.rating.rerating import prepaid, recurring
from billing.rating.rerating.wanted import Wanted

NOT_TAKEN_BACK = f"""
    a.deleted_at IS NULL AND a.reversal_of_id IS NULL
    AND a.activity_collector_history_id IS NOT NULL AND {prepaid.STILL_COVERED}
    AND (a.rating_date IS NOT NULL OR a.process_status = 'UNRATED')
    AND NOT EXISTS (
        SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id AND r.deleted_at IS NULL
    )
"""
OPEN = f"{NOT_TAKEN_BACK} AND {ON_OPEN_INVOICE}"
_USAGE = "SELECT a.*, coalesce(a.split_from_bill_act_id, a.id) AS root_id FROM mediation_activity a"
_CHOSEN = f"""
CREATE TEMP TABLE rerate_line ON COMMIT DROP AS
{_USAGE} WHERE {{which}} AND {{open}}
"""
_INDEX = "CREATE INDEX ON rerate_line (id); ANALYZE rerate_line"
# What is made here is large, and wide: a sample tells its size as well as a tenth of it.
_ROOM = """
SELECT set_config('work_mem', '64MB', true), set_config('default_statistics_target', '10', true)
"""

LOCK_SUMS = """
SELECT FROM rating_accumulatorvalue WHERE id IN (
    SELECT accumulator_value_id FROM rerate_line UNION SELECT unnest(%(sums)s::bigint[])
) ORDER BY id FOR UPDATE
"""
# An invoice is not closed over the lines that are rated again.
LOCK_INVOICES = """
SELECT FROM invoicing_invoice WHERE id IN (SELECT invoice_id FROM rerate_line)
ORDER BY id FOR SHARE
"""
CLOSED_MEANWHILE = """
DELETE FROM rerate_line l USING invoicing_invoice i
WHERE i.id = l.invoice_id AND i.status <> 'CURRENT'
  AND l.root_id IS DISTINCT FROM %(corrected)s
"""
BEGIN = """
SELECT coalesce(min(coalesce(period_begin::timestamptz - interval '2 days', '-infinity')),
                'infinity')::text
FROM rating_accumulatorvalue
WHERE id IN (SELECT accumulator_value_id FROM rerate_line UNION SELECT unnest(%(sums)s::bigint[]))
"""
# The lines of a sum over one invoice are of many accounts, but of one product; the others are of
# one account.
TOGETHER = f"""
WITH grouped AS MATERIALIZED (
    SELECT DISTINCT s.id, s.level, l.account_id, l.product_id
    FROM rerate_line l JOIN rating_accumulatorvalue s ON s.id = l.accumulator_value_id
    UNION
    SELECT s.id, s.level, a.account_id, a.product_id
    FROM unnest(%(sums)s::bigint[], %(accounts)s::bigint[], %(products)s::bigint[])
         a (id, account_id, product_id)
    JOIN rating_accumulatorvalue s ON s.id = a.id
)
INSERT INTO rerate_line
{_USAGE}
JOIN (SELECT DISTINCT id, account_id FROM grouped WHERE level <> 'Invoice') g
  ON g.id = a.accumulator_value_id AND g.account_id = a.account_id
WHERE a.activity_date >= %(begin)s AND {OPEN}
  AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = a.id)
UNION ALL
{_USAGE}
JOIN (SELECT DISTINCT id, product_id FROM grouped WHERE level = 'Invoice') g
  ON g.id = a.accumulator_value_id AND g.product_id = a.product_id
WHERE a.activity_date >= %(begin)s AND {OPEN}
  AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = a.id)
"""  # noqa: S608 - constants only
# What is left of a record whose first part is not open stays as it is.
WHOLE = """
DELETE FROM rerate_line p
WHERE p.id <> p.root_id AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = p.root_id)
"""

#: A sum with the account and the product of a line that is added up in it.
Sum = tuple[int, int, int]


def add(cursor: Any, sums: Sequence[Sum], begin: str = "-infinity") -> int:
    """Add what is added up with the chosen lines, and in these sums; gives how many lines."""
    cursor.execute(TOGETHER, _of(sums) | {"begin": begin})
    return int(cursor.rowcount)


def _of(sums: Sequence[Sum]) -> dict[str, list[int]]:
    return {
        "sums": [one[0] for one in sums],
        "accounts": [one[1] for one in sums],
        "products": [one[2] for one in sums],
    }


def _gather(cursor: Any, also: Sequence[Sum], given: Mapping[str, Any]) -> None:
    """Add what draws on the same prepaid usage and what is added up together, until that is all."""
    added = 1
    while added:
        added = prepaid.add(cursor, OPEN)
        cursor.execute(BEGIN, given)
        added += add(cursor, also, cursor.fetchone()[0])


def choose(
    cursor: Any, wanted: Wanted, corrected: int | None = None, also: Sequence[Sum] = ()
) -> int:
    """Fill `rerate_line` with the wanted lines and all that are added up with them or in the sums
    `also`; gives how many. A line that is `corrected` may stand on a closed invoice."""
    which, values = wanted.asked()
    given = {**values, **_of(also), "corrected": corrected}
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALONE])
    cursor.execute(_ROOM)
    cursor.execute(
        _CHOSEN.format(which=which, open=NOT_TAKEN_BACK if corrected is not None else OPEN), given
    )
    cursor.execute(_INDEX)
    recurring.choose(cursor, which if corrected is None else "false", values)
    prepays = prepaid.begin(cursor)
    if prepays:
        _gather(cursor, also, given)
        prepaid.lock(cursor)
    cursor.execute(LOCK_SUMS, given)
    if prepays:
        _gather(cursor, also, given)
        prepaid.complete(cursor)
    else:
        cursor.execute(BEGIN, given)
        add(cursor, also, cursor.fetchone()[0])
    cursor.execute(LOCK_INVOICES)
    cursor.execute(CLOSED_MEANWHILE, given)
    cursor.execute(WHOLE)
    recurring.complete(cursor)
    cursor.execute("ANALYZE rerate_line")
    cursor.execute("SELECT count(*) FROM rerate_line")
    return int(cursor.fetchone()[0])
