"""Why a price counts and what a quantity comes to, told to whoever asks.

The statements are those of the house: the same price book, the same charges. What they find on
their way (`candidate`, `version`, `offer`, `book`, `band`, `part`) is kept instead of thrown away,
and told as a structure: who asks, every candidate in the order in which it counts, with one
sentence why it won or lost, the bands and the arithmetic. Values are strings, as on the wire; Text
has the same for people, line by line.

A caller is told what he may read. A candidate that he may not see is left out where it lost; where
it won he is told that something he may not see counts, and no amount.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.rating import sentences
from billing.rating.asking import asked_in, rounded
from billing.rating.book import BOOK
from billing.rating.charges import CHARGES, FACTS
from billing.rating.sight import Fields, Sight
from entities.errors import Code, RequestError
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm import clock
from metabrm.identity.context import Context

Json = dict[str, Any]

#: A field of PRICING that an amount is made of, and the column of a band that holds it.
_MADE_OF = {
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
_SOURCES = {
    "Account Product": ("ACCOUNT_PRODUCT", ()),
    "Account Package Product": ("ACCOUNT_PRODUCT", ()),
    "Parent Account Product": ("ACCOUNT_PRODUCT", ("StartDate", "EndDate", "Status")),
    "Contract Rate": ("CONTRACT_RATE", ("StartDate", "EndDate")),
    "Rate Class": ("RATE_CLASS_PRODUCT", ("StartDate", "EndDate")),
    "Package Product": ("PACKAGE_PRODUCT", ()),
    "Product": ("PRODUCT", ()),
}
_OF_CONTRACT = ("ContractNumber", "ContractStatus", "StartDate", "EndDate")
_OF_CLASS = ("Name", "Status", "EffectiveDate", "EndDate")
_OF_PLAN = ("Name", "PlanType", "Status", "EffectiveDate", "EndDate")
_OF_METHOD = ("PricingType", "AggregateRateType")
_OF_RULES = ("ContractRequiredFlag", "RestrictUseOfUnreferencedContracts")

_EXPLAIN = f"""
WITH RECURSIVE used AS (
    SELECT 1::bigint AS key, %(account_id)s::bigint AS account_id,
           %(product_id)s::bigint AS product_id,
           %(account_product_id)s::bigint AS account_product_id,
           %(package_product_id)s::bigint AS package_product_id,
           %(currency)s::text AS currency_code, %(day)s::date AS day,
           %(moment)s::timestamptz AS first_at, %(moment)s::timestamptz AS last_at
), {asked_in("coalesce(used.currency_code, profile.currency_code, 'USD')")}, {BOOK}, {FACTS},
wanted AS (
    SELECT 1::bigint AS id, book.version_id,
           coalesce(%(route_rate)s::numeric, book.override) AS override, book.rating_method_id,
           %(quantity)s::numeric AS quantity, %(factor)s::numeric AS factor, false AS usage,
           %(before)s::numeric AS before, %(reached)s::numeric AS reached, %(nth)s::bigint AS nth
    FROM book
), {CHARGES}
SELECT jsonb_build_object(
    'asked', (SELECT to_jsonb(a) FROM asked a),
    'accounts', (SELECT jsonb_agg(to_jsonb(u) ORDER BY u.up) FROM above u),
    'candidates', (
        SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('rate_class_id', e.rate_class_id,
                                                           'plan_id', r.pricing_plan_id)
                         ORDER BY c.rank, c.source_id DESC)
        FROM candidate c
        LEFT JOIN catalog_rateclassproduct e
          ON c.source = 'Rate Class' AND e.id = c.source_id
        LEFT JOIN customers_contractrate r
          ON c.source = 'Contract Rate' AND r.id = c.source_id),
    'versions', (
        SELECT jsonb_agg(to_jsonb(v) || jsonb_build_object('pricing_ids', (
            SELECT jsonb_agg(p.id) FROM price p
            WHERE p.sheet = v.sheet AND p.from_day <= v.from_day AND p.until_day >= v.until_day)))
        FROM version v),
    'offers', (SELECT jsonb_agg(to_jsonb(o)) FROM offer o),
    'counts', (SELECT to_jsonb(b) FROM book b),
    'bands', (SELECT jsonb_agg(to_jsonb(b) ORDER BY b.above_quantity)
              FROM band b JOIN book ON book.version_id = b.version_id),
    'facts', (SELECT to_jsonb(f) FROM facts f),
    'line', (SELECT to_jsonb(l) FROM line l),
    'parts', (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.rate_order) FROM part p),
    'summed', (SELECT s.cost FROM summed s),
    'charge', (SELECT to_jsonb(c) || jsonb_build_object('amount', {rounded("c.cost", "a")})
               FROM charge c, asked a)
)::text
"""  # noqa: S608 - constants only

# A line with the record of usage it is part of: a record that was split over bands has several.
_LINE = """
SELECT jsonb_build_object(
    'account_id', a.account_id, 'product_id', a.product_id,
    'account_product_id', a.account_product_id, 'package_product_id', a.package_product_id,
    'moment', a.activity_date, 'day', a.rate_date, 'currency', a.currency_code,
    'factor', coalesce(a.prorate_factor, 1), 'rate_override', a.rate_override,
    'cost_override', a.cost_override, 'rated_amount', a.rated_amount,
    'rating_date', a.rating_date, 'rate_source', a.rate_source,
    'rate_source_id', a.rate_source_id, 'quantity', whole.quantity,
    'cost', whole.cost, 'lines', whole.lines, 'sum_id', a.accumulator_value_id,
    'before', stood.before, 'reached', stood.reached, 'nth', stood.nth,
    'route_id', route.id, 'route_rate', route.rate)::text
FROM mediation_activity a
LEFT JOIN catalog_countrycodemap route ON route.id = a.country_code_map_id
CROSS JOIN LATERAL (SELECT coalesce(a.split_from_bill_act_id, a.id) AS id) first
CROSS JOIN LATERAL (
    SELECT sum(o.quantity) AS quantity, sum(coalesce(o.cost_unrounded, o.rated_amount)) AS cost,
           count(*) AS lines
    FROM mediation_activity o
    WHERE o.account_id = a.account_id AND o.activity_date = a.activity_date
      AND (o.id = first.id OR o.split_from_bill_act_id = first.id)
) whole
LEFT JOIN rating_accumulatorvalue s ON s.id = a.accumulator_value_id
LEFT JOIN LATERAL (
    -- In the order in which usage is added up: load by load, and in each as it happened.
    SELECT coalesce(sum(o.quantity) FILTER (WHERE earlier), 0) AS before,
           sum(o.quantity) AS reached,
           count(*) FILTER (WHERE earlier AND o.split_from_bill_act_id IS NULL) + 1 AS nth
    FROM mediation_activity o
    CROSS JOIN LATERAL (
        SELECT (o.rating_date, o.activity_date, coalesce(o.line_number, 0),
                coalesce(o.split_from_bill_act_id, o.id))
               < (a.rating_date, a.activity_date, coalesce(a.line_number, 0), first.id) AS earlier
    ) place
    WHERE o.accumulator_value_id = s.id AND o.rating_date <= a.rating_date
      AND o.activity_date >= coalesce(s.period_begin - 2, '-infinity')
      AND (s.level = 'Invoice' OR o.account_id = a.account_id)
) stood ON true
WHERE a.id = %s
"""
_OF_LINE = (
    "AccountId", "ProductId", "AccountProductId", "PackageProductId", "ActivityDate", "Quantity",
    "RateDate", "RatedAmount", "CostUnrounded", "CurrencyCode", "RateSource", "RateSourceId",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is asked: what a quantity of a product costs an account on a day.

    An account product says itself whose and of what it is. `before` is how many units its sum over
    tiers had reached; `factor` the part of a period that is charged.
    """

    account_id: int | None = None
    product_id: int | None = None
    account_product_id: int | None = None
    package_product_id: int | None = None
    quantity: Decimal | None = None
    day: date | None = None
    before: Decimal = Decimal(0)
    currency: str | None = None
    moment: datetime | None = None
    factor: Decimal = Decimal(1)
    reached: Decimal | None = None
    nth: int = 1
    route_id: int | None = None
    route_rate: Decimal | None = None


def explain(question: Question, context: Context, snapshot: Snapshot | None = None) -> Json:
    """Which price counts for the question, why, and what it comes to.

    RequestError INSUFFICIENT_RIGHTS, RECORD_NOT_FOUND, REQUIRED_FIELD_MISSING, INVALID_VALUE.
    """
    sight = Sight(snapshot or current(), context)
    _require(sight)
    asked = _resolved(question, sight)
    return _explained(asked, _find(asked), sight)


def explain_line(line_id: int, context: Context, snapshot: Snapshot | None = None) -> Json:
    """The same for a line, as the prices stand now, and whether the line says the same."""
    sight = Sight(snapshot or current(), context)
    _require(sight)
    sight.require("ACTIVITY", *_OF_LINE)
    if ("ACTIVITY", line_id) not in sight.fields({"ACTIVITY": ([line_id], ["Id"])}, live=True):
        raise _missing("ACTIVITY", line_id, "ActivityId")
    with connection.cursor() as cursor:
        cursor.execute(_LINE, [line_id])
        (found,) = cursor.fetchone()
    line = _read(found)
    if line["product_id"] is None:
        raise RequestError(
            Code.INVALID_VALUE,
            f"The line {line_id} has no product, so no price of the catalog made it. Ask for a "
            "line with a ProductId.",
            field="ActivityId",
        )
    asked = Question(
        **{name: line[name] for name in ("account_id", "product_id", "account_product_id")},
        package_product_id=line["package_product_id"],
        quantity=Decimal(line["quantity"]),
        day=line["day"],
        moment=line["moment"],
        currency=line["currency"],
        factor=Decimal(line["factor"]),
        before=Decimal(line["before"] or 0),
        reached=None if line["reached"] is None else Decimal(line["reached"]),
        nth=line["nth"] or 1,
        route_id=line["route_id"],
        route_rate=None if line["route_rate"] is None else Decimal(line["route_rate"]),
    )
    seen = sight.fields(
        {"ACCOUNT": ([asked.account_id], ["Id"]), "PRODUCT": ([asked.product_id], ["Id"])},
        live=True,
    )
    for entity, id, name in (
        ("ACCOUNT", asked.account_id, "AccountId"),
        ("PRODUCT", asked.product_id, "ProductId"),
    ):
        if (entity, id) not in seen:
            raise _missing(entity, id, name)
    return _explained(asked, _find(asked), sight, {**line, "id": line_id})


def _require(sight: Sight) -> None:
    sight.require("ACCOUNT", "Id")
    sight.require("PRODUCT", "Id")
    sight.require("PRICING", "Id")


def _missing(entity: str, id: int | None, field: str) -> RequestError:
    return RequestError(Code.RECORD_NOT_FOUND, f"{entity} has no record with Id {id}.", field=field)


def _resolved(question: Question, sight: Sight) -> Question:
    """The question with what follows from the records that it names; they exist for the caller."""
    named = {
        "ACCOUNT": (question.account_id, "AccountId", ["Id"]),
        "PRODUCT": (question.product_id, "ProductId", ["Id"]),
        "ACCOUNT_PRODUCT": (
            question.account_product_id,
            "AccountProductId",
            ["AccountId", "ProductId", "PackageProductId", "Quantity"],
        ),
        "PACKAGE_PRODUCT": (question.package_product_id, "PackageProductId", ["ProductId"]),
    }
    for entity, (id, _, needs) in named.items():
        if id is not None:
            sight.require(entity, *needs)
    seen = sight.fields({e: ([id], needs) for e, (id, _, needs) in named.items()}, live=True)
    for entity, (id, field, _) in named.items():
        if id is not None and (entity, id) not in seen:
            raise _missing(entity, id, field)
    own = seen.get(("ACCOUNT_PRODUCT", question.account_product_id or 0), {})
    place = seen.get(("PACKAGE_PRODUCT", question.package_product_id or 0), {})
    account = _agreed("AccountId", question.account_id, _id(own, "AccountId"))
    product = _agreed("ProductId", question.product_id, _id(own, "ProductId"))
    product = _agreed("ProductId", product, _id(place, "ProductId"))
    of_package = _agreed(
        "PackageProductId", question.package_product_id, _id(own, "PackageProductId")
    )
    if account is None or product is None:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "Say whose price of what is asked: AccountId with ProductId or PackageProductId, or "
            "AccountProductId; or ActivityId for a line.",
            field="AccountId" if account is None else "ProductId",
        )
    follows = {
        entity: ([id], ["Id"])
        for entity, id in (("ACCOUNT", account), ("PRODUCT", product))
        if (entity, id) not in seen
    }
    found = sight.fields(follows, live=True)
    for entity in follows:
        if not any(name == entity for name, _ in found):
            id = account if entity == "ACCOUNT" else product
            raise _missing(entity, id, f"{entity.title()}Id")
    held = own.get("Quantity")
    quantity = question.quantity
    return replace(
        question,
        account_id=account,
        product_id=product,
        package_product_id=of_package,
        quantity=Decimal(held or 1) if quantity is None else quantity,
    )


def _id(fields: Fields, name: str) -> int | None:
    value = fields.get(name)
    return int(value) if value else None


def _agreed(field: str, asked: int | None, follows: int | None) -> int | None:
    if asked is not None and follows is not None and asked != follows:
        raise RequestError(
            Code.INVALID_VALUE,
            f"{field} is {asked}, but the record that is asked about says {follows}. Send "
            f"{follows}, or leave {field} out.",
            field=field,
        )
    return follows if asked is None else asked


def _find(asked: Question) -> Json:
    """What the statements find, numbers as Decimal."""
    assert asked.quantity is not None
    given = {
        **{name: getattr(asked, name) for name in Question.__dataclass_fields__},
        "moment": asked.moment or clock.now(),
        "reached": asked.before + asked.quantity if asked.reached is None else asked.reached,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EXPLAIN, given)
        (found,) = cursor.fetchone()
    return _read(found)


def _read(text: str) -> Json:
    return dict(json.loads(text, parse_float=Decimal))


def _explained(asked: Question, found: Json, sight: Sight, line: Json | None = None) -> Json:
    """The structure that the caller is told."""
    candidates: list[Json] = found["candidates"] or []
    versions: list[Json] = found["versions"] or []
    known = sight.fields(_wanted(asked, found, candidates, versions, sight))
    told = _Telling(asked, found, sight, known, line).whole()
    told["Text"] = sentences.readable(told)
    return told


def _wanted(
    asked: Question, found: Json, candidates: list[Json], versions: list[Json], sight: Sight
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
    for candidate in candidates:
        entity, fields = _SOURCES[candidate["source"]]
        want(entity, [candidate["source_id"]], *fields)
        want("CONTRACT", [candidate["contract_id"]], *_OF_CONTRACT)
        want("RATE_CLASS", [candidate["rate_class_id"]], *_OF_CLASS)
        want("RATING_METHOD", [candidate["rating_method_id"]], *_OF_METHOD)
        want("PRICING_PLAN", [candidate["plan_id"]], *_OF_PLAN)
    for version in versions:
        want("PRICING_PLAN", [version["plan_id"]], *_OF_PLAN)
        want("RATING_METHOD", [version["rating_method_id"]])
        want("PRICING", list(version["pricing_ids"]), "CurrencyCode", "EffectiveDate", "EndDate")
    return wanted


class _Telling:
    """One explanation in the making."""

    def __init__(
        self,
        asked: Question,
        found: Json,
        sight: Sight,
        known: dict[tuple[str, int], Fields],
        line: Json | None,
    ) -> None:
        self.asked = asked
        self.found = found
        self.sight = sight
        self.known = known
        self.line = line
        self.about: Json = found["asked"]
        self.day: str = self.about["first_day"]
        self.candidates: list[Json] = found["candidates"] or []
        self.counts: Json | None = found["counts"]
        self.versions = [v for v in found["versions"] or [] if self._shows_version(v)]
        self.of_usage = line is not None and (
            line["rate_override"] is not None or line["cost_override"] is not None
        )

    def whole(self) -> Json:
        about = self.about
        assert self.asked.quantity is not None
        winner = self._winner()
        hidden = winner is not None and not self._shows(winner)
        told: Json = {
            "Account": self._named("ACCOUNT", about["account_id"]),
            "Payer": self._named("ACCOUNT", about["payer_id"]),
            "Product": self._named("PRODUCT", about["product_id"]),
            "AccountProductId": _text(about["account_product_id"]),
            "PackageProductId": _text(about["package_product_id"]),
            "Day": self.day,
            "TimeZone": about["zone"],
            "CurrencyCode": about["currency_code"],
            "Quantity": sentences.number(self.asked.quantity),
            "Before": sentences.number(self.asked.before),
            "Accounts": self._accounts(),
            "Candidates": self._told_candidates(winner, hidden=hidden),
            "Price": None,
            "Bands": [],
            "Arithmetic": None,
            "Unrounded": None,
            "Rounding": {"Rule": about["rounding"], "Places": str(about["places"])},
            "Amount": None,
            "Line": None,
        }
        if self.of_usage:
            told |= self._carried()
        elif winner is None:
            told["Conclusion"] = sentences.no_price(told)
        elif hidden or not self._shows_amount(winner):
            told["Conclusion"] = sentences.HIDDEN_COUNTS if hidden else sentences.HIDDEN_AMOUNT
        else:
            told |= self._amount(winner)
        if self.line is not None:
            told["Line"] = self._of_line(told)
        return told

    def _named(self, entity: str, id: int | None) -> Json | None:
        """A record by Id and name; None where there is none for the caller."""
        if id is None or (entity, id) not in self.known:
            return None
        return {"Entity": entity, "Id": str(id), "Name": self._name(entity, id)}

    def _name(self, entity: str, id: int | None) -> str | None:
        title = self.sight.title(entity)
        if id is None or title == "Id":
            return None
        return self.known.get((entity, id), {}).get(title)

    def _accounts(self) -> list[Json]:
        """The accounts whose prices are looked at, from the account itself up."""
        told = []
        for above in self.found["accounts"] or []:
            who = self._named("ACCOUNT", above["holder_id"])
            if who is None:
                break
            if "RateHierarchy" in self.known["ACCOUNT", above["holder_id"]]:
                who["Reason"] = sentences.walk(up=above["next_id"] is not None)
            told.append(who)
        return told

    # Which candidates the caller sees

    def _shows(self, candidate: Json) -> bool:
        """Whether all that the telling of a candidate reveals may be known."""
        entity, fields = _SOURCES[candidate["source"]]
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

    def _shows_amount(self, winner: Json) -> bool:
        """Whether the caller may read all that the amount is made of."""
        if self.asked.route_id is not None:
            route = self.known.get(("COUNTRY_CODE_MAP", self.asked.route_id), {})
            return "Rate" in route
        if winner["override"] is not None:
            return self.sight.reads(_SOURCES[winner["source"]][0], "RateOverride")
        assert self.counts is not None
        return self.sight.reads("PRICING", *_MADE_OF) and any(
            v["id"] == self.counts["version_id"] for v in self.versions
        )

    def _winner(self) -> Json | None:
        if self.counts is None or self.of_usage:
            return None
        return next(
            c
            for c in self.candidates
            if (c["rank"], c["source"], c["source_id"])
            == (self.counts["rank"], self.counts["source"], self.counts["source_id"])
        )

    # The candidates

    def _told_candidates(self, winner: Json | None, *, hidden: bool) -> list[Json]:
        told = []
        for candidate in self.candidates:
            if candidate is winner and hidden:
                told.append({"Source": None, "Status": "won", "Reason": sentences.HIDDEN_COUNTS})
            elif self._shows(candidate):
                told.append(self._candidate(candidate, winner, hidden=hidden))
        return [{"Place": str(place), **one} for place, one in enumerate(told, 1)]

    def _candidate(self, candidate: Json, winner: Json | None, *, hidden: bool) -> Json:
        entity = _SOURCES[candidate["source"]][0]
        status, reason = self._why(candidate, winner, hidden=hidden)
        contract = self._named("CONTRACT", candidate["contract_id"])
        return {
            "Source": candidate["source"],
            "Entity": entity,
            "Id": str(candidate["source_id"]),
            "Name": self._name(entity, candidate["source_id"]),
            "Contract": contract,
            "RateClass": self._named("RATE_CLASS", candidate["rate_class_id"]),
            "From": _day(candidate["holds_from"]),
            "To": _day_before(candidate["holds_until"]),
            "RatingMethod": self._named("RATING_METHOD", candidate["rating_method_id"]),
            "Status": status,
            "Reason": reason,
            "PriceLists": self._price_lists(candidate, candidate is winner),
        }

    def _why(self, candidate: Json, winner: Json | None, *, hidden: bool) -> tuple[str, str]:
        refused = candidate["refused"]
        if refused is not None:
            rule = sentences.rule_of(refused)
            if rule is not None and not self.sight.reads("PRODUCT", rule):
                refused = sentences.HIDDEN_RULE
            return "refused", refused
        if candidate["from_day"] >= candidate["until_day"]:
            return "refused", sentences.out_of_days(
                self.day, _day(candidate["holds_from"]), _day_before(candidate["holds_until"])
            )
        offers = [o for o in self.found["offers"] or [] if _same(o, candidate)]
        if not offers:
            return "no price", self._no_price(candidate)
        if self.of_usage:
            return "lost", sentences.USAGE_CARRIES
        if candidate is winner:
            return "won", sentences.won(candidate)
        assert winner is not None
        return "lost", sentences.lost(candidate, None if hidden else winner)

    def _no_price(self, candidate: Json) -> str:
        own = [v for v in self.found["versions"] or [] if _owned(v, candidate)]
        if any(v not in self.versions for v in own):
            return sentences.HIDDEN_PRICES
        methods = {
            v["rating_method_id"]: self._name("RATING_METHOD", v["rating_method_id"]) for v in own
        }
        return sentences.no_price_of(self.day, self.about["currency_code"], own, methods)

    def _price_lists(self, candidate: Json, won: bool) -> list[Json]:
        """The candidate's lists of prices that hold on the day, the one that counts first."""
        counts = self.counts["version_id"] if won and self.counts is not None else None
        lists = []
        for version in self.versions:
            if not _owned(version, candidate) or candidate["override"] is not None:
                continue
            if not version["from_day"] <= self.day < version["until_day"]:
                continue
            lists.append(
                {
                    "CurrencyCode": version["currency_code"],
                    "Plan": self._named("PRICING_PLAN", version["plan_id"]),
                    "RatingMethod": self._named("RATING_METHOD", version["rating_method_id"]),
                    "From": _day(version["from_day"]),
                    "To": _day_before(version["until_day"]),
                    "PricingIds": [str(id) for id in version["pricing_ids"]],
                    "Counts": "1" if version["id"] == counts else "0",
                }
            )
        return sorted(lists, key=lambda one: one["Counts"], reverse=True)

    # The amount

    def _carried(self) -> Json:
        """Of a line whose usage brought its own rate or amount: that."""
        assert self.line is not None
        cost, rate = self.line["cost_override"], self.line["rate_override"]
        quantity = Decimal(self.line["quantity"])
        unrounded = Decimal(cost) if cost is not None else quantity * Decimal(rate)
        amount = self.line["rated_amount"]
        return {
            "Arithmetic": sentences.carried(quantity, rate, cost),
            "Unrounded": sentences.number(unrounded),
            "Amount": None if amount is None else sentences.number(Decimal(amount)),
            "Conclusion": sentences.USAGE_CARRIES,
        }

    def _amount(self, winner: Json) -> Json:
        parts: list[Json] = self.found["parts"] or []
        charge, line, about = self.found["charge"], self.found["line"], self.about
        facts: Json = self.found["facts"] or {}
        bands = [self._band(band, parts, facts) for band in self.found["bands"] or []]
        price = {
            "Source": winner["source"],
            "Override": _text(line["override"]),
            "CountryCodeMapId": _text(self.asked.route_id),
            "Pricing": sentences.pricing(facts),
            "ProrateFactor": sentences.number(self.asked.factor),
            "IncludedUnits": sentences.number(
                Decimal(line["quantity"]) - (Decimal(line["after"]) - Decimal(line["before"]))
            ),
        }
        whole = charge is not None and Decimal(charge["units"]) == Decimal(line["after"]) - Decimal(
            line["before"]
        )
        if not whole:
            return {"Price": price, "Bands": bands, "Conclusion": sentences.NO_BAND}
        last = next(p for p in parts if p["pricing_id"] == charge["pricing_id"])
        told = {
            "Price": price | {"MinCharge": _text(last["min_charge"])}
            | {"MaxCharge": _text(last["max_charge"])},
            "Bands": bands,
            "Arithmetic": sentences.arithmetic(
                parts, facts, self.asked.factor, self.found["summed"], charge, last,
                {b["pricing_id"]: b for b in self.found["bands"] or []},
            ),
            "Unrounded": _text(charge["cost"]),
            "Amount": _text(charge["amount"]),
        }  # fmt: skip
        told["Conclusion"] = sentences.conclusion(told, winner, about)
        return told

    def _band(self, band: Json, parts: list[Json], facts: Json) -> Json:
        part = next((p for p in parts if p["pricing_id"] == band["pricing_id"]), None)
        top = band["to_quantity"]
        told = {name: _text(band[column]) for name, column in _MADE_OF.items()}
        applied = part is not None and (
            Decimal(part["units"]) != 0 or Decimal(part["cost"]) != 0 or Decimal(part["fee"]) != 0
        )
        return {
            "PricingId": str(band["pricing_id"]),
            **told,
            "UpperBand": "-1" if top is None else told["UpperBand"],
            "Applied": "1" if applied else "0",
            "Units": _text(part["units"]) if part else "0",
            "Arithmetic": sentences.of_part(part, facts, self.asked.factor, band) if part else None,
            "Cost": None
            if part is None
            else sentences.number(Decimal(part["cost"]) + Decimal(part["fee"])),
        }

    def _of_line(self, told: Json) -> Json:
        """What the line says beside it."""
        line = self.line
        assert line is not None
        cost = None if line["cost"] is None else Decimal(line["cost"])
        said = None if told["Unrounded"] is None else Decimal(told["Unrounded"])
        agrees = None if cost is None or said is None else cost == said
        return {
            "Id": str(line["id"]),
            "RateSource": line["rate_source"],
            "RateSourceId": _text(line["rate_source_id"]),
            "RatedAmount": _text(line["rated_amount"]),
            "CostUnrounded": _text(cost),
            "Lines": str(line["lines"]),
            "RatingDate": line["rating_date"],
            "Agrees": None if agrees is None else "1" if agrees else "0",
            "Reason": sentences.of_line(agrees, line, told),
        }


def _owned(version: Json, candidate: Json) -> bool:
    return (version["owner"], version["owner_id"]) == (candidate["owner"], candidate["owner_id"])


def _same(offer: Json, candidate: Json) -> bool:
    return (offer["rank"], offer["source"], offer["source_id"]) == (
        candidate["rank"],
        candidate["source"],
        candidate["source_id"],
    )


def _text(value: Any) -> str | None:
    """A number as the wire has it."""
    if value is None:
        return None
    return sentences.number(value) if isinstance(value, Decimal) else str(value)


def _day(day: str) -> str | None:
    return None if day.endswith("infinity") else day


def _day_before(day: str) -> str | None:
    """The last day of a run that ends before `day`; None without an end."""
    if day.endswith("infinity"):
        return None
    return date.fromordinal(date.fromisoformat(day).toordinal() - 1).isoformat()
