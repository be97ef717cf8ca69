"""Where usage comes from, how it arrives, and the charge lines it becomes."""

from billing.mediation.models.activities import Activity
from billing.mediation.models.collector_parts import (
    ActivityCollectorControl,
    ActivityCollectorFilter,
    ActivityCollectorLabel,
    ActivityCollectorMap,
)
from billing.mediation.models.collectors import ActivityCollector
from billing.mediation.models.loads import ActivityCollectorHistory, LoadShard, UsageEvent
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
