"""What charges come to, reckoned by hand: plain Decimal, a line at a time, no database."""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

PLACES = Decimal("1e-10")


@dataclass
class Band:
    to: Decimal | None
    rate: Decimal
    flat_fee: Decimal | None = None
    fee_per_charge: Decimal | None = None
    min_charge: Decimal | None = None
    max_charge: Decimal | None = None
    block_size: Decimal | None = None


@dataclass
class Price:
    """Bands from the first up, and the rating method they are read with."""

    bands: list[Band]
    tiered: bool = False
    incremental: bool = False
    flat: bool = False
    percentage: bool = False
    split: bool = False
    included_quantity: Decimal | None = None
    included_charges: int | None = None
    begins: list[Decimal] = field(init=False)

    def __post_init__(self) -> None:
        ends = [band.to or Decimal(0) for band in self.bands[:-1]]
        self.begins = [Decimal(0), *ends]

    def holding(self, quantity: Decimal) -> int:
        """Index of the band that a quantity lies in; -1 where none does."""
        size = abs(quantity)
        for index, band in enumerate(self.bands):
            above = size > self.begins[index] or (size == 0 and index == 0)
            if above and (band.to is None or size <= band.to):
                return index
        return -1


def shrunken(price: Price, part: Decimal) -> Price:
    """The price with what is left of its bands, and of what it includes, in a part of a period."""
    included = price.included_quantity
    return replace(
        price,
        bands=[replace(b, to=None if b.to is None else b.to * part) for b in price.bands],
        included_quantity=None if included is None else included * part,
    )


def charged(units: Decimal, block: Decimal | None) -> Decimal:
    """The units as they are sold: in whole blocks."""
    if block is None:
        return units
    blocks, rest = divmod(abs(units), block)
    return (blocks + (1 if rest else 0)).copy_sign(units)


def inside(price: Price, index: int, point: Decimal) -> Decimal:
    """How many of the units up to a point lie in a band."""
    begin, end = price.begins[index], price.bands[index].to
    size = abs(point) if end is None else min(abs(point), end)
    return max(Decimal(0), size - begin).copy_sign(point)


@dataclass(frozen=True)
class Part:
    """A charge, or what of it lies in one band where the method splits usage."""

    units: Decimal
    rate: Decimal | None
    cost: Decimal


def parts(
    price: Price,
    quantity: Decimal,
    before: Decimal = Decimal(0),
    reached: Decimal | None = None,
    nth: int = 1,
    factor: Decimal = Decimal(1),
) -> list[Part] | None:
    """What a charge comes to, to ten places; None where a band is missing."""
    included = Decimal(0)
    if price.included_charges is not None or price.included_quantity is not None:
        included = price.included_quantity if price.included_quantity is not None else None
        if price.included_charges is not None and nth > price.included_charges:
            included = Decimal(0)
    start = before if adds_up(price) else Decimal(0)

    def past(point: Decimal) -> Decimal:
        if included is None:
            return Decimal(0)
        return max(Decimal(0), abs(point) - included).copy_sign(point)

    low, high = past(start), past(start + quantity)
    top = past(reached if price.tiered and reached is not None else quantity)
    free = included != 0 and low == high
    found: list[tuple[Band, Decimal, Decimal]] = []
    for index, band in enumerate(price.bands):
        rate = band.rate / 100 if price.percentage else band.rate
        flat = (band.flat_fee or Decimal(0)) + (band.rate if price.flat else 0)
        if price.incremental:
            here = inside(price, index, high) - inside(price, index, low)
            sold = charged(inside(price, index, high), band.block_size) - charged(
                inside(price, index, low), band.block_size
            )
            entered = (abs(high) > price.begins[index]) - (abs(low) > price.begins[index])
            touched = here != 0 or (low == high and price.holding(high) == index)
            fee = max(0, entered) if here else 0
        else:
            stands = price.holding(top) == index
            here = high - low if stands else Decimal(0)
            sold = (
                charged(high, band.block_size) - charged(low, band.block_size)
                if stands
                else Decimal(0)
            )
            fee = (high != 0 and price.holding(high) == index) - (
                low != 0 and price.holding(low) == index
            )
            touched = stands or fee != 0
        if touched:
            amount = Decimal(0) if price.flat else factor * rate * sold
            found.append((band, here, amount + (flat * fee if quantity > 0 else 0)))
    if not found or sum(here for _, here, _ in found) != high - low:
        return None
    apart = [[one] for one in found] if price.split and price.incremental else [found]
    return [_part(together, free=free, taken=quantity >= 0) for together in apart]


def _part(together: list[tuple[Band, Decimal, Decimal]], *, free: bool, taken: bool) -> Part:
    """One line of what lies in these bands: at their rate, or at what they come to a unit."""
    used = [one for one in together if one[1]]
    last = (used or together)[-1][0]
    units = sum((here for _, here, _ in together), Decimal(0))
    total = sum((amount for *_, amount in together), Decimal(0))
    if taken and not free:
        total += max(band.fee_per_charge or Decimal(0) for band, *_ in together)
    averaged = len(used) > 1 and units
    rate = (total / units).quantize(PLACES, ROUND_HALF_UP) if averaged else last.rate
    size = abs(total)
    if last.min_charge is not None:
        size = max(size, last.min_charge)
    if last.max_charge is not None:
        size = min(size, last.max_charge)
    bounded = Decimal(0) if free else size if total >= 0 else -size
    return Part(units, rate, bounded.quantize(PLACES, ROUND_HALF_UP))


def adds_up(price: Price) -> bool:
    """Whether what was used before counts."""
    return price.tiered or (price.included_quantity or 0) > 0 or (price.included_charges or 0) > 0


def cost(
    price: Price,
    quantity: Decimal,
    before: Decimal = Decimal(0),
    reached: Decimal | None = None,
    nth: int = 1,
    factor: Decimal = Decimal(1),
) -> Decimal | None:
    """What a charge costs, to ten places; None where a band is missing."""
    found = parts(price, quantity, before, reached, nth, factor)
    return None if found is None else sum((part.cost for part in found), Decimal(0))


@dataclass
class Prepaid:
    """What was paid before: units included, and how many a refill adds; None never refills."""

    included: Decimal
    refill: Decimal | None = None
    drawn: Decimal = Decimal(0)

    def draw(self, quantity: Decimal) -> tuple[Decimal, Decimal, int]:
        """(covered, exceeding, refills) of a record of usage, after those before it."""
        refills = 0
        while self.refill and self.drawn + quantity > self.included:
            self.included += self.refill
            refills += 1
        covered = min(quantity, max(Decimal(0), self.included - self.drawn))
        self.drawn += covered
        return covered, quantity - covered, refills


def conditional(
    rate: Decimal, quantity: Decimal, eligible: list[Decimal], *, percentage: bool
) -> Decimal | None:
    """What a conditional charge comes to in a period, before rounding; None where none is made."""
    if not eligible or sum(eligible) == 0:
        return None
    return rate * sum(eligible) / 100 if percentage else rate * quantity
