"""The suspense workbench: usage that could not be charged, by cause and collector and day, and what
is done about it.

The group that is open stands in the page's address. Whatever changes many records says first how
many, and what stands in them now.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from billing.mediation.pages import groups
from billing.mediation.suspense import DISCARD, RESTORE, RESUBMIT
from billing.mediation.workbench import acting, selecting
from billing.mediation.workbench.selecting import NEEDED, Selection
from entities import records
from entities.access import EntityRights
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.errors import Code, RequestError
from entities.fieldtypes.numbers import plain
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.site import RecordSite


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
            return groups.overview(site, request, granted)
        chosen = _chosen(request.GET)
        collectors = site.admins["ACTIVITY_COLLECTOR"].get_queryset(request)
        if not collectors.filter(pk=chosen.collector).exists():
            raise selecting.unseen(chosen.collector or 0)
        if request.method == "POST":
            return _acted(site, request, granted)
        if request.GET.get("export"):
            return groups.export(chosen, granted)
        return groups.opened(site, request, granted, chosen)
    except RequestError as error:
        messages.error(request, error.message)
        known = error.field != "ActivityCollectorId" and request.method == "POST"
        back = request.get_full_path() if known else f"{site.root}{groups.ADDRESS}"
        return HttpResponseRedirect(back)


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
            raise RequestError(Code.REQUIRED_FIELD_MISSING, "Say in Ids which records.")
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
    return groups.shown(
        site,
        request,
        "suspense_preview.html",
        action=wanted.action,
        count=count,
        quantity=plain(quantity),
        field=field,
        label=groups.LABELS.get(field, field),
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
    for name in groups.INLINE:
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
    address=groups.ADDRESS,
    title="Suspense",
    icon="rule",
    room="Usage",
    usable=usable,
    view=page,
    about={"ACTIVITY_COLLECTOR": "", "ACTIVITY_COLLECTOR_HISTORY": ""},
)
