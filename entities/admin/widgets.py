"""Form widgets in the theme's look, chosen by the widget that a field type asks for."""

import json
from typing import Any

from django import forms
from django.conf import settings
from unfold import widgets as unfold

_MIN = "" if settings.DEBUG else ".min"


class LookupSelect(forms.Select):
    """A Select2 that asks the server for the records that fit what is typed.

    Its only option is the record chosen now.
    """

    def __init__(self, url: str, *, clearable: bool, search_class: str = "") -> None:
        classes = search_class or "unfold-admin-autocomplete"
        super().__init__(
            attrs={
                "data-ajax--url": url,
                "data-ajax--cache": "true",
                "data-ajax--delay": 250,
                "data-theme": "admin-autocomplete",
                "data-allow-clear": json.dumps(clearable),
                "data-placeholder": "",
                "class": classes,
            }
        )

    class Media:
        js = (
            f"admin/js/vendor/jquery/jquery{_MIN}.js",
            f"admin/js/vendor/select2/select2.full{_MIN}.js",
            "admin/js/jquery.init.js",
            "unfold/js/select2.init.js",
        )
        css = {
            "screen": (
                f"admin/css/vendor/select2/select2{_MIN}.css",
                "admin/css/autocomplete.css",
            )
        }


class FileInput(unfold.UnfoldAdminFileFieldWidget):
    """Shows the file that is held, with the way to it; takes another one, or takes it away."""

    template_name = "admin/metabrm/file_input.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The file that was chosen, False for one to be taken away, None to leave it."""
        chosen = files.get(name)
        if chosen is not None:
            return chosen
        cleared = forms.CheckboxInput().value_from_datadict(
            data, files, self.clear_checkbox_name(name)
        )
        return False if cleared and not self.is_required else None


def themed(field: forms.Field) -> forms.Widget:
    """The theme's widget for what a field type's form field asks for."""
    widget = field.widget
    if isinstance(widget, forms.FileInput):
        return FileInput()
    if isinstance(widget, forms.CheckboxInput):
        return unfold.UnfoldBooleanSwitchWidget()
    if isinstance(widget, forms.SelectMultiple):
        return unfold.UnfoldAdminSelectMultipleWidget(choices=_choices(field))
    if isinstance(widget, forms.Select):
        return unfold.UnfoldAdminSelectWidget(choices=_choices(field))
    if isinstance(widget, forms.Textarea):
        return unfold.UnfoldAdminExpandableTextareaWidget()
    if isinstance(widget, forms.DateTimeInput):
        return unfold.UnfoldAdminSplitDateTimeWidget()
    if isinstance(widget, forms.DateInput):
        # Always as the wire writes it, whatever the language.
        return unfold.UnfoldAdminSingleDateWidget(format="%Y-%m-%d")
    if isinstance(widget, forms.NumberInput):
        return unfold.UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return unfold.UnfoldAdminTextInputWidget()


def _choices(field: forms.Field) -> list[Any]:
    return list(getattr(field, "choices", ()))
