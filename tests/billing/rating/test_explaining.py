"""Why a price counts: every level winning and losing, what the amount is made of, and what is told
to whoever may not see all of it."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import query
from entities.errors import Code, RequestError
from metabrm.identity.context import Context
from tests.billing.rating.test_book import LEVELS, House
from tests.billing.rating.test_loads import Feed, used
from tests.entities.acting import update_one
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    BillingProfileFactory,
    ContractFactory,
    ContractRateFactory,
    CountryCodeFactory,
    CountryCodeMapFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
    RecordFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")
D = Decimal
DAY = date(2026, 6, 15)
Json = dict[str, Any]


def explained(context: Context = SYSTEM, **question: Any) -> Json:
    from billing.rating.explaining import Question, explain

    return explain(Question(**{"day": DAY, **question}), context)


def told(explanation: Json, source: str) -> tuple[str, str]:
    """Status and reason of the first candidate of a source."""
    one = next(c for c in explanation["Candidates"] if c["Source"] == source)
    return one["Status"], one["Reason"]


def statuses(explanation: Json) -> list[tuple[str, str, str]]:
    return [(c["Source"], c["Id"], c["Status"]) for c in explanation["Candidates"]]


SOURCES = {
    "own override": "Account Package Product",
    "account product": "Account Package Product",
    "parent's account product": "Parent Account Product",
    "package product": "Package Product",
    "product": "Product",
}


def source_of(level: str) -> str:
    return SOURCES.get(level) or ("Contract Rate" if level.endswith("rate") else "Rate Class")


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_wins_over_all_that_come_later_and_says_so(level: str) -> None:
    house = House()
    later = LEVELS[LEVELS.index(level) :]
    if level == "own override":  # replaces the account product's own prices
        later.remove("account product")
    for one in later:
        house.at(one)
    rate, owner = house.prices[level]
    explanation = explained(account_product_id=house.own)
    won = [c for c in explanation["Candidates"] if c["Status"] == "won"]
    assert [(c["Source"], c["Id"]) for c in won] == [(source_of(level), str(owner))]
    assert explanation["Amount"] == str(rate) == house.price()["Amount"]
    lost = {(c["Source"], c["Id"]): c for c in explanation["Candidates"] if c["Status"] == "lost"}
    for one in later[1:]:
        loser = lost[source_of(one), str(house.prices[one][1])]
        assert won[0]["Name"]
        named = f"It comes after {source_of(level)} {won[0]['Name']} ({owner})"
        assert loser["Reason"].startswith(named)
    places = [int(c["Place"]) for c in explanation["Candidates"]]
    assert places == list(range(1, len(places) + 1))


def test_why_one_contract_comes_before_another() -> None:
    house = House()
    for level in ("named contract's rate", "contract's rate", "parent's contract's rate"):
        house.at(level)
    told = {
        c["Id"]: c
        for c in explained(account_product_id=house.own)["Candidates"]
        if c["Source"] == "Contract Rate"
    }
    reasons = {id: one["Reason"] for id, one in told.items()}
    named = house.prices["named contract's rate"][1]
    name = told[str(named)]["Name"]
    after = f"It comes after Contract Rate {name} ({named}), which is of "
    assert reasons[str(house.prices["contract's rate"][1])] == (
        f"{after}the contract that the account product names."
    )
    assert reasons[str(house.prices["parent's contract's rate"][1])] == (
        f"{after}an account further down."
    )


def agreed(**contract: str) -> tuple[dict[str, int], int]:
    """An account with a product at 5 whose contract has a rate for it at 3."""
    product, account = ProductFactory(), AccountFactory()
    PriceFactory(ProductId=str(product))
    made = ContractFactory(AccountId=str(account))
    for currency in ("USD", "EUR"):
        RecordFactory._create("CONTRACT_CURRENCY", ContractId=str(made), CurrencyCode=currency)
    rate = ContractRateFactory(ContractId=str(made), ProductId=str(product))
    if contract:
        update_one("CONTRACT", made, SYSTEM, **contract)
    return {"account_id": account, "product_id": product}, rate


def test_prices_in_another_currency() -> None:
    who, rate = agreed()
    PriceFactory(ContractRateId=str(rate), CurrencyCode="EUR", Rate="3")
    explanation = explained(**who)
    assert told(explanation, "Contract Rate") == (
        "no price",
        "It has no price in USD on 2026-06-15; its prices are in EUR.",
    )
    assert told(explanation, "Product") == ("won", "It is the first with a price.")
    assert explanation["Amount"] == "5"
    in_euro = explained(**who, currency="EUR")
    assert (in_euro["Amount"], in_euro["CurrencyCode"]) == ("3", "EUR")
    assert told(in_euro, "Product")[1] == (
        "It has no price in EUR on 2026-06-15; its prices are in USD."
    )


def test_a_contract_that_is_no_contract_yet() -> None:
    who, rate = agreed(ContractStatus="DRAFT")
    PriceFactory(ContractRateId=str(rate), Rate="3")
    explanation = explained(**who)
    number = explanation["Candidates"][0]["Contract"]["Name"]
    assert told(explanation, "Contract Rate") == ("refused", f"Its contract {number} is DRAFT.")


def test_a_rate_that_has_no_price_or_holds_on_other_days() -> None:
    who, rate = agreed()
    assert told(explained(**who), "Contract Rate") == ("no price", "It has no prices.")
    price = PriceFactory(ContractRateId=str(rate), Rate="3", EffectiveDate="2026-07-01")
    assert told(explained(**who), "Contract Rate") == (
        "no price",
        "It has no price in USD on 2026-06-15; the next one holds from 2026-07-01 on.",
    )
    assert explained(**who, day=date(2026, 7, 1))["Amount"] == "3"
    update_one("PRICING", price, SYSTEM, EffectiveDate="2026-02-01", EndDate="2026-05-31")
    assert told(explained(**who), "Contract Rate")[1].endswith(
        "the last one held until before 2026-06-01."
    )
    update_one("CONTRACT_RATE", rate, SYSTEM, EndDate="2026-06-14")
    assert told(explained(**who), "Contract Rate") == (
        "refused",
        "It ended on 2026-06-14, before 2026-06-15.",
    )


def test_a_product_that_only_a_contract_may_price() -> None:
    who, rate = agreed()
    update_one("PRODUCT", who["product_id"], SYSTEM, ContractRequiredFlag="1")
    explanation = explained(**who)
    assert told(explanation, "Product") == (
        "refused",
        "The product may only be priced by a contract.",
    )
    assert explanation["Amount"] is None
    assert explanation["Conclusion"] == "There is no price in USD on 2026-06-15."
    PriceFactory(ContractRateId=str(rate), Rate="3")
    assert explained(**who)["Amount"] == "3"


def test_a_plan_that_is_not_active() -> None:
    product, account = ProductFactory(), AccountFactory()
    PriceFactory(ProductId=str(product))
    contract = ContractFactory(AccountId=str(account))
    plan = RecordFactory._create(
        "PRICING_PLAN",
        Name="Summer",
        PlanType="PROMOTIONAL",
        CurrencyCode="USD",
        ProductId=str(product),
    )
    RecordFactory._create("CONTRACT_CURRENCY", ContractId=str(contract), CurrencyCode="USD")
    ContractRateFactory(ContractId=str(contract), ProductId=str(product), PricingPlanId=str(plan))
    update_one("PRICING_PLAN", plan, SYSTEM, Status="DEACTIVATED")
    explanation = explained(account_id=account, product_id=product)
    assert told(explanation, "Contract Rate") == (
        "refused",
        "Its pricing plan Summer is DEACTIVATED.",
    )


# The amount


def tiered(kind: str, **more: str) -> dict[str, int]:
    usage = used(kind, **more)
    return {name: id for name, id in usage.items() if name == "account_product_id"}


@pytest.mark.parametrize(
    ("kind", "quantity", "before", "arithmetic", "amount"),
    [
        ("Incremental", "8", "0", "5 x 10 + 3 x 8 = 74", "74"),
        ("Incremental", "4", "3", "2 x 10 + 2 x 8 = 36", "36"),
        ("Incremental", "-4", "8", "-1 x 10 + -3 x 8 = -34", "-34"),
        ("Bulk", "8", "0", "8 x 8 = 64", "64"),
        ("Bulk", "4", "8", "4 x 6 = 24", "24"),
        ("", "3.001", "0", "3.001 x 2.5 = 7.5025", "7.5"),
    ],
)
def test_the_arithmetic(
    kind: str, quantity: str, before: str, arithmetic: str, amount: str
) -> None:
    explanation = explained(**tiered(kind), quantity=D(quantity), before=D(before))
    assert (explanation["Arithmetic"], explanation["Amount"]) == (arithmetic, amount)


def test_the_bands() -> None:
    explanation = explained(**tiered("Incremental"), quantity=D(8))
    bands = [
        (b["LowerBand"], b["UpperBand"], b["Rate"], b["Units"], b["Cost"], b["Applied"])
        for b in explanation["Bands"]
    ]
    assert bands == [
        ("0", "5", "10", "5", "50", "1"),
        ("5", "10", "8", "3", "24", "1"),
        ("10", "-1", "6", "0", None, "0"),
    ]
    assert explanation["Price"]["Pricing"].startswith("Tiered, incremental")


@pytest.mark.parametrize(
    ("price", "method", "quantity", "arithmetic", "amount"),
    [
        ({"BlockSize": "10"}, {}, "25", "3 blocks of 10 x 5 = 15", "15"),
        ({"FlatFee": "7"}, {}, "2", "2 x 5 + 7 flat fee = 17", "17"),
        ({"FeePerCharge": "0.5"}, {}, "2", "2 x 5 + 0.5 per charge = 10.5", "10.5"),
        ({"MinCharge": "20"}, {}, "2", "2 x 5 = 10, raised to the minimum charge 20", "20"),
        ({"MaxCharge": "8"}, {}, "2", "2 x 5 = 10, lowered to the maximum charge 8", "8"),
        ({}, {"PercentageFlag": "1"}, "200", "200 x 5 % = 10", "10"),
        ({}, {"FlatRate": "1"}, "200", "5 flat fee = 5", "5"),
        ({"IncludedQuantity": "2"}, {}, "3", "1 x 5 = 5", "5"),
        ({"IncludedQuantity": "9"}, {}, "3", "All units are included: 0", "0"),
        ({"Rate": "0"}, {}, "3", "3 x 0 = 0", "0"),
    ],
)
def test_fees_blocks_and_bounds(
    price: dict[str, str], method: dict[str, str], quantity: str, arithmetic: str, amount: str
) -> None:
    product = ProductFactory(RatingMethodId=str(RatingMethodFactory(**method)))
    PriceFactory(ProductId=str(product), **price)
    account = AccountFactory()
    explanation = explained(account_id=account, product_id=product, quantity=D(quantity))
    assert (explanation["Arithmetic"], explanation["Amount"]) == (arithmetic, amount)
    asked = f"AccountId = {account} AND ProductId = {product} AND Quantity = {quantity}"
    (quote,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", asked, SYSTEM).json)
    assert quote["Amount"] == amount


def test_a_part_of_a_period() -> None:
    explanation = explained(**tiered(""), quantity=D(4), factor=D("0.5"))
    assert explanation["Arithmetic"] == "4 x 2.5 x 0.5 = 5"


def test_bands_that_leave_a_gap_give_no_amount() -> None:
    usage = used("Incremental")
    with connection.cursor() as cursor:  # what no verb would write
        cursor.execute(
            "UPDATE catalog_pricing SET deleted_at = now() "
            "WHERE product_id = %s AND upper_band = -1",
            [usage["product_id"]],
        )
    explanation = explained(account_product_id=usage["account_product_id"], quantity=D(12))
    assert explanation["Amount"] is None
    assert explanation["Conclusion"].startswith("The price is incomplete")


def test_the_currency_rounds_and_the_payer_says_which() -> None:
    product = ProductFactory()
    PriceFactory(ProductId=str(product), Rate="0.333", CurrencyCode="JPY")
    account = AccountFactory()
    profile = BillingProfileFactory(AccountId=str(account), CurrencyCode="JPY")
    update_one("ACCOUNT", account, SYSTEM, BillingProfileId=str(profile))
    explanation = explained(account_id=account, product_id=product, quantity=D(10))
    assert (explanation["Unrounded"], explanation["Amount"]) == ("3.33", "3")
    assert explanation["Rounding"]["Places"] == "0"
    assert "rounded (Math Round, 0 places) to 3 JPY." in explanation["Conclusion"]


# Lines


def line_ids(feed: Feed) -> list[int]:
    return [id for (id,) in feed.lines("id")]


def explained_line(id: int, context: Context = SYSTEM) -> Json:
    from billing.rating.explaining import explain_line

    return explain_line(id, context)


@pytest.mark.parametrize("kind", ["Incremental", "Bulk", ""])
@pytest.mark.parametrize("split", ["0", "1"])
def test_what_is_said_of_a_line_is_what_made_it(kind: str, split: str) -> None:
    feed, usage = Feed(), used(kind, **({"SplitUsage": split} if kind else {}))
    for quantities in (["4", "3.5", "-1"], ["2", "7.25"]):
        feed.send(*({**usage, "quantity": D(q)} for q in quantities))
        for id in line_ids(feed):
            explanation = explained_line(id)
            assert explanation["Line"]["Agrees"] == "1", explanation["Text"]


def test_a_line_that_was_priced_otherwise_says_so() -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 2})
    (id,) = line_ids(feed)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_pricing SET rate = 3 WHERE product_id = %s", [usage["product_id"]]
        )
    about = explained_line(id)["Line"]
    assert about["Agrees"] == "0"
    assert about["Reason"].startswith("The line says 5, the prices as they stand now 6")


def test_usage_that_brings_its_own_price() -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 2, "override_rate": "1.25"}, {**usage, "override_cost": "9"})
    first, second = (explained_line(id) for id in line_ids(feed))
    assert first["Arithmetic"] == "2 x 1.25 = 2.5"
    assert second["Arithmetic"] == "9 as the usage says"
    assert {s for *_, s in statuses(first)} == {"no price", "lost"}
    assert first["Line"]["Agrees"] == second["Line"]["Agrees"] == "1"


def test_a_line_at_the_rate_between_two_locations(clerk: Any) -> None:
    feed, usage = Feed(), used(AllowInternationalPricing="1")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM catalog_pricing WHERE product_id = %s", [usage["product_id"]]
        )
        (price,) = cursor.fetchone()
    there = CountryCodeFactory()
    CountryCodeMapFactory(PricingId=str(price), Rate="9", DestinationCountryCodeId=str(there))
    feed.send({**usage, "quantity": 2, "destination_id": there})
    (id,) = line_ids(feed)
    explanation = explained_line(id)
    assert (explanation["Arithmetic"], explanation["Line"]["Agrees"]) == ("2 x 9 = 18", "1")
    blind = clerk(**dict.fromkeys((*ALL, "ACTIVITY"), "R"))
    assert explained_line(id, blind)["Arithmetic"] is None


def abroad(**method: str) -> tuple[dict[str, int], int]:
    """A product at 5 each, to one place 9, for texts 11; and that place."""
    how = RatingMethodFactory(RatingMethodType="Usage", AllowInternationalPricing="1", **method)
    product, there = ProductFactory(RatingMethodId=str(how)), CountryCodeFactory()
    price = PriceFactory(ProductId=str(product), Rate="5")
    at = {"PricingId": str(price), "DestinationCountryCodeId": str(there)}
    CountryCodeMapFactory(**at, Rate="9")
    CountryCodeMapFactory(**at, Rate="11", ChargeType="TEXT")
    return {"account_id": AccountFactory(), "product_id": product}, there


@pytest.mark.parametrize(
    ("goes", "charge_type", "arithmetic"),
    [
        (True, None, "2 x 9 = 18"),
        (True, "TEXT", "2 x 11 = 22"),
        (True, "CALL", "2 x 9 = 18"),
        (False, None, "2 x 5 = 10"),
        (False, "TEXT", "2 x 5 = 10"),
    ],
)
def test_a_question_between_two_locations(
    goes: bool, charge_type: str | None, arithmetic: str
) -> None:
    who, there = abroad()
    explanation = explained(
        **who, quantity=D(2), destination_id=there if goes else None, charge_type=charge_type
    )
    assert explanation["Arithmetic"] == arithmetic
    assert bool(explanation["Price"]["CountryCodeMapId"]) == goes
    assert (explanation["Destination"] or {}).get("Id") == (str(there) if goes else None)


def test_a_rate_between_locations_that_is_wanted_and_missing_is_told(clerk: Any) -> None:
    who, _ = abroad(ObligatoryIntlRate="1")
    explanation = explained(**who)
    assert explanation["Amount"] is None
    assert explanation["Conclusion"] == (
        "The price has no rate from nowhere in particular to nowhere in particular, and its "
        "rating method wants one (ObligatoryIntlRate)."
    )
    blind = explained(clerk(**dict.fromkeys(ALL, "R")), **who)
    assert blind["Conclusion"] == "The amount is made of values that you may not read."


def test_locations_are_there_for_whoever_asks(clerk: Any) -> None:
    who, there = abroad()
    with pytest.raises(RequestError, match="COUNTRY_CODE has no record with Id 999999999") as wrong:
        explained(**who, origin_id=999999999)
    assert wrong.value.field == "OriginationCountryCodeId"
    blind = clerk(**dict.fromkeys(ALL, "R"))
    with pytest.raises(RequestError, match="may not read COUNTRY_CODE"):
        explained(blind, **who, destination_id=there)
    seeing = clerk(**dict.fromkeys((*ALL, "COUNTRY_CODE"), "R"))
    explanation = explained(seeing, **who, destination_id=there)
    assert (explanation["Amount"], explanation["Arithmetic"]) == (None, None)


# Questions that can't be asked


@pytest.mark.parametrize(
    ("question", "code", "says"),
    [
        ({}, Code.REQUIRED_FIELD_MISSING, "AccountId with ProductId"),
        ({"account_id": "account"}, Code.REQUIRED_FIELD_MISSING, "AccountId with ProductId"),
        ({"account_id": 10**12, "product_id": 1}, Code.RECORD_NOT_FOUND, "ACCOUNT has no record"),
        ({"account_product_id": 10**12}, Code.RECORD_NOT_FOUND, "ACCOUNT_PRODUCT has no record"),
        (
            {"account_product_id": "own", "account_id": "account"},
            Code.INVALID_VALUE,
            "leave AccountId out",
        ),
    ],
)
def test_questions_that_are_none(question: Json, code: Code, says: str) -> None:
    ids = {"account": AccountFactory(), "own": AccountProductFactory()}
    with pytest.raises(RequestError, match=says) as refused:
        explained(**{k: ids.get(v, v) for k, v in question.items()})
    assert refused.value.code == code


# What may be seen

ALL = ("ACCOUNT", "PRODUCT", "PRICING", "CONTRACT", "CONTRACT_RATE", "ACCOUNT_PRODUCT")


@pytest.mark.parametrize("without", ["ACCOUNT", "PRODUCT", "PRICING"])
def test_nothing_is_told_without_these_rights(clerk: Any, without: str) -> None:
    who, _ = agreed()
    granted = {name: "R" for name in ALL if name != without}
    with pytest.raises(RequestError, match=f"may not read {without}") as refused:
        explained(clerk(**granted), **who)
    assert refused.value.code == Code.INSUFFICIENT_RIGHTS


def test_of_what_may_not_be_seen_is_told_only_that_it_counts(clerk: Any) -> None:
    who, rate = agreed()
    PriceFactory(ContractRateId=str(rate), Rate="3.1415")
    blind = clerk(ACCOUNT="R", PRODUCT="R", PRICING="R", CONTRACT_RATE="R")
    explanation = explained(blind, **who)
    assert [(c["Source"], c["Status"]) for c in explanation["Candidates"]] == [
        (None, "won"),
        ("Product", "lost"),
    ]
    assert told(explanation, "Product")[1] == "It comes after a price that you may not see."
    assert (explanation["Amount"], explanation["Bands"]) == (None, [])
    assert "3.14" not in str(explanation)
    seeing = clerk(**dict.fromkeys(ALL, "R"))
    assert explained(seeing, **who)["Amount"] == "3.14"


def test_a_loser_that_may_not_be_seen_is_not_told(clerk: Any) -> None:
    who, _ = agreed(ContractStatus="DRAFT")
    explanation = explained(clerk(ACCOUNT="R", PRODUCT="R", PRICING="R"), **who)
    assert [c["Source"] for c in explanation["Candidates"]] == ["Product"]
    assert explanation["Amount"] == "5"
    assert "DRAFT" not in str(explanation)


def test_fields_without_right_give_no_amount(clerk: Any) -> None:
    from entities.models import EntityField, EntityFieldRole

    who, _ = agreed()
    context = clerk(**dict.fromkeys(ALL, "R"))
    field = EntityField.objects.get(external_key="PRICING.Rate")
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=field.entity, entity_field=field, read_flag=False
    )
    explanation = explained(context, **who)
    assert told(explanation, "Product")[0] == "won"
    assert (explanation["Amount"], explanation["Arithmetic"]) == (None, None)
    assert explanation["Bands"] == []
    assert explanation["Conclusion"] == "The amount is made of values that you may not read."


def test_a_line_needs_the_right_to_read_it(clerk: Any) -> None:
    feed = Feed()
    feed.send(used())
    (id,) = line_ids(feed)
    with pytest.raises(RequestError, match="may not read ACTIVITY"):
        explained_line(id, clerk(**dict.fromkeys(ALL, "R")))
    assert explained_line(id, clerk(**dict.fromkeys(ALL, "R"), ACTIVITY="R"))["Amount"] == "2.5"


def test_it_takes_few_statements() -> None:
    who = tiered("Incremental")
    explained(**who)
    with CaptureQueriesContext(connection) as ran:
        explained(**who, quantity=D(8))
    # The schema's version, what is asked, what follows from it, the prices, what they are called,
    # and what rating methods are, which have no name.
    assert len(ran) == 6, [one["sql"][:200] for one in ran]


def test_the_readable_form() -> None:
    product, account = ProductFactory(Name="Minutes"), AccountFactory(Name="Blue Harbor")
    PriceFactory(ProductId=str(product))
    explanation = explained(account_id=account, product_id=product, quantity=D(2))
    assert explanation["Text"] == [
        f"2 of Minutes (product {product}) for Blue Harbor (account {account}) on 2026-06-15 "
        "(UTC), in USD",
        f"1. Product Minutes ({product}): won. It is the first with a price.",
        "   Band above 0 at 5: 2 x 5",
        f"Product Minutes ({product}) counts. 2 x 5 = 10 USD.",
    ]


def test_what_has_no_name_is_called_by_what_the_caller_may_see_of_it(clerk: Any) -> None:
    product, account = ProductFactory(Name="Minutes"), AccountFactory(Name="Blue Harbor")
    own = AccountProductFactory(AccountId=str(account), ProductId=str(product), RateOverride="3")
    ask = {"account_product_id": own, "quantity": D(1)}
    assert explained(**ask)["Conclusion"] == (
        f"Account Product Blue Harbor – Minutes ({own}) counts. 1 x 3 = 3 USD."
    )
    rights = dict.fromkeys((*ALL, "ACCOUNT_PRODUCT"), "R")
    assert "Blue Harbor – Minutes" in explained(clerk(**rights), **ask)["Conclusion"]
