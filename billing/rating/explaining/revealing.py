"""What of a price's way the caller may be told: the records that he sees, the fields he reads."""

from billing.rating import formulas
from billing.rating.explaining.findings import Json
from billing.rating.explaining.question import Question
from billing.rating.explaining.sight import Sight

#: A field of PRICING that an amount is made of, and the column of a band that holds it.
MADE_OF = {
    "LowerBand": "above_quantity",
    "UpperBand": "to_quantity",
    "Rate": "rate",
    "FlatFee": "flat_fee",
    "FeePerCharge": "fee_per_charge",
    "BlockSize": "block_size",
    "MinCharge": "min_charge",
    "MaxCharge": "max_charge",
    "IncludedQuantity": "included_quantity",
    "IncludedCharges": "included_charges",
}

#: Source of a candidate -> its entity, and what of the entity the telling reveals.
SOURCES = {
    "Account Product": ("ACCOUNT_PRODUCT", ()),
    "Account Package Product": ("ACCOUNT_PRODUCT", ()),
    "Parent Account Product": ("ACCOUNT_PRODUCT", ("StartDate", "EndDate", "Status")),
    "Contract Rate": ("CONTRACT_RATE", ("StartDate", "EndDate")),
    "Rate Class": ("RATE_CLASS_PRODUCT", ("StartDate", "EndDate")),
    "Package Product": ("PACKAGE_PRODUCT", ()),
    "Product": ("PRODUCT", ()),
}
#: Entities whose records an explanation calls by their titles.
_CALLED = frozenset(
    (
        *("ACCOUNT", "PRODUCT", "COUNTRY_CODE", "CONTRACT", "RATE_CLASS", "RATING_METHOD"),
        *("PRICING_PLAN", *(entity for entity, _ in SOURCES.values())),
    )
)
_OF_CONTRACT = ("ContractNumber", "ContractStatus", "StartDate", "EndDate")
_OF_CLASS = ("Name", "Status", "EffectiveDate", "EndDate")
_OF_PLAN = ("Name", "PlanType", "Status", "EffectiveDate", "EndDate")
_OF_METHOD = ("PricingType", "AggregateRateType")
_OF_RULES = ("ContractRequiredFlag", "RestrictUseOfUnreferencedContracts")


class Revealed:
    """What one caller may know of what was found."""

    def __init__(self, asked: Question, found: Json, sight: Sight) -> None:
        self.asked = asked
        self.sight = sight
        self.counts: Json | None = found["counts"]
        self.known = sight.fields(_wanted(asked, found, sight))
        self.titles = _titles(self.known, sight)
        self.versions = [v for v in found["versions"] or [] if self._shows_version(v)]
        by = found["quantity_formula"]
        #: The formula of the quantity, as far as it may be known.
        self.quantity_formula: str | None = None
        if by is not None and self._shows_reading("FormulaQuantity", by["text"]):
            self.quantity_formula = by["text"]
        #: Whether it is for the caller to know what a quantity comes to.
        self.shows_quantity = by is None or self.quantity_formula is not None

    def named(self, entity: str, id: int | None) -> Json | None:
        """A record by Id and name; None where there is none for the caller."""
        if id is None or (entity, id) not in self.known:
            return None
        return {"Entity": entity, "Id": str(id), "Name": self.name(entity, id)}

    def name(self, entity: str, id: int | None) -> str | None:
        if id is None:
            return None
        named = self.known.get((entity, id), {}).get(self.sight.title(entity))
        return self.titles.get((entity, id)) if named in (None, str(id)) else named

    def shows(self, candidate: Json) -> bool:
        """Whether all that the telling of a candidate reveals may be known."""
        entity, fields = SOURCES[candidate["source"]]
        needed: list[tuple[str, int | None, tuple[str, ...]]] = [
            (entity, candidate["source_id"], fields),
            ("CONTRACT", candidate["contract_id"], _OF_CONTRACT),
            ("RATE_CLASS", candidate["rate_class_id"], _OF_CLASS),
            ("PRICING_PLAN", candidate["plan_id"], _OF_PLAN),
        ]
        return all(
            id is None or ((entity, id) in self.known and self.sight.reads(entity, *fields))
            for entity, id, fields in needed
        )

    def _shows_version(self, version: Json) -> bool:
        plan = version["plan_id"]
        return (
            self.sight.reads("PRICING", "CurrencyCode", "EffectiveDate", "EndDate")
            and all(("PRICING", id) in self.known for id in version["pricing_ids"])
            and (
                plan is None
                or (
                    ("PRICING_PLAN", plan) in self.known
                    and self.sight.reads("PRICING_PLAN", *_OF_PLAN)
                )
            )
        )

    def shows_amount(self, winner: Json) -> bool:
        """Whether the caller may read all that the amount is made of."""
        if self.asked.route_id is not None:
            route = self.known.get(("COUNTRY_CODE_MAP", self.asked.route_id), {})
            return "Rate" in route
        if winner["override"] is not None:
            return self.sight.reads(SOURCES[winner["source"]][0], "RateOverride")
        assert self.counts is not None
        return self.sight.reads("PRICING", *MADE_OF) and any(
            v["id"] == self.counts["version_id"] for v in self.versions
        )

    def shows_routes(self) -> bool:
        """Whether the caller may know which rates between locations there are, and are wanted."""
        return self.sight.reads("COUNTRY_CODE_MAP", "Rate") and self.sight.reads(
            "RATING_METHOD", "ObligatoryIntlRate"
        )

    def shows_formula(self, winner: Json, text: str) -> bool:
        """Whether the caller may read a rating method's formula and all that it reads."""
        assert self.counts is not None
        priced = self.counts["version_id"] is not None or winner["override"] is not None
        return (
            self.sight.reads("RATING_METHOD", "FormulaFlag")
            and self._shows_reading("FormulaValue", text)
            and (not priced or self.shows_amount(winner))
        )

    def _shows_reading(self, field: str, text: str) -> bool:
        """Whether the caller may read the formula in this field, and all that it reads."""
        return self.sight.reads("RATING_METHOD", field) and all(
            self.sight.reads(entity, name) for entity, name in formulas.reads(text)
        )


def _titles(
    known: dict[tuple[str, int], dict[str, str | None]], sight: Sight
) -> dict[tuple[str, int], str]:
    """(Entity, Id) -> title of the records that have no name, one query per entity."""
    unnamed: dict[str, list[int]] = {}
    for (entity, id), fields in known.items():
        title = sight.title(entity)
        if entity in _CALLED and (title == "Id" or not fields.get(title)):
            unnamed.setdefault(entity, []).append(id)
    return {
        (entity, id): title
        for entity, ids in unnamed.items()
        for id, title in sight.titles(entity, ids).items()
    }


def _wanted(
    asked: Question, found: Json, sight: Sight
) -> dict[str, tuple[list[int | None], list[str]]]:
    """What the telling may name, by entity."""
    wanted: dict[str, tuple[list[int | None], list[str]]] = {}

    def want(entity: str, ids: list[int | None], *fields: str) -> None:
        had, names = wanted.get(entity, ([], []))
        wanted[entity] = ([*had, *ids], [*names, *fields, sight.title(entity)])

    accounts = [above["holder_id"] for above in found["accounts"] or []]
    want("ACCOUNT", [asked.account_id, found["asked"]["payer_id"], *accounts], "RateHierarchy")
    want("PRODUCT", [asked.product_id], *_OF_RULES)
    want("COUNTRY_CODE_MAP", [asked.route_id], "Rate")
    want("COUNTRY_CODE", [asked.origin_id, asked.destination_id])
    for candidate in found["candidates"] or []:
        entity, fields = SOURCES[candidate["source"]]
        want(entity, [candidate["source_id"]], *fields)
        want("CONTRACT", [candidate["contract_id"]], *_OF_CONTRACT)
        want("RATE_CLASS", [candidate["rate_class_id"]], *_OF_CLASS)
        want("RATING_METHOD", [candidate["rating_method_id"]], *_OF_METHOD)
        want("PRICING_PLAN", [candidate["plan_id"]], *_OF_PLAN)
    for version in found["versions"] or []:
        want("PRICING_PLAN", [version["plan_id"]], *_OF_PLAN)
        want("RATING_METHOD", [version["rating_method_id"]])
        want("PRICING", list(version["pricing_ids"]), "CurrencyCode", "EffectiveDate", "EndDate")
    return wanted
