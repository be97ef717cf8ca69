"""The admin's page on which a collector is tried out on a sample."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.reading import UnreadableError
from billing.rating import explorer
from billing.rating.trying import given, running, telling
from entities import files
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.admin.titles import titles
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from billing.mediation.sources.samples import Sample
    from entities.admin.site import RecordSite

#: Outcome -> tone of its badge, word.
_WORDS = {
    "CHARGED": ("good", "charged"),
    "SUSPENSE": ("bad", "to suspense"),
    "FILTERED": ("plain", "left out by a filter"),
    "REPEATED": ("waiting", "repeated, or added to another"),
    "NOT CHARGED": ("waiting", "not charged"),
    "READ": ("plain", "read"),
}


def usable(request: HttpRequest, snapshot: Snapshot) -> bool:
    """Whether the user may see all that a trial tells."""
    return telling.allowed(snapshot, context_of(request))


def page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """The form and, where a sample is sent, what would become of it."""
    admin = site.admins["ACTIVITY_COLLECTOR"]
    asked = str(request.GET.get("collector") or "")
    seen = admin.get_queryset(request).order_by("activity_collector_name")
    collector = (
        seen.filter(pk=int(asked)).select_related("time_zone").first()
        if asked.isascii() and asked.isdecimal() and len(asked) < 19
        else None
    )
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Try out a collector",
        "collectors": list(seen.values_list("pk", "activity_collector_name")[:500]),
        "collector": collector,
        "most": running.MOST,
        "most_megabytes": files.MOST_BYTES // 2**20,
        "watches": isinstance(collector, ActivityCollector) and collector.type == "FTP",
    }
    if isinstance(collector, ActivityCollector):
        context["collector_url"] = record_url(admin.schema, collector.pk)
        context["loads"] = list(_loads(site, request, collector)[:20])
        if request.method == "POST":
            context |= _tried(site, request, collector)
    return render(request, "rating/tryout.html", context)


def _tried(
    site: "RecordSite", request: HttpRequest, collector: ActivityCollector
) -> dict[str, Any]:
    try:
        name, sample = _sample(site, request, collector)
        trial = running.tried(collector, sample, name)
    except RequestError as error:
        return {"wrong": error.message, "sample": request.POST.get("sample", "")}
    told = telling.told(trial, site.snapshot, context_of(request))
    return {
        "told": told,
        "sample": request.POST.get("sample", ""),
        "sample_name": name,
        "outcomes": [(*_WORDS[outcome], count) for outcome, count in told["Outcomes"].items()],
        "records": _linked(site, request, told),
    }


def _sample(
    site: "RecordSite", request: HttpRequest, collector: ActivityCollector
) -> tuple[str, bytes]:
    """Name and content of what is tried. RequestError."""
    # Read in when it is first needed: the cryptography of SFTP would hold up every start.
    from billing.mediation.sources import samples

    sent = request.FILES.get("file")
    if sent is not None:
        given.check_size(sent.size or 0)
        return given.file(sent.name, sent.read())
    most = files.MOST_BYTES + 1
    try:
        if request.POST.get("newest"):
            return _found(samples.newest(collector, most))
        if (load := str(request.POST.get("load") or "")).isdecimal():
            chosen = _loads(site, request, collector).filter(pk=int(load[:18])).first()
            assert chosen is None or isinstance(chosen, ActivityCollectorHistory)
            return _found(None if chosen is None else samples.of_load(chosen, most))
    except UnreadableError as error:
        raise RequestError(Code.INVALID_VALUE, str(error)) from error
    text = str(request.POST.get("sample") or "")
    if not text.strip():
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "Paste some lines, choose a file, or take the newest or an earlier one.",
        )
    return given.pasted(text, collector)


def _found(found: "Sample | None") -> tuple[str, bytes]:
    if found is None:
        raise RequestError(Code.RECORD_NOT_FOUND, "There is no such file at its source.")
    return given.file(*found)


def _loads(
    site: "RecordSite", request: HttpRequest, collector: ActivityCollector
) -> QuerySet[Model]:
    """The earlier loads whose files the user may see, the last one first."""
    admin = site.admins["ACTIVITY_COLLECTOR_HISTORY"]
    if not rights_on(request, site.snapshot, admin.schema).known >= {"FileName", "UsageFile"}:
        return admin.get_queryset(request).none()
    read = admin.get_queryset(request).filter(
        activity_collector_id=collector.pk, source__in=("API", "FILE", "SFTP", "QUERY")
    )
    return read.exclude(file_name=None).order_by("-pk")


def _linked(site: "RecordSite", request: HttpRequest, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The records with titles of what was found, and the way to each price's explanation."""
    snapshot = site.snapshot
    named: dict[str, dict[Any, Any]] = {}
    for entity, key in (("ACCOUNT", "AccountId"), ("PRODUCT", "ProductId")):
        found = {int(f[key]) for r in told["Records"] for f in r["Found"] if f[key]}
        named[entity] = titles(snapshot, snapshot.entity(entity), found)
    explains = explorer.usable(request, snapshot)

    def link(entity: str, id: str | None) -> dict[str, Any] | None:
        titled = named[entity].get(int(id)) if id else None
        if titled is None:
            return None
        return {"Id": id, "Name": titled[1], "Url": record_url(snapshot.entity(entity), titled[0])}

    records = []
    for record in told["Records"]:
        tone, word = _WORDS[record["Outcome"]]
        of_account = next((f["AccountId"] for f in record["Found"] if f["AccountId"]), None)
        records.append(
            {
                **record,
                "tone": tone,
                "word": word,
                "account": link("ACCOUNT", of_account),
                "values": list(record["Values"].items()),
                "verdicts": list(zip(told["Filters"], record["Verdicts"], strict=False)),
                "charges": [
                    {
                        **charge,
                        "product": link("PRODUCT", charge["ProductId"]),
                        "explain": _explain(site, charge) if explains else "",
                    }
                    for charge in record["Charges"]
                ],
            }
        )
    return records


def _explain(site: "RecordSite", charge: dict[str, Any]) -> str:
    if not charge["AccountProductId"]:
        return ""
    asked = {name: charge[name] or "" for name in ("AccountProductId", "Quantity", "Day")}
    return f"{site.root}{explorer.PAGE.address}?{urlencode(asked)}"


PAGE = Page(
    name="tryout",
    address="try-out/",
    title="Try out",
    icon="science",
    room="Usage",
    usable=usable,
    view=page,
    about={"ACTIVITY_COLLECTOR": ""},
)
