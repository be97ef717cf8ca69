"""What the terms ask, cycle by cycle, against what is charged: the days that lack something."""

from billing.rating.cycles import cycles, part

# What the terms ask, cycle by cycle, from the first that may lack something to one that is to come.
CYCLES = f"""
CREATE TEMP TABLE charge_cycle ON COMMIT DROP AS
SELECT s.key, n, cycle.from_day AS cycle_from, cycle.until_day AS cycle_until, asked.kind,
       asked.from_day, asked.until_day
FROM charge_subject s
CROSS JOIN LATERAL (
    SELECT greatest((s.limit_day + s.advance)::date, s.look_from) AS until_day
) horizon
CROSS JOIN LATERAL (
    {cycles("s.look_from", "horizon.until_day", "s")}
) cycle
CROSS JOIN LATERAL (
    VALUES ('Trial', greatest(cycle.from_day, s.service_from),
            least(cycle.until_day, s.trial_until)),
           ('Period', greatest(cycle.from_day, s.paid_from),
            least(cycle.until_day, s.service_until))
) served (kind, from_day, until_day)
CROSS JOIN LATERAL (
    SELECT served.kind,
           CASE WHEN s.prorated OR served.kind = 'Trial' THEN served.from_day
                ELSE cycle.from_day END AS from_day,
           CASE WHEN s.prorated OR served.kind = 'Trial' THEN served.until_day
                ELSE cycle.until_day END AS until_day
) asked
WHERE s.recurs AND NOT s.endless AND served.from_day < served.until_day
  AND cycle.until_day > s.look_from AND (served.kind = 'Period' OR s.trial_until IS NOT NULL)
UNION ALL
SELECT key, 0, NULL, NULL, 'Once', service_from, service_from + 1
FROM charge_subject s WHERE NOT recurs
"""  # noqa: S608 - constants only

COVER = """
CREATE TEMP TABLE charge_cover ON COMMIT DROP AS
SELECT s.key, p.kind, p.quantity,
       CASE p.kind WHEN 'Once' THEN s.service_from ELSE p.kept_from END AS from_day,
       CASE p.kind WHEN 'Once' THEN s.service_from + 1 ELSE p.kept_until END AS until_day
FROM rating_chargedperiod p
JOIN charge_subject s ON s.key = p.account_product_id
JOIN (SELECT key, min(from_day) AS from_day FROM charge_cycle GROUP BY key) first
  ON first.key = s.key
WHERE p.kept_from < p.kept_until AND (p.kind = 'Once' OR p.kept_until > first.from_day);
CREATE INDEX ON charge_cover (key, kind);
ANALYZE charge_subject; ANALYZE charge_cycle; ANALYZE charge_cover
"""

# The days of the cycles, cut where what is charged of them changes, with what they lack.
RUNS = f"""
CREATE TEMP TABLE charge_run ON COMMIT DROP AS
WITH turn AS (
    SELECT key, n, kind, from_day AS day FROM charge_cycle
    UNION
    SELECT key, n, kind, until_day FROM charge_cycle
    UNION
    SELECT c.key, c.n, c.kind, turn.day
    FROM charge_cycle c
    JOIN charge_subject s ON s.key = c.key
    JOIN charge_cover v ON v.key = c.key AND v.kind = c.kind
     AND v.from_day < c.until_day AND v.until_day > c.from_day
    CROSS JOIN LATERAL (
        VALUES (v.from_day), (v.until_day),
               (CASE WHEN s.prorated AND s.today > v.from_day AND s.today < v.until_day
                     THEN s.today END)
    ) turn (day)
    WHERE turn.day > c.from_day AND turn.day < c.until_day
), piece AS (
    SELECT key, n, kind, day AS from_day,
           lead(day) OVER (PARTITION BY key, n, kind ORDER BY day) AS until_day
    FROM turn
), covered AS (
    SELECT piece.*, c.cycle_from, c.cycle_until, v.number = 0 AS fresh,
           coalesce(v.quantity, 0) AS before, v.touched
    FROM piece
    JOIN charge_cycle c ON c.key = piece.key AND c.n = piece.n AND c.kind = piece.kind
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE over) AS number,
               sum(v.quantity) FILTER (WHERE over) AS quantity, count(*) > 0 AS touched
        FROM (
            SELECT v.quantity,
                   v.from_day <= piece.from_day AND v.until_day >= piece.until_day AS over
            FROM charge_cover v
            WHERE v.key = piece.key AND v.kind = piece.kind
              AND v.from_day < c.until_day AND v.until_day > c.from_day
        ) v
    ) v
    WHERE piece.until_day IS NOT NULL
)
SELECT row_number() OVER (ORDER BY c.key, c.from_day, c.kind) AS id, c.*,
       s.quantity - c.before AS lacking,
       greatest(c.from_day, begun.day) AS first_day,
       least(c.until_day, s.service_until) AS until_served,
       CASE WHEN c.kind = 'Trial' OR c.kind = 'Period' AND s.prorated
            THEN {part(("c.from_day", "c.until_day"), ("c.cycle_from", "c.cycle_until"), "s.day_count")}
            ELSE 1 END AS factor, s.day_count,
       CASE WHEN NOT c.fresh THEN s.today
            WHEN c.kind = 'Once' THEN c.from_day
            WHEN s.prepaid OR c.kind = 'Trial'
            THEN (greatest(c.from_day, begun.day) - s.advance)::date
            ELSE (least(c.until_day, s.service_until) + s.afterwards)::date END AS due_day,
       s.prepaid OR c.kind <> 'Period' OR NOT c.fresh AS at_begin
FROM covered c
JOIN charge_subject s ON s.key = c.key
-- A whole cycle of which the first days are a trial is charged when that is over.
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.kind = 'Trial' THEN s.service_from ELSE s.paid_from END AS day
) begun
WHERE s.charging AND s.quantity IS NOT NULL
  AND CASE WHEN c.fresh
           THEN (s.quantity <> 0 OR s.forced) AND (s.prorated OR c.kind <> 'Period' OR NOT c.touched)
           ELSE c.kind = 'Period' AND c.before <> s.quantity AND c.until_day > s.today
                AND CASE WHEN s.prorated
                         THEN c.from_day >= s.today AND (s.quantity > c.before OR s.credits)
                         ELSE s.quantity > c.before END END
"""  # noqa: E501, S608 - constants only
