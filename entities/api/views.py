"""REST 2.0: one address space, `/<org>/rest/2.0/<RESOURCE>`, for every entity there is.

A view here does four things: find out who asks, read the body, call a verb or a query, write the
answer. It is one plain Django view rather than one per resource because resources are data, and
plain because a single record's way through it is most of what a small client waits for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from entities import query, records
from entities.access.rights import require_administrator
from entities.api import catalogue, descriptions, endpoints, envelope, files, signin
from entities.api.bodies import body_of
from entities.api.callers import caller, is_id, served
from entities.api.envelope import Envelope
from entities.api.errors import JSON, MethodNotAllowed, answer_to, rendered
from entities.api.limits import told
from entities.api.once import once
from entities.api.organisations import require_our_own
from entities.api.turns import turn
from entities.errors import Code, RequestError
from entities.query import Page
from entities.query.watching import named_in
from entities.records.outcome import Outcome
from metabrm import environment
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.observability.facts import facts
from metabrm.web.middleware import request_id_of

View = Callable[[HttpRequest], HttpResponse]

_CONDITION = "queryansisql"
_HOW_TO_QUERY = 'Send ?sql=SELECT ..., or POST {"sql": "SELECT ..."}.'


@csrf_exempt
def rest(request: HttpRequest, path: str = "", org: str = "") -> HttpResponse:
    """Answer any REST 2.0 request; `path` is what follows `/rest/2.0/`."""
    try:
        require_our_own(org)
        facts().org = org
        methods, hint = _methods_at([part for part in path.split("/") if part])
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join([*methods, "OPTIONS"])})
        view = methods.get("GET" if request.method == "HEAD" else request.method or "")
        if view is None:
            raise MethodNotAllowed(request.method or "", methods, hint)
        facts().verb = _verb(view)
        return told(request, view(request))
    except Exception as error:
        # Whatever happened, the client gets an answer in JSON.
        return told(request, answer_to(error, request_id_of(request)))


@csrf_exempt
def nowhere(request: HttpRequest, org: str = "") -> HttpResponse:
    """Answer 404 to a program at an address that none of ours is like."""
    return rendered(
        RequestError(
            Code.UNKNOWN_ADDRESS,
            f"There is nothing at {request.path}. REST 2.0 is at /{environment.current().org}"
            "/rest/2.0/, tokens are at /auth/1.0/.",
        )
    )


def _methods_at(parts: list[str]) -> tuple[dict[str, View], str]:
    """What an address does by method, and a hint for whoever comes with another one."""
    match [part.casefold() for part in parts]:
        case ["login"]:
            return {"POST": signin.login}, ""
        case ["logout"]:
            return {"POST": signin.logout}, ""
        case ["query"]:
            return {"GET": query_by_address, "POST": query_by_body}, ""
        case ["query", "explain"]:
            return {"GET": explain_by_address, "POST": explain_by_body}, ""
        case ["openapi.json"]:
            return {"GET": describe}, ""
        case _ if offered := endpoints.at("/".join(parts)):
            return dict(offered.methods), ""
        case ["errors"]:
            return {"GET": catalogue.errors}, ""
        case ["files", _, _, _]:
            return files.methods(*parts[1:]), ""
        case ["files", _, _, _, "content"]:
            entity, record_id, field = parts[1:4]
            of = partial(files.deliver, entity=entity, record_id=record_id, field=field)
            return {"GET": of}, ""
        case ["files", _, field] if not is_id(field):
            return {"POST": partial(files.receive, entity=parts[1], field=parts[2])}, ""
        case ["delete", _]:
            return {"DELETE": partial(delete, entity=parts[1])}, ""
        case ["undelete", _]:
            return {"DELETE": partial(undelete, entity=parts[1])}, ""
        case [_]:
            entity = parts[0]
            return {
                "GET": partial(retrieve_where, entity=entity),
                "POST": partial(create, entity=entity),
                "PUT": partial(update, entity=entity),
                "PATCH": partial(upsert, entity=entity),
            }, f"Records are deleted at .../rest/2.0/delete/{entity}."
        case [_, _]:
            entity, record_id = parts
            return {
                "GET": partial(retrieve_id, entity=entity, record_id=record_id),
                "PUT": partial(update, entity=entity, record_id=record_id),
            }, f"New records are sent to .../rest/2.0/{entity}."
    others = "".join(f"/{offered.address}, " for offered in endpoints.offered())
    raise RequestError(
        Code.UNKNOWN_ADDRESS,
        f"There is nothing at .../rest/2.0/{'/'.join(parts)}. Addresses are .../rest/2.0/ENTITY, "
        "/ENTITY/ID, /delete/ENTITY, /undelete/ENTITY, /files/ENTITY/ID/FIELD, "
        f"/files/ENTITY/FIELD, /query, /query/explain, {others}"
        "/openapi.json, /errors, /login and /logout.",
    )


def _verb(view: View) -> str:
    """What a view does, in a word: the first of its name, `retrieve` for retrieve_where."""
    plain = view.func if isinstance(view, partial) else view
    return plain.__name__.partition("_")[0]


def create(request: HttpRequest, entity: str) -> HttpResponse:
    """POST /E"""

    def work(context: Context, name: str, sent: Envelope) -> HttpResponse:
        done = records.create(name, sent.rows, context, all_or_none=sent.all_or_none)
        return _outcomes("createResponse", done)

    return _write(request, entity, work)


def update(request: HttpRequest, entity: str, record_id: str | None = None) -> HttpResponse:
    """PUT /E and PUT /E/ID"""

    def work(context: Context, name: str, sent: Envelope) -> HttpResponse:
        if record_id is not None:
            _put_id(sent.rows, record_id)
        done = records.update(
            name,
            sent.rows,
            context,
            all_or_none=sent.all_or_none,
            null_clears=sent.null_clears,
        )
        return _outcomes("updateResponse", done)

    return _write(request, entity, work)


def upsert(request: HttpRequest, entity: str) -> HttpResponse:
    """PATCH /E"""

    def work(context: Context, name: str, sent: Envelope) -> HttpResponse:
        if not sent.key:
            raise RequestError(
                Code.MALFORMED_REQUEST,
                'An upsert needs "externalIDFieldName" beside "brmObjects": the field by which a '
                "record is found again.",
                field="externalIDFieldName",
            )
        done = records.upsert(
            name,
            sent.rows,
            context,
            key=sent.key,
            all_or_none=sent.all_or_none,
            null_clears=sent.null_clears,
        )
        return _outcomes("upsertResponse", done, with_created=True)

    return _write(request, entity, work)


def delete(request: HttpRequest, entity: str) -> HttpResponse:
    """DELETE /delete/E"""

    def work(context: Context, name: str, sent: Envelope) -> HttpResponse:
        done = records.delete(
            name,
            _ids(sent.rows),
            context,
            permanently=sent.permanently,
            all_or_none=sent.all_or_none,
        )
        return _outcomes("deleteResponse", done)

    return _write(request, entity, work)


def undelete(request: HttpRequest, entity: str) -> HttpResponse:
    """DELETE /undelete/E"""

    def work(context: Context, name: str, sent: Envelope) -> HttpResponse:
        done = records.undelete(name, _ids(sent.rows), context, all_or_none=sent.all_or_none)
        return _outcomes("undeleteResponse", done)

    return _write(request, entity, work)


def retrieve_id(request: HttpRequest, entity: str, record_id: str) -> HttpResponse:
    """GET /E/ID"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    ids = [int(record_id)] if is_id(record_id) else []
    page = query.retrieve_ids(name, ids, context, snapshot=snapshot)
    if not page.count:
        raise RequestError(Code.RECORD_NOT_FOUND, f"{name} has no record with Id {record_id!r}.")
    return _rows("retrieveResponse", page)


def retrieve_where(request: HttpRequest, entity: str) -> HttpResponse:
    """GET /E?queryAnsiSql=CONDITION"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    condition = _parameter(request, _CONDITION)
    if not condition.strip():
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"Say which records: .../{name}?queryAnsiSql=CONDITION, for example "
            f"queryAnsiSql=Id > 0, or .../{name}/ID for one.",
            field="queryAnsiSql",
        )
    with turn(context):
        page = query.retrieve_where(name, condition, context, snapshot=snapshot)
    return _rows("retrieveResponse", page)


def query_by_address(request: HttpRequest) -> HttpResponse:
    """GET /query?sql=SELECT"""
    return _query(request, _parameter(request, "sql"))


def query_by_body(request: HttpRequest) -> HttpResponse:
    """POST /query with {"sql"}, or with ?sql= and an empty object or no body"""
    return _query(request, _sql_sent(request))


def explain_by_address(request: HttpRequest) -> HttpResponse:
    """GET /query/explain?sql=SELECT&username=WHO"""
    return _explain(request, _parameter(request, "sql"))


def explain_by_body(request: HttpRequest) -> HttpResponse:
    """POST /query/explain with {"sql"}, and ?username=WHO"""
    return _explain(request, _sql_sent(request))


def _sql_sent(request: HttpRequest) -> str:
    body = body_of(request)
    sent = envelope.read_object(body, _HOW_TO_QUERY) if body.strip() else {}
    sql = sent.get("sql", "")
    if not isinstance(sql, str):
        raise RequestError(Code.MALFORMED_REQUEST, '"sql" must be a string.', field="sql")
    return sql or _parameter(request, "sql")


def _explain(request: HttpRequest, sql: str) -> HttpResponse:
    asking, snapshot = caller(request)
    require_administrator(asking, "see how a query is run")
    context, username = asking, _parameter(request, "username")
    if username:
        user = User.objects.filter(username=username).select_related("role", "time_zone").first()
        if user is None:
            raise RequestError(
                Code.RECORD_NOT_FOUND, f"There is no user {username[:80]!r}.", field="username"
            )
        context = Context.of(user)
    return _rows("explainResponse", query.explain(sql, asking, context, snapshot=snapshot))


def describe(request: HttpRequest) -> HttpResponse:
    """GET /openapi.json"""
    context, snapshot = caller(request)
    entity = _parameter(request, "entity")
    return descriptions.answer(request, snapshot, context, entity)


def _query(request: HttpRequest, sql: str) -> HttpResponse:
    context, snapshot = caller(request)
    if not sql.strip():
        raise RequestError(
            Code.MALFORMED_REQUEST, f"There is no query. {_HOW_TO_QUERY}", field="sql"
        )
    facts().entity = named_in(sql, snapshot)
    with turn(context):
        page = query.query(sql, context, snapshot=snapshot)
    return _rows("queryResponse", page)


def _write(
    request: HttpRequest, entity: str, work: Callable[[Context, str, Envelope], HttpResponse]
) -> HttpResponse:
    """The answer of `work` to what is sent about the entity."""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    body = body_of(request)
    return once(request, context, body, lambda: work(context, name, envelope.read(body)))


def _parameter(request: HttpRequest, name: str) -> str:
    """The query string's parameter `name`, in any case; "" without one."""
    for key, value in request.GET.items():
        if key.casefold() == name:
            return str(value)
    return ""


def _ids(rows: list[Any]) -> list[Any]:
    """The Ids in the rows of a delete: `{"Id": 1}`, in any case, or the bare Id."""
    return [_id(row) if isinstance(row, dict) else row for row in rows]


def _id(row: dict[str, Any]) -> Any:
    if "Id" in row:
        return row["Id"]
    return next((value for name, value in row.items() if name.casefold() == "id"), None)


def _put_id(rows: list[Any], record_id: str) -> None:
    """Fill in the Id that the address names; RequestError if the body means another record."""
    if len(rows) != 1 or not isinstance(rows[0], dict):
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"The address names one record, {record_id}; put that one record in brmObjects.",
        )
    sent = _id(rows[0])
    if sent in (None, ""):
        rows[0] = {
            **{name: value for name, value in rows[0].items() if name.casefold() != "id"},
            "Id": record_id,
        }
    elif str(sent).strip() != record_id:
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"The address names the record {record_id}, the body the record {sent}.",
            field="Id",
        )


def _outcomes(name: str, outcomes: list[Outcome], *, with_created: bool = False) -> HttpResponse:
    known = facts()
    known.failed = sum(not outcome.ok for outcome in outcomes)
    known.rows = len(outcomes) - known.failed
    body = envelope.write(name, outcomes, with_created=with_created)
    return HttpResponse(body, content_type=JSON)


def _rows(name: str, page: Page) -> HttpResponse:
    if not page.count:
        raise RequestError(Code.NO_ROWS, "No record matches.")
    facts().rows = page.count
    return HttpResponse(b'{"%s":%s}' % (name.encode(), page.json), content_type=JSON)
