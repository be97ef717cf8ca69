"""Which part of a cycle a line charges for, in days, as far as that may be told."""

from dataclasses import dataclass

from billing.rating.explaining.findings import Json
from billing.rating.explaining.sight import Sight

_FIELDS = ("CycleFrom", "CycleUntil", "DayCount")


@dataclass(frozen=True)
class Prorated:
    """The part of a cycle: so many days of so many, counted in a way."""

    days: int
    of: int
    day_count: str

    def told(self) -> Json:
        counted = "" if self.day_count == "Actual" else f", counted by {self.day_count}"
        noun = "day" if self.of == 1 else "days"
        return {
            "Days": str(self.days),
            "CycleDays": str(self.of),
            "DayCount": self.day_count,
            "Reason": f"The line is for {self.days} of the {self.of} {noun} of its cycle{counted}.",
        }


def of_line(line: Json, sight: Sight) -> Prorated | None:
    """What part of its cycle a line is for; None where it is for all of it, or nobody knows."""
    cycle = line["cycle"]
    if cycle is None or not sight.reads("CHARGED_PERIOD", *_FIELDS):
        return None
    period = cycle["period_id"]
    if ("CHARGED_PERIOD", period) not in sight.fields({"CHARGED_PERIOD": ([period], _FIELDS)}):
        return None
    return Prorated(cycle["days"], cycle["of"], cycle["day_count"])
