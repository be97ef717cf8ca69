"""The designer's pages and the answers to its side panel.

A panel posts the same form for every question: `ask` says whether it wants the preview, the plan or
the deed. Whatever is wrong comes back as the panel with the problems at their fields, so nothing
that was typed is lost.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from entities import records
from entities.access import trail
from entities.admin.callers import context_of
from entities.admin.designer import formulas, guide, panel, plan, reading, sample
from entities.admin.designer.access import ENTITY, FIELD, may, require_designer
from entities.admin.designer.layouts import LayoutEditor
from entities.admin.display import address
from entities.admin.titles import attribute
from entities.errors import Problem, RequestError
from entities.schema import layouts
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

_TEMPLATES = "admin/metabrm/designer/"
_REASON = 200
_POSITION_STEP = 10
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

View = Callable[..., HttpResponse]


class Designer:
    """The designer of one snapshot's site."""

    def __init__(self, site: Any, snapshot: Snapshot) -> None:
        self.site = site
        self.snapshot = snapshot
        self.root = f"{site.root}designer/"

    def urls(self) -> list[URLPattern]:
        pages: list[tuple[str, View, str]] = [
            ("", self.overview, "designer"),
            ("new/", self.entity_panel, "designer-new"),
            ("jobs/", self.jobs, "designer-jobs"),
            ("jobs/rows/", self.job_rows, "designer-job-rows"),
            ("jobs/<int:job_id>/retry/", require_POST(self.retry), "designer-retry"),
            ("changes/", self.changes, "designer-changes"),
            ("help/formulas/", self.guide, "designer-guide"),
            ("restore/", require_POST(self.restore), "designer-restore"),
            ("purge/<int:entity_id>/", self.purge_entity, "designer-purge"),
            ("<str:name>/", self.entity, "designer-entity"),
            ("<str:name>/edit/", self.entity_panel, "designer-edit"),
            ("<str:name>/delete/", self.delete_entity, "designer-delete"),
            ("<str:name>/changes/", self.changes, "designer-entity-changes"),
            ("<str:name>/order/", require_POST(self.order), "designer-order"),
            ("<str:name>/formula/", require_POST(self.formula), "designer-formula"),
            ("<str:name>/fields/new/", self.field_panel, "designer-field-new"),
            ("<str:name>/fields/<int:field_id>/", self.field_panel, "designer-field"),
            (
                "<str:name>/fields/<int:field_id>/delete/",
                self.delete_field,
                "designer-field-delete",
            ),
            *LayoutEditor(self).urls(),
        ]
        return [
            path(f"designer/{tail}", self.site.admin_view(self._guarded(view)), name=name)
            for tail, view, name in pages
        ]

    def _guarded(self, view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **parts: Any) -> HttpResponse:
            require_designer(request, self.snapshot)
            return view(request, **parts)

        return guarded

    # Pages

    def overview(self, request: HttpRequest) -> HttpResponse:
        """All entities."""
        found = reading.entities(request, self.snapshot)
        return self.page(
            request,
            "overview.html",
            title="Designer",
            entities=found,
            custom=sum(not e["system"] and not e["deleted_at"] for e in found),
            running=sum(e["running"] for e in found),
            failed=sum(e["failed"] for e in found),
            may_create=may(request, self.snapshot, "create", ENTITY),
            may_delete=may(request, self.snapshot, "delete", ENTITY),
        )

    def entity(self, request: HttpRequest, name: str) -> HttpResponse:
        """One entity with its fields."""
        row, schema = self._entity(name)
        fields = reading.fields(row["id"])
        return self.page(
            request,
            "entity.html",
            title=row["entity_label"] or row["entity_name"],
            row=row,
            schema=schema,
            held=self._held(request, schema),
            fields=[f for f in fields if f["deleted_at"] is None],
            deleted=[f for f in fields if f["deleted_at"] is not None],
            records_url=address(schema, "changelist") if schema and schema.visible else "",
            links=self._links(request, row),
            payload=sample.payload(schema) if schema else "",
            here=self._here(row),
            may_edit=may(request, self.snapshot, "update", ENTITY),
            may_delete=may(request, self.snapshot, "delete", ENTITY) and not row["system_flag"],
            may_add=may(request, self.snapshot, "create", FIELD),
            may_change=may(request, self.snapshot, "update", FIELD),
            may_drop=may(request, self.snapshot, "delete", FIELD),
        )

    def jobs(self, request: HttpRequest) -> HttpResponse:
        """What is being built on the schema."""
        found = reading.jobs(request, self.snapshot)
        return self.page(request, "jobs.html", title="Schema jobs", jobs=found)

    def job_rows(self, request: HttpRequest) -> HttpResponse:
        """The part of the jobs' page that is asked for again and again."""
        found = reading.jobs(request, self.snapshot)
        return render(request, f"{_TEMPLATES}job_rows.html", {"jobs": found, "root": self.root})

    def retry(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """Let a job that failed begin again."""
        try:
            plan.retry(job_id, context_of(request, "designer: retry"))
            messages.success(request, "The job begins again.")
        except RequestError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(f"{self.root}jobs/")

    def guide(self, request: HttpRequest) -> HttpResponse:
        """The language of formulas."""
        return self.page(request, "guide.html", title="Formulas", guide=guide.guide())

    def changes(self, request: HttpRequest, name: str = "") -> HttpResponse:
        """What became of the schema, of one entity or of all."""
        row = self._entity(name)[0] if name else None
        asked = request.GET.get("p", "1")
        number = int(asked) if _NUMBER.fullmatch(asked) else 1
        found, older = reading.changes(request, self.snapshot, row["id"] if row else None, number)
        label = row and (row["entity_label"] or row["entity_name"])
        return self.page(
            request,
            "changes.html",
            title=f"Changes of {label}" if row else "Changes of the schema",
            changes=found,
            number=number,
            older=older,
            row=row,
            here=self._here(row) if row else self.root,
        )

    # Side panel: an entity

    def entity_panel(self, request: HttpRequest, name: str = "") -> HttpResponse:
        """The panel of a new entity, or of the one called `name`."""
        row = self._entity(name)[0] if name else None
        schema = self.snapshot.entity(ENTITY)
        stored = panel.stored_values(schema, row, (*panel.OF_ENTITY, "SystemFlag")) if row else None
        if stored is None:
            stored = {f: schema.field(f).default for f in panel.OF_ENTITY}
        form = panel.entity_panel(self.snapshot, request.POST or None, stored)
        about = {
            "form": form,
            "row": row,
            "heading": f"Edit {row['entity_name']}" if row else "New entity",
            "rooms": sorted({e.node for e in self.snapshot.entities.values() if e.node}),
            "previewed": False,
        }
        if request.method != "POST":
            return self._panel(request, "entity_panel.html", about)
        sent = _sent(form, stored, row)
        verb = "update" if row else "create"
        name_now = str(sent.get("EntityName") or (row and row["entity_name"]) or "")
        return self._answer(request, ENTITY, verb, sent, about, lambda: f"{self.root}{name_now}/")

    def delete_entity(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask before an entity goes to the recycle bin, and put it there."""
        row, _ = self._entity(name)
        about = {
            "heading": f"Delete {row['entity_name']}",
            "typed_name": row["entity_name"],
            "row": row,
            "words": "Its pages and its API are gone with it. It lies in the recycle bin with all "
            "its records and can be restored until it is purged.",
        }
        return self._delete(request, ENTITY, row["id"], about, self.root)

    def purge_entity(self, request: HttpRequest, entity_id: int) -> HttpResponse:
        """Ask before a deleted entity goes for good with its records, and let it go."""
        row = reading.deleted_entity(entity_id)
        if row is None:
            raise Http404("There is no such entity in the recycle bin.")
        about = {
            "heading": f"Purge {row['entity_name']}",
            "typed_name": row["entity_name"],
            "row": row,
            "words": "Its table is dropped with all its records. Nothing brings them back.",
        }
        return self._delete(request, ENTITY, entity_id, about, self.root, purging=True)

    # Side panel: a field

    def field_panel(self, request: HttpRequest, name: str, field_id: int = 0) -> HttpResponse:
        """The panel of a new field of an entity, or of one it has."""
        row, entity = self._entity(name)
        field = self._field(row, field_id) if field_id else None
        schema = self.snapshot.entity(FIELD)
        names = (*panel.OF_EVERY_FIELD, *panel.OPTIONS)
        stored = panel.stored_values(schema, field, names) if field else None
        if stored is None:
            stored = {f: schema.field(f).default for f in names} | {"DataType": "TEXT"}
        kept_values = reading.values(field_id) if field else []
        values = plan.values_of(request.POST) if request.POST else None
        form = panel.field_panel(self.snapshot, request.POST or None, stored)
        about: dict[str, Any] = {
            "form": form,
            "row": row,
            "field": field,
            "heading": f"Edit {field['field_name']}" if field else "New field",
            "values": kept_values
            if values is None
            else [{"id": v.id, "list_value": v.text, "active_flag": v.active} for v in values],
            "listed_types": panel.listed_types(),
            "previewed": True,
            "system": bool(field and field["system_flag"]),
        }
        wanted = form.row() if request.method == "POST" else stored
        texts = [v.text for v in values] if values is not None else None
        unsaved = sample.unsaved(
            self.snapshot,
            wanted,
            texts if texts is not None else [v["list_value"] for v in kept_values],
            field_id,
        )
        about["sample"] = self._sample(entity, row, unsaved)
        if request.method != "POST":
            return self._panel(request, "field_panel.html", about)
        if request.POST.get("ask") == "preview":
            return render(request, f"{_TEMPLATES}sample.html", about["sample"])
        sent = _sent(form, stored, field, unsaved.type.options)
        if field is None:
            sent["EntityId"] = str(row["id"])
            sent["ExternalKey"] = f"{row['entity_name']}.{sent.get('FieldName') or ''}"
            sent["ItemPosition"] = self._last_position(row["id"])
        lines = values or [] if unsaved.type.listed else []
        return self._answer(
            request,
            FIELD,
            "update" if field else "create",
            sent,
            about,
            lambda: self._here(row),
            lines,
            kept_values,
        )

    def delete_field(self, request: HttpRequest, name: str, field_id: int) -> HttpResponse:
        """Ask before a field is deleted, or purged when it is deleted already; then do it."""
        row, _ = self._entity(name)
        field = self._field(row, field_id, live=False)
        purging = field["deleted_at"] is not None
        about = {
            "heading": f"{'Purge' if purging else 'Delete'} {field['field_name']}",
            "typed_name": field["field_name"] if purging else "",
            "row": row,
            "words": "Its values are dropped for good and can't be brought back."
            if purging
            else "It is served nowhere from then on. Its values are kept, and it can be restored "
            "until it is purged.",
        }
        return self._delete(request, FIELD, field_id, about, self._here(row), purging=purging)

    def _sample(
        self, entity: EntitySchema | None, row: dict[str, Any], unsaved: Any
    ) -> dict[str, Any]:
        return {
            "sample_form": sample.form_of(unsaved),
            "sample_field": unsaved,
            "sample_url": f"/rest/2.0/{row['entity_name']}",
            "sample_payload": sample.payload(entity, unsaved) if entity else "",
        }

    # Reviewing and doing

    def _answer(
        self,
        request: HttpRequest,
        entity: str,
        verb: str,
        sent: dict[str, Any],
        about: dict[str, Any],
        onward: Callable[[], str],
        lines: list[plan.ListValue] | None = None,
        kept: list[dict[str, Any]] | None = None,
    ) -> HttpResponse:
        """The plan of a panel's change or, once it is applied, where to go."""
        lines, kept = lines or [], kept or []
        self._require(request, verb, entity)
        context = self.context(request)
        stale = plan.stale(about["field"] if entity == FIELD else about["row"], request.POST)
        template = "field_panel.html" if entity == FIELD else "entity_panel.html"
        wrong = [p for p in (stale, plan.duplicate(lines)) if p is not None]
        change = verb == "create" or set(sent) - {"Id"}
        if request.POST.get("ask") == "apply" and not wrong:
            problems: tuple[Any, ...] = ()
            if entity == FIELD:
                field_id = int(sent["Id"]) if "Id" in sent else None
                row = sent if change else None
                problems = plan.apply_field(verb, row, field_id, lines, kept, context)
            elif change:
                problems = plan.apply(verb, entity, sent, context).problems
            if not problems:
                messages.success(request, f"{about['heading']}: done.")
                return JsonResponse({"go": onward()})
        else:
            found = plan.preview(verb, entity, sent, context) if change else plan.Plan()
            field_id = int(sent["Id"]) if "Id" in sent else None
            listed = plan.preview_values(field_id, lines, kept, context)
            problems = (*wrong, *found.problems, *listed.problems)
            words = plan.words_of_values(lines) if field_id is None else []
            if not problems:
                steps = [*found.steps, *listed.steps]
                about["plan"] = {"steps": steps, "words": words, "idle": not change}
        self._tell(about["form"], problems, about)
        return self._panel(request, template, about)

    def _delete(
        self,
        request: HttpRequest,
        entity: str,
        record_id: int,
        about: dict[str, Any],
        onward: str,
        *,
        purging: bool = False,
    ) -> HttpResponse:
        self._require(request, "delete", entity)
        context = self.context(request)
        typed = request.POST.get("typed_name", "").strip()
        if request.method == "POST" and typed == about["typed_name"]:
            outcome = plan.apply("delete", entity, record_id, context, permanently=purging)
            if outcome.ok:
                said = format_html("{}: done.", about["heading"])
                if not purging:
                    said = format_html(
                        "{} {}", said, self._undo(request, entity, record_id, onward)
                    )
                messages.success(request, said)
                return JsonResponse({"go": onward})
            problems = outcome.problems
        else:
            found = plan.preview("purge" if purging else "delete", entity, record_id, context)
            problems = tuple(found.problems)
            about["plan"] = {"steps": found.steps, "words": [], "idle": False}
            about["mistyped"] = request.method == "POST"
        about["problems"] = [self._linked(p) for p in problems]
        return self._panel(request, "delete_panel.html", about)

    def restore(self, request: HttpRequest) -> HttpResponse:
        """Bring an entity or a field back from the recycle bin."""
        entity = FIELD if request.POST.get("what") == FIELD else ENTITY
        self._require(request, "delete", entity)
        record_id = request.POST.get("id", "")
        if not (record_id.isascii() and record_id.isdecimal() and len(record_id) < 19):
            raise Http404
        outcome = plan.apply("undelete", entity, int(record_id), self.context(request))
        if outcome.ok:
            messages.success(request, "It is back.")
        for problem in outcome.problems:
            messages.error(request, problem.message)
        back = request.POST.get("back", "")
        known = {self.root} | {f"{self.root}{e.name}/" for e in self.snapshot.entities.values()}
        return HttpResponseRedirect(back if back in known else self.root)

    def order(self, request: HttpRequest, name: str) -> HttpResponse:
        """Give the fields the posted order: only those that change their place are written."""
        row, _ = self._entity(name)
        self._require(request, "update", FIELD)
        positions = {
            str(f["id"]): f["item_position"]
            for f in reading.fields(row["id"])
            if f["deleted_at"] is None
        }
        wanted = [i for i in dict.fromkeys(request.POST.getlist("id")) if i in positions]
        if len(wanted) != len(positions):
            return JsonResponse(
                {"error": "The fields have changed meanwhile; load the page again."}, status=409
            )
        moved = [
            {"Id": i, "ItemPosition": (place + 1) * _POSITION_STEP}
            for place, i in enumerate(wanted)
            if positions[i] != (place + 1) * _POSITION_STEP
        ]
        try:
            outcomes = records.update(FIELD, moved, self.context(request, "order of fields"))
        except RequestError as error:
            return JsonResponse({"error": error.message}, status=409)
        problems = [p.message for o in outcomes for p in o.problems]
        if problems:
            return JsonResponse({"error": " ".join(problems[:3])}, status=409)
        return JsonResponse({"moved": len(moved)})

    def formula(self, request: HttpRequest, name: str) -> HttpResponse:
        """Whether a formula is right: its kind and what it reads, or the error and where it is."""
        _, schema = self._entity(name)
        text = request.POST.get("text", "")
        if schema is None or not text.strip():
            return JsonResponse({"ok": True, "says": ""})
        return JsonResponse(formulas.check(self.snapshot, schema, text))

    # Shared

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.site.name
        frame = {**self.site.each_context(request), "root": self.root}
        return TemplateResponse(request, f"{_TEMPLATES}{template}", {**frame, **context})

    def _panel(self, request: HttpRequest, template: str, about: dict[str, Any]) -> HttpResponse:
        more = {"root": self.root, "here": request.path, "reason": request.POST.get("reason", "")}
        stored = about.get("field") or about.get("row")
        if stored and about.get("field", stored) is not None:
            more["seen"] = request.POST.get("seen") or plan.seen(stored)
        return render(request, f"{_TEMPLATES}{template}", {**about, **more})

    def _entity(self, name: str) -> tuple[dict[str, Any], EntitySchema | None]:
        row = reading.entity_row(name)
        if row is None:
            raise Http404(f"There is no entity {name}.")
        schema = self.snapshot.find(row["entity_name"])
        return row, schema if schema is not None and schema.id == row["id"] else None

    def _field(self, row: dict[str, Any], field_id: int, live: bool = True) -> dict[str, Any]:
        for field in reading.fields(row["id"]):
            if field["id"] == field_id and not (live and field["deleted_at"]):
                return field
        raise Http404("There is no such field.")

    def _held(self, request: HttpRequest, schema: EntitySchema | None) -> reading.Held | None:
        if schema is None:
            return None
        return reading.held_by(request, self.snapshot, [schema]).get(schema.id)

    def _here(self, row: dict[str, Any]) -> str:
        return f"{self.root}{row['entity_name']}/"

    def _links(self, request: HttpRequest, row: dict[str, Any]) -> list[dict[str, Any]]:
        """The entity's other metadata with their number, as far as the user may read it."""
        of = {
            "validations": ("ENTITY_VALIDATION", "validation rule", "rule"),
            "workflows": ("WORKFLOW_RULE", "workflow rule", "account_tree"),
            "keys": ("ENTITY_KEY", "unique key", "key"),
            "grants": ("ENTITY_FIELD_ROLE", "right", "lock_person"),
            "sharing": ("SHARING_GROUP_RULE", "sharing rule", "share"),
            "layouts": ("ENTITY_LAYOUT_CONFIGURATION", "layout", "dashboard_customize"),
        }
        counts = reading.facts(row["id"])
        found = []
        for fact, (entity, label, icon) in of.items():
            schema = self.snapshot.find(entity)
            if schema is None or not may(request, self.snapshot, "read", entity):
                continue
            name = attribute(schema, schema.field("EntityId"))
            url = f"{address(schema, 'changelist')}?{name}={row['id']}"
            if fact == "layouts":
                if row["entity_name"] == trail.ENTITY:
                    continue
                url = f"{self._here(row)}layouts/{layouts.LIST}/"
            found.append({"count": counts[fact], "label": label, "icon": icon, "url": url})
        return found

    def _last_position(self, entity_id: int) -> int:
        """Behind the fields that people made, before those that the platform puts last."""
        places = [
            f["item_position"]
            for f in reading.fields(entity_id)
            if f["deleted_at"] is None and f["item_position"] < 1_000_000
        ]
        return max(places, default=0) + _POSITION_STEP

    def context(self, request: HttpRequest, doing: str = "") -> Context:
        why = request.POST.get("reason", "").strip().replace("\0", "")[:_REASON]
        return context_of(request, why or f"designer{doing and ': ' + doing}")

    def _require(self, request: HttpRequest, verb: str, entity: str) -> None:
        if not may(request, self.snapshot, verb, entity):
            raise PermissionDenied(f"Your role may not {verb} {entity}.")

    def _tell(self, form: Any, problems: Any, about: dict[str, Any]) -> None:
        """Put each problem at its field, or above the form."""
        about["problems"] = [self._linked(p) for p in problems if p.field not in form.fields]
        for problem in problems:
            if problem.field in form.fields:
                form.add_error(problem.field, self._linked(problem).message)

    def _linked(self, problem: Problem) -> Problem:
        """The problem with links to the records that are in the way."""
        schema = self.snapshot.find(problem.of) if problem.of else None
        if schema is None or not schema.visible:
            return problem
        links = format_html_join(
            " ",
            '<a class="brm-link" target="_blank" href="{}">{}</a>',
            ((address(schema, "change", id_), id_) for id_ in problem.in_the_way),
        )
        return replace(problem, message=format_html("{} Open: {}", problem.message, links))

    def _undo(self, request: HttpRequest, what: str, record_id: int, back: str) -> str:
        return format_html(
            '<form method="post" action="{}restore/" class="brm-inline"><input type="hidden" '
            'name="csrfmiddlewaretoken" value="{}"><input type="hidden" name="what" value="{}">'
            '<input type="hidden" name="id" value="{}"><input type="hidden" name="back" value="{}">'
            '<button class="brm-undo">Undo</button>'
            "</form>",
            self.root,
            get_token(request),
            what,
            record_id,
            back,
        )


def _sent(
    form: panel.Panel,
    stored: dict[str, Any],
    row: dict[str, Any] | None,
    options: frozenset[str] | None = None,
) -> dict[str, Any]:
    """What a panel asks the verb for: all that was typed, or of a stored row what changed."""
    wanted = form.row()
    if options is not None:
        shaping = {o for name, _ in panel.types() for o in panel.fieldtypes.get(name).options}
        wanted = {k: v for k, v in wanted.items() if k not in shaping or k in options}
    if row is None:
        return {k: v for k, v in wanted.items() if v is not None}
    changed = {
        name: value
        for name, value in wanted.items()
        if not form.fields[name].disabled and form.fields[name].has_changed(stored[name], value)
    }
    return {"Id": str(row["id"]), **changed}
