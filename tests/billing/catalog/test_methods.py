"""Rating methods: what each kind of charge needs, and what means nothing for it."""

from typing import Any

import pytest

from billing.catalog.models import RatingMethod
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db

MISSING, WRONG = "REQUIRED_FIELD_MISSING", "VALIDATION_FAILED"

GOOD: list[dict[str, Any]] = [
    {},
    {"RatingMethodType": "One Time Charge"},
    {"RatingMethodType": "Usage", "PricingType": "Tiered Pricing", "AggregateRateType": "Bulk"},
    {"SplitUsage": "1", "AccumFlag": "1", "AccumResetPeriod": "Yearly"},
    {"AllowInternationalPricing": "1", "ObligatoryIntlRate": "1"},
    {"PercentageFlag": "1", "MinMaxPer": "Charge"},
    {"RatingMethodType": "Prepaid Usage", "AutoRefill": "1"},
    {
        "RatingMethodType": "Subscription",
        "SubscriptionCycle": "Monthly",
        "SubscriptionModel": "Prepaid",
        "ProrateSubscription": "1",
        "ProrationDayCount": "30/360",
        "ChargeInAdvancePeriod": "5",
        "ChargeInAdvanceUnit": "Day",
    },
    {"RatingMethodType": "Variable Interval Subscription", "IntervalDays": "45"},
    {
        "RatingMethodType": "Discount",
        "DiscountPricingType": "Percentage Off",
        "DiscountApplyTo": "Recurring charges",
    },
    {
        "RatingMethodType": "Discount",
        "DiscountPricingType": "Fixed Amount",
        "DiscountType": "Conditional",
        "DiscountEligableFilterLogic": "{!ProductObj.Name} = 'Fiber'",
        "DiscountTargetFilterLogic": "{!RatedAmount} > 10",
        "DiscountEligCond": ">= 12.50",
        "DiscountEligUnitMeas": "Amount",
        "DiscountApplMethod": "In order",
        "DiscountLimitedUsage": "1",
        "DiscountMaxNumberOfUses": "3",
        "DiscountUsePer": "Account",
    },
    {"RatingMethodType": "Trial", "TrialDuration": "30"},
    {"RatingMethodType": "Late Fee", "ChargeType": "Percentage"},
    {"RatingMethodType": "Per Invoice", "ChargeType": "Percentage"},
    {"RatingMethodType": "Conditional Product Charge"},
    {
        "RatingMethodType": "Tax",
        "TaxApplicableTo": "Filtered Products",
        "TaxProductFilterLogic": "{!Name} = 'Fiber'",
    },
    {
        "RatingMethodType": "Revenue Commitment",
        "CMTQuantity": "5000",
        "CMTTermDuration": "12 months",
        "CMTInclusionLogic": "{!Quantity} > 0",
    },
    {"FormulaFlag": "1", "FormulaValue": "{!Quantity} * 2"},
]

BAD: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"ProrationDayCount": "30/360"},
        WRONG,
        "ProrationDayCount",
        "means nothing for a rating method of type Usage, only for Subscription or Variable",
    ),
    (
        {"RatingMethodType": "Subscription", "ProrationDayCount": "30/360"},
        WRONG,
        "ProrationDayCount",
        "means nothing where ProrateSubscription is 0; leave it out, or send ProrateSubscription 1",
    ),
    (
        {"RatingMethodType": "Variable Interval Subscription"},
        MISSING,
        "IntervalDays",
        "the days from one charge to the next",
    ),
    (
        {"RatingMethodType": "Variable Interval Subscription", "IntervalDays": "0"},
        WRONG,
        "IntervalDays",
        "IntervalDays is 0; send 1 or more.",
    ),
    ({"PricingType": "Tiered Pricing"}, MISSING, "AggregateRateType", "Bulk (the tier reached"),
    (
        {"AggregateRateType": "Bulk"},
        WRONG,
        "AggregateRateType",
        "means nothing where PricingType is 'Standard Pricing'",
    ),
    (
        {"RatingMethodType": "Discount", "DiscountApplyTo": "All charges"},
        MISSING,
        "DiscountPricingType",
        "Percentage Off or Fixed",
    ),
    (
        {
            "RatingMethodType": "Discount",
            "DiscountPricingType": "Fixed Amount",
            "DiscountApplyTo": "All charges",
            "DiscountType": "Conditional",
        },
        MISSING,
        "DiscountEligableFilterLogic",
        "which charges make eligible",
    ),
    (
        {
            "RatingMethodType": "Discount",
            "DiscountPricingType": "Fixed Amount",
            "DiscountApplyTo": "All charges",
            "DiscountLimitedUsage": "1",
        },
        MISSING,
        "DiscountMaxNumberOfUses",
        "how often it may be used",
    ),
    (
        {
            "RatingMethodType": "Discount",
            "DiscountPricingType": "Fixed Amount",
            "DiscountApplyTo": "All charges",
            "DiscountMaxNumberOfUses": "3",
        },
        WRONG,
        "DiscountMaxNumberOfUses",
        "leave it out, or send DiscountLimitedUsage 1",
    ),
    ({"RatingMethodType": "Trial"}, MISSING, "TrialDuration", "length of the trial"),
    ({"AccumFlag": "1"}, MISSING, "AccumResetPeriod", "how often the sum begins at zero"),
    ({"AccumResetPeriod": "Monthly"}, WRONG, "AccumResetPeriod", "send AccumFlag 1"),
    ({"ObligatoryIntlRate": "1"}, MISSING, "AllowInternationalPricing", "between two locations"),
    (
        {"FormulaQuantity": "{!Quantity} * 2"},
        WRONG,
        "FormulaQuantity",
        "means nothing for a rating method of type Usage, only for One Time Charge",
    ),
    *(
        (
            {"RatingMethodType": kind, name: "{!Quantity} * 2"},
            WRONG,
            name,
            f"means nothing for a rating method of type {kind}, only for",
        )
        for kind in ("Prepaid Usage", "Conditional Product Charge", "Late Fee", "Per Invoice")
        for name in ("FormulaValue", "FormulaQuantity")
    ),
    (
        {
            "RatingMethodType": "Subscription",
            "SubAggrLevel": "Account",
            "FormulaQuantity": "{!Quantity} * 2",
        },
        WRONG,
        "FormulaQuantity",
        "where SubAggrLevel is 'Account'",
    ),
    ({"FormulaFlag": "1"}, MISSING, "FormulaValue", "formula of the charge's cost"),
    (
        {"SubscriptionCycle": "Monthly"},
        WRONG,
        "SubscriptionCycle",
        "means nothing for a rating method of type Usage, only for Subscription",
    ),
    (
        {"RatingMethodType": "One Time Charge", "SubscriptionModel": "Prepaid"},
        WRONG,
        "SubscriptionModel",
        "only for Subscription or Variable Interval Subscription",
    ),
    ({"IntervalDays": "3"}, WRONG, "IntervalDays", "only for Variable Interval Subscription"),
    ({"AutoRefill": "1"}, WRONG, "AutoRefill", "only for Prepaid Usage"),
    ({"TrialDuration": "3"}, WRONG, "TrialDuration", "only for Trial"),
    ({"ChargeType": "Percentage"}, WRONG, "ChargeType", "only for Late Fee or Per Invoice or"),
    ({"CMTQuantity": "1"}, WRONG, "CMTQuantity", "only for Revenue Commitment"),
    (
        {
            "RatingMethodType": "Subscription",
            "SubscriptionCycle": "Monthly",
            "ChargeInAdvanceUnit": "Day",
        },
        MISSING,
        "ChargeInAdvancePeriod",
        "is required beside ChargeInAdvanceUnit",
    ),
    (
        {"MinMaxZeroQuantityTrueUp": "1", "MinMaxPer": "Charge"},
        WRONG,
        "MinMaxPer",
        "send 'Period'",
    ),
    (
        {"RatingMethodType": "Tax", "TaxApplicableTo": "Filtered Products"},
        MISSING,
        "TaxProductFilterLogic",
        "which products are taxed",
    ),
    (
        {"EligibleActivityFilterLogic": "{!Quantity} >"},
        WRONG,
        "EligibleActivityFilterLogic",
        "no formula over the fields of ACTIVITY that yields a flag",
    ),
    (
        {"EligibleActivityFilterLogic": "{!Quantity} * 2"},
        WRONG,
        "EligibleActivityFilterLogic",
        "yields a flag",
    ),
    (
        {"EligibleActivityFilterLogic": "{!Nothing} = 1"},
        WRONG,
        "EligibleActivityFilterLogic",
        "Nothing",
    ),
    (
        {"FormulaFlag": "1", "FormulaValue": "{!ProcessDescription}"},
        WRONG,
        "FormulaValue",
        "yields a number",
    ),
]


@pytest.mark.parametrize("sent", GOOD, ids=lambda s: s.get("RatingMethodType", "Usage"))
def test_each_kind_of_charge_takes_its_settings(system: Context, sent: dict[str, Any]) -> None:
    assert refusals(records.create("RATING_METHOD", [sent], system)) == [""]


@pytest.mark.parametrize(("sent", "code", "field", "fragment"), BAD)
def test_what_is_missing_or_means_nothing_is_refused(
    system: Context, sent: dict[str, Any], code: str, field: str, fragment: str
) -> None:
    (outcome,) = records.create("RATING_METHOD", [sent], system)
    assert [(str(p.code), p.field) for p in outcome.problems] == [(code, field)]
    assert fragment in outcome.problems[0].message


def test_a_fee_has_no_formula(system: Context) -> None:
    sent = {"RatingMethodType": "Per Invoice", "FormulaFlag": "1", "FormulaValue": "{!Quantity}"}
    (outcome,) = records.create("RATING_METHOD", [sent], system)
    assert [(str(p.code), p.field) for p in outcome.problems] == [
        (WRONG, "FormulaFlag"),
        (WRONG, "FormulaValue"),
    ]
    said = (
        "means nothing for a rating method of type Per Invoice, only for Usage or One Time Charge"
    )
    assert all(said in p.message for p in outcome.problems)


def test_a_subscription_is_charged_every_month_unless_it_says(make: Maker, system: Context) -> None:
    made = make("RATING_METHOD", RatingMethodType="Subscription")
    assert RatingMethod.objects.get(pk=made).subscription_cycle == "Monthly"
    usage = make("RATING_METHOD")
    for method in (made, usage):
        cleared = {"Id": method, "RatingMethodType": "Subscription", "SubscriptionCycle": None}
        (outcome,) = records.update("RATING_METHOD", [cleared], system, null_clears=True)
        assert [(p.code, p.field) for p in outcome.problems] == [(MISSING, "SubscriptionCycle")]


def test_a_minimum_without_usage_is_one_of_the_period(make: Maker) -> None:
    made = make("RATING_METHOD", MinMaxZeroQuantityTrueUp="1")
    assert RatingMethod.objects.get(pk=made).min_max_per == "Period"


def test_another_kind_needs_its_own_settings(make: Maker, system: Context) -> None:
    made = make("RATING_METHOD", RatingMethodType="Subscription", SubscriptionCycle="Monthly")
    to_usage = {"Id": made, "RatingMethodType": "Usage"}
    (said,) = refusals(records.update("RATING_METHOD", [to_usage], system))
    assert "SubscriptionCycle 'Monthly' means nothing" in said
    cleared = to_usage | {"SubscriptionCycle": None}
    outcomes = records.update("RATING_METHOD", [cleared], system, null_clears=True)
    assert refusals(outcomes) == [""]


@pytest.mark.parametrize("how", ["product", "package product", "account product", "contract"])
def test_a_method_in_use_keeps_its_kind(make: Maker, system: Context, how: str) -> None:
    method = make("RATING_METHOD")
    own = {"RatingMethodId": method}
    product = make("PRODUCT", OverridePermissions="No Restriction", **own if "pr" in how else {})
    account = make("ACCOUNT")
    inside = {"PackageId": make("PACKAGE"), "ProductId": product}
    if how == "contract":
        contract = make("CONTRACT", AccountId=account)
        make("CONTRACT_RATE", ContractId=contract, ProductId=product, **own)
    elif how == "package product":
        part = make("PACKAGE_PRODUCT", **inside, **own)
        make("ACCOUNT_PRODUCT", AccountId=account, PackageProductId=part)
    else:
        more = own if how == "account product" else {}
        make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product, **more)
    changes = [{"Id": method, "RatingMethodType": "One Time Charge"}]
    (outcome,) = records.update("RATING_METHOD", changes, system)
    (problem,) = outcome.problems
    assert (problem.code, problem.field) == ("FIELD_NOT_CHANGEABLE", "RatingMethodType")
    free = make("RATING_METHOD")
    changes = [{"Id": free, "RatingMethodType": "One Time Charge"}]
    assert refusals(records.update("RATING_METHOD", changes, system)) == [""]


def tiered(make: Maker, **more: str) -> str:
    return make("RATING_METHOD", PricingType="Tiered Pricing", AggregateRateType="Bulk", **more)


def test_a_method_with_tiers_does_not_become_standard(make: Maker, system: Context) -> None:
    method, other = tiered(make), tiered(make)
    product = make("PRODUCT", RatingMethodId=method)
    make("PRICING", ProductId=product, UpperBand="10")
    standard = {"PricingType": "Standard Pricing", "AggregateRateType": None}
    sent = [{"Id": m, **standard} for m in (method, other)]
    outcomes = records.update("RATING_METHOD", sent, system, null_clears=True)
    assert [o.ok for o in outcomes] == [False, True]
    assert "there are prices in bands" in refusals(outcomes)[0]
    outcomes = records.update("PRODUCT", [{"Id": product, "RatingMethodId": other}], system)
    (said,) = refusals(outcomes)
    assert "the rating method has Standard Pricing" in said


def test_a_product_in_use_keeps_its_kind_of_charge(make: Maker, system: Context) -> None:
    usage, also_usage = make("RATING_METHOD"), make("RATING_METHOD")
    once = make("RATING_METHOD", RatingMethodType="One Time Charge")
    product = make("PRODUCT", RatingMethodId=usage)
    make("ACCOUNT_PRODUCT", AccountId=make("ACCOUNT"), ProductId=product)
    for method, fits in ((once, False), (also_usage, True)):
        sent = [{"Id": product, "RatingMethodId": method}]
        (outcome,) = records.update("PRODUCT", sent, system)
        assert outcome.ok == fits
        if not fits:
            assert "stays one of type Usage" in refusals([outcome])[0]


@pytest.mark.parametrize(
    ("bands", "fits"),
    [({}, True), ({"UpperBand": "10"}, False), ({"LowerBand": "10"}, False)],
)
@pytest.mark.parametrize("where", ["of the product", "of the price", "of the contract rate"])
def test_a_standard_method_that_is_named_has_one_rate(
    make: Maker, system: Context, where: str, bands: dict[str, str], fits: bool
) -> None:
    standard = make("RATING_METHOD")
    product = make(
        "PRODUCT",
        RatingMethodId=standard if where == "of the product" else tiered(make),
        OverridePermissions="No Restriction",
    )
    # Prices of all kinds hang on a product, so its own method refuses no bands.
    fits = fits or where == "of the product"
    owner = {"ProductId": product}
    if where == "of the price":
        owner["RatingMethodId"] = standard
    elif where == "of the contract rate":
        contract = make("CONTRACT", AccountId=make("ACCOUNT"))
        owner = {
            "ContractRateId": make(
                "CONTRACT_RATE", ContractId=contract, RatingMethodId=standard, **owner
            )
        }
    (outcome,) = records.create("PRICING", [{"Rate": "1", **owner, **bands}], system)
    assert outcome.ok == fits
    if not fits:
        (problem,) = outcome.problems
        assert problem.field == next(iter(bands))
        assert "The rating method has Standard Pricing" in problem.message


def test_a_formula_for_the_selling_price_is_there(system: Context) -> None:
    (outcome,) = records.create("PRODUCT", [{"Name": "A", "UseFormulaSSP": "1"}], system)
    assert [(p.code, p.field) for p in outcome.problems] == [(MISSING, "SSPFormula")]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("{!Quantity} * 100", ""),
        ("IF({!ProductObj.Name} = 'A', 1, 2)", ""),
        ("{!Quantity} *", "no formula over the fields of ACCOUNT_PRODUCT that yields a number"),
        ("{!Quantities} * 2", "Quantities"),
        ("{!ProductObj.Name}", "number"),
        ("1); DROP TABLE catalog_product; --", "no formula"),
    ],
)
def test_the_formula_for_the_selling_price_makes_sense(
    make: Maker, system: Context, formula: str, said: str
) -> None:
    product = make("PRODUCT")
    sent = {"SSPFormula": formula, "UseFormulaSSP": "1"}
    created = records.create("PRODUCT", [{"Name": "A", **sent}], system)
    updated = records.update("PRODUCT", [{"Id": product, **sent}], system)
    for (problem,) in [outcome.problems for outcome in (*created, *updated)] if said else []:
        assert problem.field == "SSPFormula"
        assert said in problem.message
    assert said or refusals([*created, *updated]) == ["", ""]
