"""The pages of bulk jobs: how far they are, their files, and the way to end them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from entities import records
from entities.admin.callers import context_of
from entities.admin.display import Column, badge, file_link
from entities.admin.pages import RecordAdmin
from entities.models.bulk import FINISHED
from entities.schema.description import FieldSchema

_TEMPLATES = "admin/metabrm/bulk/"


class ProgressColumn(Column):
    """How far a job is, as a bar while it runs."""

    def __call__(self, record: models.Model) -> SafeString | str:
        if record.status in FINISHED:  # type: ignore[attr-defined]
            return super().__call__(record)
        done = record.progress  # type: ignore[attr-defined]
        return format_html(
            '<progress class="brm-progress" max="100" value="{}" aria-label="progress">{} %'
            "</progress>",
            done,
            done,
        )


class BulkJobAdmin(RecordAdmin):
    """A list with bars; a page that tells how far the job is, until it has ended."""

    change_form_template = f"{_TEMPLATES}record.html"
    #: Fields of the list, in order.
    listed: tuple[str, ...] = ()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<int:job_id>/state/", wrap(self.state_view), name=f"{name}_state"),
            path(
                "<int:job_id>/cancel/", wrap(require_POST(self.cancel_view)), name=f"{name}_cancel"
            ),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        readable = self.rights(request).readable
        return [self.column(self.schema.field(n)) for n in self.listed if n in readable]

    def column(self, field: FieldSchema) -> Column:
        if field.name == "Progress" and not isinstance(super().column(field), ProgressColumn):
            self._columns[field.name] = ProgressColumn(self.snapshot, self.schema, field)
        return super().column(field)

    def state_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """The part of the page that is asked for again and again."""
        job = self.get_object(request, str(job_id)) if self.has_view_permission(request) else None
        if job is None:
            raise PermissionDenied("You may not see this.")
        return render(request, f"{_TEMPLATES}state.html", self._state(request, job))

    def cancel_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """End a job."""
        if not self.has_change_permission(request):
            raise PermissionDenied(f"You may not change {self.schema.label_plural}.")
        row = {"Id": str(job_id), "Status": "CANCELLED"}
        (outcome,) = records.update(self.schema.name, [row], context_of(request, "admin: cancel"))
        if outcome.ok:
            self.message_user(request, f"{self.schema.label} {job_id} is cancelled.")
        for problem in outcome.problems:
            self.message_user(request, problem.message, messages.ERROR)
        return HttpResponseRedirect(self.page("change", job_id))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context["original"] is not None:
            context |= self._state(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def _state(self, request: HttpRequest, job: Any) -> dict[str, Any]:
        granted = self.rights(request).known
        held = [
            (field, getattr(job, self.schema.attributes[field.column]))
            for field in self.schema.fields
            if field.type.name == "FILE" and field.column and field.name in granted
        ]
        return {
            "job": job,
            "badge": badge(job.status),
            "running": job.status not in FINISHED,
            "may_cancel": job.status not in FINISHED and self.has_change_permission(request, job),
            "job_files": [
                (field.label, file_link(self.schema, field, job.pk, file))
                for field, file in held
                if file
            ],
            "state_url": self.page("state", job.pk),
            "cancel_url": self.page("cancel", job.pk),
        }


class BulkApiRequestAdmin(BulkJobAdmin):
    """Extracts."""

    listed = (
        "RequestName",
        "Status",
        "Progress",
        "RecordCount",
        "BatchCount",
        "ResponseFile",
        "CreatedUserId",
        "Created",
    )


class BulkUploadHistoryAdmin(BulkJobAdmin):
    """Loads."""

    listed = (
        "Id",
        "EntityName",
        "Status",
        "Progress",
        "RecordCount",
        "AcceptedCount",
        "RejectedCount",
        "RejectedRecordsFile",
        "CreatedUserId",
        "Created",
    )
