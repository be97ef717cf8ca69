"""What may be agreed on instead of the product's own terms: PRODUCT.OverridePermissions.

The product says whether a package, a rate class, a contract or an account may have another rating
method or another rate; a package product says whether accounts may have other prices than the
package's. What was agreed before a product became stricter stays.
"""

from billing.changes import changed, found, mentions
from entities.errors import Code
from entities.records import Batch

#: Values of OverridePermissions.
RESTRICTS_RATE = "Restrict Rate Override"
RESTRICTS_METHOD = (RESTRICTS_RATE, "Restrict Rating Method Override")

NO_RATING_METHOD = (
    "The product keeps its rating method: its OverridePermissions let nobody have another one. "
    "Leave RatingMethodId out, or set them to No Restriction."
)

_PRODUCTS = """
SELECT product.override_permissions, product.rating_method_id, component.rating_method_id
FROM unnest(%(products)s::bigint[], %(components)s::bigint[])
     WITH ORDINALITY AS sent(product, component, place)
LEFT JOIN catalog_packageproduct component ON component.id = sent.component
LEFT JOIN catalog_product product ON product.id = coalesce(component.product_id, sent.product)
ORDER BY sent.place
"""


def no_rate(what: str) -> str:
    """What is said of a `what` that the product does not allow."""
    return (
        f"The product keeps its rate: its OverridePermissions let nobody have another one. Leave "
        f"the {what} out, or set them to No Restriction or Restrict Rating Method Override."
    )


def forbids_method(
    permission: str | None, product_method: int | None, sent: int | None, *inherited: int | None
) -> bool:
    """Whether the product forbids the rating method that is sent; what is inherited is no other,
    and a product without one has none to keep."""
    return (
        permission in RESTRICTS_METHOD
        and product_method is not None
        and sent is not None
        and sent != product_method
        and sent not in inherited
    )


def keep_permissions(batch: Batch, component: str = "", rate: str = "") -> None:
    """Rules of a record with ProductId and RatingMethodId, perhaps with a lookup `component` to a
    package product and an amount `rate`."""
    names = ["ProductId", "RatingMethodId", *filter(None, (component, rate))]
    if not mentions(batch, *names):
        return
    asked = changed(batch, *names)
    products, methods = batch.effective("ProductId"), batch.effective("RatingMethodId")
    nothing: list[None] = [None] * batch.size
    components = batch.effective(component) if component else nothing
    rates = batch.effective(rate) if rate else nothing
    asked = [i for i in asked if methods[i] is not None or rates[i] is not None]
    if not asked:
        return
    rows = found(
        _PRODUCTS, products=[products[i] for i in asked], components=[components[i] for i in asked]
    )
    for index, (permission, own, inherited) in zip(asked, rows, strict=True):
        if forbids_method(permission, own, methods[index], inherited):
            batch.fail(index, Code.VALIDATION_FAILED, NO_RATING_METHOD, "RatingMethodId")
        if permission == RESTRICTS_RATE and rates[index] is not None:
            batch.fail(index, Code.VALIDATION_FAILED, no_rate(rate), rate)
