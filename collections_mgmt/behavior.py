"""What collection strategies must obey."""

from entities.records import Batch, Behavior, behavior
from entities.validation.formulas import refuse_formulas


@behavior("CS_STRATEGY")
class CsStrategyBehavior(Behavior):
    """Which accounts a strategy is for is asked of an account that would come under it."""

    def before_create(self, batch: Batch) -> None:
        _check_formula(batch)

    def before_update(self, batch: Batch) -> None:
        _check_formula(batch)


def _check_formula(batch: Batch) -> None:
    under = batch.snapshot.entity("CS_ACCOUNT_STRATEGY")
    refuse_formulas(batch, "AccountSelectionFormula", under, "FLAG")
