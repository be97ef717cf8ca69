"""The list of an entity's records: what it finds, how it is sorted and narrowed, what it fills."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR
from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from unfold.views import ChangeList

from entities.admin import choice
from entities.admin.arranging import ArrangedAdmin
from entities.admin.callers import rights_on
from entities.admin.derived import derive
from entities.admin.display import Behind, Column, leads_away
from entities.admin.filters import FieldFilter
from entities.admin.reader import may_see
from entities.admin.search import matching_ids
from entities.admin.sizes import BIG, CappedPaginator, estimate
from entities.admin.titles import attach_titles, attribute
from entities.schema import layouts
from entities.schema.description import FieldSchema, quote
from entities.schema.layouts import Place


class RecordList(ChangeList):
    """A page of a list, with the titles of all its lookups found in one query per target."""

    model_admin: "ListAdmin"

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.search_help_text = self.model_admin.search_words(request)
        self.result_list: list[models.Model] = list(self.result_list)
        self.model_admin.fill(request, self.result_list, self.list_display)


class ListAdmin(ArrangedAdmin):
    """The list of one entity."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 0
    # Counting behind every filter would read the whole table.
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_fullwidth = True
    change_list_template = "admin/metabrm/list.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        queryset = self.seen(request)
        return queryset.filter(deleted_at=None) if self.schema.authored else queryset

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordList

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

    def attach(self, found: Sequence[models.Model], lookups: Sequence[FieldSchema]) -> None:
        attach_titles(self.snapshot, self.schema, found, lookups)
