"""One entity in the description: its addresses, and its record as it is read and as it is written.

A record has up to three schemas. `ACCOUNT` is what answers hold, `ACCOUNT.Write` what may be sent,
`ACCOUNT.Create` adds what a new record can't do without and `ACCOUNT.Update` the Id.
"""

from functools import cached_property
from typing import Any

from entities.api.envelope import MOST_RECORDS
from entities.api.openapi import examples, signing, uploads, values
from entities.api.openapi.shared import FLAG, REST, answer, body, content, errors, ref, thing
from entities.api.openapi.viewing import View
from entities.schema.description import EntitySchema, FieldSchema

Json = dict[str, Any]

_ID: Json = {"type": ["string", "integer"], "pattern": "^[0-9]+$"}
_RESETTING: Json = {"treatNullAsReset": FLAG | {"description": "Nulls clear their fields."}}

#: Entities whose records have a secret -> the address at which they get a new one.
_SECRETS = {"API_KEY": "api_keys", "OAUTH_CLIENT": "oauth_clients"}


class Resource:
    """What the description says of one entity."""

    def __init__(self, view: View, schema: EntitySchema) -> None:
        self.view = view
        self.schema = schema
        self.name = schema.name
        self.granted = view.granted[schema.name]

    @cached_property
    def _written(self) -> list[FieldSchema]:
        return self.view.written(self.schema)

    @cached_property
    def _keys(self) -> list[FieldSchema]:
        if not (self.schema.writable and (self.granted.create or self.granted.update)):
            return []
        return self.view.upsert_keys(self.schema)

    def tag(self) -> Json:
        about = ". ".join(
            text.rstrip(". ") for text in (self.schema.label, self.schema.help) if text
        )
        return {"name": self.name, "description": f"{about}."}

    def paths(self) -> Json:
        """The operations that the caller may use, by address."""
        granted = self.granted
        create = self._may(granted.create)
        update = self._may(granted.update)
        delete = self._deletes
        found = {
            f"{REST}/{self.name}": {
                "get": self._find() if granted.read else None,
                "post": self._create() if create else None,
                "put": self._update() if update else None,
                "patch": self._upsert() if self._keys else None,
            },
            f"{REST}/{self.name}/{{Id}}": {
                "get": self._get() if granted.read else None,
                "put": self._update_one() if update else None,
            },
            f"{REST}/delete/{self.name}": {"delete": self._delete() if delete else None},
            f"{REST}/undelete/{self.name}": {
                "delete": self._undelete() if delete and self.schema.recycle_bin else None
            },
        }
        offered = {
            path: {method: what for method, what in methods.items() if what is not None}
            for path, methods in found.items()
        }
        for field in self.view.files(self.schema):
            writes = field.name in granted.writable and not field.read_only
            offered |= uploads.paths(
                self.name,
                field,
                read=self.view.reads_file(self.schema, field),
                create=create and writes,
                update=update and writes,
            )
        if update and self.name in _SECRETS:
            offered |= signing.secrets(self.name, _SECRETS[self.name])
        return {path: methods for path, methods in offered.items() if methods}

    def schemas(self) -> Json:
        """The component schemas that the operations refer to."""
        made: Json = {}
        writing = self.schema.writable and (self.granted.create or self.granted.update)
        if self.granted.read:
            made[self.name] = self._record()
        if writing:
            made[f"{self.name}.Write"] = self._write()
        if self.granted.create and writing:
            made[f"{self.name}.Create"] = self._new()
        if self.granted.update and writing:
            made[f"{self.name}.Update"] = {
                "allOf": [ref("schemas", f"{self.name}.Write")],
                **thing(["Id"], Id=_ID),
            }
        return made

    def examples(self) -> Json:
        """The component examples that the operations refer to: one for each."""
        made: Json = {}
        row = examples.new(self.view, self.schema)
        some = {"Id": examples.RECORD_ID}
        changed = examples.change(self.view, self.schema)
        if self.granted.read:
            fields = self.view.read(self.schema)
            record = examples.record(self.view, self.schema, fields)
            made["record"] = {"retrieveResponse": [record]}
        if self._may(self.granted.create):
            made["create"] = {"brmObjects": [row]}
        if self._may(self.granted.update):
            made["update"] = {"brmObjects": [some | changed]}
            made["updateOne"] = {"brmObjects": changed}
        if self._keys:
            key = next((f for f in self._keys if f.external_key), self._keys[0])
            keyed = some if key.type.name == "ID" else {key.name: self._key_of(key)}
            made["upsert"] = {"brmObjects": [keyed | row], "externalIDFieldName": key.name}
        if self._deletes:
            made["delete"] = {"brmObjects": [some]}
        return {f"{self.name}.{name}": {"value": value} for name, value in made.items()}

    def _key_of(self, key: FieldSchema) -> Any:
        return examples.value(self.view, self.schema, key)

    @property
    def _deletes(self) -> bool:
        return self._may(self.granted.delete) and self.schema.deletable

    def _may(self, right: bool) -> bool:
        return right and self.schema.writable

    def _record(self) -> Json:
        written = {f.name for f in self._written}
        properties = {}
        for field in self.view.read(self.schema):
            about = values.as_read(field) | self._about(field)
            if field.name not in written:
                about["readOnly"] = True
            properties[field.name] = about
        return {
            "type": "object",
            "title": self.schema.label,
            "properties": properties,
            "required": list(properties),
        }

    def _write(self) -> Json:
        properties: Json = {}
        for field in self._written:
            properties[field.name] = (
                values.as_written(field) | self._about(field) | values.default(field)
            )
            keys = self.view.target_keys(field)
            if keys and not self.schema.find(_relation(field)):
                properties[_relation(field)] = self._by_key(field, keys)
        clearable = [f.name for f in self._written if not f.required]
        if self.granted.update and clearable:
            properties["fieldsToNull"] = {
                "type": "array",
                "items": {"type": "string", "enum": clearable},
                "description": "The fields that an update clears.",
            }
        return {"type": "object", "title": self.schema.label, "properties": properties}

    def _new(self) -> Json:
        whole: Json = {"allOf": [ref("schemas", f"{self.name}.Write")], "type": "object"}
        required = []
        for field in self._written:
            if not field.needed:
                continue
            if self.view.target_keys(field) and not self.schema.find(_relation(field)):
                either = [{"required": [n]} for n in (field.name, _relation(field))]
                whole["allOf"].append({"anyOf": either})
            else:
                required.append(field.name)
        return whole | ({"required": required} if required else {})

    def _by_key(self, field: FieldSchema, keys: list[FieldSchema]) -> Json:
        """The nested object that may stand in place of a lookup's value."""
        return {
            "type": "object",
            "description": f"In place of {field.name}: the record by one of its keys.",
            "properties": {
                key.name: _ID if key.type.name == "ID" else values.as_written(key) for key in keys
            },
            "minProperties": 1,
            "maxProperties": 1,
        }

    def _about(self, field: FieldSchema) -> Json:
        """Title and description of a field, and the entity that a lookup points to."""
        said = [field.help.strip()] if field.help.strip() else []
        target = self.view.target(field)
        if target is not None and field.lookup is not None:
            said.append(f"{field.lookup.column_label} of a record of {target.name}.")
        if field.external_key:
            said.append("An external key.")
        if field.immutable:
            said.append("It can't change once the record exists.")
        elif field.set_once:
            said.append("It can't change once it has a value.")
        if field.encrypted:
            said.append("Encrypted at rest: conditions compare it by =, <>, IN and IS NULL only.")
        about: Json = {"title": field.label}
        if field.write_only:
            about["writeOnly"] = True
        if said:
            about["description"] = " ".join(said)
        if target is not None:
            about["x-references"] = target.name
        return about

    def _find(self) -> Json:
        return self._operation(
            "find",
            f"Find records of {self.name}",
            self._records(),
            errors(400, 403, 404),
            parameters=[ref("parameters", "Condition")],
        )

    def _get(self) -> Json:
        return self._operation(
            "get",
            f"Get a record of {self.name}",
            self._records(),
            errors(403, 404),
            parameters=[ref("parameters", "Id")],
        )

    def _records(self) -> Json:
        return {
            "description": "Whole records, as far as the caller may read them.",
            **content(
                answer("retrieveResponse", ref("schemas", self.name)), self._example("record")
            ),
        }

    def _create(self) -> Json:
        return self._writing("create", f"Create records of {self.name}", "Create")

    def _update(self) -> Json:
        return self._writing("update", f"Update records of {self.name}", "Update", _RESETTING)

    def _update_one(self) -> Json:
        operation = self._writing(
            "update",
            f"Update a record of {self.name}",
            "Write",
            _RESETTING,
            one=True,
            named="updateOne",
        )
        return operation | {"parameters": [ref("parameters", "Id"), *operation["parameters"]]}

    def _upsert(self) -> Json:
        key = {
            "type": "string",
            "enum": [f.name for f in self._keys],
            "description": "The field by which a record is found again.",
        }
        return self._writing(
            "upsert", f"Create or update records of {self.name}", "Write", _RESETTING, key=key
        )

    def _delete(self) -> Json:
        bin_flag = {
            "EmptyRecycleBin": FLAG | {"description": "Deletes for good, past the recycle bin."}
        }
        return self._removing("delete", f"Delete records of {self.name}", bin_flag)

    def _undelete(self) -> Json:
        return self._removing("undelete", f"Restore deleted records of {self.name}", {})

    def _removing(self, verb: str, summary: str, beside: Json) -> Json:
        row = thing(["Id"], Id=_ID)
        return self._sending(verb, verb, summary, _envelope(row, beside), "delete")

    def _writing(
        self,
        verb: str,
        summary: str,
        form: str,
        beside: Json | None = None,
        *,
        one: bool = False,
        key: Json | None = None,
        named: str = "",
    ) -> Json:
        row = ref("schemas", f"{self.name}.{form}")
        if key is not None:
            row = {"allOf": [row], "type": "object", "properties": {"Id": _ID}}
        sent = _envelope(row, beside or {}, most=1 if one else MOST_RECORDS)
        if key is not None:
            sent["properties"]["externalIDFieldName"] = key
            sent["required"] = [*sent["required"], "externalIDFieldName"]
        return self._sending(verb, named or verb, summary, sent, named or verb)

    def _sending(self, verb: str, named: str, summary: str, sent: Json, example: str) -> Json:
        return self._operation(
            named,
            summary,
            ref("responses", f"{verb}Response"),
            errors(400, 403, 404, 409, 413, 422),
            parameters=[ref("parameters", "IdempotencyKey")],
            requestBody=body(sent, self._example(example)),
        )

    def _example(self, name: str) -> str:
        return f"{self.name}.{name}"

    def _operation(
        self, named: str, summary: str, success: Json, failures: Json, **more: Any
    ) -> Json:
        return {
            "operationId": f"{self.name}.{named}",
            "summary": summary,
            "tags": [self.name],
            **more,
            "responses": {"200": success, **failures},
        }


def _envelope(row: Json, beside: Json, *, most: int = MOST_RECORDS) -> Json:
    """The schema of a request's body around records like `row`."""
    rows = {"type": "array", "items": row, "maxItems": most}
    return thing(
        ["brmObjects"],
        brmObjects={"anyOf": [row, rows]},
        allOrNone=FLAG | {"description": "Writes everything or nothing."},
        **beside,
    )


def _relation(field: FieldSchema) -> str:
    return f"{field.name}Obj"
