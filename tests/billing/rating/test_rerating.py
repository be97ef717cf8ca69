"""Lines are rated again after a price changed: reversed, written anew, linked, and only once."""

from decimal import Decimal
from typing import Any

import pytest

from billing.rating.models import AccumulatorValue
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.mediation.standing import Standing, asked
from tests.billing.rating.test_loads import Feed, used
from tests.factories import InvoiceFactory, PriceFactory

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")
D = Decimal


@pytest.fixture
def feed(db: None) -> Feed:
    return Feed()


def again(preview: bool = False, **wanted: Any) -> Any:
    return rerate(Wanted(**wanted), preview=preview, count=100)


def standing_lines(product: int) -> list[tuple[Any, ...]]:
    """What stands: the lines that were not taken back, and take none back."""
    return asked(
        """SELECT line_number, quantity, cost_unrounded FROM mediation_activity a
        WHERE product_id = %s AND reversal_of_id IS NULL AND NOT EXISTS (
            SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id)
        ORDER BY activity_collector_history_id, line_number, id""",
        product,
    )


def every_line() -> list[tuple[Any, ...]]:
    return asked("SELECT to_jsonb(a) FROM mediation_activity a ORDER BY id")


def sums() -> list[tuple[Any, ...]]:
    return list(AccumulatorValue.objects.order_by("id").values_list("quantity", "charges"))


def test_a_line_is_taken_back_and_written_anew_once(feed: Feed) -> None:
    usage = used()
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 2})
    asked("UPDATE catalog_pricing SET rate = 3 RETURNING 1")
    shown = again(preview=True, product_id=usage["product_id"])
    assert len(every_line()) == 2
    done = again(product_id=usage["product_id"])
    assert shown == done
    assert (done.lines, done.changed, done.unpriced) == (2, 2, 0)
    assert [(a.currency_code, a.lines, a.old, a.new, a.difference) for a in done.amounts] == [
        ("USD", 2, D(15), D(18), D(3))
    ]
    assert standing_lines(usage["product_id"]) == [(1, D(4), D(12)), (2, D(2), D(6))]
    before = every_line()
    assert again(product_id=usage["product_id"]).changed == 0
    assert every_line() == before


@pytest.mark.parametrize(
    ("kind", "method", "change", "expected", "total"),
    [
        # 4 and 8 units of 10 each up to 5, 8 up to 10, 6 beyond.
        ("Incremental", {}, "rate = rate + 1", [(1, 4, 44), (2, 8, 70)], "+12"),
        # The second tier begins at 4.
        (
            "Incremental",
            {},
            "upper_band = CASE rate_order WHEN 1 THEN 4 ELSE upper_band END, "
            "lower_band = CASE rate_order WHEN 2 THEN 4 ELSE lower_band END",
            [(1, 4, 40), (2, 8, 60)],
            "-2",
        ),
        (
            "Incremental",
            {"SplitUsage": "1"},
            "rate = CASE rate_order WHEN 3 THEN 7 ELSE rate END",
            [(1, 4, 40), (2, 1, 10), (2, 5, 40), (2, 2, 14)],
            "+2",
        ),
        # Three units of a period cost nothing.
        ("Incremental", {}, "included_quantity = 3", [(1, 4, 10), (2, 8, 72)], "-20"),
        ("", {}, "included_quantity = 5, rate = 2", [(1, 4, 0), (2, 8, 14)], "-16"),
    ],
)  # fmt: skip
def test_what_is_added_up_is_priced_anew_together(
    feed: Feed,
    kind: str,
    method: dict[str, str],
    change: str,
    expected: list[tuple[int, int, int]],
    total: str,
) -> None:
    usage = used(kind, **method)
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 8})
    asked(f"UPDATE catalog_pricing SET {change} RETURNING 1")
    # One of its lines is wanted; the others come along.
    done = again(load_id=feed.load)
    assert standing_lines(usage["product_id"]) == expected
    (amount,) = done.amounts
    assert amount.difference == D(total)
    before = (every_line(), sums())
    assert again(product_id=usage["product_id"]).changed == 0
    assert (every_line(), sums()) == before


def test_earlier_lines_of_a_bulk_tier_come_to_the_tier_of_the_whole_period(feed: Feed) -> None:
    usage = used("Bulk")
    feed.send({**usage, "quantity": 4})
    feed.send({**usage, "quantity": 4})
    assert standing_lines(usage["product_id"]) == [(1, 4, 40), (1, 4, 32)]
    again(load_id=feed.load)
    assert standing_lines(usage["product_id"]) == [(1, 4, 32), (1, 4, 32)]
    assert sums() == [(D(8), 2)]


def test_the_next_load_goes_on_where_the_sum_stands_after_it(feed: Feed) -> None:
    usage = used("Incremental")
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 3})
    asked("UPDATE catalog_pricing SET rate = rate * 2 RETURNING 1")
    again(product_id=usage["product_id"])
    feed.send({**usage, "quantity": 5})
    assert feed.lines("cost_unrounded") == [(D(3 * 16 + 2 * 12),)]


def test_lines_keep_the_order_in_which_they_were_rated(feed: Feed) -> None:
    """The second load is of an earlier day; nothing changes because of it."""
    usage = used("Incremental")
    feed.send({**usage, "quantity": 6, "activity_date": "2026-06-20T00:00:00Z"})
    feed.send({**usage, "quantity": 6, "activity_date": "2026-06-10T00:00:00Z"})
    assert again(product_id=usage["product_id"]).changed == 0


def test_lines_that_are_added_up_from_now_on_join_those_that_were(feed: Feed) -> None:
    """A flat price gets tiers; other lines of the same account were in the sum already."""
    usage = used("Incremental", AggregationLevel="Account")
    other = {**used(), "account_id": usage["account_id"], "product_id": usage["product_id"]}
    feed.send({**other, "account_product_id": None, "quantity": 4})
    before = sums()
    asked(
        "UPDATE catalog_ratingmethod SET pricing_type = 'Standard Pricing' "
        "WHERE id = (SELECT rating_method_id FROM catalog_product WHERE id = %s) RETURNING 1",
        usage["product_id"],
    )
    asked("UPDATE catalog_pricing SET upper_band = 5 WHERE rate = 10 RETURNING 1")
    feed.send({**usage, "quantity": 3})
    assert sums() == before
    asked(
        "UPDATE catalog_ratingmethod SET pricing_type = 'Tiered Pricing' "
        "WHERE id = (SELECT rating_method_id FROM catalog_product WHERE id = %s) RETURNING 1",
        usage["product_id"],
    )
    asked("UPDATE catalog_pricing SET rate = 20 WHERE rate = 10 RETURNING 1")
    done = again(load_id=feed.load)
    assert (done.lines, done.changed) == (2, 2)
    assert standing_lines(usage["product_id"]) == [(1, 4, 80), (1, 3, 20 + 2 * 8)]
    assert sums() == [(D(7), 2)]


def test_overrides_and_prices_of_contracts_stay(feed: Feed) -> None:
    usage = used()
    feed.send({**usage, "quantity": 3, "override_rate": D("1.1")}, usage)
    asked(
        "UPDATE mediation_activity SET rate_source = 'Contract Rate', rate_source_id = 1 "
        "WHERE line_number = 2 RETURNING 1"
    )
    (price,) = asked("UPDATE catalog_pricing SET rate = 9 RETURNING id")
    done = again(pricing_id=price[0])
    assert (done.lines, done.changed) == (0, 0)
    assert again(load_id=feed.load).changed == 1


def test_lines_on_closed_invoices_stay(feed: Feed) -> None:
    usage = used("Incremental")
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 4}, {**usage, "quantity": 4})
    for line, status in ((1, "CLOSED"), (2, "CURRENT")):
        asked(
            "UPDATE mediation_activity SET invoice_id = %s WHERE line_number = %s RETURNING 1",
            InvoiceFactory(Status=status),
            line,
        )
    asked("UPDATE catalog_pricing SET rate = rate + 1 RETURNING 1")
    done = again(product_id=usage["product_id"])
    assert (done.lines, done.changed) == (2, 2)
    assert standing_lines(usage["product_id"]) == [(1, 4, 40), (2, 4, 38), (3, 4, 32)]
    # What takes back and what replaces stand where the line stood.
    assert asked(
        "SELECT count(DISTINCT invoice_id), count(*) FROM mediation_activity WHERE line_number = 2"
    ) == [(1, 3)]
    assert sums() == [(D(12), 3)]


def test_what_has_no_price_any_more_stays_and_says_why(feed: Feed) -> None:
    usage = used()
    feed.send({**usage, "quantity": 4})
    asked("UPDATE catalog_pricing SET effective_date = '2030-01-01' RETURNING 1")
    done = again(product_id=usage["product_id"])
    assert (done.changed, done.unpriced) == (0, 1)
    ((error,),) = feed.lines("update_error")
    assert "There is no price of product" in error
    before = every_line()
    again(product_id=usage["product_id"])
    assert every_line() == before
    asked("UPDATE catalog_pricing SET effective_date = NULL RETURNING 1")
    again(product_id=usage["product_id"])
    assert feed.lines("update_error", "cost_unrounded") == [(None, D(10))]


def test_a_line_says_what_it_replaces_and_keeps_what_it_was_known_by(feed: Feed) -> None:
    usage = used()
    feed.send({**usage, "signature": "00000000-0000-0000-0000-000000000007"})
    asked("UPDATE catalog_pricing SET rate = 9 RETURNING 1")
    again(product_id=usage["product_id"])
    old, back, new = asked(
        "SELECT id, reversal_of_id, rerated_from_id, signature::text, rated_amount, "
        "activity_collector_history_id, process_description FROM mediation_activity ORDER BY id"
    )
    back, new = sorted((back, new), key=lambda row: row[4])
    signature = "00000000-0000-0000-0000-000000000007"
    assert old[1:5] == (None, None, signature, D("2.5"))
    assert back[1:] == (old[0], None, None, D("-2.5"), feed.load, "Reversal: usage")
    assert new[1:] == (None, old[0], signature, D(9), feed.load, None)


def test_a_high_water_mark_counts_once_after_it_was_rated_again(db: None) -> None:
    from billing.mediation.loads import running
    from billing.rating import loads

    standing = Standing(ConsolidationMode="Consolidation").maps(
        {
            "BillingIdentifier": {"Source": "who", "SignatureFlag": "1"},
            "ACTIVITY_DATE": {"Source": "at", "SignatureFlag": "1"},
            "Quantity": {"Source": "much", "Consolidation": "HIGH-WATER MARK"},
        }
    )
    PriceFactory(ProductId=str(standing.product), Rate="2")
    for much, name in (("8", "a.csv"), ("10", "b.csv")):
        load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,{much}\n", name)
        running.run(load.pk)
        loads.rate(load.pk, 0)
        running.finish(load.pk)
        asked("UPDATE catalog_pricing SET rate = rate + 1 RETURNING 1")
        again(product_id=standing.product)
    assert standing_lines(standing.product) == [(2, 8, 32), (2, 2, 8)]


def test_formulas_read_what_the_line_said(feed: Feed) -> None:
    (field,) = records.create(
        "ENTITY_FIELD",
        [{"EntityId": str(current().entity("ACTIVITY").id), "FieldName": "Weight",
          "DataType": "DECIMAL"}],
        SYSTEM,
    )  # fmt: skip
    assert field.ok, field.problems
    usage = used(FormulaFlag="1", FormulaValue="{!Weight} * {!Rate}")
    feed.send({**usage, "quantity": 4, "extra": '{"Weight": "7"}'})
    assert standing_lines(usage["product_id"]) == [(1, 4, D("17.5"))]
    asked("UPDATE catalog_pricing SET rate = 3 RETURNING 1")
    assert again(product_id=usage["product_id"]).reasons == []
    assert standing_lines(usage["product_id"]) == [(1, 4, 21)]
    again(product_id=usage["product_id"])
    assert len(every_line()) == 3


def test_what_has_no_price_any_more_keeps_its_place_among_the_others(feed: Feed) -> None:
    usage = used("Incremental")
    days = ("2026-06-15", "2026-06-20", "2026-06-15", "2026-06-25")
    quantities = (10, 3, 4, 2)
    feed.send(
        *(
            {**usage, "quantity": quantity, "activity_date": f"{day}T12:00:00Z"}
            for day, quantity in zip(days, quantities, strict=True)
        )
    )
    before = feed.lines("quantity", "rated_amount")
    asked(
        "UPDATE catalog_pricing SET effective_date = '2026-06-17' WHERE product_id = %s "
        "RETURNING 1",
        usage["product_id"],
    )
    done = rerate(Wanted(load_id=feed.load), preview=False)
    assert (done.changed, done.unpriced) == (0, 2)
    assert feed.lines("quantity", "rated_amount") == before
    assert asked("SELECT quantity, charges FROM rating_accumulatorvalue") == [(19, 4)]
