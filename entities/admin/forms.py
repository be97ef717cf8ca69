"""The form of a record. Its validation is the verb: what was typed goes to it as it would come over
the API, and the verb's problems stand at the fields they are about.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.utils import timezone
from django.utils.html import conditional_escape

from entities import files
from entities.admin.widgets import LookupSelect, themed
from entities.errors import RequestError
from entities.fieldtypes.numbers import plain
from entities.records import Outcome
from entities.schema.description import FieldSchema

#: Row of wire values -> what became of it.
Verb = Callable[[dict[str, Any]], Outcome]


class WireField(forms.Field):
    """Takes what was typed as it is; only the verb judges it."""

    def __init__(self, schema: FieldSchema, widget: forms.Widget, **kwargs: Any) -> None:
        self.schema = schema
        super().__init__(
            widget=widget,
            label=schema.label,
            # The theme shows help as markup; ours is text.
            help_text=conditional_escape(schema.help),
            required=schema.required and not schema.supplied and schema.type.name != "FLAG",
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        """What the browser sent -> the wire value, None for an empty one."""
        if isinstance(value, list) and isinstance(self.widget, forms.MultiWidget):
            return _instant(value)
        if isinstance(value, str):
            value = value.replace("\r\n", "\n")
            if not isinstance(self.widget, forms.Textarea):
                value = value.strip()
        return None if value in ("", []) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _comparable(self.schema, initial) != _comparable(self.schema, self.clean(data))


@dataclass(frozen=True)
class ShownFile:
    """The file that a record holds, as its form shows it."""

    name: str
    size: int
    content_type: str
    url: str

    def __str__(self) -> str:
        return self.name


class FileField(WireField):
    """Takes an uploaded file; None leaves the record's file as it is, False takes it away."""

    def clean(self, value: Any) -> Any:
        if isinstance(value, UploadedFile) and (value.size or 0) > files.MOST_BYTES:
            raise forms.ValidationError(files.too_large(value.size or 0))
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None


class RecordForm(forms.BaseForm):
    """A record being made or changed. A subclass per request has `base_fields`, `verb`, `model`."""

    verb: Verb
    model: type[models.Model]
    reload: Callable[[int], models.Model | None]
    use_required_attribute = False

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        instance: models.Model | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.instance = instance if instance is not None else self.model()
        # What the admin's read-only lines ask a form for.
        self._meta = SimpleNamespace(model=self.model, labels=None, help_texts=self._help_texts())
        start = {} if instance is None else self.values_of(instance)
        super().__init__(data, files, initial={**start, **(initial or {})})

    shown: tuple[FieldSchema, ...] = ()

    @classmethod
    def _help_texts(cls) -> dict[str, str]:
        return {field.name: conditional_escape(field.help) for field in cls.shown}

    def values_of(self, instance: models.Model) -> dict[str, Any]:
        """Form values of a stored record."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        """Hand the record to the verb; called once, when all fields are read."""
        creating = self.instance.pk is None
        row: dict[str, Any]
        if creating:
            row = {k: v for k, v in self.cleaned_data.items() if v is not None and v is not False}
        else:
            row = {name: self.cleaned_data[name] for name in self.changed_data}
            if not row:
                return
            row["Id"] = str(self.instance.pk)
        sent = {k: v for k, v in row.items() if isinstance(v, UploadedFile)}
        row |= {k: None for k, v in row.items() if isinstance(self.fields.get(k), FileField)}
        try:
            with files.held({k: (f.name or "", f.read()) for k, f in sent.items()}) as values:
                outcome = self.verb(row | values)
                if not outcome.ok:
                    values.clear()
        except RequestError as error:
            of_file = sent and error.field in ("Data", "FileName")
            self.add_error(next(iter(sent)) if of_file else None, error.message)
            return
        for problem in outcome.problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)
        if outcome.ok and outcome.id is not None:
            # A change may take the record out of the user's sight.
            self.instance = self.reload(outcome.id) or self.instance


def wire_field(schema: FieldSchema, lookup_url: str, held: Any = None) -> WireField:
    """The form field of an entity's field; `lookup_url` answers what a lookup can point to, `held`
    is what the record holds already."""
    if schema.lookup is not None:
        widget: forms.Widget = LookupSelect(lookup_url, clearable=not schema.required)
    else:
        initial = schema.default if held is None else held
        kept = {"held": held} if schema.type.listed else {}
        asked = schema.type.form_field(schema, required=schema.required, initial=initial, **kept)
        widget = themed(asked)
    cls = FileField if schema.type.name == "FILE" else WireField
    return cls(schema, widget, initial=form_value(schema, schema.default))


def choose(form: forms.BaseForm, chosen: Mapping[str, str]) -> None:
    """Give each lookup widget the one option that is chosen now: field name -> its title."""
    for name, title in chosen.items():
        field = form.fields.get(name)
        if field is not None and isinstance(field.widget, LookupSelect):
            value = form[name].value()
            field.widget.choices = [("", ""), (value, title)]


def lookups_in(fields: Iterable[forms.Field]) -> list[FieldSchema]:
    return [f.schema for f in fields if isinstance(f, WireField) and f.schema.lookup is not None]


def form_value(schema: FieldSchema, value: Any) -> Any:
    """A native value as the form shows it."""
    if isinstance(value, Decimal):
        return plain(value)
    if schema.type.name == "JSON" and value is not None:
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, list) and not schema.list_values:
        # A list without values of its own is typed.
        return ";".join(value)
    return value


def _comparable(schema: FieldSchema, value: Any) -> Any:
    """A form's value such that equal ones mean the same."""
    if schema.type.name == "FLAG":
        return str(value).casefold() in ("true", "1", "on")
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        # The form shows whole seconds.
        return value.replace(microsecond=0)
    if schema.type.name == "JSON":
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value
    if schema.type.name in ("DECIMAL", "MONEY", "PERCENT"):
        try:
            return Decimal(str(value))
        except ArithmeticError:
            return str(value)
    if schema.type.name == "MULTI_LIST":
        parts = value.split(";") if isinstance(value, str) else value
        # A form sends the values in the order in which it offers them.
        return sorted(part.strip() for part in parts if part.strip())
    return str(value)


def _instant(parts: list[str]) -> Any:
    """Date and time as typed, in the user's zone -> an aware instant, or the text as it is."""
    text = " ".join(part.strip() for part in parts if part and part.strip())
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    return timezone.make_aware(instant) if instant.tzinfo is None else instant
