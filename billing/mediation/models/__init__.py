"""Where usage comes from, how it arrives, and the charge lines it becomes."""

from billing.mediation.models.activities import Activity
from billing.mediation.models.collectors import (
    ActivityCollector,
    ActivityCollectorControl,
    ActivityCollectorFilter,
    ActivityCollectorHistory,
    ActivityCollectorLabel,
    ActivityCollectorMap,
    LoadShard,
    UsageEvent,
)
from billing.mediation.models.staging import CollectorFields

__all__ = [
    "Activity",
    "ActivityCollector",
    "ActivityCollectorControl",
    "ActivityCollectorFilter",
    "ActivityCollectorHistory",
    "ActivityCollectorLabel",
    "ActivityCollectorMap",
    "CollectorFields",
    "LoadShard",
    "UsageEvent",
]
