"""The page of a RERATE: it renews itself while a worker is still to carry it out."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from billing.rating.models import Rerate
from billing.rating.rerating.runs import PENDING
from entities.access import EntityRights
from entities.admin.display import badge
from entities.admin.pages import RecordAdmin

#: What a reader must know of a run to be shown how far it is.
_NEEDED = frozenset(("Status", "LineCount", "ChangedCount", "UnpricedCount", "Amounts", "Error"))


class RerateAdmin(RecordAdmin):
    """RERATE with how far it has come."""

    change_form_template = "rating/rerate_run.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_state"
        state = self.admin_site.admin_view(self.state_view)
        return [path("<int:run_id>/state/", state, name=name), *super().get_urls()]

    def state_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The part of the page that is asked for again and again."""
        run = self.get_object(request, str(run_id)) if self.has_view_permission(request) else None
        if not isinstance(run, Rerate) or not _tells(self.rights(request)):
            raise PermissionDenied("You may not see this re-rating, or it is gone.")
        return render(request, "rating/rerate_state.html", self._state(run))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        run = context["original"]
        if isinstance(run, Rerate) and _tells(self.rights(request)):
            context |= self._state(run)
        return super().render_change_form(request, context, *args, **kwargs)

    def _state(self, run: Rerate) -> dict[str, Any]:
        return {
            "run": run,
            "badge": badge(run.status),
            "moving": run.status == PENDING,
            "state_url": self.page("state", run.pk),
        }


def _tells(granted: EntityRights) -> bool:
    return granted.read and granted.known >= _NEEDED
