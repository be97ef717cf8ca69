"""What contract rates must obey: a contract says one thing of a product and day."""

from typing import Any

from billing.catalog.overriding import keep_permissions
from billing.catalog.plans import agree_with_component
from billing.changes import changed, found, mentions
from billing.customers.under_contract import keep_within_contract, refuse_coming_back_outside
from billing.overlaps import lock_named, overlapping, refuse_overlaps
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.records import Batch, behavior

# What a contract rate names beside its contract.
_NAMED = """
SELECT component.package_id, component.product_id, above.contract_id, plan.status,
       plan.currency_code, (
           SELECT bool_and(c.currency_code <> plan.currency_code)
           FROM customers_contractcurrency c
           WHERE c.contract_id = sent.contract AND c.deleted_at IS NULL)
FROM unnest(%(components)s::bigint[], %(parents)s::bigint[], %(plans)s::bigint[],
            %(contracts)s::bigint[])
     WITH ORDINALITY AS sent(component, parent, plan, contract, place)
LEFT JOIN catalog_packageproduct component ON component.id = sent.component
LEFT JOIN customers_contractrate above ON above.id = sent.parent
LEFT JOIN catalog_pricingplan plan ON plan.id = sent.plan
ORDER BY sent.place
"""

# Rates of one contract for the same thing that share a day; one without a last day ends with the
# contract.
_SAME_RATE = overlapping(
    "customers_contractrate",
    same=("contract_id",),
    alike=("product_id", "package_id", "package_product_id"),
    also="num_nonnulls(one.product_id, one.package_id, one.package_product_id) > 0",
)


@behavior("CONTRACT_RATE")
class ContractRateBehavior(TreeBehavior):
    """A contract says one thing of a product and day, within its own days."""

    parent = "ParentContractRateId"
    lock = 7_224_007

    def before_create(self, batch: Batch) -> None:
        keep_permissions(batch, "PackageProductId")
        if mentions(batch, *_RATE):
            lock_named(batch, "ContractId")
        keep_within_contract(batch)
        _check_named(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_second_rate(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        keep_permissions(batch, "PackageProductId")
        if mentions(batch, *_RATE):
            lock_named(batch, "ContractId")
        keep_within_contract(batch)
        _check_named(batch)

    def after_update(self, batch: Batch) -> None:
        super().after_update(batch)
        if mentions(batch, *_RATE):
            _refuse_second_rate(batch)

    def after_undelete(self, batch: Batch) -> None:
        refuse_coming_back_outside(batch)
        _refuse_second_rate(batch)


_RATE = ("ContractId", "ProductId", "PackageId", "PackageProductId", "StartDate", "EndDate")


def _check_named(batch: Batch) -> None:
    names = ("PackageProductId", "PackageId", "ProductId", "ParentContractRateId", "PricingPlanId")
    if not mentions(batch, *names):
        return
    components, packages, products, parents, plans = (batch.effective(name) for name in names)
    contracts = batch.effective("ContractId")
    asked = [
        i
        for i in changed(batch, *names)
        if any(column[i] is not None for column in (components, parents, plans))
    ]
    if not asked:
        return
    rows: list[Any] = found(
        _NAMED,
        components=[components[i] for i in asked],
        parents=[parents[i] for i in asked],
        plans=[plans[i] for i in asked],
        contracts=[contracts[i] for i in asked],
    )
    planned = set(changed(batch, "PricingPlanId"))
    for index, (package, product, above, status, currency, unlisted) in zip(
        asked, rows, strict=True
    ):
        agree_with_component(
            batch, index, components[index], (package, packages[index]), (product, products[index])
        )
        if above is not None and above != contracts[index]:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"ParentContractRateId {parents[index]} is a rate of another contract; send one of "
                f"contract {contracts[index]}.",
                "ParentContractRateId",
            )
        if status not in (None, "ACTIVE") and index in planned:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"PricingPlanId {plans[index]} prices nothing any more; send one that is ACTIVE.",
                "PricingPlanId",
            )
        elif unlisted and index in planned:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"PricingPlanId {plans[index]} is in {currency}, which is no currency of the "
                f"contract; list it in CONTRACT_CURRENCY first, or send a plan in one that is.",
                "PricingPlanId",
            )


def _refuse_second_rate(batch: Batch) -> None:
    def said(start: str, end: str) -> str:
        return (
            f"a rate of the same contract for the same product on days from {start} to {end}. End "
            f"that one first, or send other dates."
        )

    refuse_overlaps(batch, _SAME_RATE, said, "StartDate")
