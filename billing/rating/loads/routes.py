"""Usage that is priced by where it came from and where it went to."""

# The CTE `route`: the rates between two locations, of the journeys in `journey` (version_id,
# origin_id, destination_id, charge_type). Of those that COUNTRY_CODE_MAP has for the price, the one
# whose destination, then whose origin, is nearest: the location itself, a wider area, anywhere.
NEAREST = """
around AS (
    SELECT id AS of_id, id, 0 AS steps, parent_country_code_id
    FROM catalog_countrycode
    WHERE id IN (SELECT origin_id FROM journey UNION SELECT destination_id FROM journey)
    UNION ALL
    SELECT around.of_id, wider.id, around.steps + 1, wider.parent_country_code_id
    FROM around JOIN catalog_countrycode wider ON wider.id = around.parent_country_code_id
    WHERE around.steps < 20
), route AS (
    SELECT DISTINCT ON (asked.version_id, asked.origin_id, asked.destination_id, asked.charge_type)
           asked.*, map.id AS route_id, map.rate
    FROM journey asked
    JOIN band ON band.version_id = asked.version_id
    JOIN catalog_countrycodemap map ON map.pricing_id = band.pricing_id
    LEFT JOIN around origin
      ON origin.of_id = asked.origin_id AND origin.id = map.origination_country_code_id
    LEFT JOIN around destination
      ON destination.of_id = asked.destination_id
     AND destination.id = map.destination_country_code_id
    WHERE map.deleted_at IS NULL AND map.rate IS NOT NULL
      AND (map.origination_country_code_id IS NULL OR origin.id IS NOT NULL)
      AND (map.destination_country_code_id IS NULL OR destination.id IS NOT NULL)
      AND (map.charge_type IS NULL OR map.charge_type = asked.charge_type)
    ORDER BY asked.version_id, asked.origin_id, asked.destination_id, asked.charge_type,
             destination.steps NULLS LAST, origin.steps NULLS LAST, map.charge_type NULLS LAST,
             map.id
)
"""

ROUTES = f"""
CREATE TEMP TABLE rating_route ON COMMIT DROP AS
WITH RECURSIVE band AS (SELECT * FROM rating_band), journey AS (
    SELECT DISTINCT version_id, origin_id, destination_id, charge_type
    FROM rating_line WHERE international
), {NEAREST}
SELECT * FROM route
"""  # noqa: S608 - constants only

ROUTED = """
CREATE TEMP TABLE rating_routed ON COMMIT DROP AS
SELECT l.id, r.route_id, r.rate
FROM rating_line l
JOIN rating_route r
  ON r.version_id = l.version_id
 AND coalesce(r.origin_id, 0) = coalesce(l.origin_id, 0)
 AND coalesce(r.destination_id, 0) = coalesce(l.destination_id, 0)
 AND coalesce(r.charge_type, '') = coalesce(l.charge_type, '')
WHERE l.international
"""

UNROUTED = "SELECT FROM rating_line WHERE international LIMIT 1"
NO_ROUTE = """
UPDATE mediation_usage u
SET cause = 'NO_ROUTE',
    reason = format('The price of %%s %%s for product %%s has no rate from %%s to %%s, and its '
                    'rating method wants one.', q.source, q.source_id, u.product_id,
                    coalesce('location ' || u.origin_id, 'nowhere'),
                    coalesce('location ' || u.destination_id, 'nowhere'))
FROM rating_line l
JOIN rating_quote q ON q.id = l.quote_id
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = l.place
  AND l.international AND q.obligatory
  AND NOT EXISTS (SELECT FROM rating_routed r WHERE r.id = l.id)
"""
