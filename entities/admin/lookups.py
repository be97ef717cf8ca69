"""What a lookup can point to: the answer to a Select2 that asks while one types."""

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, JsonResponse

from entities.admin.callers import rights_on
from entities.admin.search import condition
from entities.admin.sizes import live
from entities.admin.titles import called, title_sql
from entities.schema.description import quote
from entities.schema.snapshot import Snapshot

PAGE = 20


def answer(request: HttpRequest, snapshot: Snapshot, entity: str, field: str) -> JsonResponse:
    """A page of the live records that `entity.field` can point to and that fit `term`."""
    schema = snapshot.find(entity)
    lookup_field = schema.find(field) if schema is not None else None
    if schema is None or lookup_field is None or lookup_field.lookup is None:
        return JsonResponse({"results": [], "pagination": {"more": False}}, status=404)
    target = snapshot.target(lookup_field)
    granted = rights_on(request, snapshot, target)
    # What names a target is shown whole, so a mask in its place would not do.
    key_field = target.by_column[lookup_field.lookup.column]
    readable = rights_on(request, snapshot, schema).readable
    if not (granted.read and key_field.name in granted.known and lookup_field.name in readable):
        raise PermissionDenied(f"You may not read {target.label_plural}.")
    page = _page_number(request)
    typed = request.GET.get("term") or request.GET.get("q") or ""
    where, parameters = condition(snapshot, target, granted, typed)
    title = title_sql(snapshot, target, "r")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.{quote(lookup_field.lookup.column)}, r.id, {title} AS title "
            f"FROM {quote(target.table)} r WHERE {live(target)} {granted.where('r')} AND {where} "
            f"ORDER BY title, r.id LIMIT {PAGE + 1} OFFSET {PAGE * (page - 1)}",
            parameters,
        )
        rows = cursor.fetchall()
    by_key = lookup_field.lookup.by_key
    results = []
    for key, record_id, name in rows[:PAGE]:
        text = called(target, record_id, name)
        results.append(
            {"id": str(key), "text": f"{key} – {text}" if by_key and text != key else text}
        )
    return JsonResponse({"results": results, "pagination": {"more": len(rows) > PAGE}})


def _page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    if not (number.isascii() and number.isdecimal()):
        return 1
    return max(1, min(int(number[:9]), 500))
