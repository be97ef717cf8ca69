"""The side panel's forms, with the labels and help texts that the metadata has of itself.

Every option of a field's form says for which data types it is there, as the types themselves say.
"""

import json
from typing import Any

from django import forms
from unfold import widgets as unfold

from entities import fieldtypes
from entities.admin.forms import wire_field
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot

#: What is asked of an entity, in order.
OF_ENTITY = (
    "EntityLabel",
    "EntityName",
    "ShortHelpLabel",
    "Node",
    "SharingModel",
    "HistoryFlag",
    "RecycleBinFlag",
    "RetentionDays",
    "ApiEnabled",
    "VisibleFlag",
)
#: What is asked of every field, whatever its type.
OF_EVERY_FIELD = ("FieldLabel", "FieldName", "DataType")
#: Options in the order of the form; those that no type names are for every type.
OPTIONS = (
    "DataLength",
    "ReferencedEntityId",
    "ReferencedColumn",
    "OnDelete",
    "CurrencySource",
    "FormulaValue",
    "FormulaDataType",
    "DefaultValue",
    "DefaultFormula",
    "RequiredFlag",
    "UniqueField",
    "ExternalKeyFlag",
    "SearchableFlag",
    "ImmutableFlag",
    "SetOnceFlag",
    "EncryptedFlag",
    "PIIFlag",
    "HelpContentShort",
    "ApiAccessableFlag",
    "HiddenFlag",
)
_FORMULAS = ("FormulaValue", "DefaultFormula")
_SAID_ELSEWHERE = {"EntityLabel": "Label", "EntityName": "API name", "ShortHelpLabel": "Help"}


class Panel(forms.Form):
    """A form that takes what was typed as it is; only the verb judges it."""

    use_required_attribute = False

    def row(self) -> dict[str, Any]:
        """API names -> wire values of what was posted."""
        self.full_clean()
        return dict(self.cleaned_data)


def types() -> list[tuple[str, str]]:
    """(Name, label) of the data types that people may choose."""
    found = ((name, fieldtypes.get(name)) for name in fieldtypes.names())
    return [(name, kind.label) for name, kind in found if kind.options]


def types_of(option: str) -> list[str]:
    """The data types that have an option; all that can be chosen if none names it."""
    offered = [name for name, _ in types()]
    naming = [name for name in offered if option in fieldtypes.get(name).options]
    return naming or offered


def listed_types() -> list[str]:
    """The data types that have a list of values."""
    return [name for name, _ in types() if fieldtypes.get(name).listed]


def entity_panel(
    snapshot: Snapshot, data: Any = None, initial: dict[str, Any] | None = None
) -> Panel:
    """The form of an entity; `initial` are the stored values of one that exists."""
    schema = snapshot.entity("ENTITY")
    panel = Panel(data, initial=initial or {}, auto_id="panel_%s")
    for name in OF_ENTITY:
        _ask(panel, schema, name)
    panel.fields["Node"].widget.attrs["list"] = "designer-rooms"
    panel.fields["EntityName"].widget.attrs["data-proposed-from"] = "EntityLabel"
    panel.fields["EntityName"].widget.attrs["data-proposal"] = "upper"
    if initial and initial.get("SystemFlag"):
        panel.fields["EntityName"].disabled = True
    described = snapshot.find((initial or {}).get("EntityName") or "")
    if described is not None and not described.records_creation:
        panel.fields["HistoryFlag"].help_text = (
            "Changes and removals are kept in AUDIT_LOG; who made a record and when, the record "
            "itself tells."
        )
    return panel


def field_panel(
    snapshot: Snapshot, data: Any = None, initial: dict[str, Any] | None = None
) -> Panel:
    """The form of a field."""
    schema = snapshot.entity("ENTITY_FIELD")
    panel = Panel(data, initial=initial or {}, auto_id="panel_%s")
    for name in (*OF_EVERY_FIELD, *OPTIONS):
        _ask(panel, schema, name)
    kind = panel.fields["DataType"]
    kind.widget = unfold.UnfoldAdminSelectWidget(choices=types())
    target = panel.fields["ReferencedEntityId"]
    target.widget = unfold.UnfoldAdminSelectWidget(
        choices=[("", "---------")]
        + [(str(e.id), f"{e.label} ({e.name})") for e in sorted_entities(snapshot)]
    )
    target.widget.attrs["data-searchable"] = "1"
    panel.fields["FieldName"].widget.attrs["data-proposed-from"] = "FieldLabel"
    panel.fields["FieldName"].widget.attrs["data-proposal"] = "pascal"
    for name in _FORMULAS:
        panel.fields[name].widget.attrs |= {"data-formula": "1", "spellcheck": "false", "rows": 3}
    for name in OPTIONS:
        panel.fields[name].widget.attrs["data-types"] = json.dumps(types_of(name))
    return panel


def sorted_entities(snapshot: Snapshot) -> list[EntitySchema]:
    """The entities that a lookup can point to, by label."""
    return sorted((e for e in snapshot.entities.values() if e.writable), key=lambda e: e.label)


def _ask(panel: Panel, schema: EntitySchema, name: str) -> None:
    described = schema.find(name)
    if described is None:
        return
    field = wire_field(described, "")
    field.required = False
    field.label = _SAID_ELSEWHERE.get(described.name, described.label)
    panel.fields[name] = field


def stored_values(schema: EntitySchema, row: dict[str, Any], names: tuple[str, ...]) -> dict:
    """A metadata row, by column, as initial values of a panel."""
    found: dict[str, Any] = {}
    for name in names:
        described: FieldSchema | None = schema.find(name)
        if described is not None and described.column is not None:
            found[name] = row[described.column]
    return found
