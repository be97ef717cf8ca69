"""What the rules of revenue contracts must obey."""

from entities.records import Batch, Behavior, behavior
from entities.validation.formulas import refuse_formulas


@behavior("REVREC_UPDATE_RULE")
class RevrecUpdateRuleBehavior(Behavior):
    """A rule's formula is asked of a changed account product, and may ask how it was before."""

    def before_create(self, batch: Batch) -> None:
        _check_formula(batch)

    def before_update(self, batch: Batch) -> None:
        _check_formula(batch)


def _check_formula(batch: Batch) -> None:
    provisioned = batch.snapshot.entity("ACCOUNT_PRODUCT")
    refuse_formulas(batch, "Formula", provisioned, "FLAG", prior=True)
