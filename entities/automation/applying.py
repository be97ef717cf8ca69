"""Applying rules to the records of a batch.

One statement says which records meet the criteria of which rule; the rules are then applied one
after the other, each to all its records at once.
"""

from collections.abc import Sequence

from entities.automation import acting
from entities.automation.cascade import resume
from entities.automation.evaluating import evaluate
from entities.automation.rules import ALWAYS, Rule
from entities.models import workflow
from entities.records.batch import Batch
from entities.schema import gate


def apply(batch: Batch, chosen: Sequence[Rule]) -> None:
    """Apply the rules to the batch's live records."""
    if not chosen or not batch.live:
        return
    chain = resume(batch)
    spent = chain.cascade.spent
    met = _met(batch, chosen)
    for rule in chosen:
        live = [i for i in met[rule] if i not in batch.problems]
        if live and rule.broken:
            acting.fail(batch, rule, live, f"{rule.broken} An administrator can mend it.")
        elif live:
            acting.act(batch, rule, live, chain)
    if chain.cascade.spent != spent:
        gate.resume(batch.context)


def _met(batch: Batch, chosen: Sequence[Rule]) -> dict[Rule, list[int]]:
    """Rule -> the records that meet its criteria, in one statement for all rules.

    A record that is purged from the recycle bin was deleted before, and meets none.
    """
    indexes = list(batch.live)
    places = {sql: place for place, sql in enumerate(dict.fromkeys(r.condition for r in chosen))}
    if list(places) == [ALWAYS] and chosen[0].event != workflow.BEFORE_DELETE:
        return dict.fromkeys(chosen, indexes)
    found = evaluate(batch, indexes, [f"(({sql}) IS TRUE)" for sql in places])
    return {
        rule: [i for i in indexes if i in found and found[i][places[rule.condition]]]
        for rule in chosen
    }
