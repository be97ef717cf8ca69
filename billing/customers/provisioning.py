"""What provisioning must obey: account packages and account products.

An account package gives its products their last day and their contract. It makes none: whoever
provisions a package says which of its products the account takes, and how many of each.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.catalog.bands import plain
from billing.catalog.overriding import NO_RATING_METHOD, RESTRICTS_RATE, forbids_method, no_rate
from billing.catalog.plans import fail_disagreeing
from billing.changes import changed, found, mentions, some, tells
from billing.customers.under_contract import (
    CONTRACT_TOLD,
    fail_outside,
    keep_within_contract,
    refuse_coming_back_outside,
    refuse_contracts_of_others,
)
from billing.days import outside, spell
from billing.trees import TreeBehavior
from entities import records
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior

_PRODUCTS = """
SELECT id, status, override_permissions, rating_method_id, contract_required_flag
FROM catalog_product WHERE id = ANY(%(ids)s)
"""

# What the package and the contract of an account product say. The days of contracts stay as they
# are meanwhile.
_TERMS = """
WITH contract AS (
    SELECT id, account_id, contract_number, start_date, end_date FROM customers_contract
    WHERE id = ANY(%(contracts)s::bigint[] || ARRAY(
        SELECT contract_id FROM customers_accountpackage WHERE id = ANY(%(packages)s::bigint[])))
    FOR SHARE)
SELECT component.product_id, component.package_id, component.min_qty, component.max_qty,
       component.rating_method_id, component.allow_price_override, package.package_status,
       bought.account_id, bought.package_id, bought.start_date, bought.end_date,
       bought.contract_id, contract.account_id, contract.contract_number, contract.start_date,
       contract.end_date
FROM unnest(%(components)s::bigint[], %(packages)s::bigint[], %(contracts)s::bigint[])
     WITH ORDINALITY AS sent(component, package, contract, place)
LEFT JOIN catalog_packageproduct component ON component.id = sent.component
LEFT JOIN catalog_package package ON package.id = component.package_id
LEFT JOIN customers_accountpackage bought ON bought.id = sent.package
LEFT JOIN contract ON contract.id = coalesce(sent.contract, bought.contract_id)
ORDER BY sent.place
"""

# Packages that come along with a package, however many packages between them.
_ALONG = """
WITH RECURSIVE along(start, package_id) AS (
    SELECT id, id FROM unnest(%(ids)s::bigint[]) AS id
    UNION
    SELECT along.start, part.link_package_id
    FROM along JOIN catalog_packageproduct part
      ON part.package_id = along.package_id AND part.deleted_at IS NULL
    WHERE part.link_package_id IS NOT NULL
)
SELECT start, package_id FROM along
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

# What an account package depends on: the package's status, whether it is sold in the currency that
# the account is charged in (anything fits where nothing is listed), and what hangs on it.
_SOLD = """
SELECT package.package_status,
       account.allow_pricing_in_different_currency
       OR profile.currency_code IS NULL
       OR NOT EXISTS (SELECT FROM catalog_packagecurrency c
                      WHERE c.package_id = sent.package AND c.deleted_at IS NULL)
       OR EXISTS (SELECT FROM catalog_packagecurrency c
                  WHERE c.package_id = sent.package AND c.deleted_at IS NULL
                    AND c.currency_code = profile.currency_code),
       EXISTS (SELECT FROM customers_accountproduct a
               WHERE a.account_package_id = sent.id AND a.deleted_at IS NULL)
FROM unnest(%(ids)s::bigint[], %(packages)s::bigint[], %(accounts)s::bigint[])
     WITH ORDINALITY AS sent(id, package, account, place)
LEFT JOIN catalog_package package ON package.id = sent.package
LEFT JOIN customers_account account ON account.id = sent.account
LEFT JOIN LATERAL (
    SELECT p.currency_code FROM customers_billingprofile p
    WHERE p.id = coalesce(account.billing_profile_id, account.billable_billing_profile_id)
       OR p.account_id = account.id AND p.deleted_at IS NULL
    ORDER BY p.id = account.billing_profile_id DESC NULLS LAST, p.id LIMIT 1
) profile ON true
ORDER BY sent.place
"""

_OF_PACKAGES = """
SELECT id, account_package_id, start_date, end_date, contract_id FROM customers_accountproduct
WHERE account_package_id = ANY(%(ids)s) AND deleted_at IS NULL ORDER BY id
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


class Terms(NamedTuple):
    """A row of _TERMS."""

    component_product: int | None
    package: int | None
    min_qty: Decimal | None
    max_qty: Decimal | None
    component_method: int | None
    price_override: bool | None
    package_status: str | None
    bought_account: int | None
    bought_package: int | None
    bought_start: date | None
    bought_end: date | None
    bought_contract: int | None
    contract_account: int | None
    contract_number: str | None
    contract_start: date | None
    contract_end: date | None


class Sold(NamedTuple):
    """A row of _PRODUCTS."""

    id: int
    status: str
    permission: str
    method: int | None
    contract_required: bool


@behavior("ACCOUNT_PACKAGE")
class AccountPackageBehavior(Behavior):
    """A package that is on sale, within its contract; its products follow its days."""

    def before_create(self, batch: Batch) -> None:
        keep_within_contract(batch)
        _check_sold(batch)

    def before_update(self, batch: Batch) -> None:
        keep_within_contract(batch)
        _check_sold(batch)

    def after_update(self, batch: Batch) -> None:
        _carry_through(batch)

    def after_undelete(self, batch: Batch) -> None:
        refuse_coming_back_outside(batch)


@behavior("ACCOUNT_PRODUCT")
class AccountProductBehavior(TreeBehavior):
    """What an account takes is on sale, in the quantities, days and terms that were agreed."""

    parent = "ParentCustomerProductId"
    lock = 7_224_009

    def before_create(self, batch: Batch) -> None:
        _check_terms(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        if mentions(batch, *_ASKED):
            _check_terms(batch)

    def after_undelete(self, batch: Batch) -> None:
        refuse_coming_back_outside(batch)


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
        rows = found(
            _TERMS,
            components=[components[i] for i in bound],
            packages=[packages[i] for i in bound],
            contracts=[contracts[i] for i in bound],
        )
        terms = {i: Terms(*row) for i, row in zip(bound, rows, strict=True)}
        _take_product(batch, terms, products)
        _follow_package(batch, terms, starts, ends, accounts, contracts)
        _check_contract(batch, terms, starts, ends)
        under = changed(batch, "ContractId", "AccountId", "AccountPackageId")
        refuse_contracts_of_others(
            batch, {i: terms[i].contract_account for i in under if i in terms}, accounts
        )
        _check_part(batch, terms, packages)
    _check_quantities(batch, terms, quantities)
    wanted = some([products[i] for i in asked])
    sold = {row[0]: Sold(*row) for row in found(_PRODUCTS, ids=wanted)}
    _check_sale(batch, sold, products)
    _check_overrides(batch, terms, sold, products, methods, rates)
    _need_contract(batch, sold, products, components, contracts, accounts, starts)


def _take_product(batch: Batch, terms: dict[int, Terms], products: list[Any]) -> None:
    """An account product with a package product is of that product, sent or not."""
    sent = batch.sent("ProductId")
    settled = list(sent)
    for index in changed(batch, "ProductId", "PackageProductId"):
        right = terms[index].component_product if index in terms else None
        if right is None:
            continue
        if sent[index] in (UNSET, None):
            settled[index] = products[index] = right
        elif sent[index] != right:
            component = batch.value("PackageProductId", index)
            fail_disagreeing(batch, index, "ProductId", sent[index], component, right)
    _put(batch, "ProductId", sent, settled)


def _put(batch: Batch, name: str, sent: list[Any], settled: list[Any]) -> None:
    if settled != sent:
        if not batch.stored:
            settled = [None if value is UNSET else value for value in settled]
        batch.put(name, settled)


def _follow_package(
    batch: Batch,
    terms: dict[int, Terms],
    starts: Sequence[Any],
    ends: list[Any],
    accounts: Sequence[Any],
    contracts: list[Any],
) -> None:
    """A product of an account package is that account's, lies within the package's days and has
    its last day and its contract unless it names its own."""
    sent_ends, sent_contracts = batch.sent("EndDate"), batch.sent("ContractId")
    new_ends, new_contracts = list(sent_ends), list(sent_contracts)
    told = tells(batch, "ACCOUNT_PACKAGE", "StartDate", "EndDate", "AccountId")
    moved = set(changed(batch, "AccountPackageId", "StartDate", "EndDate"))
    taken = set(changed(batch, "AccountPackageId", "AccountId"))
    joined = set(changed(batch, "AccountPackageId"))
    for index, has in terms.items():
        if has.bought_account is None:
            continue
        if index in taken and accounts[index] != has.bought_account:
            right = f"that of the account package, {has.bought_account}" if told else "another one"
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"AccountId is {accounts[index]}, but the account package is of another account; "
                f"send {right}.",
                "AccountId",
            )
        if index in joined and contracts[index] is None and has.bought_contract is not None:
            contracts[index] = new_contracts[index] = has.bought_contract
        if index in moved and ends[index] is None and has.bought_end is not None:
            ends[index] = new_ends[index] = has.bought_end
        if index not in moved:
            continue
        first, last = has.bought_start, has.bought_end
        for name, day in outside(first, last, StartDate=starts[index], EndDate=ends[index]):
            days = f", which runs {spell(first, last)}" if told else ""
            message = f"{name} {day} is outside the days of the account package{days}."
            batch.fail(index, Code.VALIDATION_FAILED, message, name)
    _put(batch, "EndDate", sent_ends, new_ends)
    _put(batch, "ContractId", sent_contracts, new_contracts)


def _check_contract(
    batch: Batch, terms: dict[int, Terms], starts: Sequence[Any], ends: Sequence[Any]
) -> None:
    told: bool | None = None
    for index in changed(batch, "ContractId", "AccountPackageId", "StartDate", "EndDate"):
        has = terms.get(index)
        if has is None or has.contract_number is None or has.contract_start is None:
            continue
        if told is None:
            told = tells(batch, "CONTRACT", *CONTRACT_TOLD)
        contract = (has.contract_number, has.contract_start, has.contract_end)
        fail_outside(batch, index, contract, told, starts[index], ends[index])


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


def _check_part(batch: Batch, terms: dict[int, Terms], packages: Sequence[Any]) -> None:
    """With a package comes only what is in it; without one, only what is in one on sale."""
    for index in changed(batch, "PackageProductId"):
        status = terms[index].package_status if index in terms else None
        if status not in (None, "Production") and packages[index] is None:
            batch.fail(index, Code.VALIDATION_FAILED, _in_development(), "PackageProductId")
    elsewhere = [
        i
        for i in changed(batch, "PackageProductId", "AccountPackageId")
        if i in terms
        and None not in (terms[i].package, terms[i].bought_package)
        and terms[i].package != terms[i].bought_package
    ]
    if not elsewhere:
        return
    along = set(found(_ALONG, ids=some([terms[i].bought_package for i in elsewhere])))
    for index in elsewhere:
        if (terms[index].bought_package, terms[index].package) not in along:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"PackageProductId {batch.value('PackageProductId', index)} is no part of the "
                f"account package's package, nor of one that comes along with it; send one that "
                f"is.",
                "PackageProductId",
            )


def _in_development() -> str:
    return (
        "The package can't be provisioned: its PackageStatus is In Development. Send another one, "
        "or set it to Production."
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


def _check_sold(batch: Batch) -> None:
    packages, accounts = batch.effective("PackageId"), batch.effective("AccountId")
    asked = changed(batch, "PackageId", "AccountId")
    if not asked:
        return
    rows = found(
        _SOLD,
        ids=[batch.ids[i] for i in asked],
        packages=[packages[i] for i in asked],
        accounts=[accounts[i] for i in asked],
    )
    for index, (status, fits, has_products) in zip(asked, rows, strict=True):
        if has_products:
            name = "PackageId" if index in changed(batch, "PackageId") else "AccountId"
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{name} stays {batch.stored[name][index]}: the account package has products. End "
                f"it, and provision another one.",
                name,
            )
            continue
        if status not in (None, "Production"):
            batch.fail(index, Code.VALIDATION_FAILED, _in_development(), "PackageId")
        if not fits:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "The package is not sold in the currency of the account's billing profile; list "
                "the currency in PACKAGE_CURRENCY, or send another package.",
                "PackageId",
            )


def _carry_through(batch: Batch) -> None:
    """The products of a package follow its last day, and its first day and contract where they
    were the package's; those that ended earlier stay ended."""
    moved = {batch.ids[i]: i for i in changed(batch, "StartDate", "EndDate", "ContractId")}
    if not moved:
        return
    names = ("StartDate", "EndDate", "ContractId")
    was = [batch.stored[name] for name in names]
    now = [batch.effective(name) for name in names]
    told = tells(batch, "ACCOUNT_PRODUCT", "AccountPackageId", *names)
    rows: list[dict[str, Any]] = []
    blame: list[int] = []
    for product, package, start, end, contract in found(_OF_PACKAGES, ids=list(moved)):
        index = moved[package]
        (old_start, old_end, old_contract) = (column[index] for column in was)
        (new_start, new_end, new_contract) = (column[index] for column in now)
        row: dict[str, Any] = {}
        if start == old_start != new_start:
            row["StartDate"] = start = new_start
        if end == old_end != new_end or (new_end and (end is None or end > new_end)):
            row["EndDate"] = new_end
        if contract == old_contract != new_contract:
            row["ContractId"] = new_contract
        if start < new_start or (new_end and start > new_end):
            what = f"ACCOUNT_PRODUCT {product}, which starts on {start}" if told else "a product"
            field = "StartDate" if start < new_start else "EndDate"
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{field} {new_start if field == 'StartDate' else new_end} would cut off {what}; "
                f"change that first.",
                field,
                of="ACCOUNT_PRODUCT" if told else "",
                in_the_way=[product] if told else (),
            )
        elif row:
            blame.append(index)
            rows.append({"Id": product, **row})
    if batch.problems.keys() & set(moved.values()) or not rows:
        return
    # In the caller's name, whatever he may write: the rule is the platform's.
    context = replace(batch.context.because("follows its account package"), administrator=True)
    done = records.update("ACCOUNT_PRODUCT", rows, context, null_clears=True)
    for index, outcome, row in zip(blame, done, rows, strict=True):
        for problem in outcome.problems:
            what = f"ACCOUNT_PRODUCT {row['Id']} can't follow: " if told else ""
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{what}{problem.message}" if told else "A product of the package can't follow.",
                problem.field if problem.field in names else "EndDate",
            )
