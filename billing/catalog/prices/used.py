"""A price by which lines were priced stays, to explain and re-rate them: it is ended instead.

Lines may be a hundred million. Those that a price may have priced are looked for among its
product's, from its first day on and not changed since before it was made (a day earlier, since a
load may have begun by then), and counted up to a bound.
"""

from billing.changes import found, tells
from entities.errors import Code
from entities.records import Batch

#: More lines than these are not counted.
_COUNTED = 1000

# Usage of a day in the account's own zone may lie a day before or behind it by UTC.
_LINES = """
SELECT written.place, count(*), min(line.id)
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS written(id, place)
JOIN catalog_pricing price ON price.id = written.id
LEFT JOIN customers_accountproduct account_product ON account_product.id = price.account_product_id
LEFT JOIN customers_contractrate rate ON rate.id = price.contract_rate_id
LEFT JOIN catalog_rateclassproduct entry ON entry.id = price.rate_class_product_id
LEFT JOIN catalog_packageproduct component
  ON component.id = coalesce(price.package_product_id, rate.package_product_id,
                             entry.package_product_id)
CROSS JOIN LATERAL (
    SELECT coalesce(price.product_id, account_product.product_id, rate.product_id,
                    entry.product_id, component.product_id) AS product_id
) of
CROSS JOIN LATERAL (
    (SELECT a.id FROM mediation_activity a
     WHERE a.product_id = of.product_id AND {by_it} LIMIT {counted} + 1)
    UNION ALL
    (SELECT a.id FROM mediation_activity a
     WHERE of.product_id IS NULL AND {by_it} LIMIT {counted} + 1)
) line
GROUP BY written.place
""".format(  # noqa: S608 - constants only
    counted=_COUNTED,
    by_it="""a.pricing_id = price.id AND a.updated >= price.created - interval '1 day'
       AND a.activity_date >= coalesce(price.effective_date - 2, '-infinity')""",
)


def refuse_used(batch: Batch) -> None:
    """Fail the prices that go, by themselves or along with what they are prices of, if lines were
    priced by them."""
    rows = found(_LINES, ids=batch.ids)
    told = bool(rows) and tells(batch, "ACTIVITY", "Id", "PricingId")
    for place, lines, line in rows:
        which = "lines were"
        if told:
            many = f"More than {_COUNTED:,}" if lines > _COUNTED else f"{lines:,}"
            which = f"{many} line{'s were' if lines > 1 else ' was'}"
        batch.fail(
            place - 1,
            Code.RECORD_IN_USE,
            f"{which[0].upper()}{which[1:]} priced by it, and what they cost is explained by it. "
            f"Set its EndDate to the last day on which it shall hold instead.",
            "Id",
            of="ACTIVITY" if told else "",
            in_the_way=[line] if told else (),
        )
