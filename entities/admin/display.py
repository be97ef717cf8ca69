"""How a value looks to people: one `Column` per field, in lists and wherever a form only shows."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from entities.access.masking import MASK
from entities.admin.reader import may_see
from entities.admin.titles import Titled, attribute
from entities.fieldtypes import numbers
from entities.fieldtypes.structured import name_of
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.layouts import Place
from entities.schema.snapshot import Snapshot

EMPTY = mark_safe('<span class="brm-empty">–</span>')

#: Words of states -> colour of the badge.
_GOOD = {"ACTIVE", "COMPLETED", "APPROVED", "POSTED", "PAID", "CURRENT", "CREATE", "UNDELETE"}
_GOOD |= {"PRODUCTION MODE", "PROCESSED"}
_BAD = {"DEACTIVATED", "FAILED", "REJECTED", "CANCELLED", "DELETE", "PURGE", "PARKED"}
_WAITING = {"SUSPENDED", "PENDING", "RUNNING", "AWAITING_FILE", "DRAFT", "NEW", "HIDDEN", "UPDATE"}
_WAITING |= {"SUSPENSE", "RESUBMITTED", "PENDING LOGOUT", "REVERSING", "TEST MODE"}


class Column:
    """A field as the admin's lists and read-only lines want it: called with a record."""

    def __init__(self, snapshot: Snapshot, schema: EntitySchema, field: FieldSchema) -> None:
        self.snapshot = snapshot
        self.schema = schema
        self.field = field
        self.__name__ = field.name
        self.short_description = field.label
        self.attribute = attribute(schema, field) if field.column else None

    @property
    def admin_order_field(self) -> str | None:
        """What the list is sorted by; an order would tell of values that the reader may not see.

        Tokens of encrypted values have an order that means nothing.
        """
        seen = may_see(self.snapshot, self.schema, self.field)
        return self.attribute if seen and not self.field.encrypted else None

    def __call__(self, record: models.Model) -> SafeString | str:
        if self.attribute is None:
            value = getattr(record, "brm_computed", {}).get(self.field.name)
        else:
            value = getattr(record, self.attribute)
        if not may_see(self.snapshot, self.schema, self.field):
            return EMPTY if value is None else MASK
        if self.field.type.name == "FILE" and value:
            return file_link(self.schema, self.field, record.pk, value)
        titled = getattr(record, "brm_titles", {}).get(self.field.name)
        return shown(self.snapshot, self.field, value, titled)


class Behind:
    """A field behind a record's lookups as a column; its values are read for the whole page."""

    #: Sorting by it would read the other entity's table for every page.
    admin_order_field = None

    def __init__(self, snapshot: Snapshot, place: Place) -> None:
        self.snapshot = snapshot
        self.place = place
        self.field = place.field
        self.__name__ = place.name
        ways = [lookup.label for _, lookup in place.steps]
        self.short_description = " › ".join([*ways, place.field.label])

    def __call__(self, record: models.Model) -> SafeString | str:
        value = getattr(record, "brm_computed", {}).get(self.place.name)
        if not may_see(self.snapshot, self.place.schema, self.field):
            return EMPTY if value is None else MASK
        return shown(self.snapshot, self.field, value)


def leads_away(column: Any) -> bool:
    """Whether a column's values are links of their own, so that they can't lead to the record."""
    if not isinstance(column, Column | Behind):
        return False
    return column.field.lookup is not None or column.field.type.name in ("URL", "FILE")


def shown(
    snapshot: Snapshot, field: FieldSchema, value: Any, titled: Titled | None = None
) -> SafeString | str:
    """A native value of `field` for people; `titled` is what a lookup points to, if known."""
    if value is None or value == "":
        return EMPTY
    kind = field.type.name
    if kind == "LOOKUP":
        return _link(snapshot, field, value, titled)
    if kind == "FLAG":
        return flag(bool(value))
    if kind in ("LIST", "TEXT") and field.name.endswith(("Status", "Action")):
        return badge(str(value))
    if kind == "JSON":
        return document(value)
    if kind == "URL":
        return format_html('<a href="{}" rel="noreferrer" class="text-link">{}</a>', value, value)
    if kind == "MULTI_LIST":
        return ", ".join(value)
    if kind == "FILE":
        return name_of(str(value))
    text = plain(value)
    return f"{text} %" if kind == "PERCENT" else text


def plain(value: Any) -> str:
    """A value as text: instants in the reader's zone, numbers without needless zeros."""
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "Y-m-d H:i:s")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return numbers.plain(value)
    return str(value)


def flag(value: bool) -> SafeString:
    icon, name = ("check_circle", "yes") if value else ("remove", "no")
    return format_html(
        '<span class="material-symbols-outlined brm-flag brm-flag-{}" title="{}">{}</span>'
        '<span class="sr-only">{}</span>',
        name,
        name,
        icon,
        name,
    )


def badge(text: str) -> SafeString:
    """A state as a coloured badge."""
    word = text.upper()
    tone = (
        "good"
        if word in _GOOD
        else "bad"
        if word in _BAD
        else "waiting"
        if word in _WAITING
        else "plain"
    )
    return format_html('<span class="brm-badge brm-{}">{}</span>', tone, text)


def document(value: Any) -> SafeString:
    return format_html(
        '<pre class="brm-document">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)
    )


def file_link(
    schema: EntitySchema, field: FieldSchema, record_id: int, held: object
) -> SafeString | str:
    """A file's name, leading to its content."""
    url = address(schema, "file", record_id, field.name)
    if not url:
        return name_of(held)
    return format_html('<a href="{}" class="text-link">{}</a>', url, name_of(held))


def _link(
    snapshot: Snapshot, field: FieldSchema, value: Any, titled: Titled | None
) -> SafeString | str:
    if titled is None:
        return str(value)
    record_id, title = titled
    assert field.lookup is not None
    if field.lookup.by_key and title != str(value):
        title = f"{value} – {title}"
    url = record_url(snapshot.target(field), record_id)
    return format_html('<a href="{}" class="text-link">{}</a>', url, title) if url else title


def record_url(schema: EntitySchema, record_id: int) -> str:
    """The address of a record's page; "" where the entity has none."""
    return address(schema, "change", record_id)


#: What the pages without arguments have for an address; the menu alone has one for every entity.
_addresses: WeakKeyDictionary[EntitySchema, dict[str, str]] = WeakKeyDictionary()


def address(schema: EntitySchema, page: str, *args: Any) -> str:
    """The address of one of an entity's pages: changelist, add, change, history ..."""
    if args:
        return _reversed(schema, page, *args)
    known = _addresses.setdefault(schema, {})
    if page not in known:
        found = _reversed(schema, page)
        if not found:
            return ""  # outside the admin's own addresses, where others may find it
        known[page] = found
    return known[page]


def _reversed(schema: EntitySchema, page: str, *args: Any) -> str:
    meta = schema.model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)
    except NoReverseMatch:
        return ""
