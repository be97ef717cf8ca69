"""The OpenAPI description: whole, true to the schema, and no wider than the caller's rights."""

from __future__ import annotations

import ast
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from inspect import getsource
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.describing import METHODS, misfits, operations, resolved

if TYPE_CHECKING:
    from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db


def described(context: Context) -> dict[str, Any]:
    from entities.api import openapi
    from entities.schema.current import current

    return dict(orjson.loads(openapi.document(current(), context, "acme").body))


def everything_in(node: Any) -> Iterator[Any]:
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from everything_in(child)


def grant(context: Context, entity: str, field: str, **flags: bool) -> None:
    from entities.models import EntityField, EntityFieldRole

    row = EntityField.objects.get(entity__entity_name=entity, field_name=field, deleted_at=None)
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=row.entity, entity_field=row, **flags
    )


def test_every_reference_leads_somewhere_and_every_schema_is_used(system: Context) -> None:
    document = described(system)
    used = {n["$ref"] for n in everything_in(document) if isinstance(n, dict) and "$ref" in n}
    for reference in used:
        assert resolved(document, {"$ref": reference})
    made = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "parameters")
        for name in document["components"][kind]
    }
    assert made <= used
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_operations_have_an_id_of_their_own_a_tag_and_their_parameters(system: Context) -> None:
    document = described(system)
    assert document["openapi"].startswith("3.1.")
    assert document["servers"][0]["url"] == "/acme"
    found = list(operations(document))
    ids = Counter(operation["operationId"] for _, _, operation in found)
    assert max(ids.values()) == 1
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in found:
        assert method in METHODS
        assert path.startswith("/")
        assert set(operation["tags"]) <= tags
        assert {"401", "500", "503"} <= set(operation["responses"])
        assert {"200", "202"} & set(operation["responses"])
        for answer in operation["responses"].values():
            assert resolved(document, answer)["description"]
        said = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        parameters = [resolved(document, p) for p in said]
        in_path = [p["name"] for p in parameters if p["in"] == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", path)


#: Doors of the server for operators and for people's browsers, and the one that says 404 in JSON.
NOT_FOR_PROGRAMS = {"health/", "metrics", "docs/errors", "docs/", "nowhere"}
FOR_PROGRAMS = {"rest", "auth", "hosted_payments", "receive"}


def test_every_door_of_the_server_is_one_for_programs_or_a_known_one_for_others() -> None:
    from metabrm.urls import urlpatterns

    doors = set()
    for door in urlpatterns:
        inside = door.url_patterns if not str(door.pattern) else [door]
        for one in inside:
            plain = not str(one.pattern).startswith("^")
            doors.add(str(one.pattern) if plain else one.callback.__name__)
    assert doors == FOR_PROGRAMS | NOT_FOR_PROGRAMS


def test_every_address_for_programs_is_described_and_no_other(system: Context) -> None:
    """Which view answers, by method, as the routers know it and as the description has it."""
    from django.urls import resolve

    from billing.mediation.receiving import receive
    from entities.api import endpoints, signin, views

    def called(path: str) -> set[tuple[str, Any]]:
        _, door, _, *rest = path.replace("{Id}", "17").split("/")
        if door == "rest":
            methods, _ = views._methods_at(rest)
            return {(m, v.func if isinstance(v, partial) else v) for m, v in methods.items()}
        if door == "events":
            return {("POST", resolve(f"/acme{path}").func)}
        name = "/".join(rest)
        if rest[-1] == "secret":
            return {("POST", rest[0])} if signin._auth_action(name) else set()
        actions = signin._AUTH_ACTIONS if door == "auth" else signin._HOSTED_ACTIONS
        return {("POST", actions[name])}

    served = {one for words in cases_of(views._methods_at) for one in called(f"/rest/2.0/{words}")}
    for actions in (signin._AUTH_ACTIONS, signin._HOSTED_ACTIONS):
        served |= {("POST", action) for action in actions.values()}
    served |= {("POST", words.partition("/")[0]) for words in cases_of(signin._auth_action)}
    served |= {one for e in endpoints.offered() for one in called(f"/rest/2.0/{e.address}")}
    served |= {one for door in endpoints.doors() for one in called(door.path)}
    assert ("POST", receive) in served
    assert len(served) > 25

    described_too = set()
    for path, method, _ in operations(described(system)):
        (one,) = (one for one in called(path) if one[0] == method.upper())
        described_too.add(one)
    assert described_too == served


def cases_of(router: Any) -> Iterator[str]:
    """The addresses that the router's cases are for, with a name wherever any may stand."""
    (tree,) = ast.parse(getsource(router)).body
    for case in ast.walk(tree):
        if isinstance(case, ast.MatchSequence):
            parts = (p.value if isinstance(p, ast.MatchValue) else None for p in case.patterns)
            yield "/".join(ast.literal_eval(part) if part else "name" for part in parts)


def test_how_a_query_is_run_is_described_to_administrators_alone(
    system: Context, admin: Context, clerk: Callable[..., Context]
) -> None:
    from entities.models import Entity

    for context in (system, admin):
        document = described(context)
        explained = document["paths"]["/rest/2.0/query/explain"]
        assert set(explained) == {"get", "post"}
        assert "Username" in document["components"]["parameters"]
    # All the rights that there are make no administrator, and share no document with one.
    names = Entity.objects.filter(deleted_at=None).values_list("entity_name", flat=True)
    everything = clerk(**dict.fromkeys(names, "CRUD"))
    for other in (everything, clerk(PRODUCT="R")):
        text = orjson.dumps(described(other)).decode()
        assert "query/explain" not in text and "query.explain" not in text


def test_how_a_query_is_run_is_told_as_described(admin: Context) -> None:
    from django.test import Client

    from metabrm.identity.models import User
    from metabrm.identity.sessions import open_session

    headers = {"sessionid": open_session(User.objects.get(pk=admin.user_id))}
    answer = Client().get(
        "/rest/2.0/query/explain",
        {"sql": "SELECT Name FROM ACCOUNT", "username": "ada"},
        headers=headers,
    )
    document = described(admin)
    described_as = document["paths"]["/rest/2.0/query/explain"]["get"]["responses"]["200"]
    form = described_as["content"]["application/json"]["schema"]
    assert not misfits(document, form, answer.json())
    (told,) = answer.json()["explainResponse"]
    of = form["properties"]["explainResponse"]["items"]["properties"]
    assert list(told) == list(of)
    assert list(told["Sources"][0]) == list(of["Sources"]["items"]["properties"])


def test_what_is_required_is_described(system: Context) -> None:
    document = described(system)
    for name, schema in document["components"]["schemas"].items():
        known = set(schema.get("properties", ()))
        for part in schema.get("allOf", ()):
            known |= set(resolved(document, part).get("properties", ()))
        for part in [schema, *schema.get("allOf", ()), *everything_in(schema.get("allOf", []))]:
            if isinstance(part, dict):
                assert set(part.get("required", ())) <= known, name


def test_every_entity_is_described_as_far_as_it_is_served(system: Context) -> None:
    from entities.schema.current import current

    paths = described(system)["paths"]
    for schema in current().entities.values():
        name = schema.name
        assert (f"/rest/2.0/{name}" in paths) == schema.api_enabled, name
        if not schema.api_enabled:
            continue
        methods = {"get", *(("post", "put", "patch") if schema.writable else ())}
        assert set(paths[f"/rest/2.0/{name}"]) == methods, name
        assert set(paths[f"/rest/2.0/{name}/{{Id}}"]) == methods - {"post", "patch"}, name
        deletable = schema.writable and schema.deletable
        assert (f"/rest/2.0/delete/{name}" in paths) == deletable, name
        undeletable = deletable and schema.recycle_bin
        assert (f"/rest/2.0/undelete/{name}" in paths) == undeletable, name


def test_every_record_there_is_reads_as_described(admin: Context) -> None:
    from entities import query
    from entities.errors import RequestError
    from entities.schema.current import current

    document = described(admin)
    looked_at = 0
    for schema in current().entities.values():
        if not schema.api_enabled:
            continue
        page = query.retrieve_where(
            schema.name, "Id > 0 ORDER BY Id FETCH NEXT 50 ROWS ONLY", admin
        )
        if not page.count:
            continue
        form = document["components"]["schemas"][schema.name]
        for record in orjson.loads(page.json):
            looked_at += 1
            assert list(record) == list(form["properties"]), schema.name
            assert not misfits(document, form, record, schema.name)
    assert looked_at > 100
    with pytest.raises(RequestError):
        query.retrieve_where("NO_SUCH", "Id > 0", admin)


def test_it_is_valid_by_the_specification(system: Context) -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator

    assert not list(OpenAPIV31SpecValidator(described(system)).iter_errors())


def test_every_example_fits_the_schema_it_stands_beside(system: Context) -> None:
    document = described(system)
    looked_at = Counter(
        fits(document, media, at)
        for path, method, operation in operations(document)
        for at, part in [
            (f"{method} {path}", operation.get("requestBody", {})),
            *(
                (f"{method} {path} {status}", resolved(document, answer))
                for status, answer in operation["responses"].items()
            ),
        ]
        for media in part.get("content", {}).values()
        if "examples" in media
    )
    assert set(looked_at) == {True}
    entities = len(document["tags"])
    assert looked_at[True] > 5 * entities
    used = {
        node["$ref"].rpartition("/")[2]
        for node in everything_in(document["paths"] | document["components"]["responses"])
        if isinstance(node, dict) and "/examples/" in node.get("$ref", "")
    }
    assert used == set(document["components"]["examples"])


def fits(document: dict[str, Any], media: dict[str, Any], at: str) -> bool:
    for example in media["examples"].values():
        value = resolved(document, example)["value"]
        assert not misfits(document, media["schema"], value), at
    return True


def test_examples_speak_of_the_entity_and_are_found_again_by_its_key(system: Context) -> None:
    examples = described(system)["components"]["examples"]
    product = examples["PRODUCT.create"]["value"]["brmObjects"][0]
    assert product["Name"] == "Example product"
    assert product["ExternalKey"] == "product-1001"
    upsert = examples["PRODUCT.upsert"]["value"]
    assert upsert["externalIDFieldName"] == "ExternalKey"
    record = examples["ACCOUNT.record"]["value"]["retrieveResponse"][0]
    assert (record["Id"], record["Created"]) == ("1001", "2026-01-01T09:30:00+00:00")


def test_one_entity_can_be_asked_for_alone(clerk: Callable[..., Context]) -> None:
    from entities.api import openapi
    from entities.errors import RequestError
    from entities.schema.current import current

    context = clerk(PRODUCT="R", ACCOUNT="CRUD")
    whole = described(context)
    for spelling in ("ACCOUNT", "account"):
        alone = orjson.loads(openapi.document(current(), context, "acme", spelling).body)
        assert set(alone["components"]["schemas"]) < set(whole["components"]["schemas"])
        for path, item in alone["paths"].items():
            assert whole["paths"][path] == item
        assert "/rest/2.0/ACCOUNT" in alone["paths"]
        assert not any("PRODUCT" in path for path in alone["paths"])
    for unknown in ("PRICING", "NO_SUCH_ENTITY"):
        with pytest.raises(RequestError, match="There is no entity"):
            openapi.document(current(), context, "acme", unknown)


def test_codes_and_statuses_are_those_that_are_answered(system: Context) -> None:
    from entities.api.errors import STATUS
    from entities.errors import Code

    components = described(system)["components"]
    assert components["schemas"]["Error.Code"]["enum"] == [str(code) for code in Code]
    for code, status in STATUS.items():
        assert code in components["responses"][f"Error{status}"]["description"]


def test_every_data_type_is_described() -> None:
    from entities import fieldtypes
    from entities.api.openapi import values

    assert set(fieldtypes.names()) == set(values._READ)


@pytest.mark.parametrize(
    ("entity", "field", "sent", "refused"),
    [
        ("PRODUCT", "Name", ["Fibre", "x" * 255], ["x" * 5000, 5, []]),
        ("PRODUCT", "Status", ["ACTIVE", None], ["NOT_A_STATUS", 1]),
        ("PRICING", "Rate", ["1", "-1.5", 2, 2.5, None], ["1.", "a", "1" * 40, 10**30, True]),
        ("ACCOUNT_PRODUCT", "StartDate", ["2026-02-28", None], [20260228]),
        ("ACCOUNT", "AccountTypeId", ["17", 17, None], ["x", 1.5]),
        ("ACCOUNT", "AccountTypeIdObj", [{"Id": "1"}], [{}, {"Id": "1", "Name": "x"}, "1"]),
        ("ENTITY_FIELD", "RequiredFlag", ["0", "1", 0, 1, True, None], ["yes", 2]),
    ],
)
def test_values_to_send(
    system: Context, entity: str, field: str, sent: list[Any], refused: list[Any]
) -> None:
    document = described(system)
    form = document["components"]["schemas"][f"{entity}.Write"]["properties"][field]
    assert [misfits(document, form, v) for v in sent] == [[] for _ in sent]
    assert all(misfits(document, form, v) for v in refused)


def test_what_the_platform_keeps_is_read_only_and_not_to_be_sent(system: Context) -> None:
    from entities.schema.current import current

    schemas = described(system)["components"]["schemas"]
    for schema in current().entities.values():
        if not schema.api_enabled:
            continue
        sent = set(schemas.get(f"{schema.name}.Write", {}).get("properties", ()))
        for name, about in schemas[schema.name]["properties"].items():
            assert about.get("readOnly", False) == (name not in sent), (schema.name, name)
            if schema.field(name).read_only or name == "Id":
                assert about["readOnly"], (schema.name, name)


def test_retired_values_are_read_but_no_longer_sent(system: Context) -> None:
    from entities.models import EntityFieldValue

    value = EntityFieldValue.objects.filter(
        entity_field__external_key="PRODUCT.Status", deleted_at=None
    ).first()
    assert value is not None

    def listed() -> list[str]:
        schemas = described(system)["components"]["schemas"]
        assert "enum" not in schemas["PRODUCT"]["properties"]["Status"]
        return list(schemas["PRODUCT.Write"]["properties"]["Status"]["enum"])

    assert value.list_value in listed()
    value.active_flag = False
    value.save()
    assert value.list_value not in listed()


def test_a_changed_field_is_there_at_the_next_request(system: Context) -> None:
    from entities.models import EntityField

    field = EntityField.objects.get(external_key="PRODUCT.Name")
    field.field_label, field.help_content_short = "Article", "As the catalogue calls it."
    field.save()
    schemas = described(system)["components"]["schemas"]
    for name in ("PRODUCT", "PRODUCT.Write"):
        about = schemas[name]["properties"]["Name"]
        assert about["title"] == "Article"
        assert about["description"].startswith("As the catalogue calls it.")


def test_a_role_finds_no_name_of_what_it_may_not_use(clerk: Callable[..., Context]) -> None:
    from entities.schema.current import current

    context = clerk(PRODUCT="R", ACCOUNT="CRU")
    grant(context, "ACCOUNT", "ParentAccountId", read_flag=False, update_flag=False)
    document = described(context)
    known = {"PRODUCT", "ACCOUNT"}
    # What people wrote as a field's help is theirs.
    helps = {f.help for name in known for f in current().entity(name).fields} - {""}
    text = orjson.dumps(document).decode()
    for written in sorted(helps, key=len, reverse=True):
        text = text.replace(orjson.dumps(written).decode()[1:-1], "")
    for schema in current().entities.values():
        if schema.name not in known:
            assert not re.search(rf"\b{schema.name}\b", text), schema.name
    assert "ParentAccountId" not in text
    assert set(document["paths"]["/rest/2.0/PRODUCT"]) == {"get"}
    assert set(document["paths"]["/rest/2.0/ACCOUNT"]) == {"get", "post", "put", "patch"}
    assert "/rest/2.0/delete/ACCOUNT" not in document["paths"]
    assert not {"PRODUCT.Write", "PRODUCT.Create"} & set(document["components"]["schemas"])


def test_a_field_that_may_only_be_read_is_read_only(clerk: Callable[..., Context]) -> None:
    context = clerk(PRODUCT="CRU")
    grant(context, "PRODUCT", "Name", read_flag=True, update_flag=False)
    schemas = described(context)["components"]["schemas"]
    assert schemas["PRODUCT"]["properties"]["Name"]["readOnly"] is True
    assert "Name" not in schemas["PRODUCT.Write"]["properties"]
    clearable = schemas["PRODUCT.Write"]["properties"]["fieldsToNull"]["items"]["enum"]
    assert "Name" not in clearable


def test_who_may_write_but_not_read_gets_no_record(clerk: Callable[..., Context]) -> None:
    document = described(clerk(PRODUCT="C"))
    assert set(document["paths"]["/rest/2.0/PRODUCT"]) == {"post", "patch"}
    assert "PRODUCT" not in document["components"]["schemas"]
    assert "/rest/2.0/PRODUCT/{Id}" not in document["paths"]


def test_without_any_right_there_is_signing_in_and_the_query(
    clerk: Callable[..., Context],
) -> None:
    paths = described(clerk())["paths"]
    signing_in = {"login", "logout", "token", "authenticate", "authenticate-session", "revoke"}
    assert {p.split("/")[3] for p in paths} == signing_in | {"query", "errors", "openapi.json"}


def test_a_masked_field_reads_as_a_text_and_is_no_key(clerk: Callable[..., Context]) -> None:
    from entities.models import EntityField

    field = EntityField.objects.get(external_key="ACCOUNT.ExternalKey")
    field.pii_flag = True
    field.save()
    document = described(clerk(ACCOUNT="CRU"))
    keys = document["paths"]["/rest/2.0/ACCOUNT"]["patch"]["requestBody"]["content"]
    key = keys["application/json"]["schema"]["properties"]["externalIDFieldName"]
    assert "ExternalKey" not in key["enum"]
    parent = document["components"]["schemas"]["ACCOUNT.Write"]["properties"]["ParentAccountIdObj"]
    assert list(parent["properties"]) == ["Id"]


def test_callers_with_the_same_rights_share_a_document(clerk: Callable[..., Context]) -> None:
    from entities.api import openapi
    from entities.schema.current import current

    one, same, other = clerk(PRODUCT="RU"), clerk(PRODUCT="UR"), clerk(PRODUCT="RRU")
    grant(other, "PRODUCT", "Name", read_flag=True, update_flag=False)
    snapshot = current()
    documents = [openapi.document(snapshot, c, "acme") for c in (one, same, other)]
    assert documents[0] is documents[1]
    assert documents[0].etag != documents[2].etag
    assert re.fullmatch('"[0-9a-f]{32}"', documents[0].etag)


def test_three_hundred_entities_take_well_under_a_second(system: Context) -> None:
    from entities.api import openapi
    from entities.schema.current import current
    from entities.schema.runtime import RuntimeApps
    from entities.schema.snapshot import Snapshot

    core = [e for e in current().entities.values() if e.api_enabled]
    copies = [replace(core[n % len(core)], name=f"THING_{n}") for n in range(300 - len(core))]
    snapshot = Snapshot(1, [*core, *copies], RuntimeApps())
    begun = time.process_time()
    document = openapi.document(snapshot, system, "acme")
    taken = time.process_time() - begun
    assert taken < 1
    begun = time.process_time()
    assert openapi.document(snapshot, system, "acme") is document
    assert time.process_time() - begun < taken / 5
    assert len(orjson.loads(document.body)["tags"]) >= 300
