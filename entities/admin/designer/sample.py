"""A field or an entity as it would be: the form people would see, the payload programs would send.

A FieldSchema is made from what stands in the panel, saved or not, so the preview is what the admin
and the API make of it by the same code as of every other field.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django import forms

from entities import fieldtypes
from entities.admin.forms import wire_field
from entities.fieldtypes import Refused
from entities.schema.description import EntitySchema, FieldSchema, Lookup
from entities.schema.snapshot import Snapshot

#: DataLength as people write it: 50, or 28,10.
LENGTH = re.compile(r"([0-9]{1,9})(?:\s*,\s*([0-9]{1,3}))?", re.ASCII)


def unsaved(
    snapshot: Snapshot, row: Mapping[str, Any], values: Iterable[str] = (), field_id: int = 0
) -> FieldSchema:
    """The field that `row` (API names of ENTITY_FIELD -> what was typed) describes.

    What is wrong in it is left out: the review says what is wrong, the preview shows the rest.
    """
    try:
        kind = fieldtypes.get(str(row.get("DataType") or "TEXT"))
    except KeyError:
        kind = fieldtypes.get("TEXT")
    length, digits, places = _size(kind.pg_type, str(row.get("DataLength") or ""))
    allowed = kind.options

    def on(name: str) -> bool:
        return name in allowed and bool(row.get(name))

    field = FieldSchema(
        id=field_id,
        name=str(row.get("FieldName") or "NewField"),
        label=str(row.get("FieldLabel") or row.get("FieldName") or "New field"),
        help=str(row.get("HelpContentShort") or ""),
        type=kind,
        column=None,
        expression=None,
        length=length,
        digits=digits,
        places=places,
        bound=Decimal(10) ** ((digits or 0) - places),
        required=on("RequiredFlag"),
        unique=on("UniqueField"),
        external_key=on("ExternalKeyFlag"),
        searchable=on("SearchableFlag"),
        read_only=not kind.stored,
        set_once=on("SetOnceFlag"),
        api_accessible=True,
        api_hidden=False,
        hidden=False,
        pii=on("PIIFlag"),
        default=None,
        list_values=MappingProxyType({v.casefold(): v for v in values} if kind.listed else {}),
        lookup=_lookup(snapshot, str(row.get("ReferencedEntityId") or ""))
        if "ReferencedEntityId" in allowed
        else None,
        currency_source=None,
    )
    default = row.get("DefaultValue")
    if default not in (None, "") and "DefaultValue" in allowed:
        with suppress(Refused):
            object.__setattr__(field, "default", kind.decode_one(default, field))
    return field


def _size(pg_type: str, text: str) -> tuple[int | None, int | None, int]:
    found = LENGTH.fullmatch(text.strip())
    if found is None:
        return None, None, 0
    first, second = int(found[1]), int(found[2] or 0)
    if pg_type in ("numeric", "bigint"):
        return None, min(max(first, 1), 1000), min(second, first)
    return max(first, 1), None, 0


def _lookup(snapshot: Snapshot, entity_id: str) -> Lookup | None:
    target = next((e for e in snapshot.entities.values() if str(e.id) == entity_id), None)
    return Lookup(target.name, "id", "Id", "RESTRICT") if target is not None else None


def form_of(field: FieldSchema) -> forms.Form | None:
    """A form with this one field, as the admin would make it; None if it is only shown."""
    if field.read_only:
        return None
    form = forms.Form(auto_id="preview_%s", prefix="preview", use_required_attribute=False)
    form.fields[field.name] = wire_field(field, "")
    return form


def payload(schema: EntitySchema, extra: FieldSchema | None = None) -> str:
    """The JSON of a POST that adds a record; `extra` stands in for the field of its Id or name."""
    shown = [
        f
        for f in schema.fields
        if f.api_accessible
        and not f.read_only
        and f.name != "Id"
        and not (extra and (f.id == extra.id or f.name == extra.name))
        and (f.required or not f.system)
    ]
    if extra is not None and not extra.read_only:
        shown.append(extra)
    record = {f.name: sample_value(f) for f in shown if f.type.sample is not None}
    return json.dumps({"brmObjects": [record]}, indent=2, ensure_ascii=False)


def sample_value(field: FieldSchema) -> Any:
    """A value that the field takes."""
    if field.list_values:
        inuse = [v for v in field.list_values.values() if v not in field.retired]
        return inuse[0] if inuse else next(iter(field.list_values.values()))
    value = field.type.sample
    if isinstance(value, str) and field.length:
        return value[: field.length]
    if field.digits is not None and isinstance(value, str):
        number = Decimal(value)
        return value if abs(number) < field.bound and round(number, field.places) == number else "1"
    return value
