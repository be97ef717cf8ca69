"""What stands under a contract, rates, packages and products: within its days, for its accounts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from billing.changes import changed, found, some, tells
from billing.days import outside, spell
from billing.overlaps import written_ids
from entities.errors import Code
from entities.records import Batch
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
    what = f"contract {number!r}, which runs {spell(first, last)}" if told else "the contract"
    for field, day in outside(first, last, StartDate=start, EndDate=end):
        batch.fail(index, Code.VALIDATION_FAILED, f"{field} {day} is outside {what}.", field)
