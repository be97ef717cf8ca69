"""What contracts must obey: the days of a contract hold whatever is agreed or provisioned under it.

What names no last day ends with the contract. So a contract can be made longer at any time; it can
be made shorter only when nothing under it names a day that would be cut off.
"""

from billing.catalog.currencies import CurrencyListBehavior, Listed
from billing.changes import changed, found, some, tells
from billing.days import Held, refuse_cut_off, spell
from entities.errors import Code
from entities.records import Batch, Behavior, behavior

_CLASSES = """
SELECT id, status, effective_date, end_date FROM catalog_rateclass WHERE id = ANY(%(ids)s)
"""

_HELD = (
    Held("CONTRACT_RATE", "ContractId"),
    Held("ACCOUNT_PACKAGE", "ContractId"),
    Held("ACCOUNT_PRODUCT", "ContractId", also="AND held.status <> 'DEACTIVATED'"),
)

_IN_USE = """
SELECT contract.id FROM unnest(%(ids)s::bigint[]) AS contract(id)
WHERE EXISTS (SELECT FROM customers_accountproduct a
              WHERE a.contract_id = contract.id AND a.deleted_at IS NULL)
   OR EXISTS (SELECT FROM customers_accountpackage a
              WHERE a.contract_id = contract.id AND a.deleted_at IS NULL)
"""


@behavior("CONTRACT")
class ContractBehavior(Behavior):
    """A contract holds what stands under it, and inherits a rate class that is in force."""

    def before_create(self, batch: Batch) -> None:
        _check_rate_class(batch)

    def before_update(self, batch: Batch) -> None:
        _check_rate_class(batch)
        _keep_account(batch)

    def after_update(self, batch: Batch) -> None:
        refuse_cut_off(batch, ("StartDate", "EndDate"), _HELD)


@behavior("CONTRACT_CURRENCY")
class ContractCurrencyBehavior(CurrencyListBehavior):
    """A contract's currencies are those of its rates' prices and pricing plans."""

    listed = Listed(
        "ContractId",
        "contract",
        """
        SELECT rate.contract_id, price.currency_code
        FROM customers_contractrate rate
        JOIN catalog_pricing price ON price.contract_rate_id = rate.id AND price.deleted_at IS NULL
        WHERE rate.contract_id = ANY(%(ids)s) AND rate.deleted_at IS NULL
        UNION
        SELECT rate.contract_id, plan.currency_code
        FROM customers_contractrate rate
        JOIN catalog_pricingplan plan ON plan.id = rate.pricing_plan_id AND plan.deleted_at IS NULL
        WHERE rate.contract_id = ANY(%(ids)s) AND rate.deleted_at IS NULL
        """,
    )


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
