"""An account package has of each product no more than MaxQty on a day, in however many parts."""

from billing.changes import changed, found, some
from billing.overlaps import written_ids
from entities.errors import Code
from entities.fieldtypes.numbers import plain
from entities.records import Batch

_ABOUT = ("Quantity", "StartDate", "EndDate", "Status", "AccountPackageId", "PackageProductId")

# Parts of one account package are written one request after the other.
_LOCK = """
SELECT pg_advisory_xact_lock(key)
FROM (SELECT DISTINCT hashtextextended('account package ' || id, 0) AS key
      FROM unnest(%(ids)s::bigint[]) AS id ORDER BY key) AS keys
"""

# The most that an account package has on one of the days of a record just written, where that is
# too much. It changes on first days alone; records of the request behind this one do not count.
_TOO_MUCH = """
SELECT written.place, one.account_package_id, one.package_product_id, most.day, most.quantity,
       component.max_qty
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS written(id, place)
JOIN customers_accountproduct one ON one.id = written.id AND one.status <> 'DEACTIVATED'
JOIN catalog_packageproduct component ON component.id = one.package_product_id
CROSS JOIN LATERAL (
    SELECT begins.start_date AS day, sum(part.quantity) AS quantity
    FROM customers_accountproduct part
    JOIN LATERAL (
        SELECT DISTINCT greatest(b.start_date, one.start_date) AS start_date
        FROM customers_accountproduct b
        WHERE b.account_package_id = one.account_package_id
          AND b.package_product_id = one.package_product_id
          AND (one.end_date IS NULL OR b.start_date <= one.end_date)
    ) begins ON begins.start_date >= part.start_date
            AND (part.end_date IS NULL OR begins.start_date <= part.end_date)
    LEFT JOIN unnest(%(ids)s::bigint[]) WITH ORDINALITY AS before(id, place) ON before.id = part.id
    WHERE part.account_package_id = one.account_package_id
      AND part.package_product_id = one.package_product_id
      AND part.deleted_at IS NULL AND part.status <> 'DEACTIVATED'
      AND (before.place IS NULL OR before.place <= written.place)
    GROUP BY begins.start_date
    HAVING sum(part.quantity) > component.max_qty
    ORDER BY sum(part.quantity) DESC, begins.start_date LIMIT 1
) most
WHERE component.max_qty IS NOT NULL
ORDER BY written.place
"""


def lock_parts(batch: Batch) -> None:
    """Wait for whoever writes other parts of the same account packages."""
    packages, components = batch.effective("AccountPackageId"), batch.effective("PackageProductId")
    about = some([packages[i] for i in changed(batch, *_ABOUT) if components[i] is not None])
    if about:
        found(_LOCK, ids=about)


def refuse_too_many(batch: Batch, *, all_of_it: bool = False) -> None:
    """Fail the records just written by which a package has too many; `all_of_it`: whatever they
    say of it, as those that came back."""
    places, ids = written_ids(batch)
    if not all_of_it:
        packages = batch.effective("AccountPackageId")
        components = batch.effective("PackageProductId")
        asked = {i for i in changed(batch, *_ABOUT) if None not in (packages[i], components[i])}
        places = [i for i in places if i in asked]
        ids = [id for i in places if (id := batch.ids[i]) is not None]
    if not ids:
        return
    # The next ones of a package are counted without the first: at the verb's next attempt.
    failed: set[tuple[int, int]] = set()
    for place, package, component, day, quantity, most in found(_TOO_MUCH, ids=ids):
        if (package, component) in failed:
            continue
        failed.add((package, component))
        batch.fail(
            places[place - 1],
            Code.VALIDATION_FAILED,
            f"The account package would have {plain(quantity)} of the package product on {day}; at "
            f"most {plain(most)} can be taken together.",
            "Quantity",
        )
