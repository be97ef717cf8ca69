"""The layout editor: two lists, the page that comes of them beside, and a way back.

What stands in the editor is sent as the document of a layout. The preview is the admin's own page
made on a schema that has this layout, so it can't differ from what will be seen.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render

from entities.access import trail
from entities.admin import choice
from entities.admin.callers import rights_on
from entities.admin.designer import plan, reading
from entities.admin.designer.access import may
from entities.admin.pages import RecordAdmin
from entities.errors import Problem
from entities.schema import gate, layouts
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.layouts import Layout, Place
from metabrm.identity.context import Context

if TYPE_CHECKING:
    from entities.admin.designer.views import Designer

LAYOUT = "ENTITY_LAYOUT_CONFIGURATION"
TEMPLATES = "admin/metabrm/designer/"
#: Kind of page -> what people call it, what stands on it, its icon.
KINDS = {
    layouts.LIST: ("List", "Columns of the list, from left to right.", "table_rows"),
    layouts.DETAIL: ("Detail", "What a record shows, besides what its form asks for.", "article"),
    layouts.INPUT: ("Input", "What the form asks for when a record is added or changed.", "edit"),
    layouts.SEARCH: ("Search", "Where the search looks, and the filters of the list.", "search"),
}
_SAMPLES = 5

_ROW = """
SELECT l.*, u.username FROM entities_entitylayout l LEFT JOIN identity_user u
    ON u.id = l.updated_user_id
WHERE l.entity_id = %s AND l.layout_type = %s AND l.default_flag AND l.deleted_at IS NULL
"""
_LAST_CHANGE = """
SELECT a.id, a.action, a.record_id, a.before, a.after, a.changed_at, u.username
FROM entities_auditlog a LEFT JOIN identity_user u ON u.id = a.user_id
WHERE a.entity_id = %s AND a.record_id IN (
    SELECT id FROM entities_entitylayout
    WHERE entity_id = %s AND layout_type = %s AND default_flag)
ORDER BY a.id DESC LIMIT 1
"""
_NAMES = "SELECT layout_name FROM entities_entitylayout WHERE entity_id = %s AND deleted_at IS NULL"


@dataclass(frozen=True)
class Item:
    """A field in one of the editor's lists; `notes` are (word, what it means)."""

    name: str
    label: str
    type: str = ""
    icon: str = "help"
    notes: list[tuple[str, str]] = field(default_factory=list)
    gone: bool = False


@dataclass(frozen=True)
class Change:
    """The last write of a layout, which can be taken back."""

    id: int
    action: str
    record_id: int
    before: Any
    username: str
    changed_at: Any


class LayoutEditor:
    """The editor's pages on a designer's site."""

    def __init__(self, designer: "Designer") -> None:
        self.designer = designer
        self.site = designer.site
        self.snapshot = designer.snapshot

    def urls(self) -> list[tuple[str, Callable[..., HttpResponse], str]]:
        return [
            ("<str:name>/layouts/", self.first, "designer-layouts"),
            ("<str:name>/layouts/<str:kind>/", self.page, "designer-layout"),
        ]

    def first(self, request: HttpRequest, name: str) -> HttpResponse:
        """The editor without a kind is that of the list."""
        return HttpResponseRedirect(self._address(self._schema(name), layouts.LIST))

    def page(self, request: HttpRequest, name: str, kind: str) -> HttpResponse:
        """The editor of one kind of an entity's pages, and what its buttons ask for."""
        schema = self._schema(name)
        if kind not in KINDS:
            raise Http404(f"There are no {kind} pages.")
        if not may(request, self.snapshot, "read", LAYOUT):
            raise PermissionDenied(f"Your role may not read {LAYOUT}.")
        if request.method != "POST":
            return self._editor(request, schema, kind)
        asked = {"preview": self._preview, "save": self._save, "reset": self._reset}
        return asked.get(request.POST.get("ask", ""), self._undo)(request, schema, kind)

    # What is shown

    def _editor(self, request: HttpRequest, schema: EntitySchema, kind: str) -> HttpResponse:
        row = self._row(schema, kind)
        layout = schema.layouts.get(kind) if row else None
        last = self._last_change(request, schema, kind)
        label, about, _ = KINDS[kind]
        shown = layout or self.usual(request, schema, kind)
        return self.designer.page(
            request,
            "layout.html",
            title=f"{label} layout of {schema.label}",
            schema=schema,
            kind=kind,
            label=label,
            about=about,
            tabs=[
                {
                    "kind": k,
                    "label": name,
                    "icon": icon,
                    "url": self._address(schema, k),
                    "changed": k in schema.layouts,
                }
                for k, (name, _, icon) in KINDS.items()
            ],
            here=f"{self.designer.root}{schema.name}/",
            row=row,
            seen=plan.seen(row) if row else "",
            last=last,
            shown=[
                {"heading": s.heading, "items": [self._item(schema, kind, n) for n in s.names]}
                for s in shown
            ],
            available=self._available(schema, kind, shown),
            headings=kind in layouts.WITH_SECTIONS,
            may_save=may(request, self.snapshot, "update" if row else "create", LAYOUT),
            may_reset=row is not None and may(request, self.snapshot, "delete", LAYOUT),
            **self._sample(request, schema, kind, layout),
        )

    def usual(self, request: HttpRequest, schema: EntitySchema, kind: str) -> Layout:
        """What the pages show to the request's user where no layout says what."""
        plain = _with(schema, kind, None)
        rights = rights_on(request, self.snapshot, schema)
        readable = choice.readable(plain, rights)
        if kind == layouts.LIST:
            fields = choice.columns(plain, rights)
        elif kind == layouts.INPUT:
            fields = choice.writable(plain, rights, creating=True, granted=True)
        elif kind == layouts.SEARCH:
            found = choice.searched(plain, rights) + choice.searched_lookups(plain, rights)
            fields = found + choice.filtered(plain, rights)
        else:
            fields = sorted(readable, key=lambda f: f.name in choice.AUTHORSHIP)
        names = tuple(dict.fromkeys(f.name for f in fields if self._fits(schema, kind, f)))
        return (layouts.Section("", names),)

    def _fits(self, schema: EntitySchema, kind: str, field: FieldSchema) -> bool:
        return not layouts.unfit(kind, Place(field.name, (), schema, field))

    def _available(
        self, schema: EntitySchema, kind: str, shown: Layout
    ) -> list[tuple[str, list[Item]]]:
        """(Heading, fields) that are not shown: the entity's own, then those behind its lookups."""
        taken = {
            place.name
            for section in shown
            for name in section.names
            if (place := layouts.resolve(self.snapshot, schema, name)) is not None
        }
        own = [self._item(schema, kind, f.name) for f in schema.fields]
        groups = [("", [i for i in own if i.name not in taken and not i.gone])]
        if kind in layouts.WITH_PATHS:
            for lookup in schema.lookups:
                target = self.snapshot.target(lookup)
                way = layouts.relation_name(schema, lookup)
                behind = [self._item(schema, kind, f"{way}.{f.name}") for f in target.fields]
                items = [i for i in behind if i.name not in taken and not i.gone]
                if items:
                    groups.append((lookup.label, items))
        return groups

    def _item(self, schema: EntitySchema, kind: str, name: str) -> Item:
        place = layouts.resolve(self.snapshot, schema, name)
        if place is None or layouts.unfit(kind, place):
            note = (
                "not there",
                "Deleted or hidden for now; back in its place when it is restored.",
            )
            return Item(name, name, notes=[note], gone=True)
        label = " › ".join([*(lookup.label for _, lookup in place.steps), place.field.label])
        return Item(
            place.name,
            label,
            place.field.type.label,
            reading.icon_of_type(place.field.type.name),
            _notes(kind, place.field),
        )

    # The preview

    def _preview(self, request: HttpRequest, schema: EntitySchema, kind: str) -> HttpResponse:
        try:
            layout = layouts.read(json.loads(request.POST.get("document", "")))
        except (ValueError, RecursionError):
            return HttpResponse("That is no layout.", status=400)
        about = self._sample(request, schema, kind, layout)
        return render(request, f"{TEMPLATES}layout_sample.html", {**about, "kind": kind})

    def _sample(
        self, request: HttpRequest, schema: EntitySchema, kind: str, layout: Layout | None
    ) -> dict[str, Any]:
        """What the page would show: with the newest records, as the request's user may see them."""
        imagined = _with(schema, kind, layout)
        known = self.site.admins.get(schema.name)
        admin = (type(known) if known else RecordAdmin)(self.site, self.snapshot, imagined)
        rights = rights_on(request, self.snapshot, schema)
        about: dict[str, Any] = {"warnings": _warnings(schema, kind, layout)}
        if kind == layouts.LIST:
            about["columns"], about["lines"] = self._lines(request, admin, rights.read)
        elif kind == layouts.DETAIL:
            about["groups"] = self._details(request, admin, rights.read)
        elif kind == layouts.INPUT:
            about["sets"] = self._inputs(request, admin) if rights.create else None
        else:
            about["words"] = admin.search_words(request)
            about["filters"] = [made.title for made in admin.get_list_filter(request)]
        return about

    def _lines(
        self, request: HttpRequest, admin: RecordAdmin, reads: bool
    ) -> tuple[list[str], list[list[Any]]]:
        columns = admin.get_list_display(request)
        found = list(admin.get_queryset(request).order_by("-pk")[:_SAMPLES]) if reads else []
        admin.fill(request, found, columns)
        return (
            [column.short_description for column in columns],
            [[column(record) for column in columns] for record in found],
        )

    def _details(
        self, request: HttpRequest, admin: RecordAdmin, reads: bool
    ) -> list[tuple[str, list[tuple[str, Any]]]]:
        newest = admin.get_queryset(request).order_by("-pk").first() if reads else None
        record = admin.get_object(request, str(newest.pk)) if newest is not None else None
        groups = admin.arranged(request, layouts.DETAIL) or choice.arranged(
            self.snapshot,
            _with(admin.schema, layouts.DETAIL, self.usual(request, admin.schema, layouts.DETAIL)),
            layouts.DETAIL,
            lambda schema: rights_on(request, self.snapshot, schema),
        )
        return [
            (
                heading,
                [
                    (column.short_description, column(record) if record is not None else "–")
                    for column in map(admin.column_at, places)
                ],
            )
            for heading, places in groups
        ]

    def _inputs(self, request: HttpRequest, admin: RecordAdmin) -> list[tuple[str, list[Any]]]:
        form = admin.get_form(request)()
        form.auto_id = "preview_%s"
        return [
            (heading, [form[f.name] for f in fields if f.name in form.fields])
            for heading, fields in admin.asked(request, None)
        ]

    # What is done

    def _save(self, request: HttpRequest, schema: EntitySchema, kind: str) -> HttpResponse:
        """Write the layout, unless somebody else has written it since the editor was opened."""
        context = self._context(request)
        with transaction.atomic():
            gate.enter(context)
            row = self._row(schema, kind, lock=True)
            now = plan.seen(row) if row else ""
            if request.POST.get("seen", "") != now:
                return JsonResponse({"stale": _stale(row), "seen": now}, status=409)
            sent: dict[str, Any] = {"LayoutFields": request.POST.get("document", "")}
            if row is not None:
                self._require(request, "update")
                outcome = plan.apply("update", LAYOUT, {"Id": str(row["id"]), **sent}, context)
            else:
                self._require(request, "create")
                sent |= {"EntityId": str(schema.id), "layoutType": kind, "DefaultFlag": "1"}
                sent["LayoutName"] = self._free_name(schema, kind)
                outcome = plan.apply("create", LAYOUT, sent, context)
        if outcome.problems:
            return _refused(outcome.problems)
        messages.success(request, f"The {KINDS[kind][0].lower()} layout is saved.")
        return JsonResponse({"go": self._address(schema, kind)})

    def _reset(self, request: HttpRequest, schema: EntitySchema, kind: str) -> HttpResponse:
        """Delete the layout, so that the pages are as they would be without one."""
        self._require(request, "delete")
        row = self._row(schema, kind)
        if row is None or request.POST.get("seen", "") != plan.seen(row):
            messages.error(request, _stale(row))
        else:
            outcome = plan.apply("delete", LAYOUT, row["id"], self._context(request))
            self._tell(request, outcome.problems, "The pages are as they are without a layout.")
        return HttpResponseRedirect(self._address(schema, kind))

    def _undo(self, request: HttpRequest, schema: EntitySchema, kind: str) -> HttpResponse:
        """Take the last write back, whoever made it, if it is still the last one."""
        last = self._last_change(request, schema, kind)
        if last is None or request.POST.get("change") != str(last.id):
            messages.error(request, "There was another change meanwhile; look at it first.")
            return HttpResponseRedirect(self._address(schema, kind))
        context = self._context(request, "undo")
        if last.action == "UPDATE":
            sent = {"Id": str(last.record_id), "LayoutFields": last.before["layout_fields"]}
            outcome = plan.apply("update", LAYOUT, sent, context)
        else:
            verb = "undelete" if last.action == "DELETE" else "delete"
            outcome = plan.apply(verb, LAYOUT, last.record_id, context)
        self._tell(request, outcome.problems, "The last change is undone.")
        return HttpResponseRedirect(self._address(schema, kind))

    def _last_change(self, request: HttpRequest, schema: EntitySchema, kind: str) -> Change | None:
        """What was done last to the layout, if the request's user may take it back."""
        own = self.snapshot.entity(LAYOUT).id
        found = reading.rows(_LAST_CHANGE, [own, schema.id, kind])
        if not found:
            return None
        row = found[0]
        before, after = _document(row["before"]), _document(row["after"])
        if row["action"] == "UPDATE" and before["layout_fields"] == after["layout_fields"]:
            return None
        verb = {"UPDATE": "update", "DELETE": "delete"}.get(row["action"], "delete")
        if not may(request, self.snapshot, verb, LAYOUT):
            return None
        return Change(
            row["id"],
            row["action"],
            row["record_id"],
            before,
            row["username"] or "the platform",
            row["changed_at"],
        )

    # Shared

    def _schema(self, name: str) -> EntitySchema:
        schema = self.snapshot.find(name)
        if schema is None or schema.name == trail.ENTITY:
            raise Http404(f"There are no layouts of {name}.")
        return schema

    def _row(self, schema: EntitySchema, kind: str, *, lock: bool = False) -> dict[str, Any] | None:
        """The row of the layout in use, with the name of who wrote it."""
        found = reading.rows(f"{_ROW} {'FOR UPDATE OF l' if lock else ''}", [schema.id, kind])
        return found[0] if found else None

    def _free_name(self, schema: EntitySchema, kind: str) -> str:
        label = KINDS[kind][0]
        taken = {row["layout_name"] for row in reading.rows(_NAMES, [schema.id])}
        names = (label, *(f"{label} {n}" for n in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    def _address(self, schema: EntitySchema, kind: str) -> str:
        return f"{self.designer.root}{schema.name}/layouts/{kind}/"

    def _context(self, request: HttpRequest, doing: str = "layout") -> Context:
        return self.designer.context(request, doing)

    def _require(self, request: HttpRequest, verb: str) -> None:
        if not may(request, self.snapshot, verb, LAYOUT):
            raise PermissionDenied(f"Your role may not {verb} {LAYOUT}.")

    @staticmethod
    def _tell(request: HttpRequest, problems: tuple[Problem, ...], done: str) -> None:
        for problem in problems:
            messages.error(request, problem.message)
        if not problems:
            messages.success(request, done)


def _with(schema: EntitySchema, kind: str, layout: Layout | None) -> EntitySchema:
    """The schema as it would be with the layout, or without one of that kind."""
    others = {k: v for k, v in schema.layouts.items() if k != kind}
    return replace(schema, layouts=others | ({kind: layout} if layout else {}))


def _notes(kind: str, field: FieldSchema) -> list[tuple[str, str]]:
    notes = []
    if kind == layouts.SEARCH and not _indexed(field):
        notes.append(
            ("no index", "Found by reading the table: slow, or not asked, where it is long")
        )
    if kind == layouts.INPUT:
        if field.required:
            notes.append(("required", "A record without a value is refused"))
        if field.read_only or field.type.name in ("ID", "FORMULA"):
            notes.append(("shown only", "Kept by the platform; shown on the form of a record"))
    return notes


def _indexed(field: FieldSchema) -> bool:
    return field.searchable or field.unique or field.external_key


def _warnings(schema: EntitySchema, kind: str, layout: Layout | None) -> list[str]:
    """What an administrator should know of a layout that may be saved as it is."""
    if layout is None:
        return []
    named = {name for section in layout for name in section.names}
    fields = [f for f in schema.fields if f.name in named]
    if kind == layouts.INPUT:
        asked = [f for f in choice.needed(schema.fields) if f.name not in named]
        left = ", ".join(f.label for f in asked if f.type.name not in ("ID", "FORMULA"))
        return (
            [f"The form also asks, at its end, for what no record can do without: {left}."]
            if left
            else []
        )
    if kind == layouts.SEARCH:
        slow = ", ".join(f.label for f in fields if not _indexed(f))
        return (
            [
                f"Without an index: {slow}. On long lists the search leaves such texts out, and "
                f"such filters are slow; set SearchableFlag on the fields that matter."
            ]
            if slow
            else []
        )
    return []


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _stale(row: dict[str, Any] | None) -> str:
    if row is None:
        return "Somebody has set these pages back to the default since you opened the editor."
    return f"{row['username'] or 'The platform'} has saved this layout since you opened the editor."


def _refused(problems: tuple[Problem, ...]) -> JsonResponse:
    return JsonResponse({"problems": [p.message for p in problems]}, status=422)
