"""The addresses of one FILE field in the description: upload, replace, read."""

from typing import Any

from entities.api.openapi.shared import REST, answer, body, content, errors, ref, thing
from entities.schema.description import FieldSchema

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_SENT: Json = thing(
    ["FileName", "Data"],
    FileName=_TEXT | {"minLength": 1, "description": "The file's name without a path."},
    Data=_TEXT | {"contentEncoding": "base64", "description": "The content; at most 40 MiB."},
)
#: Statuses of an upload that is refused for what it sends.
_REFUSALS = (409, 413, 422)
_KEPT: Json = thing(
    ["Key", "FileName", "ContentType", "Size"],
    Key=_TEXT | {"description": "What the record is written with, within twelve hours, once."},
    FileName=_TEXT,
    ContentType=_TEXT,
    Size=_TEXT | {"description": "Bytes."},
    ErrorCode={"const": "0"},
    success={"const": True},
)
_FILE: Json = thing(
    ["Data", "FileName"], Data=_TEXT | {"contentEncoding": "base64"}, FileName=_TEXT
)


def paths(entity: str, field: FieldSchema, *, read: bool, create: bool, update: bool) -> Json:
    """Address -> operations, those that the caller may use."""
    found: Json = {}
    base = f"{REST}/files/{entity}"
    one = f"{base}/{{Id}}/{field.name}"

    def operation(named: str, summary: str, success: Json, *statuses: int, **more: Any) -> Json:
        return {
            "operationId": f"{entity}.{field.name}.{named}",
            "summary": summary,
            "tags": [entity],
            **more,
            "responses": {"200": success, **errors(400, 403, 404, *statuses)},
        }

    if create or update:
        done = {"description": "The file waits for its record."}
        found[f"{base}/{field.name}"] = {
            "post": operation(
                "uploadFirst",
                f"Upload a {field.name} for a record of {entity} that is written afterwards",
                done | content(answer("fileUploadResponse", _KEPT)),
                *_REFUSALS,
                parameters=[ref("parameters", "IdempotencyKey")],
                requestBody=body(_SENT),
            )
        }
    methods: Json = {}
    addressed: Json = {"parameters": [ref("parameters", "Id")]}
    if read:
        success = {"description": "The file."} | content(answer("fileDownloadResponse", _FILE))
        methods["get"] = operation("download", f"Read the {field.name} of a record", success)
        binary: Json = {"application/octet-stream": {"schema": {}}}
        as_it_is = {"description": "The file as it is, to be saved.", "content": binary}
        summary = f"Save the {field.name} of a record"
        found[f"{one}/content"] = addressed | {"get": operation("content", summary, as_it_is)}
    if update:
        success = {"description": "Whether the record holds the file."} | content(
            answer("fileUploadResponse", {"type": "object"})
        )
        summary = f"Put a file into the {field.name} of a record"
        methods["post"] = operation(
            "upload",
            summary,
            success,
            *_REFUSALS,
            parameters=[ref("parameters", "IdempotencyKey")],
            requestBody=body(_SENT),
        )
    if methods:
        found[one] = addressed | methods
    return found
