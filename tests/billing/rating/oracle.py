"""What charges come to, reckoned by hand: plain Decimal, a line at a time, no database."""

from dataclasses import dataclass, field
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


def cost(
    price: Price,
    quantity: Decimal,
    before: Decimal = Decimal(0),
    reached: Decimal | None = None,
    nth: int = 1,
    factor: Decimal = Decimal(1),
) -> Decimal | None:
    """What a charge costs, to ten places; None where a band is missing."""
    included = Decimal(0)
    if price.included_charges is not None or price.included_quantity is not None:
        included = price.included_quantity if price.included_quantity is not None else None
        if price.included_charges is not None and nth > price.included_charges:
            included = Decimal(0)
    sums = price.tiered or (price.included_quantity or 0) > 0 or (price.included_charges or 0) > 0
    start = before if sums else Decimal(0)

    def past(point: Decimal) -> Decimal:
        if included is None:
            return Decimal(0)
        return max(Decimal(0), abs(point) - included).copy_sign(point)

    low, high = past(start), past(start + quantity)
    top = past(reached if price.tiered and reached is not None else quantity)
    free = included != 0 and low == high
    total, fees, units, last = Decimal(0), Decimal(0), Decimal(0), -1
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
        if not touched:
            continue
        units += here
        if here or last < 0:
            last = index
        if not price.flat:
            total += factor * rate * sold
        if quantity > 0:
            total += flat * fee
        if quantity >= 0 and not free:
            fees = max(fees, band.fee_per_charge or Decimal(0))
    if last < 0 or units != high - low:
        return None
    total += fees
    band = price.bands[last]
    if free:
        return Decimal(0)
    least, most = band.min_charge, band.max_charge
    size = abs(total)
    if least is not None:
        size = max(size, least)
    if most is not None:
        size = min(size, most)
    bounded = size if total >= 0 else -size
    return bounded.quantize(PLACES, ROUND_HALF_UP)


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
        covered = min(quantity, self.included - self.drawn)
        self.drawn += covered
        return covered, quantity - covered, refills


def conditional(
    rate: Decimal, quantity: Decimal, eligible: list[Decimal], *, percentage: bool
) -> Decimal | None:
    """What a conditional charge comes to in a period, before rounding; None where none is made."""
    if not eligible or sum(eligible) == 0:
        return None
    return rate * sum(eligible) / 100 if percentage else rate * quantity
