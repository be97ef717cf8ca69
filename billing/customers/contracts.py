"""What contracts must obey: the days of a contract hold whatever is agreed or provisioned under it.

What names no last day ends with the contract. So a contract can be made longer at any time; it can
be made shorter only when nothing under it names a day that would be cut off.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from billing.catalog.overriding import keep_permissions
from billing.catalog.plans import agree_with_component, spell
from billing.changes import changed, found, mentions, some, tells
from billing.overlaps import BEFORE, WRITTEN, fail_clashing, written_ids
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.schema.description import quote

#: What a message says of a contract to whoever may read it.
CONTRACT_TOLD = ("ContractNumber", "StartDate", "EndDate")

_CONTRACTS = """
SELECT id, contract_number, start_date, end_date, account_id FROM customers_contract
WHERE id = ANY(%(ids)s) ORDER BY id FOR SHARE
"""

# Pairs of an account and one that is above it, however many steps up.
_ABOVE = """
WITH RECURSIVE up(place, account_id, owner) AS (
    SELECT place, account, owner
    FROM unnest(%(accounts)s::bigint[], %(owners)s::bigint[])
         WITH ORDINALITY AS sent(account, owner, place)
    UNION
    SELECT up.place, a.parent_account_id, up.owner
    FROM up JOIN customers_account a ON a.id = up.account_id
    WHERE a.parent_account_id IS NOT NULL AND up.account_id <> up.owner
)
SELECT DISTINCT place FROM up WHERE account_id = owner
"""

_BACK_OUTSIDE = """
SELECT written.place, held.start_date, held.end_date, contract.contract_number,
       contract.start_date, contract.end_date
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS written(id, place)
JOIN {table} held ON held.id = written.id
JOIN customers_contract contract ON contract.id = held.contract_id
WHERE held.start_date < contract.start_date OR held.start_date > contract.end_date
   OR held.end_date > contract.end_date
"""

_CLASSES = """
SELECT id, status, effective_date, end_date FROM catalog_rateclass WHERE id = ANY(%(ids)s)
"""

# What stands under a contract and names a day outside it, the first of each entity.
_OUTSIDE = " UNION ALL ".join(
    f"(SELECT DISTINCT ON (held.contract_id) held.contract_id, '{entity}', held.id, "  # noqa: S608 (constants)
    f"held.start_date, held.end_date FROM {table} held "
    f"JOIN customers_contract contract ON contract.id = held.contract_id "
    f"WHERE held.contract_id = ANY(%(ids)s) AND held.deleted_at IS NULL {in_force} "
    f"AND (held.start_date < contract.start_date OR held.start_date > contract.end_date "
    f"OR held.end_date > contract.end_date) ORDER BY held.contract_id, held.id)"
    for entity, table, in_force in (
        ("CONTRACT_RATE", "customers_contractrate", ""),
        ("ACCOUNT_PACKAGE", "customers_accountpackage", ""),
        ("ACCOUNT_PRODUCT", "customers_accountproduct", "AND held.status <> 'DEACTIVATED'"),
    )
)

_IN_USE = """
SELECT contract.id FROM unnest(%(ids)s::bigint[]) AS contract(id)
WHERE EXISTS (SELECT FROM customers_accountproduct a
              WHERE a.contract_id = contract.id AND a.deleted_at IS NULL)
   OR EXISTS (SELECT FROM customers_accountpackage a
              WHERE a.contract_id = contract.id AND a.deleted_at IS NULL)
"""

# Currencies of contracts that prices under them are in.
_PRICED_IN = """
SELECT DISTINCT rate.contract_id, price.currency_code
FROM customers_contractrate rate
JOIN catalog_pricing price ON price.contract_rate_id = rate.id AND price.deleted_at IS NULL
WHERE rate.contract_id = ANY(%(ids)s) AND rate.deleted_at IS NULL
"""

# What a contract rate names beside its contract.
_NAMED = """
SELECT component.package_id, component.product_id, above.contract_id, plan.status
FROM unnest(%(components)s::bigint[], %(parents)s::bigint[], %(plans)s::bigint[])
     WITH ORDINALITY AS sent(component, parent, plan, place)
LEFT JOIN catalog_packageproduct component ON component.id = sent.component
LEFT JOIN customers_contractrate above ON above.id = sent.parent
LEFT JOIN catalog_pricingplan plan ON plan.id = sent.plan
ORDER BY sent.place
"""

# Rates of one contract for the same thing that share a day; one without a last day ends with the
# contract.
_SAME_RATE = f"""
SELECT DISTINCT ON (written.place)
       written.place, before.place, other.id, other.start_date::text,
       coalesce(other.end_date::text, 'no end')
FROM {WRITTEN}
JOIN customers_contractrate rate ON rate.id = written.id
JOIN customers_contractrate other
  ON other.contract_id = rate.contract_id
 AND other.id <> rate.id
 AND other.deleted_at IS NULL
 AND num_nonnulls(rate.product_id, rate.package_id, rate.package_product_id) > 0
 AND other.product_id IS NOT DISTINCT FROM rate.product_id
 AND other.package_id IS NOT DISTINCT FROM rate.package_id
 AND other.package_product_id IS NOT DISTINCT FROM rate.package_product_id
 AND daterange(other.start_date, other.end_date, '[]')
     && daterange(rate.start_date, rate.end_date, '[]')
LEFT JOIN {BEFORE} ON before.id = other.id
WHERE before.place IS NULL OR before.place < written.place
ORDER BY written.place, before.place NULLS FIRST, other.id
"""  # noqa: S608 - constants only


@behavior("CONTRACT")
class ContractBehavior(Behavior):
    """A contract holds what stands under it, and inherits a rate class that is in force."""

    def before_create(self, batch: Batch) -> None:
        _check_rate_class(batch)

    def before_update(self, batch: Batch) -> None:
        _check_rate_class(batch)
        _keep_account(batch)

    def after_update(self, batch: Batch) -> None:
        _refuse_cut_off(batch)


@behavior("CONTRACT_CURRENCY")
class ContractCurrencyBehavior(Behavior):
    """A currency stays listed as long as the contract has prices in it."""

    def before_update(self, batch: Batch) -> None:
        _keep_priced(batch, changed(batch, "ContractId", "CurrencyCode"))

    def before_delete(self, batch: Batch) -> None:
        _keep_priced(batch, list(batch.live))


@behavior("CONTRACT_RATE")
class ContractRateBehavior(TreeBehavior):
    """A contract says one thing of a product and day, within its own days."""

    parent = "ParentContractRateId"
    lock = 7_224_007

    def before_create(self, batch: Batch) -> None:
        keep_permissions(batch, "PackageProductId")
        _lock_contracts(batch)
        keep_within_contract(batch)
        _check_named(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_second_rate(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        keep_permissions(batch, "PackageProductId")
        _lock_contracts(batch)
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


def keep_within_contract(batch: Batch) -> None:
    """StartDate and EndDate lie within the dates of the record's contract.

    An empty EndDate lasts as long as the contract, whose days stay as they are meanwhile.
    """
    asked = changed(batch, "ContractId", "StartDate", "EndDate")
    contracts = batch.effective("ContractId")
    wanted = some([contracts[i] for i in asked])
    if not wanted:
        return
    known = {row[0]: row[1:] for row in found(_CONTRACTS, ids=wanted)}
    told = tells(batch, "CONTRACT", *CONTRACT_TOLD)
    starts, ends = batch.effective("StartDate"), batch.effective("EndDate")
    for index in asked:
        if contracts[index] in known:
            days = known[contracts[index]][:3]
            fail_outside(batch, index, days, told, starts[index], ends[index])
    if batch.schema.find("AccountId") is not None:
        owners = {i: known[contracts[i]][3] for i in asked if contracts[i] in known}
        refuse_contracts_of_others(batch, owners, batch.effective("AccountId"))


def refuse_contracts_of_others(
    batch: Batch, owners: Mapping[int, int | None], accounts: Sequence[Any]
) -> None:
    """What an account has is under a contract of its own, or of an account above it; `owners` are
    the contracts' accounts, by the index of the record."""
    others = [i for i, owner in owners.items() if owner not in (None, accounts[i])]
    if not others:
        return
    rows = found(_ABOVE, accounts=[accounts[i] for i in others], owners=[owners[i] for i in others])
    above = {row[0] for row in rows}
    for place, index in enumerate(others, start=1):
        if place not in above:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"ContractId {batch.value('ContractId', index)} is a contract of another account; "
                f"send one of account {accounts[index]} or of an account above it.",
                "ContractId",
            )


def refuse_coming_back_outside(batch: Batch) -> None:
    """What comes back from the recycle bin may find its contract shorter than it was."""
    table = quote(batch.schema.table)
    places, ids = written_ids(batch)
    rows = found(_BACK_OUTSIDE.format(table=table), ids=ids)
    told = tells(batch, "CONTRACT", *CONTRACT_TOLD)
    for place, start, end, *contract in rows:
        number, first, last = contract
        fail_outside(batch, places[place - 1], (number, first, last), told, start, end)


def fail_outside(
    batch: Batch,
    index: int,
    contract: tuple[str, date, date | None],
    told: bool,
    start: date | None,
    end: date | None,
) -> None:
    """Fail a record whose days are not all of its contract's: (number, first day, last day)."""
    number, first, last = contract
    for field, day in (("StartDate", start), ("EndDate", end)):
        if day is not None and (day < first or (last is not None and day > last)):
            what = (
                f"contract {number!r}, which runs from {first} to {last or 'no end'}"
                if told
                else "the contract"
            )
            batch.fail(index, Code.VALIDATION_FAILED, f"{field} {day} is outside {what}.", field)


def _check_rate_class(batch: Batch) -> None:
    classes, starts, ends = (
        batch.effective(name) for name in ("RateClassId", "StartDate", "EndDate")
    )
    asked = [i for i in changed(batch, "RateClassId") if classes[i] is not None]
    if not asked:
        return
    known = {row[0]: row[1:] for row in found(_CLASSES, ids=some([classes[i] for i in asked]))}
    told = tells(batch, "RATE_CLASS", "Status", "EffectiveDate", "EndDate")
    for index in asked:
        if classes[index] not in known:
            continue
        status, first, last = known[classes[index]]
        start, end = starts[index], ends[index]
        if status != "ACTIVE":
            why = "no contract may inherit it any more"
        elif (last and start and start > last) or (first and end and end < first):
            why = "it prices nothing on the days of the contract"
            why += f": it runs {spell(first, last)}" if told else ""
        else:
            continue
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"RateClassId {classes[index]}: {why}; send one that is in force.",
            "RateClassId",
        )


def _keep_account(batch: Batch) -> None:
    moved = changed(batch, "AccountId")
    if not moved:
        return
    used = {row[0] for row in found(_IN_USE, ids=[batch.ids[i] for i in moved])}
    for index in moved:
        if batch.ids[index] in used:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"AccountId stays {batch.stored['AccountId'][index]}: products or packages are "
                f"provisioned under the contract. Make another contract for another account.",
                "AccountId",
            )


def _refuse_cut_off(batch: Batch) -> None:
    moved = {batch.ids[i]: i for i in changed(batch, "StartDate", "EndDate")}
    if not moved:
        return
    shorter = set(changed(batch, "StartDate"))
    seen: set[int] = set()
    for contract, entity, held, start, end in found(_OUTSIDE, ids=list(moved)):
        index = moved[contract]
        if index in seen:
            continue
        seen.add(index)
        told = tells(batch, entity, "StartDate", "EndDate", "ContractId")
        what = f"{entity} {held}, which runs {spell(start, end)}" if told else f"a {entity}"
        first = batch.value("StartDate", index)
        field = "StartDate" if index in shorter and start < first else "EndDate"
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{field} {batch.value(field, index)} would cut off {what}; change that first.",
            field,
            of=entity if told else "",
            in_the_way=[held] if told else (),
        )


def _keep_priced(batch: Batch, leaving: list[int]) -> None:
    """Currencies that leave the list, whether with or without the contract's other ones."""
    if not leaving:
        return
    rows = found(
        "SELECT id, contract_id, currency_code FROM customers_contractcurrency "
        "WHERE contract_id IN (SELECT contract_id FROM customers_contractcurrency "
        "WHERE id = ANY(%(ids)s)) AND deleted_at IS NULL",
        ids=some([batch.ids[i] for i in leaving]),
    )
    listed = {row[0]: row[1:] for row in rows}
    gone = {batch.ids[i] for i in leaving}
    emptied = {c for c, _ in listed.values()} - {c for i, (c, _) in listed.items() if i not in gone}
    priced = set(found(_PRICED_IN, ids=some([c for c, _ in listed.values()])))
    for index in leaving:
        contract, currency = listed.get(batch.ids[index] or 0, (None, None))
        if (contract, currency) in priced and contract not in emptied:
            batch.fail(
                index,
                Code.RECORD_IN_USE,
                f"The contract has prices in {currency}, so it stays listed; delete these prices "
                f"first.",
                "CurrencyCode",
            )


def _lock_contracts(batch: Batch) -> None:
    """Rates of one contract are written one request after the other."""
    if mentions(batch, *_RATE):
        contracts = batch.effective("ContractId")
        found(
            "SELECT id FROM customers_contract WHERE id = ANY(%(ids)s) ORDER BY id "
            "FOR NO KEY UPDATE",
            ids=some([contracts[i] for i in batch.live]),
        )


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
    )
    planned = set(changed(batch, "PricingPlanId"))
    for index, (package, product, above, status) in zip(asked, rows, strict=True):
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


def _refuse_second_rate(batch: Batch) -> None:
    places, ids = written_ids(batch)
    clashes = [
        (
            place,
            before,
            other,
            f"a rate of the same contract for the same product on days from {start} to {end}. End "
            f"that one first, or send other dates.",
        )
        for place, before, other, start, end in found(_SAME_RATE, ids=ids)
    ]
    fail_clashing(batch, places, clashes, "StartDate")
