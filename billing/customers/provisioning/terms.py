"""What an account product inherits and must fit: its package, its place in it, its contract."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.catalog.plans import fail_disagreeing
from billing.changes import changed, found, some, tells
from billing.customers.under_contract import CONTRACT_TOLD, fail_outside
from billing.days import outside, spell
from entities.errors import Code
from entities.records import UNSET, Batch

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

IN_DEVELOPMENT = (
    "The package can't be provisioned: its PackageStatus is In Development. Send another one, or "
    "set it to Production."
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


def terms_of(
    bound: Sequence[int],
    components: Sequence[Any],
    packages: Sequence[Any],
    contracts: Sequence[Any],
) -> dict[int, Terms]:
    """The terms of those records, by index, that name a package product, package or contract."""
    rows = found(
        _TERMS,
        components=[components[i] for i in bound],
        packages=[packages[i] for i in bound],
        contracts=[contracts[i] for i in bound],
    )
    return {i: Terms(*row) for i, row in zip(bound, rows, strict=True)}


def take_product(batch: Batch, terms: dict[int, Terms], products: list[Any]) -> None:
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


def follow_package(
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


def check_contract(
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


def check_part(batch: Batch, terms: dict[int, Terms], packages: Sequence[Any]) -> None:
    """With a package comes only what is in it; without one, only what is in one on sale."""
    for index in changed(batch, "PackageProductId"):
        status = terms[index].package_status if index in terms else None
        if status not in (None, "Production") and packages[index] is None:
            batch.fail(index, Code.VALIDATION_FAILED, IN_DEVELOPMENT, "PackageProductId")
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
