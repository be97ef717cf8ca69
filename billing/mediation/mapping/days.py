"""Whether accounts have other days than the session that maps their usage.

Mostly none has, and then nobody need ask whose days the usage of a load is of.
"""

from django.db import connection

_APART = """
SELECT %(zone)s <> 'UTC' OR EXISTS (
    SELECT FROM localization_timezone z
    WHERE z.canonical_name <> %(zone)s
      AND (EXISTS (SELECT FROM customers_account a WHERE a.activity_time_zone_id = z.id)
           OR EXISTS (SELECT FROM customers_billingprofile p WHERE p.time_zone_id = z.id))
)
"""


def apart(zone: str) -> bool:
    """Whether there are accounts whose days are not those of the zone."""
    with connection.cursor() as cursor:
        cursor.execute(_APART, {"zone": zone})
        return bool(cursor.fetchone()[0])
