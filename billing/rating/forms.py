"""What the pages of rating ask by: records that are looked up, days and texts."""

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from entities.admin.callers import rights_on
from entities.admin.titles import titles
from entities.admin.widgets import LookupSelect

if TYPE_CHECKING:
    from entities.admin.site import RecordSite


def of_text(kind: str = "text") -> forms.Widget:
    """A line of text, or a date."""
    text = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    text.input_type = kind
    return text


def of_record(
    site: "RecordSite", request: HttpRequest, entity: str, lookup: str, value: str
) -> forms.Widget | None:
    """A record of the entity, `value` chosen, among those that the lookup (ENTITY/Field) may point
    to; None where the user may not know of the entity."""
    schema = site.snapshot.entity(entity)
    if not rights_on(request, site.snapshot, schema).read:
        return None
    widget = LookupSelect(f"{site.root}lookup/{lookup}/", clearable=True)
    is_id = value.isascii() and value.isdecimal() and len(value) < 19
    known = titles(site.snapshot, schema, [int(value)]) if is_id else {}
    widget.choices = [("", ""), *((str(id), title) for id, title in known.values())]
    return widget
