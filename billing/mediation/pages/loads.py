"""The page of a load: how far it came, what it brought, what was wrong, and what can be done."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from billing.mediation.loads import reversing
from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.models.loads import (
    AGAIN,
    REVERSED,
    REVERSING,
    RUNNING,
    WAITING,
    only_tells,
)
from billing.mediation.pages import figures, rejected
from billing.mediation.pages.collectors import sees_loads
from entities import records
from entities.access import EntityRights
from entities.admin.callers import context_of, rights_on
from entities.admin.display import address, badge, record_url
from entities.admin.pages import RecordAdmin
from metabrm.web.attachments import attachment_of

_MOVING = (WAITING, RUNNING, REVERSING)
#: What a reader must know of usage in suspense to be shown records of it.
_NEEDED = frozenset(("Cause", "Reason", "FileLine", "PROCESS_STATUS"))


class LoadAdmin(RecordAdmin):
    """ACTIVITY_COLLECTOR_HISTORY with its stages, its causes and its buttons."""

    change_form_template = "admin/metabrm/usage/load.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<int:load_id>/state/", wrap(self.state_view), name=f"{name}_state"),
            path("<int:load_id>/retry/", wrap(require_POST(self.retry_view)), name=f"{name}_retry"),
            path("<int:load_id>/reverse/", wrap(self.reverse_view), name=f"{name}_reverse"),
            path("<int:load_id>/rejected/", wrap(self.rejected_view), name=f"{name}_rejected"),
            *super().get_urls(),
        ]

    def state_view(self, request: HttpRequest, load_id: int) -> HttpResponse:
        """The part of the page that is asked for again and again."""
        load = self._seen_one(request, load_id)
        if not sees_loads(self.rights(request)):
            raise PermissionDenied("You may not see what loads bring.")
        return render(request, "admin/metabrm/usage/state.html", self._state(request, load))

    def retry_view(self, request: HttpRequest, load_id: int) -> HttpResponse:
        """Begin a load again that ended without having been finished, or waits to be."""
        load = self._seen_one(request, load_id)
        self._set(request, load, WAITING, "admin: try again", "It is tried again.")
        return HttpResponseRedirect(self.page("change", load.pk))

    def reverse_view(self, request: HttpRequest, load_id: int) -> HttpResponse:
        """Say what would be taken back, then take it back."""
        load = self._seen_one(request, load_id)
        if not self.has_change_permission(request, load):
            raise PermissionDenied(f"You may not change {self.schema.label_plural}.")
        if request.method == "POST":
            told = "It is being taken back."
            self._set(request, load, REVERSED, "admin: take back", told)
            return HttpResponseRedirect(self.page("change", load.pk))
        lines = self._on("ACTIVITY", request)
        coming = reversing.preview(load.pk)
        return self.render(
            request,
            "usage/reverse.html",
            {
                "title": f"Take back {self.name_of(load)}?",
                "load": load,
                "coming": coming,
                "lines": [(*line[:3], figures.money(line[3])) for line in coming.lines],
                "amounts_seen": lines.read and "RatedAmount" in lines.known,
                "possible": load.status == "COMPLETED",
                "back_url": self.page("change", load.pk),
            },
        )

    def rejected_view(self, request: HttpRequest, load_id: int) -> FileResponse:
        """The records in suspense as a file like the one that they came in."""
        load = self._seen_one(request, load_id)
        granted = self._on("COLLECTOR_FIELDS", request)
        if not _sees_records(granted):
            raise PermissionDenied("You may not see records in suspense as they came.")
        name, file = rejected.written(load, granted.where("c"))
        return attachment_of(name, "text/plain; charset=utf-8", file)

    def _set(
        self,
        request: HttpRequest,
        load: ActivityCollectorHistory,
        status: str,
        reason: str,
        told: str,
    ) -> None:
        row = {"Id": str(load.pk), "Status": status}
        (outcome,) = records.update(self.schema.name, [row], context_of(request, reason))
        if outcome.ok:
            self.message_user(request, told)
        for problem in outcome.problems:
            self.message_user(request, problem.message, messages.ERROR)

    def _seen_one(self, request: HttpRequest, load_id: int) -> ActivityCollectorHistory:
        found = (
            self.get_object(request, str(load_id)) if self.has_view_permission(request) else None
        )
        if not isinstance(found, ActivityCollectorHistory):
            raise PermissionDenied("You may not see this load, or it is gone.")
        return found

    def _on(self, entity: str, request: HttpRequest) -> EntityRights:
        return rights_on(request, self.snapshot, self.snapshot.entity(entity))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        load = context["original"]
        if load is not None and sees_loads(self.rights(request)):
            context |= self._state(request, load)
        return super().render_change_form(request, context, *args, **kwargs)

    def _state(self, request: HttpRequest, load: ActivityCollectorHistory) -> dict[str, Any]:
        granted = self.rights(request)
        collected, lines = self._on("COLLECTOR_FIELDS", request), self._on("ACTIVITY", request)
        causes = (
            figures.causes(load.pk, collected.where("c"))
            if collected.read and collected.known >= _NEEDED
            else []
        )
        fields = self.snapshot.entity("COLLECTOR_FIELDS")
        for one in causes:
            for line in one.lines:
                line["url"] = record_url(fields, line["id"])
        may_change = self.has_change_permission(request, load) and "Status" in granted.writable
        return {
            "load": load,
            "badge": badge(load.status),
            "moving": load.status in _MOVING,
            "state_url": self.page("state", load.pk),
            "stages": _stages(load),
            "seconds": figures.seconds(load),
            "amounts": figures.amounts(load) if "Amounts" in granted.known else [],
            "known": granted.known,
            "causes": causes,
            "raw_seen": "RawRecord" in collected.known,
            "collector_url": record_url(
                self.snapshot.entity("ACTIVITY_COLLECTOR"), load.activity_collector_id
            ),
            "lines_url": _narrowed(self.snapshot.entity("ACTIVITY"), load) if lines.read else "",
            "suspense_url": _narrowed(fields, load) if collected.read else "",
            "retry_url": self.page("retry", load.pk)
            if may_change and _waits_for_somebody(load)
            else "",
            "reverse_url": self.page("reverse", load.pk)
            if may_change and load.status == "COMPLETED"
            else "",
            "rejected_url": self.page("rejected", load.pk)
            if _sees_records(collected) and any(one.state == "SUSPENSE" for one in causes)
            else "",
        }


def _waits_for_somebody(load: ActivityCollectorHistory) -> bool:
    """Whether it helps to begin the load again: it is not about to be."""
    pausing = load.status != WAITING or load.next_attempt is not None
    brought = not only_tells(load.source, load.file_name, load.usage_file.name)
    return load.status in AGAIN and pausing and brought


def _sees_records(collected: EntityRights) -> bool:
    return collected.read and collected.known >= _NEEDED | {"RawRecord"}


def _narrowed(schema: Any, load: ActivityCollectorHistory) -> str:
    return f"{address(schema, 'changelist')}?activity_collector_history_id={load.pk}"


def _stages(load: ActivityCollectorHistory) -> list[dict[str, Any]]:
    """What a load goes through: when each was reached, and how long it took from the one before."""
    archived = load.stage == "DONE"
    reached = [
        ("Taken", load.created, "the file is claimed; nobody else takes it"),
        ("Begun", load.begun_date, "a worker reads it"),
        (
            "Mapped",
            load.mapped_date,
            "its records are read, mapped, compared with earlier ones",
        ),
        ("Rated", load.rated_date, "what can be priced is charged"),
        ("Ended", load.end_date, "what was wrong is in suspense, the counts are made"),
    ]
    stages: list[dict[str, Any]] = []
    before: datetime | None = None
    for name, at, about in reached:
        took = (at - before).total_seconds() if at and before and at >= before else None
        stages.append({"name": name, "at": at, "about": about, "took": took})
        before = at or before
    if load.archive_place or archived:
        place = load.archive_place or "The file was deleted, or is kept with the load."
        stages.append({"name": "Put away", "at": None, "about": place, "done": True})
    return stages
