"""What an explanation says to people: why a candidate won or lost, the arithmetic, the whole text.

Nothing is reckoned here that counts: the figures come from the statements, these are words for
them.
"""

from decimal import Decimal
from typing import Any

from billing.rating.book import CONTRACT_ONLY, NAMED_ONLY, UNLISTED
from billing.rating.explaining.prorating import Prorated
from entities.fieldtypes.numbers import plain

Json = dict[str, Any]

HIDDEN_COUNTS = "A price that you may not see counts."
HIDDEN_AMOUNT = "The amount is made of values that you may not read."
HIDDEN_RULE = "Something that you may not see keeps it from counting."
HIDDEN_PRICES = "It has no price that counts here."
USAGE_CARRIES = "The usage came with its own price, so no price of the catalog was asked."
BY_FORMULA = "Its rating method reckons by a formula, which needs no price."
NO_RESULT = (
    "The rating method's formula yields no amount: something that it reads is empty, or it divides "
    "by zero."
)
NO_QUANTITY = (
    "The rating method's FormulaQuantity yields no quantity: something that it reads is empty, it "
    "divides by zero, or the quantity is below 0."
)
NO_BAND = (
    "The price is incomplete: not all units lie in one of its bands. Bands go from 0 without a gap "
    "to no limit."
)

#: A refusal -> the field that it tells of.
_RULES = {
    CONTRACT_ONLY: ("PRODUCT", "ContractRequiredFlag"),
    NAMED_ONLY: ("PRODUCT", "RestrictUseOfUnreferencedContracts"),
    UNLISTED: ("CONTRACT_CURRENCY", "CurrencyCode"),
}


def rule_of(refused: str) -> tuple[str, str] | None:
    """Entity and field behind a refusal, if it is that of a rule."""
    return _RULES.get(refused)


def walk(*, up: bool) -> str:
    """Whether the prices of the account above count, too."""
    if up:
        return "RateHierarchy is on: prices of the account above are asked, too."
    return "The walk ends here: RateHierarchy is off, or no account is above."


def called(source: str, id: Any, name: str | None) -> str:
    """Contract Rate Fiber 2026 (87), or Contract Rate 87."""
    return f"{source} {name} ({id})" if name else f"{source} {id}"


def out_of_days(day: str, first: str | None, last: str | None) -> str:
    if last is not None and last < day:
        return f"It ended on {last}, before {day}."
    return f"It begins on {first}, after {day}."


def won(candidate: Json) -> str:
    if candidate["override"] is not None:
        return "It is the first with a price: its RateOverride counts."
    return "It is the first with a price."


def lost(candidate: Json, winner: Json | None, name: str = "") -> str:
    """Why the winner, None where it may not be told, comes before the candidate; `name` is what
    the winner is called."""
    if winner is None:
        return "It comes after a price that you may not see."
    after = f"It comes after {name}"
    if candidate["rank"] == winner["rank"]:
        return (
            f"{after}, which stands at the same place: an overriding plan's price comes first, "
            "then a promotion's, then one for this rating method, then the newest."
        )
    first, then = winner["rank"], candidate["rank"]
    level = 100
    contracts = ("Contract Rate", "Rate Class")
    if winner["source"] in contracts and candidate["source"] in contracts:
        if first // level != then // level:
            return f"{after}, which is of an account further down."
        if candidate["contract_id"] != winner["contract_id"] and then - first > level // 10:
            return f"{after}, which is of the contract that the account product names."
        if candidate["source"] == winner["source"]:
            return f"{after}, which is for the package."
    return f"{after}."


def no_price_of(
    day: str, currency: str, versions: list[Json], methods: dict[int | None, str | None]
) -> str:
    """Why none of the price lists `versions` counts on the day."""
    if not versions:
        return "It has no prices."
    ours = [v for v in versions if v["currency_code"] == currency]
    no_price = f"It has no price in {currency} on {day}"
    if not ours:
        others = sorted({v["currency_code"] for v in versions})
        return f"{no_price}; its prices are in {_listed(others)}."
    holding = [v for v in ours if v["from_day"] <= day < v["until_day"]]
    if not holding:
        earlier = [v["until_day"] for v in ours if v["until_day"] <= day]
        later = [v["from_day"] for v in ours if v["from_day"] > day]
        if later:
            return f"{no_price}; the next one holds from {min(later)} on."
        return f"{no_price}; the last one held until before {max(earlier)}."
    named = sorted(
        {
            methods.get(v["rating_method_id"]) or f"rating method {v['rating_method_id']}"
            for v in holding
        }
    )
    return f"{no_price} for its rating method; its prices are for {_listed(named)}."


def no_route(told: Json) -> str:
    """Why a price that wants a rate between two locations gives none."""
    start, end = _place(told["Origin"]), _place(told["Destination"])
    return (
        f"The price has no rate from {start} to {end}, and its rating method wants one "
        f"(ObligatoryIntlRate)."
    )


def _place(place: Json | None) -> str:
    if place is None:
        return "nowhere in particular"
    return str(place["Name"] or f"location {place['Id']}")


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def no_price(told: Json) -> str:
    return f"There is no price in {told['CurrencyCode']} on {told['Day']}."


def pricing(facts: Json, shrunk: Decimal = Decimal(1)) -> str:
    """How bands are used, in the words of the rating method."""
    said = "Standard: the band that holds the quantity prices all of it."
    if facts.get("tiered"):
        said = "Tiered, bulk: the band that the sum has reached prices all units."
    if facts.get("incremental"):
        said = "Tiered, incremental: each band prices the units that lie in it."
    if shrunk != 1:
        said += (
            f" Of the bands and of what is included {plain(round(shrunk, 10))} is left: that part "
            "of the period is charged (ProrateBand)."
        )
    return said


# Arithmetic


def reckoned(formula: str, cost: Any) -> str:
    """The arithmetic of a rating method's formula."""
    return f"{formula} = {'nothing' if cost is None else plain(Decimal(cost))}"


def covered(line: Json | None) -> Json:
    """The amount of usage that prepaid usage covers."""
    units = plain(Decimal(line["covered"])) if line else "0"
    said = f"{units} prepaid units x 0 = 0"
    return {"Arithmetic": said, "Unrounded": "0", "Amount": "0", "Conclusion": f"{said}."}


def carried(quantity: Decimal, rate: Any, cost: Any) -> str:
    """The arithmetic of usage that came with its own rate or amount."""
    if cost is not None:
        return f"{plain(Decimal(cost))} as the usage says"
    return f"{plain(quantity)} x {plain(Decimal(rate))} = {plain(quantity * Decimal(rate))}"


def share(factor: Decimal, prorated: Prorated | None) -> str:
    """The part of a cycle that is charged: " x 8/30", " x 0.5"; nothing of a whole one."""
    if factor == 1:
        return ""
    of = f"{prorated.days}/{prorated.of}" if prorated else plain(round(factor, 10))
    return f" x {of}"


def of_part(part: Json, facts: Json, factor: Decimal, share: str, band: Json | None) -> str:
    """What the units in one band come to: "5 x 10", "2 blocks of 100 x 3 + 20 flat fee"."""
    units, rate = Decimal(part["units"]), Decimal(part["rate"])
    cost, fee = Decimal(part["cost"]), Decimal(part["fee"])
    terms = []
    if not facts.get("flat") and (units or cost or not fee):
        percent = " %" if facts.get("percentage") else ""
        size = band["block_size"] if band else None
        count = plain(units)
        if size is not None:
            per_block = rate * factor * (Decimal("0.01") if percent else 1)
            # Whole blocks were charged: how many, the cost itself says.
            blocks = cost / per_block if per_block else None
            count = (
                f"{plain(units)} in blocks of {plain(Decimal(size))}"
                if blocks is None
                else f"{plain(blocks.quantize(Decimal(1)))} blocks of {plain(Decimal(size))}"
            )
        terms.append(f"{count} x {plain(rate)}{percent}{share}")
    if fee:
        terms.append(f"{plain(fee)} flat fee")
    return " + ".join(terms) or "0"


def arithmetic(
    parts: list[Json],
    facts: Json,
    factor: Decimal,
    share: str,
    summed: Any,
    charge: Json,
    last: Json,
    bands: dict[int, Json],
) -> str:
    """The way from units to the amount: "5 x 10 + 3 x 8 = 74"."""
    terms = [
        of_part(p, facts, factor, share, bands.get(p["pricing_id"])) for p in parts if _counts(p)
    ]
    once = max((Decimal(p["fee_per_charge"] or 0) for p in parts), default=Decimal(0))
    cost = Decimal(charge["cost"])
    if last["for_nothing"]:
        return "All units are included: 0"
    if once:
        terms.append(f"{plain(once)} per charge")
    total, added = Decimal(summed), " + ".join(terms) or "0"
    if facts.get("flat") and share:
        # A flat rate is that of a whole cycle, whatever the band.
        total *= factor
        added = f"({added}){share}" if len(terms) > 1 else f"{added}{share}"
    total = round(total, 10)
    said = f"{added} = {plain(total)}"
    if total == cost:
        return said
    if charge["raised"]:
        return f"{said}, raised to the minimum charge {plain(cost)}"
    return f"{said}, lowered to the maximum charge {plain(cost)}"


def _counts(part: Json) -> bool:
    return bool(Decimal(part["units"]) or Decimal(part["cost"]) or Decimal(part["fee"]))


def conclusion(told: Json, winner: str, about: Json) -> str:
    places = about["places"]
    said = f"{winner} counts. {told['Arithmetic']}"
    if told["Amount"] != told["Unrounded"]:
        rule = f"{about['rounding']}, {places} places"
        return f"{said}, rounded ({rule}) to {told['Amount']} {about['currency_code']}."
    return f"{said} {about['currency_code']}."


def of_line(agrees: bool | None, line: Json, told: Json) -> str:
    """Whether the line says what the explanation comes to."""
    parts = ""
    if line["lines"] > 1:
        parts = f" The record of usage was split into {line['lines']} lines, told as one."
    if agrees is None and line["rating_date"] is None:
        return "The line was written without a price, as its collector says: it is not rated yet."
    if agrees is None:
        return f"What the line was rated with can't be told.{parts}"
    if agrees:
        return f"The line says the same.{parts}"
    said = plain(Decimal(line["cost"]))
    return (
        f"The line says {said}, the prices as they stand now {told['Unrounded']}: prices, or what "
        f"was added up before it, have changed since it was rated.{parts}"
    )


def readable(told: Json) -> list[str]:
    """The explanation as lines of text."""
    product = _record(told["Product"], "product")
    lines = [
        f"{told['Quantity']} of {product} for {_record(told['Account'], 'account')} on "
        f"{told['Day']} ({told['TimeZone']}), in {told['CurrencyCode']}"
    ]
    if told["QuantityFormula"] and told["Conclusion"] != NO_QUANTITY:
        lines.append(
            f"Its quantity comes from FormulaQuantity: {told['QuantityFormula']} = "
            f"{told['Quantity']}."
        )
    if told["Before"] != "0":
        lines.append(f"The sum over tiers stood at {told['Before']} before.")
    if told["Prepaid"]:
        lines.append(told["Prepaid"]["Reason"])
    if told["Prorated"]:
        lines.append(told["Prorated"]["Reason"])
    if told["Origin"] or told["Destination"]:
        lines.append(
            f"The usage goes from {_place(told['Origin'])} to {_place(told['Destination'])}."
        )
    lines += [_candidate(one) for one in told["Candidates"]]
    for band in told["Bands"]:
        top = band["UpperBand"]
        reach = f"above {band['LowerBand']}" if top == "-1" else f"{band['LowerBand']} to {top}"
        used = f": {band['Arithmetic']}" if band["Applied"] == "1" else ": not reached"
        lines.append(f"   Band {reach} at {band['Rate']}{used}")
    lines.append(told["Conclusion"])
    if told["Line"] is not None:
        lines.append(told["Line"]["Reason"])
    return lines


def _candidate(one: Json) -> str:
    source = "Something"
    if one["Source"] is not None:
        source = called(one["Source"], one["Id"], one["Name"])
    return f"{one['Place']}. {source}: {one['Status']}. {one['Reason']}"


def _record(named: Json | None, kind: str) -> str:
    if named is None:
        return f"a {kind}"
    return f"{named['Name']} ({kind} {named['Id']})" if named["Name"] else f"{kind} {named['Id']}"
