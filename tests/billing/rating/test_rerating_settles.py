"""What was rated again has the deals about it settled, and only those."""

from decimal import Decimal
from typing import Any

import pytest

from billing.rating import settling, tasks
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from metabrm import background
from tests.billing.mediation.standing import asked
from tests.billing.rating.settling import deal, total
from tests.billing.rating.test_loads import Feed, used
from tests.factories import AccountProductFactory

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(background, "tell", lambda *what: found.append(what))
    return found


def test_discounts_follow_what_they_are_about(
    told: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    feed, usage = Feed(), used()
    account, product = usage["account_id"], usage["product_id"]
    other = {**usage, "account_id": (plain := used())["account_id"],
             "account_product_id": AccountProductFactory(
                 AccountId=str(plain["account_id"]), ProductId=str(product))}  # fmt: skip
    deal(account, 10, StartDate="2026-02-01", DiscountItemize="1")
    feed.send({**usage, "quantity": 40}, {**other, "quantity": 40})
    settling.settle(accounts=[account])
    assert total(account) == 90
    asked("UPDATE catalog_pricing SET rate = 5 WHERE product_id = %s RETURNING 1", product)
    with django_capture_on_commit_callbacks(execute=True):
        rerate(Wanted(product_id=product), preview=True)
    assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        assert rerate(Wanted(product_id=product), preview=False).changed == 2
    assert told == [("metabrm.settle", [account])]
    tasks.settle(*told[0][1:])
    assert total(account) == 180
    ((by, of),) = asked(
        "SELECT a.discounted_by_id, a.id FROM mediation_activity a "
        "WHERE account_id = %s AND rerated_from_id IS NOT NULL",
        account,
    )
    ((about,),) = asked("SELECT discount_activity_id FROM mediation_activity WHERE id = %s", by)
    assert about == of
    told.clear()
    with django_capture_on_commit_callbacks(execute=True):
        rerate(Wanted(product_id=product), preview=False)
    assert told == []
