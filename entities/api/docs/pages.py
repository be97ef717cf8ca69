"""The pages under `/docs/`: all entities, one entity, Swagger UI, Redoc, and their document.

Scripts and styles come from this server alone, and the Content-Security-Policy says so. Only the
two viewers, which write styles into their pages, are allowed inline ones.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_POST

from entities.api import descriptions
from entities.api.docs.known import known
from entities.api.docs.planning import plan
from entities.api.docs.readers import Reader, reader
from entities.api.docs.samples import samples
from entities.api.openapi import resources
from entities.api.openapi.viewing import View
from entities.api.outside import trouble
from entities.errors import Code, RequestError
from entities.schema.description import EntitySchema, FieldSchema
from metabrm import environment
from metabrm.identity import services

Page = Callable[..., HttpResponse]

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; worker-src blob:; "
    "img-src 'self' data:; "
)
_OWN_STYLES = _POLICY + "style-src 'self'"
_INLINE_STYLES = _POLICY + "style-src 'self' 'unsafe-inline'"

#: The room of entities that name none.
_CUSTOM = "Custom"
_LETTERS = (("create", "C"), ("read", "R"), ("update", "U"), ("delete", "D"))


def _for_readers(policy: str) -> Callable[[Page], Page]:
    """Decorator: the page gets a Reader; who has to sign in first gets a page that says so."""

    def wrap(page: Page) -> Page:
        def answer(request: HttpRequest, **names: str) -> HttpResponse:
            who = reader(request)
            if who is None:
                response = render(request, "docs/sign_in.html", {"here": request.path}, status=401)
            else:
                try:
                    response = page(request, who, **names)
                except RequestError as error:
                    response = trouble(request, error, 404)
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        return answer

    return wrap


@require_GET
@_for_readers(_OWN_STYLES)
def home(request: HttpRequest, who: Reader) -> HttpResponse:
    """GET /docs/: the ways in, and all entities by room."""
    view = who.view
    rooms: dict[str, list[dict[str, Any]]] = {}
    for schema in view.served:
        rooms.setdefault(schema.node or _CUSTOM, []).append(
            {"schema": schema, "letters": _letters(view, schema)}
        )
    said = {"rooms": sorted(rooms.items()), "count": len(view.served)}
    return render(request, "docs/home.html", _context(request, who) | said)


@require_GET
@_for_readers(_OWN_STYLES)
def entity(request: HttpRequest, who: Reader, name: str) -> HttpResponse:
    """GET /docs/ENTITY/: its fields, its verbs, an example and programs that run."""
    view = who.view
    schema = view.one(name)
    resource = resources.Resource(view, schema)
    bodies = resource.examples()
    planned = plan(view, schema, known(who, view))
    said = {
        "schema": schema,
        "fields": [_field(view, schema, f) for f in _fields(view, schema)],
        "verbs": list(_verbs(resource)),
        "bodies": [
            {"name": name.partition(".")[2], "text": json.dumps(said["value"], indent=2)}
            for name, said in bodies.items()
        ],
        "samples": samples(view, schema, planned),
        "first": list(dict.fromkeys(step.entity for step in planned.steps[:-1])),
        "tidy": all(step.delete for step in planned.steps),
        "missing": planned.missing,
        "referring": _referring(view, schema),
    }
    return render(request, "docs/entity.html", _context(request, who) | said)


@require_GET
@_for_readers(_INLINE_STYLES)
def swagger(request: HttpRequest, who: Reader) -> HttpResponse:
    """GET /docs/swagger/, with ?entity= of one entity"""
    return render(request, "docs/swagger.html", _context(request, who) | _shown(request, who))


@require_GET
@_for_readers(_INLINE_STYLES)
def redoc(request: HttpRequest, who: Reader) -> HttpResponse:
    """GET /docs/redoc/, with ?entity= of one entity"""
    return render(request, "docs/redoc.html", _context(request, who) | _shown(request, who))


@require_GET
@_for_readers(_OWN_STYLES)
def document(request: HttpRequest, who: Reader) -> HttpResponse:
    """GET /docs/openapi.json: the reader's own OpenAPI document."""
    return descriptions.answer(request, who.snapshot, who.context, request.GET.get("entity", ""))


@require_POST
@csrf_protect
def session(request: HttpRequest) -> HttpResponse:
    """POST /docs/session: an API session for the browser's user, to try requests out with.

    Only a form of ours can ask for one, and only for who has signed in himself.
    """
    who = reader(request)
    if who is None or who.user is None:
        return trouble(request, RequestError(Code.INSUFFICIENT_RIGHTS, "Sign in first."), 403)
    return JsonResponse(
        {"SessionID": services.open_session(who.user)}, headers={"Cache-Control": "no-store"}
    )


def _context(request: HttpRequest, who: Reader) -> dict[str, Any]:
    org = environment.current().org
    return {"who": who, "address": f"{request.scheme}://{request.get_host()}/{org}"}


def _shown(request: HttpRequest, who: Reader) -> dict[str, Any]:
    name = request.GET.get("entity", "")
    schema = who.view.one(name) if name else None
    query = f"?entity={schema.name}" if schema is not None else ""
    return {"schema": schema, "document": f"/docs/openapi.json{query}"}


def _letters(view: View, schema: EntitySchema) -> str:
    granted = view.granted[schema.name]
    return "".join(
        letter
        for right, letter in _LETTERS
        if getattr(granted, right)
        and (schema.writable or right == "read")
        and (schema.deletable or right != "delete")
    )


def _fields(view: View, schema: EntitySchema) -> list[FieldSchema]:
    """The fields that the reader may read or write, in the schema's order."""
    read = {f.name: f for f in view.read(schema)}
    written = {f.name: f for f in view.written(schema)}
    seen = written | read
    return [seen[f.name] for f in schema.fields if f.name in seen]


def _field(view: View, schema: EntitySchema, field: FieldSchema) -> dict[str, Any]:
    written = any(f.name == field.name for f in view.written(schema))
    marks = [
        ("required", written and field.needed),
        ("key", field.external_key),
        ("read only", not written),
        ("write only", field.write_only),
        ("unchangeable", written and field.immutable),
        ("set once", written and field.set_once and not field.immutable),
        ("encrypted", field.encrypted),
        ("formula", bool(field.formula)),
    ]
    target = view.target(field)
    live = [v for v in field.list_values.values() if v not in field.retired]
    return {
        "field": field,
        "type": field.type.name + _size(field),
        "target": target.name if target is not None else "",
        "values": live,
        "marks": [mark for mark, is_so in marks if is_so],
    }


def _size(field: FieldSchema) -> str:
    if field.type.name in ("DECIMAL", "MONEY", "PERCENT") and field.digits is not None:
        return f"({field.digits},{field.places})"
    return f"({field.length})" if field.length is not None and not field.list_values else ""


def _verbs(resource: resources.Resource) -> Iterator[dict[str, str]]:
    for path, item in resource.paths().items():
        for method, operation in item.items():
            if method != "parameters":
                yield {"method": method.upper(), "path": path, "summary": operation["summary"]}


def _referring(view: View, schema: EntitySchema) -> list[dict[str, str]]:
    served = {e.name for e in view.served}
    return [
        {"entity": other.name, "field": field.name}
        for other, field in view.snapshot.references(schema)
        if other.name in served and any(f.name == field.name for f in view.read(other))
    ]
