"""Usage that prepaid usage covers is rated again: given back, and drawn anew in its order."""

import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.rating import recurring
from billing.rating.rerating.asked import corrected
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from entities.errors import RequestError
from entities.query import query
from tests.billing.mediation.standing import asked, changed
from tests.billing.rating.test_loads import SYSTEM, Feed, feed, used
from tests.billing.rating.test_prepaid import balance, prepaid
from tests.factories import InvoiceFactory, PriceFactory

__all__ = ["feed"]

pytestmark = pytest.mark.django_db

D = Decimal


def again(preview: bool = False, **wanted: Any) -> Any:
    return rerate(Wanted(**wanted), preview=preview, count=100)


def standing(*whose: int) -> list[Any]:
    """(load, record, units, covered, amount, what) of the lines that stand of account products."""
    found = asked(
        """SELECT activity_collector_history_id, line_number, quantity, prepaid_quantity,
               rated_amount, process_description
        FROM mediation_activity a
        WHERE account_product_id = ANY(%s) AND reversal_of_id IS NULL AND NOT EXISTS (
            SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id)
        ORDER BY 1 NULLS FIRST, 2, coalesce(prepaid_by_id = account_product_id, false) DESC, id""",
        list(whose),
    )
    first = min((row[0] for row in found if row[0]), default=0)
    return [((row[0] or first) - first, *row[1:]) for row in found]


def everything() -> list[Any]:
    return asked(
        "SELECT to_jsonb(a), (SELECT jsonb_agg(to_jsonb(s) - 'updated' ORDER BY s.id) "
        "FROM rating_accumulatorvalue s) FROM mediation_activity a ORDER BY id"
    )


def price(own: int, what: str) -> None:
    asked(
        f"""UPDATE catalog_pricing SET {what} WHERE product_id = (
            SELECT product_id FROM customers_accountproduct WHERE id = %s) RETURNING 1""",
        own,
    )


def remaining(own: int) -> Decimal:
    found = query(f"SELECT PrepaidRemaining FROM ACCOUNT_PRODUCT WHERE Id = {own}", SYSTEM)
    return D(json.loads(found.json)[0]["PrepaidRemaining"])


def test_what_exceeds_is_priced_anew_and_what_is_covered_stays(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 60}, {**usage, "quantity": 60}, {**usage, "quantity": 10})
    before = everything()
    assert again(load_id=feed.load).changed == 0
    assert everything() == before
    price(usage["account_product_id"], "rate = 3")
    assert again(True, load_id=feed.load).changed == 2
    assert everything() == before
    done = again(load_id=feed.load)
    assert [(line.old, line.new) for line in done.page] == [(50, 60), (25, 30)]
    assert standing(usage["account_product_id"]) == [
        (0, 1, 60, 60, 0, None), (0, 2, 60, 40, 60, None), (0, 3, 10, None, 30, None),
    ]  # fmt: skip
    assert balance(own) == (D(100), D(100))
    before = everything()
    assert again(account_id=usage["account_id"]).changed == 0
    assert everything() == before


def test_refills_at_another_price(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    feed.send({**usage, "quantity": 350, "signature": "00000000-0000-0000-0000-000000000007"})
    price(own, "rate = 25")
    done = again(load_id=feed.load)
    assert [(a.old, a.new) for a in done.amounts] == [(60, 75)]
    assert [(line.old_quantity, line.new_quantity) for line in done.page] == [(350, 350)]
    whose = (own, usage["account_product_id"])
    assert standing(*whose) == [(0, 1, 1, 100, 25, "Refill")] * 3 + [(0, 1, 350, 350, 0, None)]
    assert balance(own) == (D(350), D(400))
    # A refill has nothing else of the record that needed it.
    assert asked(
        "SELECT count(*), count(signature), count(DISTINCT rerated_from_id) "
        "FROM mediation_activity WHERE rate = 25"
    ) == [(3, 0, 1)]
    assert again(load_id=feed.load).changed == 0


def test_other_units_are_included(feed: Feed) -> None:
    """What was bought is 50 units now, and so is a refill: it takes two of them."""
    usage = used()
    own = prepaid(usage, refill=True)
    recurring.charge(date(2026, 2, 1), [usage["account_id"]])
    feed.send({**usage, "quantity": 90}, {**usage, "quantity": 20})
    assert (balance(own), remaining(own)) == ((D(110), D(200)), 90)
    price(own, "included_quantity = 50")
    ((id,),) = asked(
        "SELECT p.id FROM catalog_pricing p JOIN customers_accountproduct ap "
        "ON ap.product_id = p.product_id WHERE ap.id = %s",
        own,
    )
    again(pricing_id=id)
    assert standing(own, usage["account_product_id"])[1:] == [
        (0, 1, 1, 50, 20, "Refill"), (0, 1, 90, 90, 0, None),
        (0, 2, 1, 50, 20, "Refill"), (0, 2, 20, 20, 0, None),
    ]  # fmt: skip
    assert (balance(own), remaining(own)) == ((D(110), D(150)), 40)
    assert again(pricing_id=id).changed == 0
    assert balance(own) == (D(110), D(150))


def test_more_is_included_though_no_line_changes(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    recurring.charge(date(2026, 2, 1), [usage["account_id"]])
    feed.send({**usage, "quantity": 30})
    price(own, "included_quantity = 150")
    assert again(account_id=usage["account_id"]).changed == 0
    assert balance(own) == (D(30), D(150))
    again(account_id=usage["account_id"])
    assert balance(own) == (D(30), D(150))


def test_what_was_bought_at_the_price_of_a_closed_invoice_includes_what_it_did(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    recurring.charge(date(2026, 2, 1), [usage["account_id"]])
    asked("UPDATE mediation_activity SET invoice_id = %s RETURNING 1",
          InvoiceFactory(Status="CLOSED"))  # fmt: skip
    feed.send({**usage, "quantity": 130})
    price(own, "included_quantity = 10")
    assert again(account_id=usage["account_id"]).changed == 0
    assert balance(own) == (D(100), D(100))


def test_lines_of_closed_invoices_keep_what_they_drew(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 80})
    asked("UPDATE mediation_activity SET invoice_id = %s RETURNING 1",
          InvoiceFactory(Status="CLOSED"))  # fmt: skip
    feed.send({**usage, "quantity": 50})
    price(usage["account_product_id"], "rate = 3")
    assert again(load_id=feed.load).lines == 1
    assert standing(usage["account_product_id"])[1][2:5] == (50, 20, 90)
    assert balance(own) == (D(100), D(100))


def test_tiers_and_splits_follow_what_exceeds(feed: Feed) -> None:
    usage = used("Incremental", SplitUsage="1")
    own = prepaid(usage)
    feed.send({**usage, "quantity": 107}, {**usage, "quantity": 4})
    price(usage["account_product_id"], "rate = rate + 1")
    again(load_id=feed.load)
    lines = standing(usage["account_product_id"])
    assert [row[1:5] for row in lines] == [
        (1, 5, None, 55), (1, 2, None, 18), (1, 100, 100, 0), (2, 3, None, 27), (2, 1, None, 7),
    ]  # fmt: skip
    assert balance(own) == (D(100), D(100))
    assert asked(
        "SELECT quantity, charges FROM rating_accumulatorvalue WHERE level <> 'Prepaid'"
    ) == [(D(11), 2)]
    assert again(load_id=feed.load).changed == 0


def test_a_record_without_a_price_keeps_what_it_drew(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 130}, {**usage, "quantity": 5})
    before = [row[:5] for row in standing(usage["account_product_id"])]
    price(usage["account_product_id"], "effective_date = '2030-01-01'")
    done = again(load_id=feed.load)
    assert (done.changed, done.unpriced) == (0, 2)
    assert [row[:5] for row in standing(usage["account_product_id"])] == before
    assert balance(own) == (D(100), D(100))


def test_what_is_no_longer_covered_by_an_active_product_stays(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 130})
    asked(
        "UPDATE customers_accountproduct SET status = 'DEACTIVATED' WHERE id = %s RETURNING 1", own
    )
    price(usage["account_product_id"], "rate = 3")
    assert again(load_id=feed.load).lines == 0
    ((line,),) = feed.lines("id")
    with pytest.raises(RequestError, match="covers nothing any more"):
        corrected({"ActivityId": str(line), "Quantity": "8"}, SYSTEM)


def test_a_corrected_line_gives_back_what_it_did_not_use(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    feed.send({**usage, "quantity": 130}, {**usage, "quantity": 50})
    assert balance(own) == (D(180), D(200))
    first, second = (id for id, what in feed.lines("id", "process_description") if what != "Refill")
    corrected({"ActivityId": str(first), "Quantity": "30"}, SYSTEM)
    assert standing(own, usage["account_product_id"]) == [
        (0, 1, 30, 30, 0, None), (0, 2, 50, 50, 0, None),
    ]  # fmt: skip
    assert (balance(own), remaining(own)) == ((D(80), D(100)), 20)
    corrected({"ActivityId": str(second), "Withdraw": "1"}, SYSTEM)
    assert balance(own) == (D(30), D(100))
    ((refill, *_), *_) = feed.lines("id", "process_description = 'Refill'")
    with pytest.raises(RequestError):
        corrected({"ActivityId": str(refill), "Quantity": "2"}, SYSTEM)


def test_usage_of_several_account_products_of_one_record(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    other = used()
    asked(
        "UPDATE customers_accountproduct SET account_id = %s, parent_customer_product_id = %s "
        "WHERE id = %s RETURNING 1",
        usage["account_id"], own, other["account_product_id"],
    )  # fmt: skip
    other = {**other, "account_id": usage["account_id"], "line": 1}
    feed.send({**usage, "quantity": 130, "line": 1}, {**other, "quantity": 130})
    whose = (own, usage["account_product_id"], other["account_product_id"])
    assert again(load_id=feed.load).changed == 0
    price(own, "rate = 30")
    again(load_id=feed.load)
    assert sorted(row[4] for row in standing(*whose)) == [0, 0, 30, 30]
    assert again(load_id=feed.load).changed == 0
    assert balance(own) == (D(260), D(300))


@pytest.mark.parametrize("seed", range(2))
def test_rated_again_is_rated_at_once(feed: Feed, seed: int) -> None:
    """Twins: one is rated at old prices and then again, the other at the new ones at once."""
    chance = random.Random(seed)
    twins, plans = [], []
    for _ in range(8):
        kind = chance.choice(["", "Incremental"])
        refills, quantity = chance.random() < 0.5, chance.choice(["1", "2"])
        new = [chance.choice(["included_quantity = 30", "rate = 11", "rate = rate"]),
               chance.choice(["rate = rate + 1", "rate = rate"])]  # fmt: skip
        for twin in (0, 1):
            usage = used(kind)
            own = prepaid(usage, refill=refills, included="20", quantity=quantity)
            twins.append((usage, own, new))
            if twin:
                price(own, new[0])
                price(usage["account_product_id"], new[1])
        plans.append([
            [(chance.randint(1, 28), D(chance.randint(-20, 90)) / 2)
             for _ in range(chance.randint(1, 4))]
            for _ in range(3)
        ])  # fmt: skip
    recurring.charge(date(2026, 2, 1))
    for load in range(3):
        feed.send(
            *(
                {**usage, "quantity": units, "activity_date": f"2026-06-{day:02}T12:00:00Z"}
                for number, (usage, _, _) in enumerate(twins)
                for day, units in plans[number // 2][load]
            )
        )
    for usage, own, new in twins[::2]:
        price(own, new[0])
        price(usage["account_product_id"], new[1])
    again(since=datetime(2026, 1, 1, tzinfo=UTC))
    for (usage, own, _), (twin, bought, _) in zip(twins[::2], twins[1::2], strict=True):
        assert balance(own) == balance(bought)
        for one, other in (
            (own, bought),
            (usage["account_product_id"], twin["account_product_id"]),
        ):
            assert [row[2:] for row in standing(one)] == [row[2:] for row in standing(other)]
    assert again(since=datetime(2026, 1, 1, tzinfo=UTC)).changed == 0
    assert asked("SELECT id FROM mediation_activity WHERE update_error IS NOT NULL") == []
    assert changed("ACCOUNT_PRODUCT", twins[0][1], Quantity="1") == []


def test_loads_draw_anew_one_after_the_other_where_the_price_turns(feed: Feed) -> None:
    """Both loads have usage before and after the price of the prepaid product changes."""
    usage = used()
    own = prepaid(usage)
    price(own, "end_date = '2026-06-14'")
    (product,) = asked("SELECT product_id FROM customers_accountproduct WHERE id = %s", own)[0]
    PriceFactory(ProductId=product, Rate="25", IncludedQuantity="100", EffectiveDate="2026-06-15")
    days = ("2026-06-14T12:00:00Z", "2026-06-15T12:00:00Z")
    for quantity in (60, 50):
        feed.send(*({**usage, "quantity": quantity, "activity_date": day} for day in days))
    before = standing(usage["account_product_id"])
    assert [row[3] for row in before] == [60, 40, None, None]
    assert again(account_id=usage["account_id"]).changed == 0
    assert standing(usage["account_product_id"]) == before
