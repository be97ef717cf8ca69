"""The pages of one entity: list, form, related records. Made from an EntitySchema, without a class
per entity, so that an entity made while the platform runs has its pages at once.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import PermissionDenied
from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from unfold.views import ChangeList

from entities import files, records
from entities.admin import choice, history, offered, recycling
from entities.admin.callers import context_of, rights_on
from entities.admin.derived import derive
from entities.admin.display import Behind, Column, leads_away, record_url
from entities.admin.entity import EntityAdmin
from entities.admin.filters import FieldFilter
from entities.admin.forms import RecordForm, ShownFile, choose, form_value, lookups_in, wire_field
from entities.admin.reader import may_see
from entities.admin.related import related_lists
from entities.admin.search import matching_ids
from entities.admin.sizes import BIG, CappedPaginator, estimate
from entities.admin.titles import (
    Called,
    attach_titles,
    attribute,
    stored,
    title_of,
    titles,
)
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import key_of
from entities.schema import layouts
from entities.schema.description import FieldSchema, quote
from entities.schema.layouts import Place
from metabrm.web.attachments import attachment

#: From this many fields on a form puts what is rarely needed under a second heading.
LONG_FORM = 14


class RecordList(ChangeList):
    """A page of a list, with the titles of all its lookups found in one query per target."""

    model_admin: "RecordAdmin"

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.search_help_text = self.model_admin.search_words(request)
        self.result_list: list[models.Model] = list(self.result_list)
        self.model_admin.fill(request, self.result_list, self.list_display)


class RecordAdmin(EntityAdmin):
    """The pages of one entity of one snapshot."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 0
    # Counting behind every filter would read the whole table.
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_fullwidth = True
    actions = ["delete_chosen"]
    warn_unsaved_form = True
    compressed_fields = True
    change_list_template = "admin/metabrm/list.html"
    change_form_template = "admin/metabrm/record.html"

    # The list

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        queryset = self.seen(request)
        return queryset.filter(deleted_at=None) if self.schema.authored else queryset

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordList

    def arranged(self, request: HttpRequest, kind: str) -> list[choice.Group]:
        """What the layout of a kind of pages shows to the request's user; [] without one."""
        return choice.arranged(
            self.snapshot,
            self.schema,
            kind,
            lambda schema: rights_on(request, self.snapshot, schema),
        )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        laid_out = [
            self.column_at(place)
            for _, places in self.arranged(request, layouts.LIST)
            for place in places
        ]
        if not laid_out:
            return [self.column(f) for f in choice.columns(self.schema, self.rights(request))]
        if all(map(leads_away, laid_out)):
            laid_out.insert(0, self.column(self.schema.field("Id")))
        return laid_out

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """The first column that is no link of its own opens the record."""
        return next(([c] for c in list_display if not leads_away(c)), list(list_display)[:1])

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        rights = self.rights(request)
        fields = choice.filtered(self.schema, rights)
        # Lists of related records are narrowed by lookups that the layout may have left out.
        asked = {name.removesuffix("_from").removesuffix("_to") for name in request.GET}
        asked |= set(request.GET)
        fields += [
            f
            for f in choice.filterable(self.schema, rights)
            if f not in fields and attribute(self.schema, f) in asked
        ]
        return [
            FieldFilter(self.snapshot, self.schema, field, self.lookup_url(field))
            for field in fields
        ]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [f.name for f in choice.searched(self.schema, self.rights(request))] or ["Id"]

    def search_words(self, request: HttpRequest) -> str:
        """What the search box says that it looks into."""
        if layouts.SEARCH not in self.schema.layouts:
            return "Title, key, name or Id"
        rights = self.rights(request)
        fields = choice.searched(self.schema, rights) + choice.searched_lookups(self.schema, rights)
        return " or ".join([*dict.fromkeys(f.label for f in fields), "Id"])

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        if search_term.strip():
            sql, parameters = matching_ids(
                self.snapshot, self.schema, self.rights(request), search_term
            )
            queryset = queryset.filter(pk__in=RawSQL(sql, parameters))
        return queryset, False

    def get_ordering(self, request: HttpRequest) -> Any:
        ordering = [o for o in self.schema.model._meta.ordering or () if self._sortable(str(o))]
        if ORDER_VAR in request.GET or (ordering and estimate(self.schema) < BIG):
            return ordering or ["-pk"]
        return ["-pk"]

    def _sortable(self, ordering: str) -> bool:
        """Whether the reader may see the field by which the list is sorted unless he chooses."""
        attribute = ordering.lstrip("-")
        column = self.model._meta.get_field(attribute).column if attribute != "pk" else "id"
        field = self.schema.by_column.get(column)
        return field is not None and may_see(self.snapshot, self.schema, field)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {
            "title": self.schema.label_plural[:1].upper() + self.schema.label_plural[1:],
            "about": self.schema.help,
            "bin_url": self.page("bin") if self.keeps_deleted() else "",
            "plural": self.schema.label_plural,
        }
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    # The form

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> models.Model | None:
        if not (object_id.isascii() and object_id.isdecimal() and len(object_id) < 19):
            return None
        record = self.get_queryset(request).filter(pk=int(object_id)).first()
        if record is not None:
            self.complete(request, record)
        return record

    def complete(self, request: HttpRequest, record: models.Model) -> None:
        """Give a record what its page shows beside its own columns, and say whether the user may
        change it."""
        self.attach([record], list(self.schema.lookups))
        rights = self.rights(request)
        if rights.changeable:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {rights.may_change('r')} FROM {quote(self.schema.table)} r "
                    f"WHERE r.id = %s",
                    [record.pk],
                )
                record.brm_changeable = cursor.fetchone() == (True,)  # type: ignore[attr-defined]
        self.derive(
            request,
            [record],
            [f for f in self.schema.fields if f.column is None and f.expression],
            [p for _, places in self.arranged(request, layouts.DETAIL) for p in places if p.steps],
        )

    def fill(
        self, request: HttpRequest, found: Sequence[models.Model], columns: Sequence[Any]
    ) -> None:
        """Give the records of a list what its columns show beside the records' own."""
        shown = [c.field for c in columns if isinstance(c, Column)]
        self.attach(found, [f for f in shown if f.lookup is not None])
        self.derive(
            request,
            found,
            [f for f in shown if f.column is None],
            [c.place for c in columns if isinstance(c, Behind)],
        )

    def derive(
        self,
        request: HttpRequest,
        found: Sequence[models.Model],
        computed: Sequence[FieldSchema],
        behind: Sequence[Place],
    ) -> None:
        """Give records what their page shows of other rows, as far as the request's user may."""
        derive(
            self.snapshot,
            self.schema,
            found,
            computed,
            behind,
            lambda schema: rights_on(request, self.snapshot, schema),
        )

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        inputs = self.asked(request, obj)
        details = self.arranged(request, layouts.DETAIL) if obj is not None else []
        if not details and not self.arranged(request, layouts.INPUT):
            return self._usual_fieldsets(request, obj)
        sets: list[Any] = []
        entered: set[FieldSchema] = set()
        editable = set(self.editable(request, obj))
        for heading, fields in inputs:
            entered |= set(fields)
            entries = [f.name if f in editable else self.column(f) for f in fields]
            sets.append((heading or None, {"fields": entries}))
        if obj is None:
            return sets
        if not details:
            rest = [f for f in self._readable(request) if f not in entered]
            if rest:
                sets.append(("More" if sets else None, {"fields": [self.column(f) for f in rest]}))
            return [*sets, *self._authorship(request)]
        for heading, places in details:
            left = [self.column_at(p) for p in places if p.steps or p.field not in entered]
            if left:
                sets.append((heading or ("Details" if sets else None), {"fields": left}))
        return sets

    def _readable(self, request: HttpRequest) -> list[FieldSchema]:
        """What the user may see of a record besides who made and changed it."""
        readable = choice.readable(self.schema, self.rights(request))
        return [f for f in readable if f.name not in choice.AUTHORSHIP]

    def _usual_fieldsets(self, request: HttpRequest, obj: models.Model | None) -> list[Any]:
        """The record's page where no layout says how it looks."""
        editable = set(self.editable(request, obj))
        readable = choice.readable(self.schema, self.rights(request))
        shown = [
            f
            for f in self.schema.fields
            if f in editable
            or (f in readable and obj is not None and f.name not in choice.AUTHORSHIP)
        ]
        entries = {f: f.name if f in editable else self.column(f) for f in shown}
        sets: list[Any] = [(None, {"fields": list(entries.values())})]
        if len(shown) >= LONG_FORM:
            first = [f for f in shown if _matters(f)][: LONG_FORM - 2] or shown[:LONG_FORM]
            more = [f for f in shown if f not in first]
            sets = [
                (None, {"fields": [entries[f] for f in first]}),
                ("More", {"fields": [entries[f] for f in more]}),
            ]
        return [*sets, *(self._authorship(request) if obj is not None else [])]

    def _authorship(self, request: HttpRequest) -> list[Any]:
        readable = choice.readable(self.schema, self.rights(request))
        kept = [f for f in readable if f.name in choice.AUTHORSHIP]
        pairs = [tuple(self.column(f) for f in kept[n : n + 2]) for n in range(0, len(kept), 2)]
        return [("Who and when", {"fields": pairs})] if kept else []

    def asked(
        self, request: HttpRequest, obj: models.Model | None
    ) -> list[tuple[str, list[FieldSchema]]]:
        """The fields of the form by heading; those of them that can't be typed are only shown.

        Without an INPUT layout that is all that can be typed. With one, what the page's address
        fills in, and what no record can do without, stands below what the layout has.
        """
        possible = self._possible(request, obj)
        groups = [
            (
                heading,
                [
                    p.field
                    for p in places
                    if p.field in possible or (obj is not None and not p.field.write_only)
                ],
            )
            for heading, places in self.arranged(request, layouts.INPUT)
        ]
        if not possible:
            return []
        if not any(f in possible for _, fields in groups for f in fields):
            return [("", possible)]
        laid_out = {f for _, fields in groups for f in fields}
        given = [f for f in possible if obj is None and f.name in request.GET]
        needed = [
            f for f in choice.needed(possible) if obj is None or stored(obj, self.schema, f) is None
        ]
        missing = [f for f in dict.fromkeys(given + needed) if f not in laid_out]
        return [g for g in groups if g[1]] + ([("Also needed", missing)] if missing else [])

    def _possible(self, request: HttpRequest, obj: models.Model | None) -> list[FieldSchema]:
        """What the user may type for a new record, or into one that there is."""
        rights = self.rights(request)
        return choice.writable(
            self.schema,
            rights,
            creating=obj is None,
            granted=rights.create if obj is None else self.has_change_permission(request, obj),
        )

    def editable(self, request: HttpRequest, obj: models.Model | None) -> list[FieldSchema]:
        """The fields that the form asks for."""
        possible = set(self._possible(request, obj))
        return [f for _, fields in self.asked(request, obj) for f in fields if f in possible]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list:
        behind = [p for _, places in self.arranged(request, layouts.DETAIL) for p in places]
        return [
            *(self.column(f) for f in self.schema.fields),
            *(self.column_at(p) for p in behind if p.steps),
        ]

    def column_at(self, place: Place) -> Column | Behind:
        """The one column of a field, the entity's own or one behind a lookup."""
        if not place.steps:
            return self.column(place.field)
        made = self.__dict__.setdefault("_made_behind", {})
        if place.name not in made:
            made[place.name] = Behind(self.snapshot, place)
        return made[place.name]

    def column(self, field: FieldSchema) -> Column:
        """The one Column of a field: fieldsets and read-only fields must speak of the same."""
        return self._columns[field.name]

    @property
    def _columns(self) -> dict[str, Column]:
        made = self.__dict__.get("_made_columns")
        if made is None:
            made = {f.name: Column(self.snapshot, self.schema, f) for f in self.schema.fields}
            self.__dict__["_made_columns"] = made
        return made

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **_: Any
    ) -> type[RecordForm]:
        editable = self.editable(request, obj)
        verb, doing = (records.update, "change") if change else (records.create, "add")
        context = context_of(request, f"admin: {doing} {self.schema.noun}")

        def write(form: RecordForm, row: dict[str, Any]) -> records.Outcome:
            more = {"null_clears": True} if change else {}
            return verb(self.schema.name, [row], context, **more)[0]

        return type(
            "RecordForm",
            (RecordForm,),
            {
                "base_fields": {
                    f.name: wire_field(
                        f,
                        self.lookup_url(f),
                        stored(obj, self.schema, f) if obj is not None and f.type.listed else None,
                    )
                    for f in editable
                },
                "model": self.model,
                "shown": self.schema.fields,
                "verb": write,
                "reload": lambda form, pk: self.get_object(request, str(pk)),
                "values_of": lambda form, record: {
                    f.name: self.file_of(record, f)
                    if f.type.name == "FILE"
                    else form_value(f, stored(record, self.schema, f))
                    for f in editable
                    if not f.write_only
                },
            },
        )

    def file_of(self, record: models.Model, field: FieldSchema) -> ShownFile | None:
        """The file that the record holds, with the way to it."""
        value = stored(record, self.schema, field)
        file = files.about(key_of(value)) if value else None
        if file is None:
            return None
        url = self.page("file", record.pk, field.name)
        return ShownFile(file.file_name, file.size, file.content_type, url)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        return {name: str(value) for name, value in request.GET.items()}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        self._name_chosen(form)
        record = context["original"]
        title = self.name_of(record) if record is not None else ""
        explorable = offered.explorable(request, self.snapshot, self.schema.name)
        context |= {
            "title": title or f"New {self.schema.noun}",
            "subtitle": None,
            "about": self.schema.help,
            "show_history": self.schema.history,
            "explorable": [page.name for page in explorable],
            "tools": [
                {
                    "title": page.link or page.title,
                    "icon": page.icon,
                    "url": f"{self.admin_site.root}{page.address}?{parameter}={record.pk}",
                }
                for page in explorable
                if record is not None and (parameter := page.about[self.schema.name])
            ],
            "related": related_lists(request, self.snapshot, self.schema, record)
            if record is not None
            else [],
        }
        response = super().render_change_form(request, context, *args, **kwargs)
        if record is not None and isinstance(response, TemplateResponse):
            assert response.context_data is not None
            # The frame's breadcrumbs print the record itself.
            response.context_data["original"] = Called(record, title)
        return response

    def name_of(self, record: models.Model) -> str:
        """What people call a record that is at hand."""
        name = self.schema.name_field
        if (
            name is not None
            and name.column is not None
            and may_see(self.snapshot, self.schema, name)
        ):
            value = form_value(name, stored(record, self.schema, name))
            if value:
                return str(value)
        return title_of(self.snapshot, self.schema, record.pk)

    def _name_chosen(self, form: RecordForm) -> None:
        """Give each lookup the title of the record that is chosen, and the way to it."""
        known = getattr(form.instance, "brm_titles", {})
        chosen: dict[str, str] = {}
        for field in lookups_in(form.fields.values()):
            assert field.lookup is not None
            value = form[field.name].value()
            if value in (None, ""):
                continue
            same = form.instance.pk is not None and str(value) == str(
                stored(form.instance, self.schema, field)
            )
            if same and field.name in known:
                titled = known[field.name]
            else:
                native, _ = field.type.decode([value], field)
                found = titles(
                    self.snapshot, self.snapshot.target(field), native, field.lookup.column
                )
                titled = found.get(native[0], (0, str(value)))
            url = record_url(self.snapshot.target(field), titled[0]) if titled[0] else ""
            if url:
                form.fields[field.name].help_text = format_html(
                    '{} <a href="{}" class="text-link">Open {}</a>', field.help, url, titled[1]
                )
            by_key = field.lookup.by_key and titled[1] != str(value)
            chosen[field.name] = f"{value} – {titled[1]}" if by_key else titled[1]
        choose(form, chosen)

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._saved(request, obj, "is added")

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        return self._saved(request, obj, "is saved")

    def _saved(self, request: HttpRequest, record: models.Model, what: str) -> HttpResponse:
        """Say so, and go where the pressed button leads: on with it, another one, or its page."""
        label = self.schema.label
        self.message_user(
            request,
            format_html(
                '{} <a href="{}" class="underline">{}</a> {}.',
                label,
                self.page("change", record.pk),
                self.name_of(record),
                what,
            ),
        )
        if "_addanother" in request.POST:
            return HttpResponseRedirect(self.page("add"))
        if "_continue" in request.POST:
            return HttpResponseRedirect(self.page("change", record.pk))
        return self.response_post_save_change(request, record)

    # Other pages

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        wrap = self.admin_site.admin_view
        name = f"{meta.app_label}_{meta.model_name}"
        return [
            path("recycle-bin/", wrap(self.bin_view), name=f"{name}_bin"),
            path("restore/", wrap(self.restore_view), name=f"{name}_restore"),
            path("<int:record_id>/file/<str:field>/", wrap(self.file_view), name=f"{name}_file"),
            *super().get_urls(),
        ]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, record):
            raise PermissionDenied(f"You may not delete {self.schema.label_plural}.")
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return recycling.delete_page(self, request, [record.pk])

    def delete_chosen(self, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse | None:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: recycling.MOST_AT_ONCE])
        return recycling.delete_page(self, request, ids)

    delete_chosen.short_description = "Delete selected"  # type: ignore[attr-defined]
    delete_chosen.allowed_permissions = ("delete",)  # type: ignore[attr-defined]

    def bin_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied(f"You may not see {self.schema.label_plural}.")
        return recycling.bin_page(self, request)

    def restore_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_delete_permission(request):
            raise PermissionDenied(f"You may not restore {self.schema.label_plural}.")
        return recycling.restore(self, request)

    def file_view(self, request: HttpRequest, record_id: int, field: str) -> HttpResponse:
        """The file that a record holds, to be saved."""
        try:
            file = files.fetch(
                self.schema.name, record_id, field, context_of(request), snapshot=self.snapshot
            )
        except RequestError as error:
            if error.code == Code.INSUFFICIENT_RIGHTS:
                raise PermissionDenied(error.message) from None
            raise Http404(error.message) from None
        return attachment(file.file_name, file.content_type, file.content)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied(f"You may not see {self.schema.label_plural}.")
        if not object_id.isdecimal():
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return history.page(self, request, int(object_id))

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        return recycling.gone(self, request, object_id)

    def attach(self, found: Sequence[models.Model], lookups: Sequence[FieldSchema]) -> None:
        attach_titles(self.snapshot, self.schema, found, lookups)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Lists are narrowed by their filters only, which know the reader's rights."""
        if request is None:
            return False
        name = lookup.removesuffix("_from").removesuffix("_to")
        known = {made.attribute for made in self.get_list_filter(request)}
        return name in known or lookup in known


def _matters(field: FieldSchema) -> bool:
    """Whether a field belongs to the first part of a long form."""
    return (
        field.required
        or field.external_key
        or field.unique
        or field.name.endswith("Status")
        or field.type.name in ("ID", "MONEY", "DATE", "LIST")
        or field.lookup is not None
        or "Name" in field.name
    )
