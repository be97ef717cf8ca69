"""What a record's page shows and asks for, and the columns of both its page and its list."""

from typing import Any

from django.db import models
from django.http import HttpRequest

from entities.admin import choice
from entities.admin.callers import rights_on
from entities.admin.display import Behind, Column
from entities.admin.entity import EntityAdmin
from entities.admin.titles import stored
from entities.schema import layouts
from entities.schema.description import FieldSchema
from entities.schema.layouts import Place

#: From this many fields on a form puts what is rarely needed under a second heading.
LONG_FORM = 14


class ArrangedAdmin(EntityAdmin):
    """The fields of an entity's pages: as a layout says, else derived from metadata."""

    def arranged(self, request: HttpRequest, kind: str) -> list[choice.Group]:
        """What the layout of a kind of pages shows to the request's user; [] without one."""
        return choice.arranged(
            self.snapshot,
            self.schema,
            kind,
            lambda schema: rights_on(request, self.snapshot, schema),
        )

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
