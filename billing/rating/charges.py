"""What a quantity costs over the bands of its price.

A quantity stands somewhere on a line of quantities: a charge takes it from `before` (what its sum
over tiers had reached) to `after`. For each band the number of its units below a point x is

    units(x) = |x| cut off at the band's ends, with the sign of x

so a charge takes `units(after) - units(before)` of the band, whatever its sign: usage that is given
back walks the tiers backwards, and from nothing it costs what it would have cost, negated. Begun
blocks are charged whole, counted from the band's begin. Fees (once when a band is entered, or with
each charge) are not given back.

    Standard     the band that holds the quantity prices all of it; nothing is added up
    Bulk         the band that the sum has reached prices the whole charge
    Incremental  each band prices the units that lie in it

A price may bound a charge from below (MinCharge) and above (MaxCharge), unless the method says
that these bound a billing period's charges together (billing.rating.settling). `Percentage` makes
the rate a percentage of the quantity, which then is an amount of money. A rate that replaces the
bands is one of the same kind: a percentage, or the amount of the whole charge. A charge for part of
a period is multiplied by its factor, flat fees apart; where it stands among the tiers follows from
its full quantity. With ProrateBand the limits of bands and the units that are included shrink with
the period: 20 included units are 10 in half of a month.

Sources: BillingPlatform, "Tiered Pricing" and "How To Create A Usage Product".
"""

# Tells the order of a part from whether it has units, where both stand in one number.
_ORDER = (1 << 32) - 1


def _units(x: str) -> str:
    """Units of the band `b` below the point x of the sum; below zero they mirror those above."""
    return (
        f"CASE WHEN {x} >= 0 THEN greatest(0, least({x}, b.to_quantity) - b.above_quantity) "
        f"ELSE least(0, b.above_quantity - least(-{x}, b.to_quantity)) END"
    )


def blocks(units: str, band: str = "b") -> str:
    """How many begun blocks of the band the units make; they themselves where it has no blocks."""
    return (
        f"CASE WHEN {band}.block_size IS NULL THEN {units} ELSE sign({units}) * "
        f"(div(abs({units}), {band}.block_size)"
        f" + (mod(abs({units}), {band}.block_size) > 0)::int) END"
    )


def bounded(cost: str, band: str) -> str:
    """A cost within the band's MinCharge and MaxCharge; one below zero mirrors one above."""
    return (
        f"CASE WHEN {band}.min_charge IS NULL AND {band}.max_charge IS NULL THEN {cost} "
        f"WHEN {cost} >= 0 THEN least(greatest({cost}, {band}.min_charge), {band}.max_charge)"
        f" ELSE greatest(least({cost}, -{band}.min_charge), -{band}.max_charge) END"
    )


def _holds(x: str) -> str:
    """Whether the point x lies in the band; nothing at all lies in the first."""
    return (
        f"((abs({x}) > b.above_quantity OR {x} = 0 AND b.above_quantity = 0)"
        f" AND (b.to_quantity IS NULL OR abs({x}) <= b.to_quantity))"
    )


def _entered(x: str) -> str:
    """1 once the sum has, at the point x, units of the band."""
    return f"(abs({x}) > b.above_quantity)::int"


def _stands(x: str) -> str:
    """1 while the sum stands, at the point x, in the band."""
    return f"({x} <> 0 AND {_holds(x)})::int"


def _past(x: str) -> str:
    """The point x of the sum, counted from where the included quantity ends."""
    return (
        f"CASE WHEN from_.included = 0 THEN {x} "
        f"ELSE sign({x}) * greatest(0, abs({x}) - from_.included) END"
    )


# The rating methods of the book, as the charges take them.
FACTS = """
facts AS MATERIALIZED (
    SELECT m.id, coalesce(m.pricing_type = 'Tiered Pricing', false) AS tiered,
           coalesce(m.pricing_type = 'Tiered Pricing' AND m.aggregate_rate_type = 'Incremental',
                    false) AS incremental,
           m.flat_rate AS flat, m.percentage_flag AS percentage,
           m.split_usage AND NOT m.formula_flag AS split,
           coalesce(m.min_max_per = 'Period', false) AS by_period,
           m.rating_method_type = 'Prepaid Usage' AS prepaid
    FROM catalog_ratingmethod m
    WHERE m.id IN (SELECT rating_method_id FROM book)
)
"""

# The named queries of the charges. They take `facts`, `band` (`billing.rating.book`) and
#   wanted  id, version_id or override (a rate that replaces the bands), rating_method_id, quantity,
#           factor, usage (true for collected usage, which may be split), and where it stands in its
#           sum: before, reached, nth (its number among the charges of the sum, from 1); shrunken
#           charges take shrunk as well, the part of a period that is left of its bands
# and yield
#   line    what is wanted, with its price and its rating method
#   part    a line in one band: units, rate, cost
#   charge  a line or, where the method splits usage over bands, each of its parts by itself; what
#           lies in no band is missing from its units
_CHARGES = f"""
free AS (
    SELECT version_id, max(included_quantity) AS quantity, max(included_charges) AS charges
    FROM band GROUP BY version_id
), line AS (
    SELECT w.id, w.version_id, w.override, w.quantity, w.factor,
           coalesce(m.incremental, false) AS incremental,
           coalesce(m.flat, false) AS flat, coalesce(m.percentage, false) AS percentage,
           w.usage AND coalesce(m.incremental AND m.split, false) AS split, {{shrunk}}
           coalesce(m.by_period, false) AS by_period,
           at.before, at.after, at.reached,
           from_.included > 0 AND at.after = at.before AS for_nothing
    FROM wanted w
    LEFT JOIN facts m ON m.id = w.rating_method_id
    LEFT JOIN free ON free.version_id = w.version_id
    CROSS JOIN LATERAL (
        -- What is included is passed over, as long as there are charges it is included in.
        -- What prepaid usage includes is drawn by others.
        SELECT CASE WHEN NOT (coalesce(m.tiered, false) OR NOT coalesce(m.prepaid, false)
                              AND (coalesce(free.quantity, 0) > 0 OR coalesce(free.charges, 0) > 0))
                    THEN 0 ELSE w.before END AS start,
               CASE WHEN free.quantity IS NULL AND free.charges IS NULL THEN 0
                    WHEN m.prepaid THEN 0
                    WHEN w.nth > free.charges THEN 0
                    ELSE coalesce({{included}}, 'Infinity') END AS included
    ) from_
    CROSS JOIN LATERAL (
        SELECT {_past("from_.start")} AS before, {_past("from_.start + w.quantity")} AS after,
               {_past("CASE WHEN coalesce(m.tiered, false) THEN w.reached ELSE w.quantity END")}
               AS reached
    ) at
), part AS (
    SELECT l.id, l.split, b.pricing_id, b.rate_order, b.upper_band, b.rate,
           CASE WHEN NOT l.by_period THEN b.min_charge END AS min_charge,
           CASE WHEN NOT l.by_period THEN b.max_charge END AS max_charge,
           CASE WHEN l.incremental THEN {_units("l.after")} - {_units("l.before")}
                WHEN {_holds("l.reached")} THEN l.after - l.before ELSE 0 END AS units,
           l.factor * b.rate * CASE WHEN l.percentage THEN 0.01 ELSE 1 END
           * CASE WHEN l.flat THEN 0
                  WHEN l.incremental
                  THEN {blocks(_units("l.after"))} - {blocks(_units("l.before"))}
                  WHEN {_holds("l.reached")}
                  THEN {blocks("l.after")} - {blocks("l.before")}
                  ELSE 0 END AS cost,
           (coalesce(b.flat_fee, 0) + CASE WHEN l.flat THEN b.rate ELSE 0 END)
           * CASE WHEN l.quantity <= 0 THEN 0
                  WHEN l.incremental
                  THEN greatest(0, {_entered("l.after")} - {_entered("l.before")})
                  ELSE {_stands("l.after")} - {_stands("l.before")} END AS fee,
           CASE WHEN l.quantity >= 0 AND NOT l.for_nothing THEN b.fee_per_charge END
           AS fee_per_charge,
           l.for_nothing
    FROM line l
    JOIN {{band}} b ON b.version_id = l.version_id
    WHERE l.override IS NULL
      AND CASE WHEN l.incremental
               THEN {_units("l.after")} <> {_units("l.before")}
                    OR l.after = l.before AND {_holds("l.after")}
               ELSE {_holds("l.reached")} OR {_stands("l.before")} <> {_stands("l.after")} END
    UNION ALL
    SELECT l.id, false, NULL, 1, NULL, l.override, NULL, NULL, l.after - l.before,
           CASE WHEN l.flat THEN 0 ELSE l.factor * l.override * l.quantity
                * CASE WHEN l.percentage THEN 0.01 ELSE 1 END END,
           CASE WHEN l.flat AND l.quantity > 0 THEN l.override ELSE 0 END, NULL, false
    FROM line l WHERE l.override IS NOT NULL
), summed AS (
    SELECT id, CASE WHEN split THEN rate_order END AS split_order, sum(units) AS units,
           count(*) FILTER (WHERE units <> 0) AS bands,
           sum(cost) + sum(fee) + coalesce(max(fee_per_charge), 0) AS cost,
           max((units <> 0)::int::bigint << 32 | rate_order) AS last,
           bool_or(for_nothing) AS for_nothing
    FROM part GROUP BY id, 2
), charge AS (
    SELECT s.id, s.split_order, s.units, p.pricing_id, p.upper_band,
           s.bands > 1 AS averaged,
           CASE WHEN s.bands > 1 AND s.units <> 0 THEN round(s.cost / s.units, 10)
                ELSE p.rate END AS rate,
           round(CASE WHEN s.for_nothing THEN 0 ELSE {bounded("s.cost", "p")} END, 10) AS cost,
           NOT s.for_nothing AND coalesce(abs(s.cost) < p.min_charge, false) AS raised
    FROM summed s
    JOIN part p ON p.id = s.id AND p.rate_order = (s.last & {_ORDER})::int
)
"""  # noqa: S608 - constants only
#: The bands as they are, or with limits that have shrunk.
CHARGES = _CHARGES.format(shrunk="", included="free.quantity", band="band")
SHRUNKEN_CHARGES = _CHARGES.format(
    shrunk="w.shrunk,",
    included="free.quantity * w.shrunk",
    band="""LATERAL (
        SELECT version_id, pricing_id, rate_order, upper_band, rate, min_charge, max_charge,
               flat_fee, fee_per_charge, block_size, above_quantity * l.shrunk AS above_quantity,
               to_quantity * l.shrunk AS to_quantity
        FROM band
    )""",
)
