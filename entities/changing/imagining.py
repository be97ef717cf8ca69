"""The field that a row would describe if it were saved, with everything that is wrong with it."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from entities import fieldtypes
from entities.changing.rules import unknown
from entities.errors import Code
from entities.fieldtypes import Refused
from entities.records import retiring
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, FieldSchema, Lookup
from metabrm import sealing

#: Fields of ENTITY_FIELD that decide what a field is.
OPTIONS = (
    "EntityId",
    "FieldName",
    "ColumnName",
    "DataType",
    "DataLength",
    "DefaultValue",
    "DefaultFormula",
    "Status",
    "RequiredFlag",
    "UniqueField",
    "ExternalKeyFlag",
    "SearchableFlag",
    "ImmutableFlag",
    "SetOnceFlag",
    "EncryptedFlag",
    "PIIFlag",
    "ReferencedEntityId",
    "ReferencedColumn",
    "OnDelete",
    "CurrencySource",
    "FormulaValue",
    "FormulaDataType",
)
#: Those of them that only some data types have (`FieldType.options`).
RESETTABLE = tuple(
    name
    for name in OPTIONS
    if name not in ("EntityId", "FieldName", "ColumnName", "DataType", "Status")
)
#: A key and an index hold whole values, and the database's indexes hold no long ones.
LONGEST_INDEXED = 600
#: The token of a text is longer than the text.
LONGEST_SEALED_INDEXED = 450


def imagined(
    batch: Batch,
    index: int,
    values: dict[str, Any],
    *,
    quietly: bool = False,
) -> FieldSchema | None:
    """The field described by `values` (name of OPTIONS -> value); fails record `index` for what is
    wrong with it but its formulas, unless `quietly`. None where it is no field at all."""
    problems: list[tuple[Code, str, str]] = []
    field = _build(batch, index, values, problems)
    if field is not None and not problems and not quietly:
        _check(batch, values, field, problems)
    if not quietly:
        for problem in problems:
            batch.fail(index, *problem)
    return field


def type_words(field: FieldSchema) -> str:
    """ "Text, 30", "Lookup to ACCOUNT": a field's type for people."""
    words = field.type.label if not field.formula else "Formula"
    if field.lookup is not None:
        return f"{words} to {field.lookup.entity}"
    if field.digits:
        return f"{words}, {field.digits} digits, {field.places} after the point"
    return f"{words}, {field.length}" if field.length else words


def _build(
    batch: Batch, index: int, values: dict[str, Any], problems: list[tuple[Code, str, str]]
) -> FieldSchema | None:
    data_type = values["DataType"]
    if data_type not in fieldtypes.names():
        if data_type is not None:
            message = unknown(data_type, fieldtypes.names(), "data type")
            problems.append((Code.INVALID_VALUE, message, "DataType"))
        return None
    kind = fieldtypes.get(data_type)
    listed, retired = _list_of(batch, index, kind)
    try:
        length, digits, places = fieldtypes.check_length(data_type, values["DataLength"])
    except Refused as refusal:
        problems.append((refusal.code, f"DataLength {refusal.message}.", "DataLength"))
        return None
    lookup = None
    if data_type == "LOOKUP":
        target = _target(batch, values["ReferencedEntityId"])
        if target is None:
            message = "A lookup needs ReferencedEntityId, the entity that it points to."
            problems.append((Code.REQUIRED_FIELD_MISSING, message, "ReferencedEntityId"))
            return None
        lookup = Lookup(target.name, "id", "Id", values["OnDelete"] or "")
    encrypted = bool(values["EncryptedFlag"])
    schema = _target(batch, values["EntityId"])
    if encrypted and schema is not None and data_type in fieldtypes.SEALABLE:
        kind = fieldtypes.sealed(kind, schema.table, values["ColumnName"])
    field = FieldSchema(
        id=0,
        name=values["FieldName"] or "",
        label=values["FieldName"] or "",
        help="",
        type=kind,
        column=values["ColumnName"],
        expression=None,
        length=length,
        digits=digits,
        places=places,
        bound=Decimal(10) ** ((digits or 0) - places),
        required=bool(values["RequiredFlag"]),
        unique=bool(values["UniqueField"]),
        external_key=bool(values["ExternalKeyFlag"]),
        searchable=bool(values["SearchableFlag"]),
        read_only=False,
        set_once=bool(values["SetOnceFlag"]),
        api_accessible=True,
        api_hidden=False,
        hidden=False,
        pii=bool(values["PIIFlag"]),
        default=None,
        list_values=listed,
        retired=retired,
        lookup=lookup,
        currency_source=values["CurrencySource"],
        immutable=bool(values["ImmutableFlag"]),
        encrypted=encrypted,
        default_formula=values["DefaultFormula"] or "",
        formula=values["FormulaValue"] or "",
        formula_type=values["FormulaDataType"] or "",
    )
    if values["DefaultValue"] is not None and kind.stored:
        try:
            default = kind.decode_one(values["DefaultValue"], field)
            _refuse_retired(field, default)
            object.__setattr__(field, "default", default)
        except Refused as refusal:
            if not _kept_default(batch, index, values, refusal):
                problems.append((refusal.code, f"DefaultValue {refusal.message}.", "DefaultValue"))
    return field


def _list_of(
    batch: Batch, index: int, kind: fieldtypes.FieldType
) -> tuple[Mapping[str, str], frozenset[str]]:
    """The values that the field's list has already, and those of them that are retired."""
    field_id = batch.ids[index]
    if kind.listed and field_id is not None:
        for schema in batch.snapshot.entities.values():
            for field in schema.fields:
                if field.id == field_id:
                    return field.list_values, field.retired
    return MappingProxyType({}), frozenset()


def _refuse_retired(field: FieldSchema, default: Any) -> None:
    gone = retiring.parts(default) & field.retired if field.retired else ()
    if gone:
        raise Refused(Code.VALUE_NOT_IN_LIST, retiring.told(field, min(gone)))


def _kept_default(batch: Batch, index: int, values: dict[str, Any], refusal: Refused) -> bool:
    """A default that waits for its value to come onto the list hinders no other change."""
    stored = batch.stored.get("DefaultValue")
    return (
        refusal.code == Code.VALUE_NOT_IN_LIST
        and stored is not None
        and stored[index] == values["DefaultValue"]
    )


def _target(batch: Batch, entity_id: Any) -> EntitySchema | None:
    return next((e for e in batch.snapshot.entities.values() if e.id == entity_id), None)


def _check(
    batch: Batch,
    values: dict[str, Any],
    field: FieldSchema,
    problems: list[tuple[Code, str, str]],
) -> None:
    def refuse(name: str, message: str, code: Code = Code.INVALID_VALUE) -> None:
        problems.append((code, message, name))

    kind = field.type
    if not kind.options:
        refuse("DataType", f"Fields of type {kind.name} are made by the platform only.")
        return
    for name in RESETTABLE:
        # A flag that is off by itself and an option that the type does not have are the same.
        implied = name == "DefaultValue" and kind.name == "FLAG"
        if not values[name] or name in kind.options or implied:
            continue
        if name == "EncryptedFlag":
            types = ", ".join(fieldtypes.SEALABLE)
            refuse(name, f"A {kind.name} field can't be encrypted, only {types} can; leave it out.")
        else:
            refuse(name, f"{name} means nothing for a {kind.name} field; leave it out.")
    if field.encrypted:
        _check_encrypted(field, values, refuse)
    longest = LONGEST_SEALED_INDEXED if field.encrypted else LONGEST_INDEXED
    if (field.unique or field.searchable) and (field.length or 0) > longest:
        name = "UniqueField" if field.unique else "SearchableFlag"
        refuse(name, f"{name} needs a DataLength of at most {longest}.")
    if field.required and field.lookup and field.lookup.on_delete == "SET_NULL":
        refuse("OnDelete", "A required lookup can't be emptied; use RESTRICT or CASCADE.")
    if field.lookup is not None:
        _check_target(batch, values, refuse)
    if field.currency_source:
        schema = _target(batch, values["EntityId"])
        if schema is not None and schema.find(field.currency_source) is None:
            known = [f.name for f in schema.fields]
            message = unknown(field.currency_source, known, "field")
            refuse("CurrencySource", message, Code.UNKNOWN_FIELD)
    if kind.name == "FORMULA" and not field.formula:
        refuse("FormulaValue", "A formula field needs its formula.", Code.REQUIRED_FIELD_MISSING)


def _check_encrypted(field: FieldSchema, values: dict[str, Any], refuse: Any) -> None:
    if field.type.name not in fieldtypes.SEALABLE:
        return
    if not sealing.may_seal():
        refusal = fieldtypes.no_key()
        refuse("EncryptedFlag", f"{field.name} {refusal.message}.", refusal.code)
    if field.searchable:
        message = "An encrypted field can't be searched; leave SearchableFlag or EncryptedFlag out."
        refuse("SearchableFlag", message)
    if values["DefaultValue"]:
        message = (
            "DefaultValue of an encrypted field would be readable in the schema; leave it out."
        )
        refuse("DefaultValue", message)
    if field.default_formula:
        refuse("DefaultFormula", f"{field.name} is encrypted; no formula can fill it.")


def _check_target(batch: Batch, values: dict[str, Any], refuse: Any) -> None:
    target = _target(batch, values["ReferencedEntityId"])
    if target is not None and not target.authored:
        refuse("ReferencedEntityId", f"Records of {target.name} can't be looked up to.")
    if values["ReferencedColumn"] not in (None, "Id"):
        refuse("ReferencedColumn", "A lookup points to the Id of its target; leave it out.")
