"""Moving configuration between systems in the browser: download, upload, review, apply.

The document travels with the page, and with it the digest of what was shown: what is applied is
what was reviewed. If the system has changed in between, it is shown again.
"""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from entities import transfer
from entities.admin.callers import context_of
from entities.errors import RequestError
from entities.schema.snapshot import Snapshot
from entities.transfer import parsing, telling
from entities.transfer.difference import Action, Change

_TEMPLATE = "admin/metabrm/designer/configuration.html"
_NAME = 100
_BADGES = {Action.CREATE: "brm-good", Action.CHANGE: "brm-waiting", Action.REMOVE: "brm-bad"}


class Moving:
    """The pages of one snapshot's site; for administrators only."""

    def __init__(self, site: Any, snapshot: Snapshot) -> None:
        self.site = site
        self.snapshot = snapshot
        self.root = f"{site.root}designer/"
        self.here = f"{self.root}configuration/"

    def urls(self) -> list[URLPattern]:
        pages = [
            ("", require_GET(self.page), "designer-configuration"),
            ("download/", require_GET(self.download), "designer-configuration-download"),
            ("review/", require_POST(self.review), "designer-configuration-review"),
            ("apply/", require_POST(self.apply), "designer-configuration-apply"),
        ]
        return [
            path(f"designer/configuration/{tail}", self.site.admin_view(view), name=name)
            for tail, view, name in pages
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Where a document is taken along, or brought."""
        _administrators_only(request)
        return self._page(request)

    def download(self, request: HttpRequest) -> HttpResponse:
        """The document, of all or of the entities in ?entities=A,B."""
        _administrators_only(request)
        asked = request.GET.get("entities", "")
        names = [name.strip() for name in asked.split(",") if name.strip()]
        try:
            document = transfer.export(context_of(request, "designer: export"), names)
        except RequestError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.here)
        headers = {"Content-Disposition": 'attachment; filename="configuration.yaml"'}
        return HttpResponse(document, content_type="application/yaml", headers=headers)

    def review(self, request: HttpRequest) -> HttpResponse:
        """What an uploaded document would do."""
        _administrators_only(request)
        upload = request.FILES.get("file")
        if upload is None:
            return self._page(request, errors=["Choose a file first."])
        if (upload.size or 0) > parsing.LARGEST:
            return self._page(request, errors=[f"At most {parsing.LARGEST:,} bytes are read."])
        name = (upload.name or "document")[:_NAME]
        try:
            text = upload.read().decode("utf-8")
        except UnicodeDecodeError:
            return self._page(request, errors=[f"{name} is no text in UTF-8."])
        return self._examined(request, text, name)

    def apply(self, request: HttpRequest) -> HttpResponse:
        """Do what was reviewed."""
        _administrators_only(request)
        # A form's text comes with the line ends of the web.
        text = request.POST.get("document", "").replace("\r\n", "\n")
        name = request.POST.get("name", "")[:_NAME].replace("\0", "")
        try:
            report = transfer.carry_out(
                text,
                context_of(request, f"import of {name}"),
                destructive=request.POST.get("destructive") == "1",
                # Without what was seen, nothing was reviewed.
                digest=request.POST.get("digest") or "none",
            )
        except transfer.DocumentError as error:
            return self._page(request, errors=[str(f) for f in error.faults], name=name)
        except RequestError as error:
            return self._page(request, errors=[error.message], name=name)
        if report.applied:
            messages.success(request, f"{name} is imported: {telling.summary(report)}")
            return HttpResponseRedirect(f"{self.root}changes/")
        if report.moved:
            messages.warning(
                request, "The system has changed since you looked. Review the difference as it is."
            )
            return self._examined(request, text, name)
        return self._shown(request, report, text, name)

    def _examined(self, request: HttpRequest, text: str, name: str) -> HttpResponse:
        text = text.replace("\r\n", "\n")
        try:
            report = transfer.examine(text, context_of(request, f"review of {name}"))
        except transfer.DocumentError as error:
            return self._page(request, errors=[str(f) for f in error.faults], name=name)
        except RequestError as error:
            return self._page(request, errors=[error.message], name=name)
        return self._shown(request, report, text, name)

    def _shown(
        self, request: HttpRequest, report: transfer.Report, text: str, name: str
    ) -> HttpResponse:
        groups = []
        for top, found in groupby(report.changes, key=_top):
            changes = [_told(change) for change in found]
            groups.append({"name": top, "changes": changes})
        return self._page(
            request,
            report=report,
            groups=groups,
            summary=telling.summary(report),
            errors=[str(fault) for fault in report.faults],
            document=text,
            name=name,
        )

    def _page(self, request: HttpRequest, **about: Any) -> HttpResponse:
        request.current_app = self.site.name
        frame = {**self.site.each_context(request), "root": self.root, "here": self.here}
        return TemplateResponse(request, _TEMPLATE, {**frame, "title": "Configuration", **about})


def _administrators_only(request: HttpRequest) -> None:
    if not context_of(request).administrator:
        raise PermissionDenied("Only an administrator moves configuration between systems.")


def _top(change: Change) -> str:
    """The row at the top of the document that a change is under."""
    item = change.item
    while item.parent is not None:
        item = item.parent
    return f"{item.kind.noun} {item.name}"


def _told(change: Change) -> dict[str, Any]:
    danger = change.danger
    if danger and change.affected is not None:
        danger = f"{danger}; {change.affected:,} affected"
    values = [
        (word, telling.shown(now), telling.shown(then))
        for word, (now, then) in change.values.items()
    ]
    if change.action is Action.CREATE and change.wanted is not None:
        values = [(word, "", telling.shown(v)) for word, v in change.wanted.values.items()]
    return {
        "action": change.action,
        "badge": _BADGES[change.action],
        "sentence": change.sentence,
        "danger": danger,
        "values": values,
    }
