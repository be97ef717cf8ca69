"""A world's methods, products, packages, rate classes and prices as records."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from tests.billing.mediation.standing import asked
from tests.billing.pipeline.described import LABELS, LOCATIONS, Agreed, Listed, Plan, World
from tests.factories import UsageIdentifierFactory
from tests.making import created

Row = dict[str, Any]


def bands(listed: Listed) -> Iterator[Row]:
    """The price rows of a list."""
    price = listed.price
    for order, (band, begin) in enumerate(zip(price.bands, price.begins, strict=True), 1):
        yield {
            "CurrencyCode": listed.currency,
            "Rate": str(band.rate),
            "LowerBand": str(begin),
            "UpperBand": "-1" if band.to is None else str(band.to),
            "RateOrder": order,
            "FlatFee": band.flat_fee,
            "FeePerCharge": band.fee_per_charge,
            "MinCharge": band.min_charge,
            "MaxCharge": band.max_charge,
            "BlockSize": band.block_size,
            "IncludedQuantity": price.included_quantity if order == 1 else None,
            "IncludedCharges": price.included_charges if order == 1 else None,
            "EffectiveDate": listed.since,
            "EndDate": listed.until and listed.until - timedelta(days=1),
        }


class Said(NamedTuple):
    """A rate of a contract, or an entry of a rate class: whose it is and which of them, its Id, and
    what its prices hang on."""

    place: tuple[int, int]
    agreed: Agreed
    id: int
    owner: Row


class Catalog:
    """Each list has the Ids of what stands at its places."""

    def __init__(self, world: World) -> None:
        self.world = world
        #: Ids of all plans, and whether they are to price anything.
        self.planned: list[tuple[int, bool]] = []
        self.labels = {one: UsageIdentifierFactory(UsageIdentifier=one) for one in LABELS}
        self.locations: list[int] = []
        for name, wider, _ in LOCATIONS:
            above = None if wider is None else self.locations[wider]
            row = {"Name": name, "InvoiceLabel": name, "ParentCountryCodeId": above}
            self.locations += created("COUNTRY_CODE", [row])
        self._end("catalog_countrycode", self.locations, [one[2] for one in LOCATIONS])
        self._methods()
        self._products()
        self.classes = created(
            "RATE_CLASS",
            (
                {"Name": f"Class {n}", "EffectiveDate": one.since, "EndDate": one.until}
                for n, one in enumerate(world.classes)
            ),
        )
        self.entries = self.agreed(
            "RATE_CLASS_PRODUCT",
            [
                ({"RateClassId": self.classes[n]}, one.entries)
                for n, one in enumerate(world.classes)
            ],
        )

    def _methods(self) -> None:
        self.methods = created(
            "RATING_METHOD",
            (
                {
                    "RatingMethodType": "Usage" if one.refills is None else "Prepaid Usage",
                    "AutoRefill": "1" if one.refills else None,
                    "PricingType": "Tiered Pricing" if one.tiered else "Standard Pricing",
                    "AggregateRateType": ("Incremental" if one.incremental else "Bulk")
                    if one.tiered
                    else None,
                    "AggregationLevel": one.level,
                    "FlatRate": "1" if one.flat else "0",
                    "PercentageFlag": "1" if one.percentage else "0",
                    "SplitUsage": "1" if one.split else None,
                    "FormulaFlag": "1" if one.formula else None,
                    "FormulaValue": one.formula,
                    "AllowInternationalPricing": "1" if one.international else None,
                    "ObligatoryIntlRate": "1" if one.obligatory else None,
                }
                for one in self.world.methods
            ),
        )

    def _products(self) -> None:
        self.products = created(
            "PRODUCT",
            (
                {
                    "Name": f"Product {number}",
                    "RatingMethodId": self.methods[one.method],
                    "OverridePermissions": "No Restriction",
                    "UsageIdentifierId": self.labels[one.label] if one.label else None,
                    "RestrictUseOfUnreferencedContracts": "1" if one.named_only else None,
                }
                for number, one in enumerate(self.world.products)
            ),
        )
        self.packages = created(
            "PACKAGE", ({"Name": f"Package {n}"} for n in range(self.world.packages))
        )
        self.places = created(
            "PACKAGE_PRODUCT",
            (
                {
                    "Name": f"Place {number}",
                    "PackageId": self.packages[one.package],
                    "ProductId": self.products[one.product],
                    "MinQty": "0",
                    "AllowPriceOverride": "1",
                    "RatingMethodId": None if one.method is None else self.methods[one.method],
                    "RateOverride": None if one.rate is None else str(one.rate),
                    "UsageIdentifierId": self.labels[one.label] if one.label else None,
                }
                for number, one in enumerate(self.world.places)
            ),
        )

    def agreed(self, entity: str, of: list[tuple[Row, tuple[Agreed, ...]]]) -> list[Said]:
        """The rates of contracts, or the entries of rate classes."""
        own = "ContractRateId" if entity == "CONTRACT_RATE" else "RateClassProductId"
        flat = [
            ((number, at), owner, one)
            for number, (owner, rows) in enumerate(of)
            for at, one in enumerate(rows)
        ]
        made = self.plans([(one.plan, one.lists) for *_, one in flat if one.plan])
        plans = [next(made) if one.plan else None for *_, one in flat]
        ids = created(
            entity,
            (
                {
                    **owner,
                    "ProductId": self.products[one.product] if one.place is None else None,
                    "PackageId": None if one.package is None else self.packages[one.package],
                    "PackageProductId": None if one.place is None else self.places[one.place],
                    "RatingMethodId": None if one.method is None else self.methods[one.method],
                    "StartDate": one.since,
                    "EndDate": one.until,
                    "PricingPlanId": plan,
                }
                for (_, owner, one), plan in zip(flat, plans, strict=True)
            ),
        )
        return [
            Said(place, one, id, {"MainPricingPlanId": plan} if plan else {own: id})
            for (place, _, one), id, plan in zip(flat, ids, plans, strict=True)
        ]

    def plans(self, wanted: list[tuple[Plan, tuple[Listed, ...]]]) -> Iterator[int]:
        """The Ids of plans, with the prices that hang on nothing else."""
        ids = created(
            "PRICING_PLAN",
            (
                {
                    "Name": "Plan",
                    "PlanType": plan.kind,
                    "CurrencyCode": listed[0].currency,
                    "EffectiveDate": plan.since,
                    "EndDate": plan.until,
                }
                for plan, listed in wanted
            ),
        )
        self.planned += [(id, plan.active) for id, (plan, _) in zip(ids, wanted, strict=True)]
        return iter(ids)

    def prices(self, owned: list[tuple[Row, tuple[Listed, ...]]]) -> None:
        """All price lists, with what goes between locations."""
        flat = [(owner, listed) for owner, lists in owned for listed in lists]
        planned = self.plans([(one.plan, (one,)) for _, one in flat if one.plan])
        rows: list[Row] = []
        routed: list[tuple[int, Listed]] = []
        for owner, listed in flat:
            routed.append((len(rows), listed))
            plan = next(planned) if listed.plan else owner.get("MainPricingPlanId")
            method = None if listed.method is None else self.methods[listed.method]
            about = {**owner, "MainPricingPlanId": plan, "RatingMethodId": method}
            rows += [about | row for row in bands(listed)]
        ids = created("PRICING", rows)
        created(
            "COUNTRY_CODE_MAP",
            (
                {
                    "PricingId": ids[at],
                    "OriginationCountryCodeId": None
                    if one.origin is None
                    else self.locations[one.origin],
                    "DestinationCountryCodeId": None
                    if one.destination is None
                    else self.locations[one.destination],
                    "ChargeType": one.kind,
                    "Rate": str(one.rate),
                }
                for at, listed in routed
                for one in listed.routes
            ),
        )

    def own_prices(self) -> list[tuple[Row, tuple[Listed, ...]]]:
        """The price lists of products, places and entries of rate classes."""
        of_products = zip(self.products, self.world.products, strict=True)
        of_places = zip(self.places, self.world.places, strict=True)
        return [
            *(({"ProductId": id}, one.lists) for id, one in of_products),
            *(({"PackageProductId": id}, one.lists) for id, one in of_places),
            *((one.owner, one.agreed.lists) for one in self.entries),
        ]

    def settle(self) -> None:
        """What was sold or agreed on while it could be, and can't be any more."""
        self._end("catalog_rateclass", self.classes, [one.active for one in self.world.classes])
        plans, active = [id for id, _ in self.planned], [active for _, active in self.planned]
        self._end("catalog_pricingplan", plans, active)
        only = [
            id
            for id, one in zip(self.products, self.world.products, strict=True)
            if one.contract_only
        ]
        asked(
            "UPDATE catalog_product SET contract_required_flag = true WHERE id = ANY(%s) "
            "RETURNING 1",
            only,
        )

    def _end(self, table: str, ids: list[int], active: list[bool]) -> None:
        ended = [id for id, still in zip(ids, active, strict=True) if not still]
        asked(
            f"UPDATE {table} SET status = 'DEACTIVATED' WHERE id = ANY(%s) RETURNING 1",
            ended,
        )
