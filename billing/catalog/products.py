"""What a product in use must obey: what is provisioned stays charged in the way it was bought."""

from billing.changes import changed, found
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.validation.formulas import refuse_formulas

# What another rating method would mean for a product: the kinds of the two methods, whether tiers
# would lose their meaning, whether accounts are charged by it, whether prices of it are in bands.
_METHODS = """
SELECT was.rating_method_type, becomes.rating_method_type,
       was.pricing_type = 'Tiered Pricing' AND becomes.pricing_type = 'Standard Pricing',
       EXISTS (SELECT FROM customers_accountproduct a
               LEFT JOIN catalog_packageproduct p ON p.id = a.package_product_id
               WHERE a.product_id = sent.id AND a.deleted_at IS NULL
                 AND a.rating_method_id IS NULL AND p.rating_method_id IS NULL),
       EXISTS (SELECT FROM catalog_pricing r
               WHERE r.product_id = sent.id AND r.deleted_at IS NULL
                 AND r.rating_method_id IS NULL AND (r.lower_band > 0 OR r.upper_band <> -1))
FROM unnest(%(ids)s::bigint[], %(was)s::bigint[], %(becomes)s::bigint[])
     WITH ORDINALITY AS sent(id, was, becomes, place)
LEFT JOIN catalog_ratingmethod was ON was.id = sent.was
LEFT JOIN catalog_ratingmethod becomes ON becomes.id = sent.becomes
ORDER BY sent.place
"""


@behavior("PRODUCT")
class ProductBehavior(Behavior):
    """A formula that is used is there; a product in use keeps its kind of charge."""

    def before_create(self, batch: Batch) -> None:
        _check_formula(batch)

    def before_update(self, batch: Batch) -> None:
        _check_formula(batch)
        _keep_charging(batch)


def _check_formula(batch: Batch) -> None:
    """The formula of the standalone selling price is over what an account has of the product."""
    provisioned = batch.snapshot.entity("ACCOUNT_PRODUCT")
    refuse_formulas(batch, "SSPFormula", provisioned, "NUMBER")
    flags, formulas = batch.effective("UseFormulaSSP"), batch.effective("SSPFormula")
    for index in batch.live:
        if flags[index] is True and not formulas[index]:
            batch.fail(
                index,
                Code.REQUIRED_FIELD_MISSING,
                "SSPFormula is required where UseFormulaSSP is 1: the formula of the standalone "
                "selling price.",
                "SSPFormula",
            )


def _keep_charging(batch: Batch) -> None:
    becomes = batch.effective("RatingMethodId")
    moved = [i for i in changed(batch, "RatingMethodId") if becomes[i] is not None]
    if not moved:
        return
    was = batch.stored["RatingMethodId"]
    rows = found(
        _METHODS,
        ids=[batch.ids[i] for i in moved],
        was=[was[i] for i in moved],
        becomes=[becomes[i] for i in moved],
    )
    for index, (kind, new_kind, untiered, charged, banded) in zip(moved, rows, strict=True):
        if charged and kind is not None and kind != new_kind:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"RatingMethodId stays one of type {kind}: accounts have the product and are "
                f"charged so. Send another method of that type, or make another product.",
                "RatingMethodId",
            )
        elif banded and untiered:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "The product has prices in bands, and the rating method has Standard Pricing, one "
                "rate for every quantity. Send one with Tiered Pricing, or end the bands first.",
                "RatingMethodId",
            )
