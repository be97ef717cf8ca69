"""ACCOUNT_PRODUCT_QUOTE: what the discounts of the account would take off the quoted amount."""

import json
import random
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from entities import query, records
from entities.bulk.jobs import another_connection
from entities.errors import Code, RequestError
from entities.query.extract import extract_query, rows
from entities.schema.current import current
from tests.billing.rating.settling import (
    FIXED,
    SYSTEM,
    charged,
    deal,
    invoiced,
    lines,
    payer,
    run,
    saved,
)
from tests.entities.conftest import clerk
from tests.factories import (
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

__all__ = ["clerk"]

pytestmark = pytest.mark.django_db

D = Decimal
DAY = "2026-03-20"


def sold(rate: Any = 50, **product: Any) -> int:
    made = ProductFactory(**product)
    PriceFactory(ProductId=made, Rate=str(rate))
    return int(made)


def quoted(account: int, product: int, quantity: Any = 2, day: str = DAY) -> dict[str, Any]:
    where = (
        f"AccountId = {account} AND ProductId = {product} AND Quantity = {quantity} "
        f"AND StartDate = '{day}'"
    )
    (row,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, SYSTEM).json)
    return dict(row)


def off(account: int, product: int, **asked: Any) -> str:
    return str(quoted(account, product, **asked)["DiscountAmount"])


#: What is charged already, discounts in their order, and what they would take off 100.
EXAMPLES: dict[str, tuple[list[Any], list[tuple[Any, dict[str, str]]], str]] = {
    "10 %": ([], [(10, {})], "10"),
    "an amount": ([], [(30, FIXED)], "30"),
    "never more than there is": ([], [(300, FIXED)], "100"),
    "25 %, then 10 off": (
        [],
        [(25, {"DiscountPriority": "1"}), (10, FIXED | {"DiscountPriority": "2"})],
        "35",
    ),
    "10 off, then 25 %": (
        [],
        [(25, {"DiscountPriority": "2"}), (10, FIXED | {"DiscountPriority": "1"})],
        "32.5",
    ),
    "its part of an amount that is spread": ([300], [(40, FIXED)], "10"),
    "what earlier charges leave": (
        [30],
        [(50, FIXED | {"DiscountApplMethod": "In order"})],
        "20",
    ),
    "each charge": ([30], [(5, FIXED | {"DiscountApplMethod": "Each charge"})], "5"),
    "a condition that what is charged meets": (
        [60],
        [
            (
                10,
                {
                    "DiscountType": "Conditional",
                    "DesignateDiscountEligableChargesBy": "All charges",
                    "DiscountEligCond": ">= 160",
                },
            )
        ],
        "10",
    ),
    "a condition that is not met": (
        [59],
        [
            (
                10,
                {
                    "DiscountType": "Conditional",
                    "DesignateDiscountEligableChargesBy": "All charges",
                    "DiscountEligCond": ">= 160",
                },
            )
        ],
        "0",
    ),
    "charges of another kind": ([], [(10, {"DiscountApplyTo": "Recurring charges"})], "0"),
    "a filter that it meets": ([], [(10, {"DiscountTargetFilterLogic": "{!Quantity} = 2"})], "10"),
    "one that it doesn't": ([], [(10, {"DiscountTargetFilterLogic": "{!Quantity} > 2"})], "0"),
    "a use that is left": (
        [],
        [(10, {"DiscountLimitedUsage": "1", "DiscountMaxNumberOfUses": "1"})],
        "10",
    ),
    "no use left, of the charges on an invoice": (
        [1],
        [
            (
                10,
                {
                    "DiscountLimitedUsage": "1",
                    "DiscountMaxNumberOfUses": "1",
                    "DiscountUsePer": "Invoice",
                },
            )
        ],
        "0",
    ),
    "days that are over": ([], [(10, {"EndDate": "2026-03-19"})], "0"),
    "the last day": ([], [(10, {"EndDate": DAY})], "10"),
}


def test_worked_examples() -> None:
    product = sold()
    found = {}
    for name, (charges, deals, _) in EXAMPLES.items():
        account = payer()
        charged(account, *charges)
        for rate, terms in deals:
            deal(account, rate, **terms)
        row = quoted(account, product)
        assert D(row["GrandTotalAmount"]) == D(row["Amount"]) - D(row["DiscountAmount"])
        found[name] = row["DiscountAmount"]
    assert found == {name: expected for name, (*_, expected) in EXAMPLES.items()}


def test_it_is_what_settling_takes_off_the_charge_that_is_made_then() -> None:
    chance = random.Random(11)
    product = sold("7.77")
    for _ in range(8):
        account = payer()
        charged(
            account, *(chance.randint(-500, 4000) / D(100) for _ in range(chance.randint(0, 4)))
        )
        deals = []
        for place in range(chance.randint(1, 4)):
            spread = chance.choice(["", "Proportional", "In order", "Each charge"])
            terms = FIXED | {"DiscountApplMethod": spread} if spread else {}
            if chance.random() < 0.3:
                terms = terms | {"DiscountTargetFilterLogic": "{!RatedAmount} >= 9"}
            rate = chance.randint(1, 40)
            order = {"DiscountPriority": str(9 - place), "DiscountItemize": "1"}
            deals.append(deal(account, rate, **terms, **order))
        quantity = chance.randint(1, 9)
        row = quoted(account, product, quantity)
        details = {
            found.findtext("AccountProductId"): found.findtext("DiscountAmount")
            for found in ET.fromstring(row["DiscountDetails"] or "<none/>")
        }
        (line,) = charged(
            account, row["Amount"], day=DAY, ProductId=product, Quantity=str(quantity)
        )
        run(account)
        taken = {
            str(id): -amount
            for id in deals
            for target, amount in lines(id, "s.target_activity_id, a.rated_amount", "a.id")
            if target == line
        }
        assert {id: D(str(amount)) for id, amount in details.items()} == taken
        assert D(row["DiscountAmount"]) == sum(taken.values())


def test_a_discount_from_above_and_details_in_order() -> None:
    above = payer()
    account = payer(above)
    second = deal(above, 10, PropagateToHierarchy="1", DiscountPriority="2")
    deal(above, 50)
    first = deal(account, 20, **FIXED, DiscountPriority="1")
    row = quoted(account, sold())
    assert [
        (
            found.findtext("AccountProductId"),
            found.findtext("Rate"),
            found.findtext("DiscountAmount"),
        )
        for found in ET.fromstring(row["DiscountDetails"])
    ] == [(str(first), "20", "20"), (str(second), "10", "8")]
    assert (row["Amount"], row["DiscountAmount"], row["GrandTotalAmount"]) == ("100", "28", "72")


def test_a_discount_that_can_t_be_applied_is_told_with_the_reason() -> None:
    account, product = payer(), sold()
    works = deal(account, 10)
    unpriced = deal(account, None)
    deal(
        account, None, DiscountApplyTo="Usage charges", DiscountTargetFilterLogic="{!Quantity} > 5"
    )
    senseless = deal(account, 10, DiscountTargetFilterLogic="{!Quantity} = 2")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_ratingmethod SET discount_target_filter_logic = '{!Gone} = 2' "
            "WHERE discount_target_filter_logic = '{!Quantity} = 2'"
        )
    row = quoted(account, product)
    assert [
        (
            found.findtext("AccountProductId"),
            found.findtext("DiscountAmount"),
            found.findtext("ErrorText"),
        )
        for found in ET.fromstring(row["DiscountDetails"])
    ] == [
        (str(works), "10", None),
        (str(unpriced), "0", "It has no price in USD on 2026-03-01."),
        (
            str(senseless),
            "0",
            "A filter or the condition of its rating method makes no sense any more.",
        ),
    ]
    assert (row["DiscountAmount"], row["GrandTotalAmount"]) == ("10", "90")


def test_a_package_s_discount_is_for_the_package_and_a_product_s_for_its_parts() -> None:
    account, product = payer(), sold()
    own = AccountProductFactory(AccountId=account, ProductId=product, Quantity=3)
    of_part = deal(account, 10, DesignateDiscountTargetChargesBy="Parent account product")
    saved("ACCOUNT_PRODUCT", Id=of_part, ParentCustomerProductId=own)
    where = f"AccountId = {account} AND AccountProductId = {own}"
    (row,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, SYSTEM).json)
    assert (row["Amount"], row["DiscountAmount"]) == ("150", "15")
    assert off(account, product) == "0"


def test_periods_that_are_over_count_no_more() -> None:
    account, product = payer(), sold()
    charged(account, 300, day="2026-02-10")
    deal(account, 40, **FIXED)
    invoiced(account, "CLOSED", "2026-02-28")
    assert off(account, product) == "40"
    assert off(account, product, day="2026-02-20") == "40"
    charged(account, 300, day="2026-03-20")
    assert off(account, product, day="2026-04-01") == "40"


def test_where_nothing_is_charged_nothing_is_taken_off() -> None:
    account = payer()
    deal(account, 10)
    assert off(account, sold(rate=0)) == "0"
    row = quoted(account, int(ProductFactory()))
    assert (row["Amount"], row["DiscountAmount"], row["GrandTotalAmount"]) == (None, None, None)
    free = RatingMethodFactory(NonBillableFlag="1")
    assert off(account, sold(RatingMethodId=free)) == "0"
    saved("ACCOUNT", Id=account, Name="Other")
    assert off(payer(CurrencyCode="EUR"), sold()) == "None"


def test_nothing_is_written_and_what_was_asked_for_may_be_asked_along_with_others() -> None:
    account, product = payer(), sold()
    deal(account, 10)
    charged(account, 5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mediation_activity")
        before = cursor.fetchone()
        text = (
            "SELECT q.DiscountAmount, a.Id FROM ACCOUNT_PRODUCT_QUOTE q JOIN ACCOUNT a "
            f"ON a.Id = q.AccountId WHERE q.AccountId = {account} AND q.ProductId = {product} "
            "AND q.Quantity = 4"
        )
        for _ in range(2):
            assert json.loads(query.query(text, SYSTEM).json) == [
                {"DiscountAmount": "20", "Id": str(account)}
            ]
        cursor.execute("SELECT count(*) FROM mediation_activity")
        assert cursor.fetchone() == before
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'settle%'")
        assert cursor.fetchone() == (0,)


def test_bulk_extracts_ask_for_it_like_queries() -> None:
    account, product = payer(), sold()
    deal(account, 10)
    text = (
        "SELECT Amount, DiscountAmount FROM ACCOUNT_PRODUCT_QUOTE "
        f"WHERE AccountId = {account} AND ProductId = {product} AND Quantity = 4"
    )
    found = extract_query(text, current(), SYSTEM, objects=False)
    with another_connection() as raw, rows(found, raw, seconds=10) as (coming, _):
        assert b"".join(coming) == b"200,20\n"
    with (
        another_connection() as raw,
        pytest.raises(RequestError) as told,
        rows(found, raw, seconds=0.001),
    ):
        pass
    assert told.value.code is Code.QUERY_TIMEOUT


def test_an_account_that_the_caller_may_not_see_has_no_quote(clerk: Any) -> None:
    account, product = payer(), sold()
    deal(account, 10)
    where = f"AccountId = {account} AND ProductId = {product}"
    rights = dict.fromkeys(("ACCOUNT", "PRODUCT", "ACCOUNT_PRODUCT_QUOTE"), "R")
    sees = clerk(**rights)
    assert query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, sees).count == 1
    (outcome,) = records.delete("PRODUCT", [product], SYSTEM)
    assert outcome.ok, outcome.problems
    assert query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, sees).count == 0
    blind = clerk(ACCOUNT_PRODUCT_QUOTE="R", PRODUCT="R")
    assert query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, blind).count == 0


def test_what_takes_too_long_is_told(settings: Any) -> None:
    account, product = payer(), sold()
    settings.QUERY_TIMEOUT_SECONDS = 0.001
    with pytest.raises(RequestError) as told:
        quoted(account, product)
    assert told.value.code is Code.QUERY_TIMEOUT
    settings.QUERY_TIMEOUT_SECONDS = 30
    assert off(account, product) == "0"
