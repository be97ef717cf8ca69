"""The part of the description that is the same for every entity and every caller."""

from collections import defaultdict
from typing import Any

from entities.api.envelope import MOST_BYTES, MOST_RECORDS
from entities.api.errors import STATUS
from entities.errors import Code
from entities.query import MAX_ROWS

Json = dict[str, Any]

TEXT: Json = {"type": "string"}

REST = "/rest/2.0"
AUTH = "/auth/1.0"
HOSTED = "/hostedPayments/1.0"

INFO: Json = {
    "title": "metabrm REST 2.0",
    "version": "2.0",
    "description": (
        "Every entity and field that the caller may use. Resource and field names are found in any "
        "spelling of case, with or without underscores. Values of answers are strings, or null "
        "where nothing is set; requests may send numbers and flags as JSON numbers and booleans. "
        'When a record is written, null and "" mean that nothing is said about the field. '
        f"A request has at most {MOST_RECORDS:,} records and {MOST_BYTES:,} bytes. The status is "
        "200 whenever the request was understood: each record has its own result. Version 2.1 is "
        "another name for 2.0; the organisation may be left out of addresses."
    ),
}

TAGS: list[Json] = [
    {"name": "Signing in", "description": "Sessions, access tokens and API keys"},
    {"name": "Queries", "description": "One SELECT over entities, and what describes the API"},
]

PARAMETERS: Json = {
    "Id": {
        "name": "Id",
        "in": "path",
        "required": True,
        "description": "The record's Id.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1001",
    },
    "Condition": {
        "name": "queryAnsiSql",
        "in": "query",
        "required": True,
        "description": "What may follow WHERE; ORDER BY and a page may follow it.",
        "schema": {"type": "string", "minLength": 1},
        "example": "Id > 0 ORDER BY Id FETCH NEXT 100 ROWS ONLY",
    },
    "Sql": {
        "name": "sql",
        "in": "query",
        "required": True,
        "description": f"A SELECT. At most {MAX_ROWS:,} rows are answered.",
        "schema": {"type": "string", "minLength": 1},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Done once under this key; sent again, it is answered the same.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
    "Entity": {
        "name": "entity",
        "in": "query",
        "description": "The name of one entity: the document then describes that one alone.",
        "schema": TEXT | {"minLength": 1},
    },
}

FLAG: Json = {"enum": ["0", "1", 0, 1, False, True], "default": "0"}
HELP: Json = {"type": "string", "format": "uri-reference"}

#: What any request may come to.
ALWAYS = tuple(status for status in (401, 429, 500, 503) if status in STATUS.values())
_WRITING = ("create", "update")

_RATE_LIMIT = {
    "RateLimit-Policy": "What the caller may send.",
    "RateLimit-Limit": "How many requests may come at once.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until all are there again.",
}


def ref(kind: str, name: str) -> Json:
    """A reference to the component `name`."""
    return {"$ref": f"#/components/{kind}/{name}"}


def content(schema: Json, example: str = "") -> Json:
    """JSON of this form; `example` names a component."""
    said: Json = {"schema": schema}
    if example:
        said["examples"] = {"example": ref("examples", example)}
    return {"content": {"application/json": said}}


def body(schema: Json, example: str = "") -> Json:
    """A request body that must be there."""
    return {"required": True, **content(schema, example)}


def answer(name: str, element: Json) -> Json:
    """The schema of an answer: one key that holds a list."""
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": element}},
        "required": [name],
    }


def thing(required: list[str], **properties: Json) -> Json:
    """The schema of an object; all of `required` are properties."""
    return {"type": "object", "properties": properties, "required": required}


def errors(*statuses: int) -> Json:
    """The answers to a request that can't be served, by status."""
    return {str(s): ref("responses", f"Error{s}") for s in sorted({*statuses, *ALWAYS})}


def schemas() -> Json:
    """Component schemas of results and errors. No entity is called like one of them: they have a
    dot where an entity's name has none."""
    codes = {"type": "string", "enum": [str(c) for c in Code]}
    problem = thing(
        ["code", "field", "message"],
        code=ref("schemas", "Error.Code"),
        field=TEXT | {"description": "The field's name, empty for the record as a whole."},
        message=TEXT,
    )
    result = thing(
        ["Id", "ErrorCode", "ErrorText", "ErrorElementField", "success"],
        Id=TEXT | {"description": "The record's Id; a blank where there is none."},
        ErrorCode=TEXT
        | {"enum": ["0", *codes["enum"]], "description": '"0", or the code of the first problem.'},
        ErrorText=TEXT | {"description": "All problems in words; a blank where there is none."},
        ErrorElementField=TEXT
        | {"description": "The fields concerned, with commas; a blank where there is none."},
        success={"type": "boolean"},
        help=HELP | {"description": "Only of a record that failed: where its code is told."},
        errors={"type": "array", "items": problem, "description": "Only of a record that failed."},
    )
    created = {"enum": ["true", "false"], "description": "Of a record that was written."}
    detail = thing(
        ["error_code", "error_message"],
        error_code=ref("schemas", "Error.Code"),
        error_message=TEXT,
        field=TEXT,
        position={"type": "integer", "description": "Offset in the query, counted from 0."},
    )
    return {
        "Error.Code": codes,
        "Error.Answer": thing(
            ["error", "message", "help", "errors"],
            error=ref("schemas", "Error.Code"),
            message=TEXT,
            help=HELP | {"description": "Where the code is told."},
            errors={"type": "array", "items": detail},
        ),
        "Result.Written": result,
        "Result.Upserted": result | {"properties": result["properties"] | {"created": created}},
    }


def parameters(sql: str) -> Json:
    """Component parameters; `sql` is a query that the caller may send."""
    return PARAMETERS | {"Sql": PARAMETERS["Sql"] | {"example": sql}}


def examples(sql: str, row: Json) -> Json:
    """Component examples that are the same for every entity; `row` is one that `sql` may find."""
    written = {
        "Id": "1001",
        "ErrorCode": "0",
        "ErrorText": " ",
        "ErrorElementField": " ",
        "success": True,
    }
    text = "Name is required. Send it, or give the field a default."
    failed = {
        "Id": " ",
        "ErrorCode": "REQUIRED_FIELD_MISSING",
        "ErrorText": text,
        "ErrorElementField": "Name",
        "success": False,
        "help": "/docs/errors#REQUIRED_FIELD_MISSING",
        "errors": [{"code": "REQUIRED_FIELD_MISSING", "field": "Name", "message": text}],
    }
    made: Json = {
        f"{verb}Response": {f"{verb}Response": [written]} for verb in ("delete", "undelete")
    }
    made |= {f"{verb}Response": {f"{verb}Response": [written, failed]} for verb in _WRITING}
    made["upsertResponse"] = {"upsertResponse": [written | {"created": "true"}]}
    made["query"] = {"sql": sql}
    made["queryResponse"] = {"queryResponse": [row]}
    return {name: {"value": value} for name, value in made.items()}


def responses() -> Json:
    """Component responses: one per kind of write, one per status of an error."""
    written = ref("schemas", "Result.Written")
    made: Json = {}
    for verb in (*_WRITING, "delete", "undelete"):
        made[f"{verb}Response"] = _results(f"{verb}Response", written)
    made["upsertResponse"] = _results("upsertResponse", ref("schemas", "Result.Upserted"))
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code, status in STATUS.items():
        by_status[status].append(code)
    for status, codes in sorted(by_status.items()):
        made[f"Error{status}"] = {
            "description": f"The request was not served: {', '.join(codes)}.",
            **content(ref("schemas", "Error.Answer")),
        }
    header = {"required": True, "schema": TEXT}
    made["Error401"]["headers"] = {"WWW-Authenticate": header}
    for status in (409, 429, 503):
        made[f"Error{status}"]["headers"] = {"Retry-After": header | {"description": "Seconds."}}
    made["Error429"]["headers"] |= {
        name: {"schema": TEXT, "description": f"{meaning} Other answers have it too."}
        for name, meaning in _RATE_LIMIT.items()
    }
    return made


def _results(name: str, element: Json) -> Json:
    return {
        "description": "One result per record, in the order of the request.",
        **content(answer(name, element), name),
    }


def paths() -> Json:
    """The query, the catalogue of errors, and this document itself."""
    row = {
        "type": "object",
        "description": "A column per expression of the SELECT, under its name or alias.",
    }
    rows = {
        "description": "The rows found.",
        **content(answer("queryResponse", row), "queryResponse"),
    }
    queried = {"tags": ["Queries"], "responses": {"200": rows, **errors(400, 403, 404)}}
    return {
        f"{REST}/query": {
            "get": {
                "operationId": "query.get",
                "summary": "Query by address",
                "parameters": [ref("parameters", "Sql")],
                **queried,
            },
            "post": {
                "operationId": "query.post",
                "summary": "Query by body",
                "requestBody": body(thing(["sql"], sql=PARAMETERS["Sql"]["schema"]), "query"),
                **queried,
                "responses": {"200": rows, **errors(400, 403, 404, 413)},
            },
        },
        f"{REST}/errors": {
            "get": {
                "operationId": "errors.get",
                "summary": "The catalogue of errors",
                "tags": ["Queries"],
                "security": [],
                "responses": {
                    "200": {
                        "description": "Every code with its cause and its cure.",
                        **content(answer("errorsResponse", {"type": "object"})),
                    },
                    **errors(),
                },
            }
        },
        f"{REST}/openapi.json": {
            "get": {
                "operationId": "openapi.get",
                "summary": "This document",
                "tags": ["Queries"],
                "parameters": [ref("parameters", "Entity")],
                "responses": {
                    "200": {
                        "description": "The description of what the caller may do.",
                        "headers": {"ETag": {"required": True, "schema": TEXT}},
                        **content({"type": "object"}),
                    },
                    "304": {"description": "The document that If-None-Match names is current."},
                    **errors(404),
                },
            }
        },
    }
