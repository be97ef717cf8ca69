"""What the suspense workbench shows: the groups, one group's records, both as a page or as CSV."""

import csv
import io
import json
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.mediation.suspense import DISCARDED, IN_SUSPENSE
from billing.mediation.workbench import acting, selecting
from billing.mediation.workbench.selecting import Selection
from entities.access import EntityRights
from entities.admin.callers import rights_on
from entities.admin.display import address, record_url
from entities.admin.titles import titles
from entities.fieldtypes.numbers import plain
from metabrm.web.attachments import attachment_of

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

ADDRESS = "suspense/"
#: Fields of a record that are corrected in its place -> their columns.
INLINE = {
    "BillingIdentifier": "billing_identifier",
    "ACTIVITY_DATE": "activity_date",
    "Quantity": "quantity",
    "UsageIdentifier": "usage_identifier",
    "ChargeType": "charge_type",
}
LABELS = {
    "BillingIdentifier": "Billing identifier",
    "ACTIVITY_DATE": "Date",
    "Quantity": "Quantity",
    "UsageIdentifier": "Usage identifier (the label, which says the product)",
    "ChargeType": "Charge type",
    "ORIGINATION_COUNTRY_CODE": "Origin",
    "DESTINATION_COUNTRY_CODE": "Destination",
    "OVERRIDE_RATE": "Price per unit",
    "OVERRIDE_COST": "Amount",
}
_MORE = (
    "file_line",
    "reason",
    "raw_record",
    "process_description",
    "activity_collector_history_id",
    "cause",
)
_EXPORTED = {
    "Id": "id",
    "Cause": "cause",
    "Reason": "reason",
    "FileLine": "file_line",
    **INLINE,
    "PROCESS_DESCRIPTION": "process_description",
    "RawRecord": "raw_record",
}
#: Causes -> what they are called.
_WORDS = {
    "UNKNOWN_TOKEN": "unknown billing identifier",
    "NO_TOKEN": "no billing identifier",
    "OTHER_ACCOUNT": "identifier of another account",
    "NO_ACCOUNT": "nobody's usage",
    "NO_PRODUCT": "no product for it",
    "NO_PRICE": "no price",
    "NO_BAND": "no band for the quantity",
    "NO_ROUTE": "no price between the locations",
    "NO_DATE": "no date",
    "NO_QUANTITY": "no quantity",
    "FORMULA": "its formula yields no amount",
    "TOO_MANY_REFILLS": "more refills than are made at once",
    "TOO_LARGE": "more digits than a line holds",
    "LATE": "its invoice is closed",
    "TAKEN_BACK": "charged once, and taken back",
    "NOT_RATED": "rating was stopped",
    "UNREADABLE": "not to be split into values",
    "BAD_DATE": "not a date",
    "BAD_NUMBER": "not a number",
    "BAD_VALUE": "a value that the field does not take",
    "UNKNOWN_FIELD": "a field that there is not",
}
#: Causes -> what is to be done about them.
_HINTS = {
    "UNKNOWN_TOKEN": "Add the billing identifier to its account, then try again; or correct the "
    "identifier where it was written wrongly.",
    "NO_TOKEN": "Set the billing identifier.",
    "OTHER_ACCOUNT": "The identifier is another account's: move it, or correct it.",
    "NO_PRODUCT": "Provision a product for the account on these days, or set the usage identifier "
    "of one that it has; then try again.",
    "NO_PRICE": "Add a price for these days, then try again. The price explorer tells what is "
    "missing.",
    "NO_BAND": "A price's bands have a gap: fill it, then try again.",
    "NO_DATE": "Set the date.",
    "NO_QUANTITY": "Set the quantity.",
    "TOO_LARGE": "Correct the quantity or the price, then try again.",
    "TAKEN_BACK": "The load that had charged it was taken back: try again, or discard it.",
    "LATE": "The invoice of that time is closed. Discard it, or have the collector put late usage "
    "on the current invoice, then try again.",
    "NOT_RATED": "The database was stopped while it was rated: try again.",
    "UNREADABLE": "The line could not be split. Set the fields by hand, or have the file sent "
    "again, corrected, and discard these.",
}


def shown(site: "RecordSite", request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return render(
        request,
        f"admin/metabrm/usage/{template}",
        {**site.each_context(request), "title": "Suspense", "labels": LABELS, **context},
    )


def overview(site: "RecordSite", request: HttpRequest, granted: EntityRights) -> HttpResponse:
    state = str(request.GET.get("state") or IN_SUSPENSE)
    state = state if state in selecting.STATES else IN_SUSPENSE
    admin = site.admins["ACTIVITY_COLLECTOR"]
    known = list(admin.get_queryset(request).order_by().values_list("pk", flat=True))
    named = titles(site.snapshot, admin.schema, known)
    found = selecting.groups(known, state, granted)
    return shown(
        site,
        request,
        "suspense.html",
        state=state,
        states=selecting.STATES,
        total=sum(group.count for group in found),
        groups=[
            {
                "cause": group.cause,
                "words": _words(group.cause),
                "count": group.count,
                "quantity": plain(group.quantity),
                "collector": named[group.collector][1],
                "url": _url(collector=group.collector, cause=group.cause, state=state),
                "since": group.days[-1][0],
                "until": group.days[0][0],
                "days": [
                    {
                        "day": day,
                        "count": count,
                        "quantity": plain(quantity),
                        "url": _url(
                            collector=group.collector, cause=group.cause, state=state, day=day
                        ),
                    }
                    for day, count, quantity in group.days
                ],
            }
            for group in found
        ],
    )


def _url(**said: Any) -> str:
    kept = {name: value for name, value in said.items() if value not in (None, "", IN_SUSPENSE)}
    return f"?{urlencode(kept)}"


def opened(
    site: "RecordSite", request: HttpRequest, granted: EntityRights, chosen: Selection
) -> HttpResponse:
    after = str(request.GET.get("after") or "")
    behind = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    columns = list(dict.fromkeys([*INLINE.values(), *_MORE]))
    rows, further = selecting.page(chosen, granted, columns, behind)
    count, quantity = selecting.counted(chosen, granted)
    snapshot = site.snapshot
    schema = snapshot.entity(acting.ENTITY)
    collector = snapshot.entity("ACTIVITY_COLLECTOR")
    loads = snapshot.entity("ACTIVITY_COLLECTOR_HISTORY")
    named = titles(snapshot, collector, [chosen.collector])
    files = titles(snapshot, loads, [row["activity_collector_history_id"] for row in rows])
    editable = [name for name in acting.CORRECTABLE if name in granted.writable]
    said = {
        "collector": chosen.collector,
        "cause": chosen.cause,
        "day": chosen.day,
        "token": chosen.token,
        "state": chosen.state,
    }
    tokens = selecting.tokens(chosen, granted) if chosen.token is None else []
    identifiers = snapshot.entity("BILLING_IDENTIFIER")
    may_add = rights_on(request, snapshot, identifiers).create and chosen.cause == "UNKNOWN_TOKEN"
    add_url = address(identifiers, "add") if may_add else ""
    return shown(
        site,
        request,
        "suspense_group.html",
        chosen=chosen,
        count=count,
        quantity=plain(quantity),
        collector=named[chosen.collector][1],
        collector_url=record_url(collector, chosen.collector or 0),
        groups_url=f"{site.root}{ADDRESS}{_url(state=chosen.state)}",
        hint=_HINTS.get((chosen.cause or "").split(":")[0], _hint(chosen.cause or "")),
        rows=[_row(row, schema, loads, files) for row in rows],
        next_url=_url(**said, after=further) if further else "",
        first_url=_url(**said) if behind else "",
        export_url=_url(**said, export=1),
        tokens=[
            {
                "token": token,
                "count": count,
                "url": _url(**{**said, "token": token}),
                "add_url": add_url and f"{add_url}?{urlencode({'BillingIdentifier': token})}",
            }
            for token, count in tokens
        ],
        looked_at=selecting.LOOKED_AT,
        inline=[name for name in INLINE if name in editable],
        editable=[(name, LABELS[name]) for name in editable],
        may_change=granted.update and "Reprocess_Status" in granted.writable,
        may_load=rights_on(request, snapshot, loads).create,
        waiting=chosen.state == IN_SUSPENSE,
        discarded=chosen.state == DISCARDED,
    )


def _words(cause: str) -> str:
    """BAD_NUMBER:Quantity -> not a number: Quantity; "" where there are no words for it."""
    code, _, field = cause.partition(":")
    known = _WORDS.get(code, "")
    return f"{known}: {field}" if known and field else known


def _hint(cause: str) -> str:
    if cause.startswith("BAD_"):
        return (
            "A value could not be read: correct it here, and the collector's mapping for what is "
            "to come."
        )
    if cause.startswith("UNKNOWN_"):
        return "Add the location to the country codes, then try again; or correct it."
    return "Correct what is wrong, then try again."


def _row(row: dict[str, Any], schema: Any, loads: Any, files: dict[Any, Any]) -> dict[str, Any]:
    load = row["activity_collector_history_id"]
    return {
        **row,
        "values": [(name, LABELS[name], _text(row[column])) for name, column in INLINE.items()],
        "url": record_url(schema, row["id"]),
        "file": files[load][1] if load in files else "",
        "file_url": record_url(loads, load) if load in files else "",
        "raw": _raw(row["raw_record"]),
    }


def _raw(raw: str | None) -> list[tuple[str, str]] | str:
    """A record as columns and values, where it has them, else as the source wrote it."""
    text = raw or ""
    try:
        read = json.loads(text) if text.startswith("{") else None
    except ValueError:
        read = None
    if not isinstance(read, dict):
        return text[:2_000]
    return [(str(name), str(value)[:500]) for name, value in list(read.items())[:200]]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "strftime"):
        return selecting.moment(value)
    return plain(value) if hasattr(value, "as_tuple") else str(value)


def export(chosen: Selection, granted: EntityRights) -> HttpResponse:
    """The group's records as CSV."""
    names = [name for name in _EXPORTED if name in granted.known]
    columns = ", ".join(f"c.{_EXPORTED[name]}" for name in names)
    file = tempfile.SpooledTemporaryFile(1 << 22)  # noqa: SIM115 - whoever sends it closes it
    with transaction.atomic():
        cursor = connection.connection.cursor(name="mediation_suspense")
        with cursor:
            cursor.execute(
                f"SELECT {columns} FROM mediation_collectorfields c "
                f"WHERE {chosen.chosen(granted)} ORDER BY c.created, c.id",
                chosen.values,
            )
            _write(file, [names])
            while portion := cursor.fetchmany(5_000):
                _write(file, [[_text(value) for value in row] for row in portion])
    file.seek(0)
    return attachment_of("suspense.csv", "text/csv; charset=utf-8", file)  # type: ignore[return-value]


def _write(file: Any, rows: list[list[str]]) -> None:
    made = io.StringIO()
    csv.writer(made).writerows(rows)
    file.write(made.getvalue().encode("utf-8", "replace"))
