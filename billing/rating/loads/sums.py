"""Usage that is added up: its period, its group, where it stands in its sum, and what is left of
the bands of a period that its account product is not there for all of.
"""

from billing.rating.cycles import served, step


def begin(day: str, asked: str) -> str:
    """SQL of the first day of the period in which usage of a day is added up: by the calendar of
    whoever pays, or the rating method's own reset."""
    return f"""CASE WHEN {asked}.accum_flag AND {asked}.accum_reset_period IS NULL THEN NULL
        WHEN {asked}.accum_flag
        THEN rating_cycle_begin({asked}.accum_reset_period, {asked}.accum_start_date, {day})
        WHEN {asked}.calendar_id IS NULL THEN rating_cycle_begin('MONTHLY', '2000-01-01', {day})
        ELSE (SELECT rating_billing_begin(p, {day}) FROM customers_billingprofile p
              WHERE p.id = {asked}.calendar_id) END"""  # noqa: S608 - constants only


def shrunk(begin_day: str, asked: str, held: str) -> str:
    """SQL of the part that is left of the bands of a period: that of the days on which the account
    product of an alias is there; NULL where it is there on none of them."""
    cycle = f"""CASE WHEN {asked}.accum_flag THEN {asked}.accum_reset_period
        ELSE (SELECT billing_cycle FROM customers_billingprofile p
              WHERE p.id = {asked}.calendar_id) END"""  # noqa: S608 - constants only
    after = begin(f"({begin_day} + {step(cycle)})", asked)
    return f"""(SELECT nullif({served(held, "span.first", "span.until")}, 0)
        FROM (SELECT {begin_day} AS first, {after} AS until) span)"""  # noqa: S608 - constants only


# For lines that are added up: the period they fall in.
PERIODS = f"""
CREATE TEMP TABLE rating_period ON COMMIT DROP AS
SELECT asked.*, {begin("asked.day", "asked")} AS begin
FROM (
    SELECT DISTINCT q.accum_flag, q.accum_reset_period, q.accum_start_date, q.calendar_id, l.day
    FROM rating_line l JOIN rating_quote q ON q.id = l.quote_id WHERE l.adds_up
) asked
"""  # noqa: S608 - constants only

# The group a line is added up in, and the sums as they stand, locked until they have grown. What
# waits for a rate between its locations does not move the others.
GROUPS = """
CREATE TEMP TABLE rating_group ON COMMIT DROP AS
SELECT l.id, q.level, q.scope_id, q.summed_product_id, q.rating_method_id, q.own_key,
       nullif(p.begin, '-infinity') AS period_begin, l.quantity, l.activity_date, l.line
FROM rating_line l
JOIN rating_quote q ON q.id = l.quote_id
JOIN rating_period p
  ON p.accum_flag IS NOT DISTINCT FROM q.accum_flag
 AND p.accum_reset_period IS NOT DISTINCT FROM q.accum_reset_period
 AND p.accum_start_date = q.accum_start_date
 AND coalesce(p.calendar_id, 0) = coalesce(q.calendar_id, 0) AND p.day = l.day
LEFT JOIN rating_routed routed ON routed.id = l.id
WHERE l.adds_up AND (routed.id IS NOT NULL OR NOT (l.international AND q.obligatory))
"""

# What is rated again, has no price any more and so stays as it was, keeps its place in its sum: the
# others stand where they stood.
KEPT = """
INSERT INTO rating_group (id, level, scope_id, summed_product_id, rating_method_id, own_key,
                          period_begin, quantity, line)
SELECT -k.seq, s.level, s.scope_id, s.product_id, s.rating_method_id, 0, s.period_begin, k.quantity,
       k.seq
FROM rerate_kept k JOIN rating_accumulatorvalue s ON s.id = k.sum_id
"""

OPEN_SUMS = """
INSERT INTO rating_accumulatorvalue
    (level, scope_id, product_id, rating_method_id, period_begin, quantity, charges, updated)
SELECT DISTINCT level, scope_id, summed_product_id, rating_method_id, period_begin, 0, 0, %(now)s
FROM rating_group
ORDER BY 2, 1, 3, 4, 5
ON CONFLICT (scope_id, level, product_id, rating_method_id, period_begin) DO NOTHING
"""

SUMS = """
CREATE TEMP TABLE rating_sum ON COMMIT DROP AS
SELECT s.id, s.level, s.scope_id, s.product_id, s.rating_method_id, s.period_begin, s.quantity,
       s.charges
FROM rating_accumulatorvalue s
WHERE s.scope_id = ANY (ARRAY(SELECT DISTINCT scope_id FROM rating_group)) AND EXISTS (
    SELECT FROM rating_group g
    WHERE g.scope_id = s.scope_id AND g.level = s.level
      AND coalesce(g.summed_product_id, 0) = coalesce(s.product_id, 0)
      AND coalesce(g.rating_method_id, 0) = coalesce(s.rating_method_id, 0)
      AND coalesce(g.period_begin, '-infinity') = coalesce(s.period_begin, '-infinity'))
ORDER BY s.id FOR UPDATE
"""

# Where each line stands in its sum, in the order in which the usage happened; or in that of its
# records, where they come in the order in which they were rated before.
STANDING = """
CREATE TEMP TABLE rating_standing ON COMMIT DROP AS
SELECT g.id, s.id AS sum_id, g.quantity,
       s.quantity + sum(g.quantity) OVER so_far - g.quantity AS before,
       s.quantity + sum(g.quantity) OVER (PARTITION BY s.id) AS reached,
       s.charges + row_number() OVER so_far AS nth
FROM rating_group g
JOIN rating_sum s
  ON s.scope_id = g.scope_id AND s.level = g.level
 AND coalesce(s.product_id, 0) = coalesce(g.summed_product_id, 0)
 AND coalesce(s.rating_method_id, 0) = coalesce(g.rating_method_id, 0)
 AND coalesce(s.period_begin, '-infinity') = coalesce(g.period_begin, '-infinity')
WINDOW so_far AS (
    PARTITION BY s.id
    ORDER BY CASE WHEN NOT %(in_order)s THEN g.activity_date END, g.line, g.own_key, g.id
)
"""

# What could not be charged adds nothing: it comes again.
GROW = """
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity + added.quantity, charges = s.charges + added.charges, updated = %(now)s
FROM (
    SELECT t.sum_id, sum(t.quantity) AS quantity, count(*) AS charges
    FROM rating_standing t
    WHERE EXISTS (SELECT FROM rating_charge c WHERE c.id = t.id AND c.whole)
    GROUP BY t.sum_id
) added
WHERE added.sum_id = s.id
"""

# What is left of their bands, of the lines whose bands shrink with their period.
SHRINKING = "SELECT FROM rating_quote WHERE shrinks AND adds_up AND NOT simple LIMIT 1"
SHRUNK = f"""
CREATE TEMP TABLE rating_shrunk ON COMMIT DROP AS
WITH line AS (
    SELECT g.id, g.period_begin, l.quote_id
    FROM rating_group g
    JOIN rating_line l ON l.id = g.id
    JOIN rating_quote q ON q.id = l.quote_id
    WHERE q.shrinks AND g.period_begin IS NOT NULL
), shrunk AS (
    SELECT q.id AS quote_id, line.period_begin, {shrunk("line.period_begin", "q", "ap")} AS part
    FROM (SELECT DISTINCT quote_id, period_begin FROM line) line
    JOIN rating_quote q ON q.id = line.quote_id
    JOIN customers_accountproduct ap ON ap.id = q.account_product_id
)
SELECT line.id, shrunk.part
FROM line
JOIN shrunk ON shrunk.quote_id = line.quote_id AND shrunk.period_begin = line.period_begin;
ANALYZE rating_shrunk
"""  # noqa: S608 - constants only
