"""What an account takes is on sale, in the quantities, days and terms that were agreed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from billing.catalog.overriding import NO_RATING_METHOD, RESTRICTS_RATE, forbids_method, no_rate
from billing.changes import changed, found, mentions, some
from billing.customers.provisioning.quantities import lock_parts, refuse_too_many
from billing.customers.provisioning.terms import (
    Terms,
    check_contract,
    check_part,
    follow_package,
    take_product,
    terms_of,
)
from billing.customers.under_contract import (
    refuse_coming_back_outside,
    refuse_contracts_of_others,
)
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.fieldtypes.numbers import plain
from entities.records import Batch, behavior

_PRODUCTS = """
SELECT id, status, override_permissions, rating_method_id, contract_required_flag
FROM catalog_product WHERE id = ANY(%(ids)s)
"""

# Whether a contract prices a product on a day: the contract that is named, else any that is in
# force of the account or of one above it.
_PRICED = """
WITH RECURSIVE up(place, account_id) AS (
    SELECT place, account
    FROM unnest(%(accounts)s::bigint[]) WITH ORDINALITY AS sent(account, place)
    UNION
    SELECT up.place, a.parent_account_id FROM up JOIN customers_account a ON a.id = up.account_id
    WHERE a.parent_account_id IS NOT NULL
)
SELECT sent.place
FROM unnest(%(contracts)s::bigint[], %(products)s::bigint[], %(components)s::bigint[],
            %(days)s::date[])
     WITH ORDINALITY AS sent(contract, product, component, day, place)
JOIN catalog_product product ON product.id = sent.product
WHERE EXISTS (
    SELECT FROM customers_contract contract
    WHERE contract.deleted_at IS NULL
      AND (contract.id = sent.contract
           OR sent.contract IS NULL AND NOT product.restrict_use_of_unreferenced_contracts
              AND contract.contract_status = 'ACTIVE'
              AND contract.start_date <= sent.day
              AND (contract.end_date IS NULL OR contract.end_date >= sent.day)
              AND contract.account_id IN (SELECT up.account_id FROM up WHERE up.place = sent.place))
      AND (EXISTS (
            SELECT FROM customers_contractrate rate
            WHERE rate.contract_id = contract.id AND rate.deleted_at IS NULL
              AND (rate.product_id = sent.product OR rate.package_product_id = sent.component)
              AND (rate.end_date IS NULL OR rate.end_date >= sent.day))
        OR EXISTS (
            SELECT FROM catalog_rateclass class
            JOIN catalog_rateclassproduct entry
              ON entry.rate_class_id = class.id AND entry.deleted_at IS NULL
            WHERE class.id = contract.rate_class_id AND class.status = 'ACTIVE'
              AND (entry.product_id = sent.product OR entry.package_product_id = sent.component)
              AND (coalesce(entry.end_date, class.end_date) IS NULL
                   OR coalesce(entry.end_date, class.end_date) >= sent.day))))
"""

#: What the terms of an account product are about.
_ASKED = (
    "ProductId",
    "PackageProductId",
    "AccountPackageId",
    "ContractId",
    "AccountId",
    "Quantity",
    "StartDate",
    "EndDate",
    "RatingMethodId",
    "RateOverride",
)


class Sold(NamedTuple):
    """A row of _PRODUCTS."""

    id: int
    status: str
    permission: str
    method: int | None
    contract_required: bool


@behavior("ACCOUNT_PRODUCT")
class AccountProductBehavior(TreeBehavior):
    """What an account takes is on sale, in the quantities, days and terms that were agreed."""

    parent = "ParentCustomerProductId"
    lock = 7_224_009

    def before_create(self, batch: Batch) -> None:
        _check_terms(batch)
        lock_parts(batch)

    def after_create(self, batch: Batch) -> None:
        refuse_too_many(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        if mentions(batch, *_ASKED):
            _check_terms(batch)
        lock_parts(batch)

    def after_update(self, batch: Batch) -> None:
        super().after_update(batch)
        refuse_too_many(batch)

    def after_undelete(self, batch: Batch) -> None:
        refuse_coming_back_outside(batch)
        refuse_too_many(batch, all_of_it=True)


def _check_terms(batch: Batch) -> None:
    asked = changed(batch, *_ASKED)
    if not asked:
        return
    columns = [batch.effective(name) for name in _ASKED]
    products, components, packages, contracts, accounts, quantities, starts, ends = columns[:8]
    methods, rates = columns[8:]
    bound = [i for i in asked if any(c[i] is not None for c in (components, packages, contracts))]
    terms: dict[int, Terms] = {}
    if bound:
        terms = terms_of(bound, components, packages, contracts)
        take_product(batch, terms, products)
        follow_package(batch, terms, starts, ends, accounts, contracts)
        check_contract(batch, terms, starts, ends)
        under = changed(batch, "ContractId", "AccountId", "AccountPackageId")
        refuse_contracts_of_others(
            batch, {i: terms[i].contract_account for i in under if i in terms}, accounts
        )
        check_part(batch, terms, packages)
    _check_quantities(batch, terms, quantities)
    wanted = some([products[i] for i in asked])
    sold = {row[0]: Sold(*row) for row in found(_PRODUCTS, ids=wanted)}
    _check_sale(batch, sold, products)
    _check_overrides(batch, terms, sold, products, methods, rates)
    _need_contract(batch, sold, products, components, contracts, accounts, starts)


def _check_sale(batch: Batch, sold: dict[int, Sold], products: Sequence[Any]) -> None:
    for index in changed(batch, "ProductId", "PackageProductId"):
        product = sold.get(products[index])
        if product is not None and product.status != "ACTIVE":
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"The product is not on sale: its Status is {product.status}. Send another one, or "
                f"set its Status to ACTIVE.",
                "ProductId",
            )


def _check_overrides(
    batch: Batch,
    terms: dict[int, Terms],
    sold: dict[int, Sold],
    products: Sequence[Any],
    methods: Sequence[Any],
    rates: Sequence[Any],
) -> None:
    for index in changed(batch, "RatingMethodId", "ProductId", "PackageProductId"):
        product, has = sold.get(products[index]), terms.get(index)
        inherited = has.component_method if has else None
        if product is not None and forbids_method(
            product.permission, product.method, methods[index], inherited
        ):
            batch.fail(index, Code.VALIDATION_FAILED, NO_RATING_METHOD, "RatingMethodId")
    for index in changed(batch, "RateOverride", "ProductId", "PackageProductId"):
        product, has = sold.get(products[index]), terms.get(index)
        if rates[index] is None:
            continue
        if product is not None and product.permission == RESTRICTS_RATE:
            batch.fail(index, Code.VALIDATION_FAILED, no_rate("RateOverride"), "RateOverride")
        elif has is not None and has.price_override is False:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "The package keeps its prices: its package product has AllowPriceOverride 0. Leave "
                "RateOverride out, or allow it there.",
                "RateOverride",
            )


def _check_quantities(batch: Batch, terms: dict[int, Terms], quantities: Sequence[Any]) -> None:
    for index in changed(batch, "Quantity", "PackageProductId"):
        quantity, has = quantities[index], terms.get(index)
        if quantity is None:
            continue
        least, most = (has.min_qty, has.max_qty) if has else (None, None)
        if quantity < (least or 0):
            limit = f"{plain(least or Decimal(0))} or more"
        elif most is not None and quantity > most:
            limit = f"at most {plain(most)}"
        else:
            continue
        of = " of the package product" if least is not None else ""
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"Quantity is {plain(quantity)}; {limit}{of} can be taken.",
            "Quantity",
        )


def _need_contract(
    batch: Batch,
    sold: dict[int, Sold],
    products: Sequence[Any],
    components: Sequence[Any],
    contracts: Sequence[Any],
    accounts: Sequence[Any],
    starts: Sequence[Any],
) -> None:
    """What only a contract may price is provisioned under one that does."""
    asked = [
        i
        for i in changed(batch, "ProductId", "PackageProductId", "ContractId", "AccountId")
        if products[i] in sold and sold[products[i]].contract_required
    ]
    if not asked:
        return
    rows = found(
        _PRICED,
        contracts=[contracts[i] for i in asked],
        products=[products[i] for i in asked],
        components=[components[i] for i in asked],
        accounts=[accounts[i] for i in asked],
        days=[starts[i] for i in asked],
    )
    priced = {row[0] for row in rows}
    for place, index in enumerate(asked, start=1):
        if place in priced:
            continue
        which = "the contract has neither" if contracts[index] else "none in force has either"
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"Only a contract may price the product, and {which} a rate nor a rate class with an "
            f"entry for it; send the ContractId of one that has.",
            "ContractId",
        )
