"""What the ledger must obey: one accounting period for a day, and formulas that make sense."""

from typing import Any

from billing.changes import changed, found
from billing.overlaps import overlapping, refuse_overlaps
from entities.records import Batch, Behavior, behavior
from entities.schema.description import EntitySchema
from entities.validation.formulas import refuse_formulas

#: Periods are written one request after the other.
_LOCK = 7_224_010

_SAME_DAYS = overlapping("ledger_accountingperiod", told=("other.name",))

#: Formula of a rule of posting -> the kind of its result.
_OF_RULES = {"CurrencyFormula": "TEXT", "PeriodEndDate": "DATE", "ObligationFormula": "FLAG"}
_OF_ATTRIBUTES = ("FormulaValue", "DebitAttributeValue", "CreditAttributeValue")

_RULES = "SELECT id, entity_id FROM ledger_financialcriteria WHERE id = ANY(%(ids)s)"


@behavior("ACCOUNTING_PERIOD")
class AccountingPeriodBehavior(Behavior):
    """A day belongs to one period, so that whatever is posted knows its own."""

    def before_create(self, batch: Batch) -> None:
        _lock()

    def after_create(self, batch: Batch) -> None:
        _refuse_overlaps(batch)

    def before_update(self, batch: Batch) -> None:
        if changed(batch, "StartDate", "EndDate"):
            _lock()

    def after_update(self, batch: Batch) -> None:
        if changed(batch, "StartDate", "EndDate"):
            _refuse_overlaps(batch)

    def after_undelete(self, batch: Batch) -> None:
        _lock()
        _refuse_overlaps(batch)


@behavior("FINANCIAL_CRITERIA")
class FinancialCriteriaBehavior(Behavior):
    """The formulas of a rule are over the fields of the records that it posts."""

    def before_create(self, batch: Batch) -> None:
        _check_rules(batch)

    def before_update(self, batch: Batch) -> None:
        _check_rules(batch)


@behavior("FINANCIAL_CRITERIA_ATTR")
class FinancialCriteriaAttrBehavior(Behavior):
    """The formulas of a further field are over the records that its rule posts."""

    def before_create(self, batch: Batch) -> None:
        _check_attributes(batch)

    def before_update(self, batch: Batch) -> None:
        _check_attributes(batch)


def _lock() -> None:
    found("SELECT pg_advisory_xact_lock(%(key)s)", key=_LOCK)


def _refuse_overlaps(batch: Batch) -> None:
    def said(start: str, end: str, name: str) -> str:
        return (
            f"the period {name!r} from {start} to {end}. A day belongs to one period; send days "
            f"that are in none."
        )

    refuse_overlaps(batch, _SAME_DAYS, said, "StartDate")


def _check_rules(batch: Batch) -> None:
    posted = _entities(batch, batch.effective("EntityId"))
    moved = bool(changed(batch, "EntityId"))
    for name, kind in _OF_RULES.items():
        refuse_formulas(batch, name, posted, kind, moved=moved)
    # Without a field an account is a number, whatever that looks like.
    accounts = batch.effective("Account")
    named = [e if "{!" in (a or "") else None for e, a in zip(posted, accounts, strict=True)]
    refuse_formulas(batch, "Account", named, "TEXT", moved=moved)


def _check_attributes(batch: Batch) -> None:
    rules = batch.effective("FinancialCriteriaId")
    entity_of = dict(found(_RULES, ids=[i for i in rules if i is not None]))
    posted = _entities(batch, [entity_of.get(rule) for rule in rules])
    moved = bool(changed(batch, "FinancialCriteriaId"))
    for name in _OF_ATTRIBUTES:
        refuse_formulas(batch, name, posted, moved=moved)


def _entities(batch: Batch, ids: list[Any]) -> list[EntitySchema | None]:
    by_id = {entity.id: entity for entity in batch.snapshot.entities.values()}
    return [by_id.get(id) for id in ids]
