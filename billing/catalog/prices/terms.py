"""What a price hangs on says what may be agreed, in which currency and for which days."""

from datetime import date

from billing.catalog.bands import UNLIMITED
from billing.catalog.overriding import NO_RATING_METHOD, RESTRICTS_RATE, forbids_method, no_rate
from billing.catalog.prices.tiers import BANDS, DAYS, OWNERS, TIER
from billing.changes import changed, found, tells
from billing.days import outside, spell
from entities.errors import Code
from entities.fieldtypes.numbers import plain
from entities.records import Batch

# What a written price depends on: the product that it is a price of, the method that is named for
# it (not the one that the product has for all its prices), and the terms of what it hangs on. A
# currency fits where none is listed.
_TERMS = """
SELECT sent.place, product.override_permissions, product.rating_method_id,
       coalesce(account_product.rating_method_id, contract_rate.rating_method_id,
                entry.rating_method_id, component.rating_method_id, product.rating_method_id),
       method.pricing_type, account_product.package_product_id IS NOT NULL
                            AND NOT component.allow_price_override,
       contract_rate.contract_id IS NULL OR NOT EXISTS (
           SELECT FROM customers_contractcurrency c
           WHERE c.contract_id = contract_rate.contract_id AND c.deleted_at IS NULL)
       OR EXISTS (
           SELECT FROM customers_contractcurrency c
           WHERE c.contract_id = contract_rate.contract_id AND c.deleted_at IS NULL
             AND c.currency_code = sent.currency),
       sent.component IS NULL OR NOT EXISTS (
           SELECT FROM catalog_packagecurrency c
           WHERE c.package_id = component.package_id AND c.deleted_at IS NULL)
       OR EXISTS (
           SELECT FROM catalog_packagecurrency c
           WHERE c.package_id = component.package_id AND c.deleted_at IS NULL
             AND c.currency_code = sent.currency),
       plan.currency_code, plan.effective_date, plan.end_date,
       contract_rate.start_date, coalesce(contract_rate.end_date, contract.end_date),
       greatest(entry.start_date, class.effective_date), least(entry.end_date, class.end_date),
       plan.product_id, plan.package_product_id, plan.rate_class_product_id,
       plan.contract_rate_id, plan.account_product_id
FROM unnest(%(products)s::bigint[], %(components)s::bigint[], %(entries)s::bigint[],
            %(rates)s::bigint[], %(account_products)s::bigint[], %(plans)s::bigint[],
            %(methods)s::bigint[], %(currencies)s::text[])
     WITH ORDINALITY AS sent(product, component, entry, rate, account_product, plan, method,
                             currency, place)
LEFT JOIN customers_accountproduct account_product ON account_product.id = sent.account_product
LEFT JOIN customers_contractrate contract_rate ON contract_rate.id = sent.rate
LEFT JOIN customers_contract contract ON contract.id = contract_rate.contract_id
LEFT JOIN catalog_rateclassproduct entry ON entry.id = sent.entry
LEFT JOIN catalog_rateclass class ON class.id = entry.rate_class_id
LEFT JOIN catalog_packageproduct component
  ON component.id = coalesce(sent.component, account_product.package_product_id,
                             contract_rate.package_product_id, entry.package_product_id)
LEFT JOIN catalog_product product
  ON product.id = coalesce(sent.product, component.product_id, account_product.product_id,
                           contract_rate.product_id, entry.product_id)
LEFT JOIN catalog_pricingplan plan ON plan.id = sent.plan
LEFT JOIN catalog_ratingmethod method
  ON method.id = coalesce(sent.method, account_product.rating_method_id,
                          contract_rate.rating_method_id, entry.rating_method_id,
                          component.rating_method_id)
ORDER BY sent.place
"""

#: The owners that agree on a price instead of the product's own.
OVERRIDING = ("PackageProductId", "RateClassProductId", "ContractRateId", "AccountProductId")


def check_terms(batch: Batch) -> None:
    """What the price hangs on says what may be agreed, in which currency and for which days."""
    asked = changed(batch, *TIER, *BANDS, *DAYS)
    if not asked:
        return
    owners = {name: batch.effective(name) for name in OWNERS}
    plans, methods = batch.effective("MainPricingPlanId"), batch.effective("RatingMethodId")
    currencies = batch.effective("CurrencyCode")
    owned, moved = set(changed(batch, *OWNERS)), set(changed(batch, *DAYS, *OWNERS))
    banded = set(changed(batch, *BANDS, "RatingMethodId", *OWNERS))
    in_money = set(changed(batch, "CurrencyCode", "MainPricingPlanId", *OWNERS))
    charged = set(changed(batch, "RatingMethodId", *OWNERS))
    planned = set(changed(batch, "MainPricingPlanId", *OWNERS, *DAYS))
    lower, upper = (batch.effective(name) for name in BANDS)
    first, last = (batch.effective(name) for name in DAYS)
    rows = found(
        _TERMS,
        products=[owners["ProductId"][i] for i in asked],
        components=[owners["PackageProductId"][i] for i in asked],
        entries=[owners["RateClassProductId"][i] for i in asked],
        rates=[owners["ContractRateId"][i] for i in asked],
        account_products=[owners["AccountProductId"][i] for i in asked],
        plans=[plans[i] for i in asked],
        methods=[methods[i] for i in asked],
        currencies=[currencies[i] for i in asked],
    )
    knows = {
        "ContractRateId": tells(batch, "CONTRACT_RATE", "StartDate", "EndDate")
        and tells(batch, "CONTRACT", "EndDate"),
        "RateClassProductId": tells(batch, "RATE_CLASS_PRODUCT", "StartDate", "EndDate")
        and tells(batch, "RATE_CLASS", "EffectiveDate", "EndDate"),
        "MainPricingPlanId": tells(
            batch, "PRICING_PLAN", "EffectiveDate", "EndDate", "CurrencyCode"
        ),
    }

    def refuse(index: int, message: str, field: str) -> None:
        batch.fail(index, Code.VALIDATION_FAILED, message, field)

    def keep_days(index: int, owner: str, start: date | None, end: date | None) -> None:
        days = f", which runs {spell(start, end)}" if knows[owner] else ""
        held = {"EffectiveDate": first[index], "EndDate": last[index]}
        for name, day in outside(start, end, **held):
            refuse(index, f"{name} {day} is outside the days of its {owner}{days}.", name)

    for index, row in zip(asked, rows, strict=True):
        (
            _,
            permission,
            product_method,
            owner_method,
            pricing,
            package_keeps,
            contract_takes,
            package_takes,
            plan_currency,
            plan_first,
            plan_last,
            rate_first,
            rate_last,
            entry_first,
            entry_last,
            *plan_owners,
        ) = row
        override = next((n for n in OVERRIDING if owners[n][index] is not None), "")
        if index in owned and override:
            if permission == RESTRICTS_RATE:
                refuse(index, no_rate("price"), override)
            elif package_keeps and override == "AccountProductId":
                refuse(
                    index,
                    "The package keeps its prices: the account product's package product has "
                    "AllowPriceOverride 0. Leave the price out, or allow it there.",
                    override,
                )
        if (
            index in charged
            and override
            and forbids_method(permission, product_method, methods[index], owner_method)
        ):
            refuse(index, NO_RATING_METHOD, "RatingMethodId")
        if (
            index in banded
            and pricing == "Standard Pricing"
            and (lower[index] != 0 or upper[index] != UNLIMITED)
        ):
            refuse(
                index,
                f"The rating method has Standard Pricing, one rate for every quantity, but the "
                f"price is for quantities from {plain(lower[index])} to {plain(upper[index])}; "
                f"send LowerBand 0 and UpperBand -1, or a RatingMethodId with Tiered Pricing.",
                "LowerBand" if lower[index] != 0 else "UpperBand",
            )
        if index in in_money:
            for takes, what, where in (
                (contract_takes, "contract", "CONTRACT_CURRENCY"),
                (package_takes, "package", "PACKAGE_CURRENCY"),
            ):
                if not takes:
                    refuse(
                        index,
                        f"CurrencyCode {currencies[index]} is no currency of the {what}; list it "
                        f"in {where} first, or send a price in one that is listed.",
                        "CurrencyCode",
                    )
            if plan_currency not in (None, currencies[index]):
                right = f"; send {plan_currency}" if knows["MainPricingPlanId"] else ""
                refuse(
                    index,
                    f"CurrencyCode {currencies[index]} is not that of the pricing plan{right}.",
                    "CurrencyCode",
                )
        if index in planned and plans[index] is not None:
            for name, planned_for in zip(("ProductId", *OVERRIDING), plan_owners, strict=True):
                if planned_for is not None and owners[name][index] not in (None, planned_for):
                    refuse(
                        index,
                        f"{name} is another one than that of the pricing plan; send the plan's, or "
                        f"leave it out.",
                        name,
                    )
            keep_days(index, "MainPricingPlanId", plan_first, plan_last)
        if index in moved:
            keep_days(index, "ContractRateId", rate_first, rate_last)
            keep_days(index, "RateClassProductId", entry_first, entry_last)
