"""Which price counts: the documented order, its dates, and what keeps a candidate out."""

import json
from typing import Any

import pytest

from billing.rating.book import UNLISTED
from billing.rating.explaining import Question, explain
from billing.rating.explaining.sentences import HIDDEN_RULE
from entities import query
from metabrm.identity.context import Context
from tests.entities.acting import update_one
from tests.factories import (
    AccountFactory,
    AccountPackageFactory,
    AccountProductFactory,
    BillingProfileFactory,
    ContractFactory,
    ContractRateFactory,
    PackageProductFactory,
    PriceFactory,
    ProductFactory,
    RateClassFactory,
    RateClassProductFactory,
    RecordFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")


class PricingPlanFactory(RecordFactory):
    class Meta:
        model = "PRICING_PLAN"

    Name = "Plan"
    CurrencyCode = "USD"


class House:
    """An account under a parent, with a product that every level has a price for."""

    def __init__(self) -> None:
        self.product = ProductFactory(OverridePermissions="No Restriction")
        self.place = PackageProductFactory(ProductId=str(self.product), AllowPriceOverride="1")
        (row,) = json.loads(
            query.retrieve_where("PACKAGE_PRODUCT", f"Id = {self.place}", SYSTEM).json
        )
        self.package = row["PackageId"]
        self.grandparent = AccountFactory()
        self.parent = AccountFactory(ParentAccountId=str(self.grandparent), RateHierarchy="1")
        self.account = AccountFactory(ParentAccountId=str(self.parent), RateHierarchy="1")
        self.prices: dict[str, tuple[int, int]] = {}
        self.account_package: int | None = None
        self.contract: int | None = None

    def at(self, level: str) -> None:
        """Give the level a price; its rate is the level's number in `LEVELS` plus one."""
        rate = str(LEVELS.index(level) + 1)
        match level:
            case "own override":
                update_one("ACCOUNT_PRODUCT", self.own, SYSTEM, RateOverride=rate)
                owner = self.own
            case "account product":
                owner = self.own
                self._price(level, rate, AccountProductId=owner)
            case "product":
                owner = self.product
                self._price(level, rate, ProductId=owner)
            case "package product":
                owner = self.place
                self._price(level, rate, PackageProductId=owner)
            case "parent's account product":
                owner = AccountProductFactory(
                    AccountId=str(self.parent), ProductId=str(self.product)
                )
                self._price(level, rate, AccountProductId=owner)
            case "named contract's rate" | "named contract's class":
                owner = self._agreed(level, rate, self._contract_of(self.account, named=True))
            case "contract's rate" | "contract's class":
                owner = self._agreed(level, rate, self._contract_of(self.account))
            case "parent's contract's rate" | "parent's contract's class":
                owner = self._agreed(level, rate, self._contract_of(self.parent))
            case _:
                owner = self._agreed(level, rate, self._contract_of(self.grandparent))
        self.prices[level] = (int(rate), owner)

    @property
    def own(self) -> int:
        if not hasattr(self, "_own"):
            bundle = AccountPackageFactory(AccountId=str(self.account), PackageId=str(self.package))
            self._own = AccountProductFactory(
                AccountId=str(self.account),
                ProductId=str(self.product),
                PackageProductId=str(self.place),
                AccountPackageId=str(bundle),
            )
        return self._own

    def _contract_of(self, account: int, *, named: bool = False) -> int:
        key = f"_contract_{account}_{named}"
        if not hasattr(self, key):
            made = ContractFactory(AccountId=str(account))
            RecordFactory._create("CONTRACT_CURRENCY", ContractId=str(made), CurrencyCode="USD")
            setattr(self, key, made)
            if named:
                update_one("ACCOUNT_PRODUCT", self.own, SYSTEM, ContractId=str(made))
        return int(getattr(self, key))

    def _agreed(self, level: str, rate: str, contract: int) -> int:
        if level.endswith("rate"):
            owner = ContractRateFactory(ContractId=str(contract), ProductId=str(self.product))
            self._price(level, rate, ContractRateId=owner)
            return owner
        a_class = RateClassFactory()
        update_one("CONTRACT", contract, SYSTEM, RateClassId=str(a_class))
        owner = RateClassProductFactory(RateClassId=str(a_class), ProductId=str(self.product))
        self._price(level, rate, RateClassProductId=owner)
        return owner

    def _price(self, level: str, rate: str, **owner: int) -> None:
        PriceFactory(Rate=rate, **{name: str(id) for name, id in owner.items()})

    def price(self, day: str = "2026-06-15") -> dict[str, Any]:
        (row,) = json.loads(
            query.retrieve_where(
                "ACCOUNT_PRODUCT_QUOTE",
                f"AccountId = {self.account} AND AccountProductId = {self.own} "
                f"AND StartDate = '{day}'",
                SYSTEM,
            ).json
        )
        return row


LEVELS = [
    "own override",
    "account product",
    "named contract's rate",
    "named contract's class",
    "contract's rate",
    "contract's class",
    "parent's account product",
    "parent's contract's rate",
    "parent's contract's class",
    "grandparent's contract's rate",
    "package product",
    "product",
]


def test_each_level_counts_before_those_below_it() -> None:
    house = House()
    for level in reversed(LEVELS):
        house.at(level)
        row = house.price()
        rate, owner = house.prices[level]
        assert (row["Rate"], row["RateSourceId"]) == (str(rate), str(owner)), level


def test_prices_of_accounts_above_count_while_the_hierarchy_says_so() -> None:
    house = House()
    house.at("product")
    house.at("grandparent's contract's rate")
    assert house.price()["RateSource"] == "Contract Rate"
    update_one("ACCOUNT", house.parent, SYSTEM, RateHierarchy="0")
    assert house.price()["RateSource"] == "Product"


def test_only_the_named_contract_counts_where_the_product_says_so() -> None:
    house = House()
    house.at("product")
    house.at("contract's rate")
    update_one("PRODUCT", house.product, SYSTEM, RestrictUseOfUnreferencedContracts="1")
    assert house.price()["RateSource"] == "Product"
    house.at("named contract's rate")
    assert house.price()["RateSource"] == "Contract Rate"


def test_a_product_that_needs_a_contract_has_no_other_price() -> None:
    house = House()
    for level in ("product", "package product", "account product"):
        house.at(level)
    update_one("PRODUCT", house.product, SYSTEM, ContractRequiredFlag="1")
    assert (house.price()["Amount"], house.price()["RateSource"]) == (None, None)
    house.at("contract's class")
    assert house.price()["RateSource"] == "Rate Class"


@pytest.mark.parametrize("status", ["DRAFT", "DEACTIVATED"])
def test_a_contract_that_is_not_in_force_prices_nothing(status: str) -> None:
    house = House()
    house.at("product")
    house.at("contract's rate")
    contract = house._contract_of(house.account)
    update_one("CONTRACT", contract, SYSTEM, ContractStatus=status)
    assert house.price()["RateSource"] == "Product"


def test_every_candidate_counts_on_its_days_only() -> None:
    house = House()
    PriceFactory(ProductId=str(house.product), Rate="20")
    contract = ContractFactory(
        AccountId=str(house.account), StartDate="2026-02-01", EndDate="2026-10-31"
    )
    RecordFactory._create("CONTRACT_CURRENCY", ContractId=str(contract), CurrencyCode="USD")
    agreed = ContractRateFactory(
        ContractId=str(contract), ProductId=str(house.product), StartDate="2026-03-01"
    )
    PriceFactory(ContractRateId=str(agreed), Rate="15", EndDate="2026-05-31")
    PriceFactory(ContractRateId=str(agreed), Rate="14", EffectiveDate="2026-07-01")
    days = {
        "2026-02-28": "20",
        "2026-03-01": "15",
        "2026-05-31": "15",
        "2026-06-01": "20",
        "2026-06-30": "20",
        "2026-07-01": "14",
        "2026-10-31": "14",
        "2026-11-01": "20",
    }
    assert {day: house.price(day)["Rate"] for day in days} == days


def test_a_plan_that_overrides_comes_before_a_promotion_and_that_before_the_rest() -> None:
    house = House()
    PriceFactory(ProductId=str(house.product), Rate="20")
    for kind, rate, last in (
        ("STANDARD", "21", "2026-12-31"),
        ("PROMOTIONAL", "9", "2026-08-31"),
        ("OVERRIDE", "30", "2026-06-30"),
    ):
        plan = PricingPlanFactory(
            PlanType=kind, ProductId=str(house.product), EffectiveDate="2026-06-01", EndDate=last
        )
        PriceFactory(ProductId=str(house.product), MainPricingPlanId=str(plan), Rate=rate)
    assert house.price("2026-06-15")["Rate"] == "30"
    assert house.price("2026-07-15")["Rate"] == "9"
    assert house.price("2027-01-15")["Rate"] == "20"


def test_of_plans_of_one_kind_the_prices_of_the_last_one_count() -> None:
    house = House()
    for rate in ("21", "22", "23"):
        plan = PricingPlanFactory(PlanType="STANDARD", ProductId=str(house.product))
        PriceFactory(ProductId=str(house.product), MainPricingPlanId=str(plan), Rate=rate)
    PriceFactory(ProductId=str(house.product), Rate="20")
    assert house.price()["Rate"] == "23"
    update_one("PRICING_PLAN", plan, SYSTEM, Status="DEACTIVATED")
    assert house.price()["Rate"] == "22"


def test_a_price_in_another_currency_is_none() -> None:
    house = House()
    profile = BillingProfileFactory(AccountId=str(house.account), CurrencyCode="EUR")
    update_one("ACCOUNT", house.account, SYSTEM, BillingProfileId=str(profile))
    PriceFactory(ProductId=str(house.product), Rate="20")
    assert house.price()["Amount"] is None
    PriceFactory(ProductId=str(house.product), Rate="18", CurrencyCode="EUR")
    assert house.price()["Rate"] == "18"


@pytest.mark.parametrize("named", [True, False], ids=["by the account", "by the profile"])
def test_the_payer_s_currency_is_asked_where_an_account_above_pays(named: bool) -> None:
    house = House()
    profile = BillingProfileFactory(AccountId=str(house.grandparent), CurrencyCode="EUR")
    if named:
        update_one("ACCOUNT", house.grandparent, SYSTEM, BillingProfileId=str(profile))
    PriceFactory(ProductId=str(house.product), Rate="20")
    PriceFactory(ProductId=str(house.product), Rate="18", CurrencyCode="EUR")
    assert house.price()["Rate"] == "18"


@pytest.mark.parametrize(
    ("rule", "rate", "amount"),
    [
        ("Math Round", "1.005", "1.01"),
        ("Math Round", "-1.005", "-1.01"),
        ("Round Up", "1.001", "1.01"),
        ("Round Up", "-1.001", "-1.01"),
        ("Round Up", "1.01", "1.01"),
        ("Round Down", "1.009", "1"),
        ("Round Down", "-1.009", "-1"),
    ],
)
def test_amounts_are_rounded_by_the_rule_of_their_currency(
    rule: str, rate: str, amount: str
) -> None:
    from metabrm.localization.models import Currency

    dollar = Currency.objects.get(currency_code="USD").pk
    update_one("CURRENCY", dollar, SYSTEM, CostRoundingRule=rule, CurrencyLevelRounding="1")
    house = House()
    PriceFactory(ProductId=str(house.product), Rate=rate)
    assert house.price()["Amount"] == amount
    update_one("CURRENCY", dollar, SYSTEM, CurrencyLevelRounding="0")
    assert house.price()["Amount"] in {"1.01", "-1.01", "1", "-1"}


def test_a_contract_that_lists_currencies_prices_in_no_other_one(clerk: Any) -> None:
    """What its rate class has in another one does not count, for an account that is charged so."""
    house = House()
    house.at("product")
    house.at("contract's class")
    assert house.price()["RateSource"] == "Rate Class"
    contract = house._contract_of(house.account)
    (listed,) = json.loads(
        query.retrieve_where("CONTRACT_CURRENCY", f"ContractId = {contract}", SYSTEM).json
    )
    update_one("CONTRACT_CURRENCY", int(listed["Id"]), SYSTEM, CurrencyCode="EUR")
    assert house.price()["RateSource"] == "Product"
    asked = Question(account_product_id=house.own)
    told = {one["Source"]: one for one in explain(asked, SYSTEM)["Candidates"]}
    assert (told["Rate Class"]["Status"], told["Rate Class"]["Reason"]) == ("refused", UNLISTED)
    seen = ("ACCOUNT", "PRODUCT", "PRICING", "ACCOUNT_PRODUCT", "PACKAGE_PRODUCT", "CONTRACT")
    context = clerk(**dict.fromkeys((*seen, "RATE_CLASS", "RATE_CLASS_PRODUCT"), "R"))
    told = {one["Source"]: one for one in explain(asked, context)["Candidates"]}
    assert (told["Rate Class"]["Status"], told["Rate Class"]["Reason"]) == ("refused", HIDDEN_RULE)
