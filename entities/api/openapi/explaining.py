"""How a query is run, in the description: for administrators, whose address it is."""

from typing import Any

from entities.api.openapi.shared import (
    PARAMETERS,
    REST,
    TEXT,
    answer,
    body,
    content,
    errors,
    ref,
    thing,
)

Json = dict[str, Any]

_NAMES: Json = {"type": "array", "items": TEXT}

PARAMETER: Json = {
    "name": "username",
    "in": "query",
    "description": "Of whom the rights are; the caller's own where it is not sent.",
    "schema": TEXT,
}

_SOURCE: Json = thing(
    ["Entity", "Alias", "Joined", "Rows", "ReadOtherwise", "Masked"],
    Entity=TEXT,
    Alias=TEXT | {"description": "Its name in the statement."},
    Joined=TEXT | {"description": '"FROM", or the lookup that leads to it.'},
    Rows=_NAMES | {"description": "The conditions on its rows; all of them hold."},
    ReadOtherwise=_NAMES | {"description": "Fields that read other than they are kept."},
    Masked=_NAMES | {"description": "Fields of which nothing is shown."},
)
_TOLD: Json = thing(
    ["Username", "Sources", "Columns", "Statement", "Plan"],
    Username=TEXT,
    Sources={"type": "array", "items": _SOURCE},
    Columns=_NAMES | {"description": "The keys of a row."},
    Statement=TEXT | {"description": "The SQL that PostgreSQL gets, without the query's values."},
    Plan={"description": "PostgreSQL's plan, as EXPLAIN (FORMAT JSON) tells it."},
)


def paths() -> Json:
    """The addresses that tell how a query would be run."""
    told = {
        "description": "One object about the query, which is not run.",
        **content(answer("explainResponse", _TOLD)),
    }
    username = ref("parameters", "Username")

    def operation(method: str, summary: str, *statuses: int, **more: Any) -> Json:
        return {
            "operationId": f"query.explain.{method}",
            "summary": summary,
            "tags": ["Queries"],
            **more,
            "responses": {"200": told, **errors(400, 403, 404, *statuses)},
        }

    sent = body(thing(["sql"], sql=PARAMETERS["Sql"]["schema"]), "query")
    return {
        f"{REST}/query/explain": {
            "get": operation(
                "get",
                "Tell how a query by address would be run",
                parameters=[ref("parameters", "Sql"), username],
            ),
            "post": operation(
                "post",
                "Tell how a query by body would be run",
                413,
                parameters=[username],
                requestBody=sent,
            ),
        }
    }
