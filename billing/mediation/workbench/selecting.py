"""Which usage in suspense is meant, and what there is of it, in the groups that people work on.

Groups are counted in an index alone, so that a million records are as easy to look at as ten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.mediation.suspense import DISCARDED, IN_SUSPENSE, TAKEN_UP
from entities.access import EntityRights
from entities.errors import Code, RequestError

#: What somebody must know of collected usage to work on it.
NEEDED = frozenset(
    ("Cause", "Reason", "PROCESS_STATUS", "Quantity", "BillingIdentifier", "RawRecord", "FileLine")
)
STATES = (IN_SUSPENSE, DISCARDED, TAKEN_UP)
#: Records that are looked at to tell which billing identifiers are the most frequent.
LOOKED_AT = 10_000
#: Records of a page.
PAGE = 25

_GROUPS = """
SELECT c.activity_collector_id, c.cause, (c.created AT TIME ZONE 'UTC')::date, count(*),
       coalesce(sum(c.quantity), 0)
FROM mediation_collectorfields c
WHERE c.cause IS NOT NULL AND c.deleted_at IS NULL AND c.process_state = %(state)s
  AND c.activity_collector_id = ANY(%(collectors)s) {seen}
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3 DESC
"""
_COUNTED = """
SELECT count(*), coalesce(sum(c.quantity), 0) FROM mediation_collectorfields c WHERE {chosen}
"""
_TOKENS = """
SELECT token, count(*) FROM (
    SELECT c.billing_identifier AS token FROM mediation_collectorfields c WHERE {chosen}
    ORDER BY c.created, c.id LIMIT %(looked_at)s
) first
WHERE token IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8
"""
_VALUES = """
SELECT c.{column}::text, count(*) FROM mediation_collectorfields c WHERE {chosen}
GROUP BY 1 ORDER BY 2 DESC, 1 NULLS LAST LIMIT 6
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """One collector's usage, or that with these Ids. day: in UTC, on which it came to suspense."""

    collector: int | None = None
    cause: str | None = None
    day: date | None = None
    token: str | None = None
    state: str = IN_SUSPENSE
    ids: tuple[int, ...] = ()

    def chosen(self, granted: EntityRights) -> str:
        """SQL condition over `c` for whoever has these rights; its values are `values`."""
        told = [
            "c.cause IS NOT NULL AND c.deleted_at IS NULL AND c.process_state = %(state)s",
            *(["c.id = ANY(%(ids)s)"] * bool(self.ids)),
            *(["c.activity_collector_id = %(collector)s"] * (self.collector is not None)),
            *(["c.cause = %(cause)s"] * (self.cause is not None)),
            *(["c.billing_identifier = %(token)s"] * (self.token is not None)),
        ]
        if self.day is not None:
            told.append(
                "c.created >= %(day)s::date::timestamp AT TIME ZONE 'UTC' "
                "AND c.created < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"
            )
        return " AND ".join(told) + granted.where("c")

    @property
    def values(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "ids": list(self.ids),
            "collector": self.collector,
            "cause": self.cause,
            "token": self.token,
            "day": self.day,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Usage of one collector that waits for one cause; `days`: how much since which day."""

    collector: int
    cause: str
    count: int
    quantity: Decimal
    days: list[tuple[date, int, Decimal]]


def selection(said: Mapping[str, Any]) -> Selection:
    """What a request names: ActivityCollectorId, Cause, Day, BillingIdentifier, State, Ids.

    RequestError for what is none of these, or names nothing.
    """
    ids = said.get("Ids") or ()
    if not isinstance(ids, list | tuple):
        raise RequestError(Code.INVALID_VALUE, 'Ids is a list: ["1001", "1002"].', field="Ids")
    for name in ("Cause", "BillingIdentifier"):
        text = said.get(name)
        if text and (not isinstance(text, str) or "\0" in text):
            raise RequestError(
                Code.INVALID_VALUE,
                f"{name} is {str(text)[:80]!r}; send a text without NUL characters.",
                field=name,
            )
    state = str(said.get("State") or IN_SUSPENSE).upper()
    if state not in STATES:
        raise RequestError(
            Code.INVALID_VALUE,
            f"State is {state[:80]!r}; it is one of {', '.join(STATES)}.",
            field="State",
        )
    day = said.get("Day") or None
    try:
        found_day = date.fromisoformat(str(day)) if day else None
    except ValueError:
        raise RequestError(
            Code.INVALID_VALUE,
            f"Day is {str(day)[:80]!r}; send a date such as 2026-06-15.",
            field="Day",
        ) from None
    collector = said.get("ActivityCollectorId")
    made = Selection(
        collector=_id("ActivityCollectorId", collector) if collector not in (None, "") else None,
        cause=str(said["Cause"])[:100] if said.get("Cause") else None,
        day=found_day,
        token=str(said["BillingIdentifier"])[:255] if said.get("BillingIdentifier") else None,
        state=state,
        ids=tuple(_id("Ids", one) for one in ids),
    )
    if made.collector is None and not made.ids:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "Name the usage: ActivityCollectorId (with Cause, Day, BillingIdentifier to narrow it "
            "down), or Ids.",
            field="ActivityCollectorId",
        )
    return made


def unseen(collector: int) -> RequestError:
    """There is no such collector for the caller."""
    return RequestError(
        Code.RECORD_NOT_FOUND,
        f"There is no ACTIVITY_COLLECTOR {collector}, or you may not see it.",
        field="ActivityCollectorId",
    )


def _id(name: str, value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RequestError(
            Code.INVALID_VALUE, f"{name} has {text[:80]!r}, which is no Id.", field=name
        )
    return int(text)


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def groups(collectors: Sequence[int], state: str, granted: EntityRights) -> list[Group]:
    """All groups of the collectors, those with the most records first."""
    rows = _rows(
        _GROUPS.format(seen=granted.where("c")), {"collectors": list(collectors), "state": state}
    )
    found: dict[tuple[int, str], list[tuple[date, int, Decimal]]] = {}
    for collector, cause, day, count, quantity in rows:
        found.setdefault((collector, cause), []).append((day, count, quantity))
    made = [
        Group(
            collector,
            cause,
            sum(count for _, count, _ in days),
            sum((quantity for _, _, quantity in days), Decimal()),
            days,
        )
        for (collector, cause), days in found.items()
    ]
    return sorted(made, key=lambda group: (-group.count, group.cause, group.collector))


def counted(chosen: Selection, granted: EntityRights) -> tuple[int, Decimal]:
    """How many records that is, and the sum of their quantities."""
    ((count, quantity),) = _rows(_COUNTED.format(chosen=chosen.chosen(granted)), chosen.values)
    return count, quantity


def tokens(chosen: Selection, granted: EntityRights) -> list[tuple[str, int]]:
    """The most frequent billing identifiers among the first records."""
    statement = _TOKENS.format(chosen=chosen.chosen(granted))
    return [(t, n) for t, n in _rows(statement, {**chosen.values, "looked_at": LOOKED_AT})]


def values_now(
    chosen: Selection, granted: EntityRights, column: str
) -> list[tuple[str | None, int]]:
    """What stands in a column of the records now, the most frequent first."""
    statement = _VALUES.format(
        chosen=chosen.chosen(granted), column=connection.ops.quote_name(column)
    )
    return [(value, count) for value, count in _rows(statement, chosen.values)]


def page(
    chosen: Selection, granted: EntityRights, columns: Sequence[str], after: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """The records behind that with the Id `after`; the Id to go on behind, if there are more."""
    behind = (
        "AND (c.created, c.id) > (SELECT b.created, b.id FROM mediation_collectorfields b "
        "WHERE b.id = %(after)s)"
        if after is not None
        else ""
    )
    quoted = ", ".join(f"c.{connection.ops.quote_name(name)}" for name in columns)
    found = _rows(
        f"SELECT c.id, {quoted} FROM mediation_collectorfields c "
        f"WHERE {chosen.chosen(granted)} {behind} ORDER BY c.created, c.id LIMIT {PAGE + 1}",
        {**chosen.values, "after": after},
    )
    names = ("id", *columns)
    rows = [dict(zip(names, row, strict=True)) for row in found[:PAGE]]
    return rows, rows[-1]["id"] if len(found) > PAGE else None


def ids_of(chosen: Selection, granted: EntityRights, most: int) -> list[int]:
    """The Ids of the records, the oldest first, at most so many."""
    statement = (
        f"SELECT c.id FROM mediation_collectorfields c WHERE {chosen.chosen(granted)} "
        f"ORDER BY c.created, c.id LIMIT %(most)s"
    )
    return [id for (id,) in _rows(statement, {**chosen.values, "most": most})]


def moment(value: datetime | None) -> str:
    """An instant as the wire has it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value else ""
