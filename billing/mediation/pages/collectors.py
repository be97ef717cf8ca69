"""The list of collectors with how they do; a collector's page with its runs, chart and health."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from billing.mediation.models import ActivityCollector
from billing.mediation.models.collectors import LOOKING
from billing.mediation.models.loads import OPEN, PARKED, REVERSING, RUNNING, WAITING
from billing.mediation.pages import chart, figures, health
from billing.mediation.pages import suspense as workbench
from entities import files, records
from entities.access import EntityRights
from entities.admin.callers import context_of
from entities.admin.display import EMPTY, address, badge, record_url
from entities.admin.pages import RecordAdmin
from entities.errors import RequestError
from metabrm import background

HISTORY = "ACTIVITY_COLLECTOR_HISTORY"
#: What a reader must know of loads to be shown them at all.
_NEEDED = frozenset(
    ("Status", "FileName", "RecordCount", "SuspendedCount", "DuplicateCount", "RatedCount")
)
_MOVING = (WAITING, RUNNING, REVERSING)


def sees_loads(granted: EntityRights) -> bool:
    """Whether somebody is shown what loads brought."""
    return granted.read and granted.known >= _NEEDED


class StandingColumn:
    """A column of the list about the collector's loads, which were read for the whole page."""

    admin_order_field = None

    def __init__(self, name: str, label: str) -> None:
        self.__name__ = name
        self.short_description = label

    def __call__(self, record: models.Model) -> SafeString | str:
        standing: figures.Standing = getattr(record, "brm_standing", figures.Standing())
        if self.__name__ == "brm_last_run":
            if standing.last_at is None:
                return EMPTY
            at = date_format(timezone.localtime(standing.last_at), "Y-m-d H:i")
            return format_html("{} {}", at, badge(standing.last_status))
        if self.__name__ == "brm_rejects":
            return f"{standing.rejected:,} of {standing.records:,}" if standing.records else EMPTY
        assert isinstance(record, ActivityCollector)
        found = health.findings(record, standing, [])[0]
        return format_html('<span class="brm-badge brm-{}">{}</span>', found.tone, found.word)


_COLUMNS = (
    StandingColumn("brm_health", "State"),
    StandingColumn("brm_last_run", "Last run"),
    StandingColumn("brm_rejects", "Rejected in 24 hours"),
)


class CollectorAdmin(RecordAdmin):
    """ACTIVITY_COLLECTOR with what its loads brought."""

    change_form_template = "admin/metabrm/usage/collector.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<int:collector_id>/runs/", wrap(self.runs_view), name=f"{name}_runs"),
            path("<int:collector_id>/run/", wrap(require_POST(self.run_view)), name=f"{name}_run"),
            path(
                "<int:collector_id>/upload/",
                wrap(require_POST(self.upload_view)),
                name=f"{name}_upload",
            ),
            *super().get_urls(),
        ]

    # The list

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = super().get_list_display(request)
        return [*shown, *_COLUMNS] if sees_loads(self._on_loads(request)) else shown

    def fill(
        self, request: HttpRequest, found: Sequence[models.Model], columns: Sequence[Any]
    ) -> None:
        super().fill(request, found, columns)
        if found and any(isinstance(column, StandingColumn) for column in columns):
            seen = self._on_loads(request).where("h")
            standing = figures.standing([record.pk for record in found], seen)
            for record in found:
                record.brm_standing = standing[record.pk]  # type: ignore[attr-defined]

    # The page

    def _on_loads(self, request: HttpRequest) -> EntityRights:
        return self._loads.rights(request)

    @property
    def _loads(self) -> RecordAdmin:
        admins: dict[str, RecordAdmin] = self.admin_site.admins
        return admins[HISTORY]

    def runs_view(self, request: HttpRequest, collector_id: int) -> HttpResponse:
        """The part of the page that is asked for again and again."""
        collector = self._seen_one(request, collector_id)
        if not sees_loads(self._on_loads(request)):
            raise PermissionDenied("You may not see what collectors bring.")
        return render(request, "admin/metabrm/usage/runs.html", self._runs(request, collector))

    def run_view(self, request: HttpRequest, collector_id: int) -> HttpResponse:
        """Have a worker look at the source now."""
        collector = self._seen_one(request, collector_id)
        if not self._may_run(request, collector):
            raise PermissionDenied("You may not have this collector run.")
        background.tell("metabrm.collect", collector.pk)
        self.message_user(
            request,
            "A worker is told to look at the source now. What it finds appears below; if nothing "
            "does, see on the overview whether workers run.",
        )
        return HttpResponseRedirect(self.page("change", collector.pk))

    def upload_view(self, request: HttpRequest, collector_id: int) -> HttpResponse:
        """Make a load of a file."""
        collector = self._seen_one(request, collector_id)
        sent = request.FILES.get("file")
        back = HttpResponseRedirect(self.page("change", collector.pk))
        if sent is None:
            self.message_user(request, "Choose a file first.", messages.ERROR)
            return back
        if (sent.size or 0) > files.MOST_BYTES:
            self.message_user(request, files.too_large(sent.size or 0), messages.ERROR)
            return back
        row = {"ActivityCollectorId": str(collector.pk)}
        context = context_of(request, "admin: upload usage")
        try:
            with files.held({"UsageFile": (sent.name or "", sent.read())}) as held:
                (outcome,) = records.create(HISTORY, [row | held], context)
                if not outcome.ok:
                    held.clear()
        except RequestError as error:
            self.message_user(request, error.message, messages.ERROR)
            return back
        for problem in outcome.problems:
            self.message_user(request, problem.message, messages.ERROR)
        if outcome.ok:
            self.message_user(request, f"{sent.name} is taken, and is being read.")
            return HttpResponseRedirect(self._loads.page("change", outcome.id))
        return back

    def _seen_one(self, request: HttpRequest, collector_id: int) -> ActivityCollector:
        found = (
            self.get_object(request, str(collector_id))
            if self.has_view_permission(request)
            else None
        )
        if not isinstance(found, ActivityCollector):
            raise PermissionDenied("You may not see this collector, or it is gone.")
        return found

    def _may_run(self, request: HttpRequest, collector: ActivityCollector) -> bool:
        looks = collector.type in LOOKING and collector.status != "DEACTIVATED"
        return looks and self._loads.has_add_permission(request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        collector = context["original"]
        granted = self._on_loads(request)
        if collector is not None and sees_loads(granted):
            seen = granted.where("h")
            days = figures.per_day(collector.pk, timezone.get_current_timezone_name(), seen)
            context |= self._runs(request, collector) | {
                "chart": chart.drawn(days),
                "days": list(reversed([day for day in days if day.records])),
                "may_upload": self._loads.has_add_permission(request)
                and "UsageFile" in granted.writable,
                "may_run": self._may_run(request, collector),
                "run_url": self.page("run", collector.pk),
                "upload_url": self.page("upload", collector.pk),
                "most_megabytes": files.MOST_BYTES // 2**20,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def _runs(self, request: HttpRequest, collector: ActivityCollector) -> dict[str, Any]:
        loads, granted = self._loads, self._on_loads(request)
        seen = granted.where("h")
        standing = figures.standing([collector.pk], seen)[collector.pk]
        gaps = figures.gaps(collector.pk, seen) if collector.sequence_pattern else []
        of_it = loads.get_queryset(request).filter(activity_collector=collector)
        runs = list(of_it.order_by("-created", "-pk")[: figures.RUNS])
        all_url = f"{address(loads.schema, 'changelist')}?activity_collector_id={collector.pk}"
        return {
            "collector": collector,
            "findings": health.findings(collector, standing, gaps),
            "standing": standing,
            "runs": [
                {
                    "load": load,
                    "url": record_url(loads.schema, load.pk),
                    "badge": badge(load.status),
                    "moving": load.status in _MOVING,
                    "amounts": figures.amounts(load) if "Amounts" in granted.known else [],
                    "seconds": figures.seconds(load),
                }
                for load in runs
            ],
            "moving": any(load.status in (*_MOVING, OPEN) for load in runs),
            "runs_url": self.page("runs", collector.pk),
            "all_url": all_url,
            "parked_url": f"{all_url}&status={PARKED}",
            "suspense_url": f"{reverse('admin:suspense')}?collector={collector.pk}"
            if workbench.usable(request, self.snapshot)
            else "",
        }
