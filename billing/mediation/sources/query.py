"""Rows of the platform's own entities, by its query language: never SQL of somebody else.

RetrieveSql is one SELECT whose first column numbers its rows; `:LastRowId` in it stands for the
highest number so far; of a collector of Type ENTITY it is made. The rows are put down as JSON
lines, and the load, its file and the new LastRowId are one transaction: no row is taken twice, and
none left out.
"""

import gzip
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import orjson
from django.db import transaction

from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector
from billing.mediation.sources import entity
from entities import query
from entities.files import contents
from metabrm.identity.context import Context
from metabrm.identity.models import User

_MARK = ":LastRowId"
#: Pages of one run.
_MOST_PAGES = 100


def statement_of(collector: ActivityCollector) -> str:
    """The query with the bookmark in its place."""
    return (collector.retrieve_sql or "").replace(_MARK, str(int(collector.last_row_id or 0)))


def context_of(collector: ActivityCollector) -> Context:
    """Whoever set up the query: it reads no more than he may. RequestError if he is gone."""
    user_id = collector.updated_user_id or collector.created_user_id
    if user_id is None:
        return Context.system(f"collector {collector.pk}")
    user = User.objects.select_related("role", "time_zone").filter(pk=user_id).first()
    if user is None or not user.is_active:
        raise ValueError("Whoever set up the query may no longer sign in; save it as another user")
    return Context.of(user, reason=f"collector {collector.pk}")


def claim(collector: ActivityCollector) -> list[int]:
    """Loads of the rows that are new, a page each."""
    found: list[int] = []
    last: int | None = None
    if collector.type == "ENTITY":
        last = entity.last_id(collector)
        if last is None:
            return found
    elif not (collector.retrieve_sql or "").strip():
        return found
    for _ in range(_MOST_PAGES):
        load = _page(collector.pk, last)
        if load is None:
            break
        found.append(load)
    return found


def _page(collector_id: int, last_id: int | None) -> int | None:
    with transaction.atomic():
        collector = ActivityCollector.objects.select_for_update().get(pk=collector_id)
        context = context_of(collector)
        if last_id is None:
            statement = statement_of(collector)
        else:
            statement = entity.statement_of(collector, context, last_id)
        page = query.query(statement, context)
        rows: list[dict[str, Any]] = orjson.loads(page.json)
        numbers = [_number(next(iter(row.values()), None)) for row in rows]
        rows = [
            row
            for row, number in zip(rows, numbers, strict=True)
            if number > (collector.last_row_id or 0)
        ]
        if not rows:
            return None
        last = max(numbers)
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        name = f"{collector.last_row_id or 0}-{last}.jsonl.gz"
        stored = contents.put(name, gzip.compress(lines, 6, mtime=0))
        load = claiming.claim(
            collector,
            "QUERY",
            name,
            stored.size,
            stored.sha256,
            usage_file=f"{stored.key}/{stored.file_name}",
        )
        ActivityCollector.objects.filter(pk=collector_id).update(last_row_id=last)
        return None if load is None else load.pk


def _number(value: Any) -> int:
    try:
        return int(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(
            f"the first column of RetrieveSql numbers its rows; it has {value!r}"
        ) from None
