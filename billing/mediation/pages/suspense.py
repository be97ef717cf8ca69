"""The suspense workbench: usage that could not be charged, by cause and collector and day, and what
is done about it.

The group that is open stands in the page's address. Whatever changes many records says first how
many, and what stands in them now.
"""

import csv
import io
import json
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from billing.mediation.suspense import DISCARD, DISCARDED, IN_SUSPENSE, RESTORE, RESUBMIT
from billing.mediation.workbench import acting, selecting
from billing.mediation.workbench.selecting import NEEDED, Selection
from entities import records
from entities.access import EntityRights
from entities.admin.callers import context_of, rights_on
from entities.admin.display import address, number, record_url
from entities.admin.offered import Page
from entities.admin.titles import titles
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot
from metabrm.web.attachments import attachment_of

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

_ADDRESS = "suspense/"
#: Fields of a record that are corrected in its place -> their columns.
_INLINE = {
    "BillingIdentifier": "billing_identifier",
    "ACTIVITY_DATE": "activity_date",
    "Quantity": "quantity",
    "UsageIdentifier": "usage_identifier",
    "ChargeType": "charge_type",
}
_LABELS = {
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
    **_INLINE,
    "PROCESS_DESCRIPTION": "process_description",
    "RawRecord": "raw_record",
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
    "LATE": "The invoice of that time is closed. Discard it, or have the collector put late usage "
    "on the current invoice, then try again.",
    "NOT_RATED": "The database was stopped while it was rated: try again.",
    "UNREADABLE": "The line could not be split. Set the fields by hand, or have the file sent "
    "again, corrected, and discard these.",
}


def usable(request: HttpRequest, snapshot: Snapshot) -> bool:
    """Whether the user may read what the workbench shows."""
    fields = rights_on(request, snapshot, snapshot.entity(acting.ENTITY))
    collectors = rights_on(request, snapshot, snapshot.entity("ACTIVITY_COLLECTOR"))
    return fields.read and fields.known >= NEEDED and collectors.read


def page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """The groups; one group's records; or what an action would do and did."""
    granted = rights_on(request, site.snapshot, site.snapshot.entity(acting.ENTITY))
    try:
        if request.method != "POST" and not request.GET.get("collector"):
            return _groups(site, request, granted)
        chosen = _chosen(request.GET)
        collectors = site.admins["ACTIVITY_COLLECTOR"].get_queryset(request)
        if not collectors.filter(pk=chosen.collector).exists():
            raise selecting.unseen(chosen.collector or 0)
        if request.method == "POST":
            return _acted(site, request, granted)
        if request.GET.get("export"):
            return _export(chosen, granted)
        return _group(site, request, granted, chosen)
    except RequestError as error:
        messages.error(request, error.message)
        known = error.field != "ActivityCollectorId" and request.method == "POST"
        return HttpResponseRedirect(request.get_full_path() if known else f"{site.root}{_ADDRESS}")


def _chosen(asked: QueryDict, **more: Any) -> Selection:
    return selecting.selection(
        {
            "ActivityCollectorId": asked.get("collector"),
            "Cause": asked.get("cause"),
            "Day": asked.get("day"),
            "BillingIdentifier": asked.get("token"),
            "State": asked.get("state"),
            **more,
        }
    )


def _shown(site: "RecordSite", request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return render(
        request,
        f"admin/metabrm/usage/{template}",
        {**site.each_context(request), "title": "Suspense", "labels": _LABELS, **context},
    )


# The groups


def _groups(site: "RecordSite", request: HttpRequest, granted: EntityRights) -> HttpResponse:
    state = str(request.GET.get("state") or IN_SUSPENSE)
    state = state if state in selecting.STATES else IN_SUSPENSE
    admin = site.admins["ACTIVITY_COLLECTOR"]
    known = list(admin.get_queryset(request).order_by().values_list("pk", flat=True))
    named = titles(site.snapshot, admin.schema, known)
    found = selecting.groups(known, state, granted)
    return _shown(
        site,
        request,
        "suspense.html",
        state=state,
        states=selecting.STATES,
        total=sum(group.count for group in found),
        groups=[
            {
                "cause": group.cause,
                "count": group.count,
                "quantity": number(group.quantity),
                "collector": named[group.collector][1],
                "url": _url(collector=group.collector, cause=group.cause, state=state),
                "since": group.days[-1][0],
                "until": group.days[0][0],
                "days": [
                    {
                        "day": day,
                        "count": count,
                        "quantity": number(quantity),
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


# A group


def _group(
    site: "RecordSite", request: HttpRequest, granted: EntityRights, chosen: Selection
) -> HttpResponse:
    after = str(request.GET.get("after") or "")
    behind = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    columns = list(dict.fromkeys([*_INLINE.values(), *_MORE]))
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
    return _shown(
        site,
        request,
        "suspense_group.html",
        chosen=chosen,
        count=count,
        quantity=number(quantity),
        collector=named[chosen.collector][1],
        collector_url=record_url(collector, chosen.collector or 0),
        groups_url=f"{site.root}{_ADDRESS}{_url(state=chosen.state)}",
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
        inline=[name for name in _INLINE if name in editable],
        editable=[(name, _LABELS[name]) for name in editable],
        may_change=granted.update and "Reprocess_Status" in granted.writable,
        may_load=rights_on(request, snapshot, loads).create,
        waiting=chosen.state == IN_SUSPENSE,
        discarded=chosen.state == DISCARDED,
    )


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
        "values": [(name, _LABELS[name], _text(row[column])) for name, column in _INLINE.items()],
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
    return number(value) if hasattr(value, "as_tuple") else str(value)


def _export(chosen: Selection, granted: EntityRights) -> HttpResponse:
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


# Actions


def _acted(site: "RecordSite", request: HttpRequest, granted: EntityRights) -> HttpResponse:
    if request.POST.get("one"):
        return _one(site, request)
    said = _asked(request)
    wanted = acting.asked(said, site.snapshot)
    whole = not wanted.chosen.ids
    if whole and wanted.action != RESUBMIT and not request.POST.get("sure"):
        return _preview(site, request, granted, wanted)
    done = acting.act(
        wanted, context_of(request, f"admin: suspense, {wanted.action}"), site.snapshot
    )
    return _told(site, request, wanted, done)


def _asked(request: HttpRequest) -> dict[str, Any]:
    sent = request.POST
    chosen = {
        "ActivityCollectorId": request.GET.get("collector"),
        "Cause": request.GET.get("cause"),
        "Day": request.GET.get("day"),
        "BillingIdentifier": request.GET.get("token"),
    }
    said: dict[str, Any] = {**chosen, "Action": sent.get("action"), "Reason": sent.get("reason")}
    if sent.get("only") == "1":
        ids = sent.getlist("id")
        if not ids:
            raise RequestError(Code.REQUIRED_FIELD_MISSING, "Tick the records first.")
        said["Ids"] = ids
    if sent.get("field"):
        said["Values"] = {str(sent["field"]): sent.get("value", "")}
    return said


def _preview(
    site: "RecordSite", request: HttpRequest, granted: EntityRights, wanted: acting.Asked
) -> HttpResponse:
    """What the action would do, before it is done."""
    count, quantity = selecting.counted(wanted.chosen, granted)
    now: list[tuple[str | None, int]] = []
    field, value = "", ""
    if wanted.action == acting.CORRECT:
        ((field, sent),) = wanted.values.items()
        value = "" if sent is None else str(sent)
        column = site.snapshot.entity(acting.ENTITY).field(field).column
        now = selecting.values_now(wanted.chosen, granted, column or "")
    return _shown(
        site,
        request,
        "suspense_preview.html",
        action=wanted.action,
        count=count,
        quantity=number(quantity),
        field=field,
        label=_LABELS.get(field, field),
        value=value,
        reason=request.POST.get("reason", ""),
        now=now,
        by_job=count > acting.AT_ONCE,
        most=acting.MOST,
        back_url=request.get_full_path(),
    )


def _one(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """Correct one record where it stands, and try it again if that is asked for."""
    sent = request.POST
    row: dict[str, Any] = {"Id": str(sent["one"])}
    for name in _INLINE:
        if name in sent and sent[name].strip() != sent.get(f"was_{name}", "").strip():
            row[name] = sent[name].strip() or None
    if sent.get("again"):
        row["Reprocess_Status"] = RESUBMIT
    back = HttpResponseRedirect(request.get_full_path())
    if len(row) == 1:
        messages.info(request, "Nothing was changed.")
        return back
    context = context_of(request, "admin: suspense, correct")
    (outcome,) = records.update(acting.ENTITY, [row], context, null_clears=True)
    if outcome.ok:
        messages.success(
            request, "The record is being tried again." if sent.get("again") else "It is corrected."
        )
    for problem in outcome.problems:
        messages.error(request, problem.message)
    return back


_SAID = {
    acting.CORRECT: "{} corrected. Try them again when all is right.",
    RESUBMIT: "{} being tried again.",
    DISCARD: "{} discarded. They are kept, and can be taken back.",
    RESTORE: "{} back in suspense.",
}


def _told(
    site: "RecordSite", request: HttpRequest, wanted: acting.Asked, done: acting.Done
) -> HttpResponse:
    for id, told in done.problems[:5]:
        messages.error(request, told if id is None else f"Record {id}: {told}")
    if len(done.problems) > 5:
        messages.error(request, f"{len(done.problems) - 5:,} more records could not be written.")
    snapshot = site.snapshot
    if done.job is not None:
        messages.info(request, f"{done.count:,} records are being written by this job.")
        return HttpResponseRedirect(record_url(snapshot.entity("BULK_UPLOAD_HISTORY"), done.job))
    if done.loads:
        messages.info(request, "The usage is being tried again, as this load.")
        return HttpResponseRedirect(
            record_url(snapshot.entity("ACTIVITY_COLLECTOR_HISTORY"), done.loads[0])
        )
    if done.count:
        are = "1 record is" if done.count == 1 else f"{done.count:,} records are"
        messages.success(request, _SAID[wanted.action].format(are))
    elif not done.problems:
        messages.info(request, "There was nothing to do: somebody else has done it.")
    return HttpResponseRedirect(request.get_full_path())


PAGE = Page(
    name="suspense",
    address=_ADDRESS,
    title="Suspense",
    icon="rule",
    room="Usage",
    usable=usable,
    view=page,
    about=("ACTIVITY_COLLECTOR", "ACTIVITY_COLLECTOR_HISTORY"),
)
