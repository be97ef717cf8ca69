"""A worker that is killed (-9) leaves nothing half-written, and whoever comes next ends as if it
had not been: of rating what prepaid usage covers, and of rating again."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from billing.mediation import partitions
from billing.rating import loads, recurring
from billing.rating.models import Rerate
from billing.rating.rerating import runs
from billing.rating.rerating.wanted import Wanted
from metabrm import background
from tests.billing.mediation.standing import asked
from tests.billing.mediation.test_faults import killed
from tests.billing.rating.test_loads import Feed, used
from tests.billing.rating.test_prepaid import prepaid
from tests.patience import STUCK

#: Where a worker that rates a load is killed -> what it calls there, and whether it still does.
RATING = {
    "all is drawn": ("billing.rating.loads.prepaid.draw", "after"),
    "the lines of what exceeds are written": ("billing.rating.loads.prepaid.write", "before"),
    "all lines are written": ("billing.rating.loads.prepaid.write", "after"),
}
#: The same of one that rates again.
RERATING = {
    "the lines are chosen": ("billing.rating.rerating.running.choose", "after"),
    "what was drawn is given back": ("billing.rating.rerating.prepaid.give_back", "after"),
    "charges are priced": ("billing.rating.rerating.recurring.price", "after"),
    "all is priced": ("billing.rating.rerating.running.compare", "before"),
    "old lines are taken back": ("billing.rating.rerating.writing._anew", "before"),
    "new lines are written": ("billing.rating.rerating.telling.keep", "before"),
    "all is said": ("billing.rating.rerating.runs._done", "after"),
    "it is committed": ("billing.rating.rerating.running._settle", "before"),
}


class Customer:
    """One whose usage draws on what is refilled, is over tiers beyond, and who subscribes."""

    def __init__(self) -> None:
        self.usage, self.plain = used(), used("Incremental")
        self.account = self.usage["account_id"]
        asked(
            "UPDATE customers_accountproduct SET account_id = %s WHERE id = %s RETURNING 1",
            self.account,
            self.plain["account_product_id"],
        )
        self.plain["account_id"] = self.account
        self.prepaid = prepaid(self.usage, refill=True)
        self.feed = Feed()
        self.load = self.feed.lay(
            *({**self.usage, "quantity": units} for units in (70, 80, -20, 130)),
            *({**self.plain, "quantity": units} for units in (4, 8)),
        )

    def stands(self) -> list[Any]:
        """All that is stored of it, without what differs from one to the next."""
        found = (
            asked(
                """SELECT ap.id - %s, line_number, a.quantity, rate, rated_amount,
                    prepaid_quantity, process_description, reversal_of_id IS NULL,
                    rerated_from_id IS NULL
                FROM mediation_activity a JOIN customers_accountproduct ap
                  ON ap.id = a.account_product_id
                WHERE a.account_id = %s""",
                self.usage["account_product_id"],
                self.account,
            ),
            asked(
                """SELECT level, quantity, included, s.charges FROM rating_accumulatorvalue s
                WHERE scope_id = ANY(%s)""",
                [self.prepaid, self.plain["account_product_id"]],
            ),
            asked(
                """SELECT cost, p.activity_id IN (SELECT id FROM mediation_activity a
                    WHERE a.account_product_id = p.account_product_id AND NOT EXISTS (
                        SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id))
                FROM rating_chargedperiod p WHERE account_product_id = %s""",
                self.prepaid,
            ),
        )
        return [sorted(rows, key=str) for rows in found]


def until(done: Callable[[], object]) -> None:
    """Once the database has seen that its client is gone."""
    end = time.monotonic() + STUCK
    while not done():
        assert time.monotonic() < end, "it is never done"
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_whoever_is_killed_leaves_nothing_and_the_next_ends_as_if_it_had_not_been(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "tell", lambda task, *arguments: None)
    monkeypatch.setattr(partitions, "ensure_months_of", lambda days: [])
    undisturbed = Customer()
    loads.rate(undisturbed.load, 0)
    rated = undisturbed.stands()
    for point, (target, when) in RATING.items():
        customer = Customer()
        nothing = customer.stands()
        killed(target, when, lambda load=customer.load: loads.rate(load, 0))  # type: ignore[misc]
        assert customer.stands() == nothing, point
        until(lambda load=customer.load: loads.rate(load, 0))  # type: ignore[misc]
        assert customer.stands() == rated, point
        assert loads.rate(customer.load, 0) == 0

    customers = {point: Customer() for point in RERATING}
    for customer in customers.values():
        loads.rate(customer.load, 0)
    recurring.charge(date(2026, 2, 1))
    asked("UPDATE catalog_pricing SET rate = rate + 1 RETURNING 1")
    before = undisturbed.stands()
    run = runs.ask(Wanted(account_id=undisturbed.account), "test", None)
    assert runs.carry_out(run) is not None
    after = undisturbed.stands()
    assert after != before
    for point, customer in customers.items():
        run = runs.ask(Wanted(account_id=customer.account), "test", None)
        killed(*RERATING[point], lambda run=run: runs.carry_out(run))  # type: ignore[misc]
        if point != "it is committed":
            assert customer.stands() == before, point
            assert Rerate.objects.get(pk=run).status == "PENDING"
            until(lambda run=run: runs.carry_out(run))  # type: ignore[misc]
        assert customer.stands() == after, point
        assert Rerate.objects.get(pk=run).status == "COMPLETED"
        assert runs.carry_out(run) is None
