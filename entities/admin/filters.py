"""The filters beside a list: one object per field, made from metadata, asked for per request.

A filter is a callable that the admin calls with the request's parameters; it takes its own
parameter, named like the column, and narrows the queryset.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from unfold.contrib.filters.forms import DropdownForm, RangeDateForm

from entities.admin.reader import where
from entities.admin.sizes import BIG, estimate, live
from entities.admin.titles import attribute, titles
from entities.admin.widgets import LookupSelect
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot

EMPTY = "-"


class FieldFilter:
    """Makes the filter of one field for each request."""

    def __init__(
        self,
        snapshot: Snapshot,
        schema: EntitySchema,
        field: FieldSchema,
        lookup_url: str = "",
        options: Sequence[tuple[str, str]] = (),
        title: str = "",
    ) -> None:
        self.snapshot = snapshot
        self.schema = schema
        self.field = field
        self.attribute = attribute(schema, field)
        self.lookup_url = lookup_url
        self.options = options or _options(field)
        self.title = title or field.label
        kind = field.type.name
        self._class: type[_Filter] = (
            _LookupFilter
            if field.lookup is not None
            else _RangeFilter
            if kind in ("DATE", "DATETIME")
            else _ChoiceFilter
        )
        #: The theme collects the scripts of forms it finds here.
        self.form_class = self._class.form_class

    def __call__(
        self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any
    ) -> ListFilter:
        return self._class(self, request, params, model, model_admin)


def _options(field: FieldSchema) -> list[tuple[str, str]]:
    """What a flag or a list can be filtered by: value -> what it is called."""
    if field.type.name == "FLAG":
        return [("1", "Yes"), ("0", "No")]
    values = [(v, v) for v in field.list_values.values() if v not in field.retired]
    return values if field.required else [*values, (EMPTY, "Not set")]


def _held(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema) -> list[str]:
    """The retired values of a list that live records still hold, as far as the reader sees them, in
    the list's order."""
    retired = [v for v in field.list_values.values() if v in field.retired]
    if not retired or estimate(schema) >= BIG:
        # A large table is not read for a filter: it offers all of them.
        return retired
    column = field.sql("r")
    holds = f"{column} @> ARRAY[v]" if field.type.name == "MULTI_LIST" else f"{column} = v"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v FROM unnest(%s::text[]) WITH ORDINALITY AS asked(v, n) WHERE EXISTS "
            f"(SELECT FROM {quote(schema.table)} r WHERE {live(schema)} AND {holds} "
            f"{where(snapshot, schema, 'r')}) ORDER BY n",
            [retired],
        )
        return [row[0] for row in cursor.fetchall()]


class _Filter(ListFilter):
    template = "unfold/filters/filters_field.html"
    form_class: type[forms.Form]

    def __init__(
        self, of: FieldFilter, request: HttpRequest, params: dict[str, Any], *rest: Any
    ) -> None:
        self.of = of
        self.request = request
        self.title = of.title
        super().__init__(request, params, *rest)
        for name in self.expected_parameters():
            if name is not None and name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.of.attribute]

    @property
    def value(self) -> str:
        return str(self.used_parameters.get(self.of.attribute, ""))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        value = self.value
        if not value:
            return queryset
        if value == EMPTY:
            return queryset.filter(**{f"{self.of.attribute}__isnull": True})
        native, refused = self.of.field.type.decode([value], self.of.field)
        if refused:
            return queryset.none()
        how = "__contains" if self.of.field.type.name == "MULTI_LIST" else ""
        return queryset.filter(**{f"{self.of.attribute}{how}": native[0]})


class _ChoiceFilter(_Filter):
    form_class = DropdownForm

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        name = self.of.attribute
        retired = [
            (v, f"{v} (retired)") for v in _held(self.of.snapshot, self.of.schema, self.of.field)
        ]
        options = (("", "All"), *self.of.options, *retired)
        yield {
            "form": DropdownForm(
                name=name, label=self.title, choices=options, data={name: self.value}
            )
        }


class _LookupForm(forms.Form):
    def __init__(self, name: str, label: str, widget: LookupSelect, value: str) -> None:
        super().__init__({name: value})
        self.fields[name] = forms.CharField(label=label, required=False, widget=widget)

    class Media:
        js = LookupSelect.Media.js
        css = LookupSelect.Media.css


class _LookupFilter(_Filter):
    form_class = _LookupForm

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        of = self.of
        assert of.field.lookup is not None
        widget = LookupSelect(
            of.lookup_url, clearable=True, search_class="unfold-filter-autocomplete"
        )
        widget.choices = [("", "")]
        if self.value:
            widget.choices.append((self.value, self._title()))
        yield {"form": _LookupForm(of.attribute, of.title, widget, self.value)}

    def _title(self) -> str:
        of = self.of
        assert of.field.lookup is not None
        if self.value == EMPTY:
            return "Not set"
        native, refused = of.field.type.decode([self.value], of.field)
        if refused:
            return self.value
        found = titles(of.snapshot, of.snapshot.target(of.field), native, of.field.lookup.column)
        return found[native[0]][1] if native[0] in found else self.value


class _RangeFilter(_Filter):
    """From and to, both days included, in the user's own zone."""

    template = "unfold/filters/filters_date_range.html"
    form_class = RangeDateForm

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.of.attribute}_from", f"{self.of.attribute}_to"]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        name = self.of.attribute
        begin, end = (self._day(parameter) for parameter in self.expected_parameters())
        if self.of.field.type.name == "DATE":
            bounds = {f"{name}__gte": begin, f"{name}__lte": end}
        else:
            after = end + timedelta(days=1) if end else None
            bounds = {f"{name}__gte": _midnight(begin), f"{name}__lt": _midnight(after)}
        return queryset.filter(**{k: v for k, v in bounds.items() if v is not None})

    def _day(self, parameter: str | None) -> Any:
        try:
            return parse_date(str(self.used_parameters.get(parameter or "", "")))
        except ValueError:
            return None

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        name = self.of.attribute
        yield {
            "request": self.request,
            "parameter_name": name,
            "form": RangeDateForm(
                name=name,
                data={p: self.used_parameters.get(p or "", "") for p in self.expected_parameters()},
            ),
        }


def _midnight(day: Any) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time())) if day is not None else None
