"""The structure that is told: who asks, the candidates, the price with its bands, the amount."""

from datetime import date
from decimal import Decimal

from billing.rating import wire
from billing.rating.explaining import sentences
from billing.rating.explaining.findings import Json
from billing.rating.explaining.prorating import Prorated
from billing.rating.explaining.question import Question
from billing.rating.explaining.revealing import MADE_OF, SOURCES, Revealed
from entities.fieldtypes.numbers import plain


class Structure:
    """One explanation in the making."""

    def __init__(
        self,
        asked: Question,
        found: Json,
        revealed: Revealed,
        paid: Json | None,
        prorated: Prorated | None,
        line: Json | None,
    ) -> None:
        self.asked = asked
        self.paid = paid
        self.prorated = prorated
        #: The part that is left of the bands of a period.
        self.band_factor = Decimal(1 if found["shrunk"] is None else found["shrunk"])
        #: The part of a cycle that is charged, as the arithmetic has it.
        self.share = sentences.share(asked.factor, prorated)
        self.found = found
        self.revealed = revealed
        self.line = line
        self.about: Json = found["asked"]
        self.day: str = self.about["first_day"]
        self.candidates: list[Json] = found["candidates"] or []
        self.counts = revealed.counts
        self.of_usage = line is not None and (
            line["rate_override"] is not None or line["cost_override"] is not None
        )

    def whole(self) -> Json:
        about = self.about
        assert self.asked.quantity is not None
        winner = self._winner()
        hidden = winner is not None and not self.revealed.shows(winner)
        told: Json = {
            "Account": self.revealed.named("ACCOUNT", about["account_id"]),
            "Payer": self.revealed.named("ACCOUNT", about["payer_id"]),
            "Product": self.revealed.named("PRODUCT", about["product_id"]),
            "AccountProductId": wire.text(about["account_product_id"]),
            "PackageProductId": wire.text(about["package_product_id"]),
            "Day": self.day,
            "TimeZone": about["zone"],
            "CurrencyCode": about["currency_code"],
            "Quantity": plain(self.asked.quantity),
            "QuantityFormula": self.revealed.quantity_formula,
            "Before": plain(self.asked.before),
            "Origin": self.revealed.named("COUNTRY_CODE", self.asked.origin_id),
            "Destination": self.revealed.named("COUNTRY_CODE", self.asked.destination_id),
            "ChargeType": self.asked.charge_type,
            "Accounts": self._accounts(),
            "Candidates": self._told_candidates(winner, hidden=hidden),
            "Prepaid": self.paid,
            "Prorated": self.prorated.told() if self.prorated else None,
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
        elif self._covered():
            told |= sentences.covered(self.line)
        elif winner is None:
            told["Conclusion"] = sentences.no_price(told)
        elif self.line is None and not self.revealed.shows_quantity:
            told["Conclusion"] = sentences.HIDDEN_AMOUNT
        elif self.found["quantity_formula"] and self.found["quantity_formula"]["quantity"] is None:
            told["Conclusion"] = sentences.NO_QUANTITY
        elif self.found["formula"] is not None and not hidden:
            told |= self._reckoned(winner)
        elif hidden or not self.revealed.shows_amount(winner):
            told["Conclusion"] = sentences.HIDDEN_COUNTS if hidden else sentences.HIDDEN_AMOUNT
        elif self.found["line"] is None:
            told["Conclusion"] = (
                sentences.no_route(told)
                if self.revealed.shows_routes()
                else sentences.HIDDEN_AMOUNT
            )
        else:
            told |= self._amount(winner)
        if self.line is not None:
            told["Line"] = self._of_line(told)
        return told

    def _reckoned(self, winner: Json) -> Json:
        """The amount that the rating method's formula yields."""
        formula = self.found["formula"]
        if not self.revealed.shows_formula(winner, formula["text"]):
            return {"Conclusion": sentences.HIDDEN_AMOUNT}
        told = {
            "Arithmetic": sentences.reckoned(formula["text"], formula["cost"]),
            "Unrounded": wire.text(formula["cost"]),
            "Amount": wire.text(formula["amount"]),
        }
        if formula["cost"] is None:
            return told | {"Conclusion": sentences.NO_RESULT}
        return told | {"Conclusion": sentences.conclusion(told, self._called(winner), self.about)}

    def _covered(self) -> bool:
        """Whether prepaid usage covers all of a line's record."""
        line = self.line
        return line is not None and line["prepaid_by"] is not None and not self.asked.quantity

    def _accounts(self) -> list[Json]:
        """The accounts whose prices are looked at, from the account itself up."""
        told = []
        for above in self.found["accounts"] or []:
            who = self.revealed.named("ACCOUNT", above["holder_id"])
            if who is None:
                break
            if "RateHierarchy" in self.revealed.known["ACCOUNT", above["holder_id"]]:
                who["Reason"] = sentences.walk(up=above["next_id"] is not None)
            told.append(who)
        return told

    def _winner(self) -> Json | None:
        if self.counts is None or self.of_usage:
            return None
        return next(
            c
            for c in self.candidates
            if (c["rank"], c["source"], c["source_id"])
            == (self.counts["rank"], self.counts["source"], self.counts["source_id"])
        )

    def _called(self, candidate: Json) -> str:
        entity, id = SOURCES[candidate["source"]][0], candidate["source_id"]
        return sentences.called(candidate["source"], id, self.revealed.name(entity, id))

    # The candidates

    def _told_candidates(self, winner: Json | None, *, hidden: bool) -> list[Json]:
        told = []
        for candidate in self.candidates:
            if candidate is winner and hidden:
                told.append({"Source": None, "Status": "won", "Reason": sentences.HIDDEN_COUNTS})
            elif self.revealed.shows(candidate):
                told.append(self._candidate(candidate, winner, hidden=hidden))
        return [{"Place": str(place), **one} for place, one in enumerate(told, 1)]

    def _candidate(self, candidate: Json, winner: Json | None, *, hidden: bool) -> Json:
        entity = SOURCES[candidate["source"]][0]
        status, reason = self._why(candidate, winner, hidden=hidden)
        contract = self.revealed.named("CONTRACT", candidate["contract_id"])
        return {
            "Source": candidate["source"],
            "Entity": entity,
            "Id": str(candidate["source_id"]),
            "Name": self.revealed.name(entity, candidate["source_id"]),
            "Contract": contract,
            "RateClass": self.revealed.named("RATE_CLASS", candidate["rate_class_id"]),
            "From": _day(candidate["holds_from"]),
            "To": _day_before(candidate["holds_until"]),
            "RatingMethod": self.revealed.named("RATING_METHOD", candidate["rating_method_id"]),
            "Status": status,
            "Reason": reason,
            "PriceLists": self._price_lists(candidate, candidate is winner),
        }

    def _why(self, candidate: Json, winner: Json | None, *, hidden: bool) -> tuple[str, str]:
        refused = candidate["refused"]
        if refused is not None:
            rule = sentences.rule_of(refused)
            if rule is not None and not self.revealed.sight.reads(*rule):
                refused = sentences.HIDDEN_RULE
            return "refused", refused
        if candidate["from_day"] >= candidate["until_day"]:
            return "refused", sentences.out_of_days(
                self.day, _day(candidate["holds_from"]), _day_before(candidate["holds_until"])
            )
        offers = [o for o in self.found["offers"] or [] if _same(o, candidate)]
        priced = any(o["version_id"] is not None or o["override"] is not None for o in offers)
        if not priced and candidate is not winner:
            return "no price", self._no_price(candidate)
        if self.of_usage:
            return "lost", sentences.USAGE_CARRIES
        if candidate is winner:
            return "won", sentences.won(candidate) if priced else sentences.BY_FORMULA
        assert winner is not None
        if hidden:
            return "lost", sentences.lost(candidate, None)
        return "lost", sentences.lost(candidate, winner, self._called(winner))

    def _no_price(self, candidate: Json) -> str:
        own = [v for v in self.found["versions"] or [] if _owned(v, candidate)]
        if any(v not in self.revealed.versions for v in own):
            return sentences.HIDDEN_PRICES
        methods = {
            v["rating_method_id"]: self.revealed.name("RATING_METHOD", v["rating_method_id"])
            for v in own
        }
        return sentences.no_price_of(self.day, self.about["currency_code"], own, methods)

    def _price_lists(self, candidate: Json, won: bool) -> list[Json]:
        """The candidate's lists of prices that hold on the day, the one that counts first."""
        counts = self.counts["version_id"] if won and self.counts is not None else None
        lists = []
        for version in self.revealed.versions:
            if not _owned(version, candidate) or candidate["override"] is not None:
                continue
            if not version["from_day"] <= self.day < version["until_day"]:
                continue
            lists.append(
                {
                    "CurrencyCode": version["currency_code"],
                    "Plan": self.revealed.named("PRICING_PLAN", version["plan_id"]),
                    "RatingMethod": self.revealed.named(
                        "RATING_METHOD", version["rating_method_id"]
                    ),
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
            "Unrounded": plain(unrounded),
            "Amount": None if amount is None else plain(Decimal(amount)),
            "Conclusion": sentences.USAGE_CARRIES,
        }

    def _amount(self, winner: Json) -> Json:
        parts: list[Json] = self.found["parts"] or []
        charge, line, about = self.found["charge"], self.found["line"], self.about
        facts: Json = self.found["facts"] or {}
        bands = [self._band(band, parts, facts) for band in self.found["bands"] or []]
        price = {
            "Source": winner["source"],
            "Override": wire.text(line["override"]),
            "CountryCodeMapId": wire.text(self.asked.route_id),
            "Pricing": sentences.pricing(facts, self.band_factor),
            "ProrateFactor": plain(round(self.asked.factor, 10)),
            "BandFactor": plain(round(self.band_factor, 10)),
            "IncludedUnits": plain(
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
            "Price": price | {"MinCharge": wire.text(last["min_charge"])}
            | {"MaxCharge": wire.text(last["max_charge"])},
            "Bands": bands,
            "Arithmetic": sentences.arithmetic(
                parts, facts, self.asked.factor, self.share, self.found["summed"], charge, last,
                {b["pricing_id"]: b for b in self.found["bands"] or []},
            ),
            "Unrounded": wire.text(charge["cost"]),
            "Amount": wire.text(charge["amount"]),
        }  # fmt: skip
        told["Conclusion"] = sentences.conclusion(told, self._called(winner), about)
        return told

    def _band(self, band: Json, parts: list[Json], facts: Json) -> Json:
        part = next((p for p in parts if p["pricing_id"] == band["pricing_id"]), None)
        top = band["to_quantity"]
        told = {name: wire.text(band[column]) for name, column in MADE_OF.items()}
        for name in ("LowerBand", "UpperBand", "IncludedQuantity"):
            if told[name] is not None and self.band_factor != 1:
                told[name] = plain(round(Decimal(band[MADE_OF[name]]), 10))
        applied = part is not None and (
            Decimal(part["units"]) != 0 or Decimal(part["cost"]) != 0 or Decimal(part["fee"]) != 0
        )
        return {
            "PricingId": str(band["pricing_id"]),
            **told,
            "UpperBand": "-1" if top is None else told["UpperBand"],
            "Applied": "1" if applied else "0",
            "Units": wire.text(part["units"]) if part else "0",
            "Arithmetic": sentences.of_part(part, facts, self.asked.factor, self.share, band)
            if part
            else None,
            "Cost": None if part is None else plain(Decimal(part["cost"]) + Decimal(part["fee"])),
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
            "RateSourceId": wire.text(line["rate_source_id"]),
            "RatedAmount": wire.text(line["rated_amount"]),
            "CostUnrounded": wire.text(cost),
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


def _day(day: str) -> str | None:
    return None if day.endswith("infinity") else day


def _day_before(day: str) -> str | None:
    """The last day of a run that ends before `day`; None without an end."""
    if day.endswith("infinity"):
        return None
    return date.fromordinal(date.fromisoformat(day).toordinal() - 1).isoformat()
