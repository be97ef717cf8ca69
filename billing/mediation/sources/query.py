"""Rows of the platform's own entities, by its query language: never SQL of somebody else.

RetrieveSql is one SELECT whose first column numbers its rows; `:LastRowId` in it stands for the
highest number so far; of a collector of Type ENTITY it is made. The rows are put down as JSON
lines, and the load, its file and the new LastRowId are one transaction: no row is taken twice, and
none left out, as long as no row comes later with a lower number. Of Ids that is made sure of (see
`entity`); other numbers have to be given so.
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
from entities.schema.current import current
from entities.schema.description import EntitySchema
from metabrm.identity.context import Context
from metabrm.identity.models import User

_MARK = ":LastRowId"
#: Pages of one run.
_MOST_PAGES = 100


def statement_of(collector: ActivityCollector) -> str:
    """The query with the bookmark in its place."""
    return (collector.retrieve_sql or "").replace(_MARK, str(int(collector.last_row_id or 0)))


def context_of(collector: ActivityCollector) -> Context:
    """Whoever said which rows are read: it reads no more than he may. ValueError if he is gone."""
    user_id = collector.reads_as_user_id or collector.updated_user_id or collector.created_user_id
    if user_id is None:
        return Context.system(f"collector {collector.pk}")
    user = User.objects.select_related("role", "time_zone").filter(pk=user_id).first()
    if user is None or not user.is_active:
        raise ValueError(
            "Whoever said which rows are read may no longer sign in; change RetrieveSql, Type or "
            "Entity_Id as a user who may"
        )
    return Context.of(user, reason=f"collector {collector.pk}")


def claim(collector: ActivityCollector) -> list[int]:
    """Loads of the rows that are new, a page each."""
    found: list[int] = []
    if collector.type != "ENTITY" and not (collector.retrieve_sql or "").strip():
        return found
    numbered = _numbered_by(collector)
    last = None if numbered is None else entity.last_id(numbered)
    if numbered is not None and last is None:
        return found
    for _ in range(_MOST_PAGES):
        load = _page(collector.pk, last)
        if load is None:
            break
        found.append(load)
    return found


def _numbered_by(collector: ActivityCollector) -> EntitySchema | None:
    """The entity by whose Ids the rows are numbered, if they are."""
    if collector.type == "ENTITY":
        return entity.entity_of(current(), collector.entity_id)
    found = query.numbered_by(statement_of(collector), current(), context_of(collector))
    return found if found is not None and found.writable else None


def _page(collector_id: int, last_id: int | None) -> int | None:
    """A load of the next rows, up to the number `last_id` where there is one."""
    with transaction.atomic():
        collector = ActivityCollector.objects.select_for_update().get(pk=collector_id)
        context = context_of(collector)
        if collector.type == "ENTITY":
            statement = entity.statement_of(collector, context, last_id or 0)
        else:
            statement = statement_of(collector)
        page = query.query(statement, context)
        rows: list[dict[str, Any]] = orjson.loads(page.json)
        before = collector.last_row_id or 0
        numbered = [(_number(next(iter(row.values()), None)), row) for row in rows]
        new = [
            (number, row)
            for number, row in numbered
            if number > before and (last_id is None or number <= last_id)
        ]
        if not new:
            return None
        last = max(number for number, _ in new)
        lines = b"".join(msgspec.json.encode(row) + b"\n" for _, row in new)
        name = f"{before}-{last}.jsonl.gz"
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
