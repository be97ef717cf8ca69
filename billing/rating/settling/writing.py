"""What deals come to is compared with the lines that they have, and those are brought to it.

`settle_wanted` has what each line shall say; `WANTED` makes it, without rows. What it is about (its
key) finds the line of an earlier time. That stays if it comes to the same.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.mediation.loads.reversing import taking_back

#: What a line is about.
_KEY = (
    *("account_id", "period_from", "kind", "account_product_id", "target_product_id"),
    *("target_account_product_id", "target_activity_id", "invoice_id"),
)
#: What SETTLED_CHARGE has beside it.
_FACTS = ("period_until", "base", "lines", "rate", "cost")
#: Columns of the line that are called alike.
_SAME = (
    *("activity_date", "product_id", "account_package_id", "package_product_id", "currency_code"),
    *("rate_date", "rate_source", "rate_source_id", "rating_method_id", "pricing_id"),
    *("contract_id", "upper_band", "min_charge_flag", "process_description", "quantity"),
    *("subscription_from_date", "subscription_to_date"),
)

WANTED = """
CREATE TEMP TABLE settle_wanted (
    account_id bigint, period_from date, kind text, account_product_id bigint,
    target_product_id bigint, target_account_product_id bigint, target_activity_id bigint,
    invoice_id bigint, period_until date, base numeric, lines bigint, rate numeric, cost numeric,
    amount numeric, on_invoice_id bigint, target_date timestamptz,
    activity_date timestamptz, product_id bigint, account_package_id bigint,
    package_product_id bigint, currency_code text, rate_date date, rate_source text,
    rate_source_id bigint, rating_method_id bigint, pricing_id bigint, contract_id bigint,
    upper_band numeric, min_charge_flag boolean DEFAULT false, process_description text,
    quantity numeric DEFAULT 1, subscription_from_date date, subscription_to_date date,
    activity_id bigint
) ON COMMIT DROP
"""
_ENDLESS = """
UPDATE settle_wanted SET period_from = nullif(period_from, '-infinity'),
                         period_until = nullif(period_until, 'infinity')
WHERE period_from = '-infinity' OR period_until = 'infinity'
"""
_MATCHES = " AND ".join(f"w.{c} IS NOT DISTINCT FROM s.{c}" for c in _KEY)

# The lines of earlier times, but for those of closed invoices and of days after the last that is
# settled; what is about the same is not wanted any more, if it is on a closed invoice or comes to
# the same.
_STORED = f"""
CREATE TEMP TABLE settle_stored ON COMMIT DROP AS
SELECT s.*, a.id IS NOT NULL AS there, a.rated_amount, a.invoice_id AS on_invoice_id,
       coalesce(i.status <> 'CURRENT', false) AS closed
FROM rating_settledcharge s
LEFT JOIN mediation_activity a
  ON a.id = s.activity_id AND a.activity_date = s.activity_date AND a.deleted_at IS NULL
LEFT JOIN invoicing_invoice i ON i.id = a.invoice_id
WHERE s.account_id = ANY(%(accounts)s) AND s.kind = ANY(%(kinds)s) AND NOT s.taken_back
  AND (%(invoices)s::bigint[] IS NULL OR s.invoice_id = ANY(%(invoices)s))
  AND (s.invoice_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM settle_account t WHERE t.account_id = s.account_id
        AND (coalesce(s.period_until, 'infinity') <= t.open_from OR s.period_from > t.until_day
             OR (s.kind = 'Commitment' OR s.kind = 'Minimum' AND NOT %(closing)s)
                AND s.period_until > t.until_day + 1)));
ANALYZE settle_wanted; ANALYZE settle_stored;
CREATE TEMP TABLE settle_kept ON COMMIT DROP AS
SELECT s.id, w.ctid AS place
FROM settle_stored s JOIN settle_wanted w ON {_MATCHES}
WHERE %(for_good)s OR s.closed OR s.there AND s.rated_amount = w.amount AND s.cost = w.cost;
DELETE FROM settle_wanted w USING settle_kept k WHERE w.ctid = k.place;
UPDATE settle_wanted w SET on_invoice_id = coalesce(w.on_invoice_id, s.on_invoice_id)
FROM settle_stored s WHERE s.on_invoice_id IS NOT NULL AND {_MATCHES};
DELETE FROM settle_stored s
WHERE %(for_good)s OR s.closed OR s.id IN (SELECT id FROM settle_kept)
"""  # noqa: S608 - constants only
_UNMARK = """
UPDATE mediation_activity a SET discounted_by_id = NULL, updated = %(now)s
FROM settle_stored s
WHERE s.target_activity_id = a.id AND a.discounted_by_id = s.activity_id
"""
_REMOVE = """
DELETE FROM mediation_activity a USING settle_stored s
WHERE a.id = s.activity_id AND a.activity_date = s.activity_date AND a.invoice_id IS NULL
RETURNING a.currency_code, -a.rated_amount
"""
_ON_INVOICES = "a.id IN (SELECT activity_id FROM settle_stored WHERE on_invoice_id IS NOT NULL)"
_FORGET = """
DELETE FROM rating_settledcharge WHERE id IN (
    SELECT id FROM settle_stored WHERE on_invoice_id IS NULL);
UPDATE rating_settledcharge SET taken_back = true
WHERE id IN (SELECT id FROM settle_stored WHERE on_invoice_id IS NOT NULL)
"""
# The lines' table holds nothing fast by itself.
_HOLD = """
SELECT FROM customers_accountproduct WHERE id IN (
    SELECT account_product_id FROM settle_wanted
    UNION SELECT target_account_product_id FROM settle_wanted) ORDER BY id FOR KEY SHARE;
SELECT FROM catalog_product WHERE id IN (
    SELECT product_id FROM settle_wanted) ORDER BY id FOR KEY SHARE;
UPDATE settle_wanted SET activity_id = nextval('mediation_activity_id_seq')
"""
_LINES = f"""
INSERT INTO mediation_activity (
    id, account_id, account_product_id, rate, rated_amount, cost_unrounded, invoice_id,
    discount_activity_id, rating_date, created, updated, {", ".join(_SAME)})
SELECT activity_id, account_id, coalesce(account_product_id, target_account_product_id), rate,
       amount, cost, on_invoice_id, CASE WHEN kind = 'Discount' THEN target_activity_id END,
       %(now)s, %(now)s, %(now)s, {", ".join(_SAME)}
FROM settle_wanted ORDER BY activity_id
RETURNING currency_code, rated_amount
"""  # noqa: S608 - constants only
_REMEMBER = f"""
INSERT INTO rating_settledcharge (
    activity_id, activity_date, taken_back, created, {", ".join(_KEY + _FACTS)})
SELECT activity_id, activity_date, false, %(now)s, {", ".join(_KEY + _FACTS)} FROM settle_wanted
"""  # noqa: S608 - constants only
_MARK = """
UPDATE mediation_activity a SET discounted_by_id = w.activity_id, updated = %(now)s
FROM settle_wanted w
WHERE w.kind = 'Discount' AND a.id = w.target_activity_id AND a.activity_date = w.target_date
  AND a.discounted_by_id IS NULL
"""


@dataclass
class Settled:
    """What settling came to."""

    accounts: int = 0
    lines: int = 0
    taken_back: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    #: Deals that could not be settled, by account product, in words.
    problems: dict[int, str] = field(default_factory=dict)

    def add(self, written: list[tuple[str, Decimal]]) -> int:
        for currency, amount in written:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount
        return len(written)


def write(
    cursor: Any,
    given: dict[str, Any],
    done: Settled,
    kinds: tuple[str, ...],
    accounts: list[int],
    invoices: list[int] | None = None,
    *,
    for_good: bool = False,
) -> None:
    """Bring the lines of these kinds to what is wanted, for the accounts (or only the invoices).

    `for_good`: what was written once stays, whatever it would come to now.
    """
    about = given | {"kinds": list(kinds), "accounts": accounts, "invoices": invoices}
    about["for_good"] = for_good
    cursor.execute(_ENDLESS)
    cursor.execute(_STORED, about)
    cursor.execute(_UNMARK, about)
    cursor.execute(_REMOVE)
    done.taken_back += done.add(cursor.fetchall())
    cursor.execute(f"{taking_back(_ON_INVOICES)} RETURNING currency_code, rated_amount", about)
    done.taken_back += done.add(cursor.fetchall())
    cursor.execute(_FORGET)
    cursor.execute(_HOLD)
    cursor.execute(_LINES, about)
    done.lines += done.add(cursor.fetchall())
    cursor.execute(_REMEMBER, about)
    cursor.execute(_MARK, about)
    cursor.execute("DROP TABLE settle_wanted, settle_stored, settle_kept")
