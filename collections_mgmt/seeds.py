"""The dunning process of installations that have made none of their own."""

from collections_mgmt.models import DunningInterval
from metabrm.seeding import insert_missing


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    default = {"id": 1, "dunning_interval_name": "Default Dunning Process"}
    return insert_missing(DunningInterval, [default], using)
