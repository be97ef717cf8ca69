"""A role reads an entity, but not one of its fields, and sees another masked: no page, no answer
and no message anywhere has the values behind them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

# Words: digits may stand by chance in the Ids of requests, which pages show.
UNREAD = "Zebra Unread Quillwort"
MASKED = "Zebra Masked Moonfish"
SECRETS = (UNREAD, MASKED, "Unread", "Quillwort", "Masked Moonfish", "Moonfish")
#: Letters of the verbs that the role has on the entity.
EVERYTHING = "crud"


@pytest.fixture
def record(make: Callable[..., int]) -> int:
    """A SECRETIVE record: Title may be read, Hush may not, Person is personal data."""
    from entities import records
    from metabrm.identity.context import Context

    system = Context.system("test")
    entity = make("ENTITY", EntityName="SECRETIVE")
    for name, more in {
        "Title": {},
        "Hush": {"ExternalKeyFlag": "1", "SearchableFlag": "1"},
        "Person": {"PIIFlag": "1", "UniqueField": "1"},
        "Above": {"DataType": "LOOKUP", "ReferencedEntityId": entity, "OnDelete": "RESTRICT"},
        "HushTwice": {"DataType": "FORMULA", "FormulaValue": "{!Hush} || {!Hush}"},
        "PersonTwice": {"DataType": "FORMULA", "FormulaValue": "{!Person} || {!Person}"},
        "AboveHush": {"DataType": "FORMULA", "FormulaValue": "{!AboveObj.Hush}"},
    }.items():
        make("ENTITY_FIELD", EntityId=entity, FieldName=name, **({"DataType": "TEXT"} | more))
    top = make("SECRETIVE", Title="top", Hush=UNREAD, Person=MASKED)
    make("SECRETIVE", Title="below", Hush="aaa", Person="bbb", Above=top)
    rows = [{"Id": top, "Hush": f"{UNREAD} again"}, {"Id": top, "Hush": UNREAD}]
    for row in rows:
        assert records.update("SECRETIVE", [row], system)[0].ok
    deleted = make("SECRETIVE", Title="gone", Hush=f"{UNREAD} gone", Person=f"{MASKED} gone")
    assert records.delete("SECRETIVE", [deleted], system)[0].ok
    return top


@pytest.fixture
def visitor(limited: Callable[..., Client], record: int) -> Client:
    """May do everything with the entity, and read the rest of the configuration."""
    others = dict.fromkeys(("AUDIT_LOG", "USER", "SCHEMA_CHANGE", "SCHEMA_JOB"), "r")
    design = dict.fromkeys(("ENTITY", "ENTITY_FIELD", "ENTITY_FIELD_VALUES"), "ru")
    return limited({"SECRETIVE": EVERYTHING, **others, **design}, {"SECRETIVE": ["Hush"]})


def _addresses(record: int) -> list[str]:
    """Every address that the admin has for the entity, the history and the designer."""
    from entities.admin.site import site_of
    from entities.schema.current import current

    found: set[str] = set()

    def walk(patterns: Any, prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(getattr(pattern.pattern, "_route", pattern.pattern))
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, route)
            else:
                found.add("/" + route)

    walk(site_of(current()).addresses.urlpatterns, "")
    values = {
        "entity": "SECRETIVE",
        "field": "Above",
        "app_label": "custom",
        "content_type_id": "1",
        "name": "SECRETIVE",
        "user_id": "1",
    }
    kept = []
    for address in sorted(found):
        concerns = re.match(
            r"/admin/(custom/secretive|entities/auditlog|designer|lookup|running|search|r/|jsi18n"
            r"|autocomplete|$|\(\?P)",
            address,
        )
        if concerns:
            kept.append(
                re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values.get(m.group(1), str(record)), address)
            )
    return kept


#: What can stand behind an address.
PROBES = [
    "",
    "?q=Zebra",
    "?q=Quillwort",
    "?s=Zebra&extended=1",
    "?o=1.2.3.-4",
    "?Hush=x",
    "?hush__startswith=Zebra",
    "?term=Zebra",
    "?term=",
    "?Above=1&Title=x",
    "?app_label=custom&model_name=secretive&field_name=above&term=Zebra",
    "?_popup=1&_to_field=id",
    "?p=1&all=1&e=1",
]


def test_no_page_of_the_admin_has_it(visitor: Client, record: int) -> None:
    addresses = _addresses(record)
    assert len(addresses) > 15
    answered = 0
    for address in addresses:
        if "logout" in address:
            continue
        for probe in PROBES:
            answer = visitor.get(address + probe)
            answered += answer.status_code == 200
            text = answer.content.decode(errors="replace")
            typed = probe.partition("=")[2]
            for secret in SECRETS:
                if secret not in typed:
                    assert secret not in text, (address + probe, secret)
    assert answered > 60


def test_no_form_that_is_sent_tells_it(visitor: Client, page: Any, record: int) -> None:
    for parts, sent in (
        (("add",), {"Title": "x", "Hush": UNREAD[:5], "Person": "y"}),
        (("add",), {}),
        ((record, "change"), {"Title": "changed", "Above": "999999"}),
        ((record, "change"), {"Title": "x" * 300}),
        ((record, "delete"), {"confirmed": "1"}),
        (("restore",), {"id": str(record)}),
        (("recycle-bin",), {"id": str(record + 2), "purge": "1"}),
        ((), {"action": "delete_chosen", "_selected_action": str(record)}),
    ):
        answer = visitor.post(page("SECRETIVE", *parts), sent, follow=True)
        assert answer.status_code < 500
        for secret in SECRETS[:2]:
            assert secret not in answer.text, (parts, sent)


def test_the_order_of_a_list_tells_nothing(visitor: Client, page: Any, record: int) -> None:
    """By Hush and by Person "below" would stand first; by Id it does one way and not the other."""
    orders = set()
    for column in range(1, 9):
        text = visitor.get(page("SECRETIVE") + f"?o={column}").text
        rows = re.findall(r">\s*(top|below)\s*<", text)
        orders.add((column, rows.index("top") < rows.index("below")))
    from entities.access import rights
    from entities.admin import choice
    from entities.schema.current import current
    from metabrm.identity.context import Context
    from metabrm.identity.models import User

    context = Context.of(User.objects.get(username="clerk"))
    schema = current().entity("SECRETIVE")
    shown = [f.name for f in choice.columns(schema, rights(current(), context, schema))]
    assert "Hush" not in shown and "HushTwice" not in shown
    unsorted = visitor.get(page("SECRETIVE")).text
    standard = re.findall(r">\s*(top|below)\s*<", unsorted)
    for column, name in enumerate(shown, 1):
        if name.startswith("Person"):
            assert (column, standard.index("top") < standard.index("below")) in orders


CLAUSES = [
    "SELECT {f} FROM SECRETIVE",
    "SELECT Id FROM SECRETIVE WHERE {f} = 'Zebra Unread Quillwort'",
    "SELECT Id FROM SECRETIVE WHERE {f} LIKE 'Zebra%'",
    "SELECT Id FROM SECRETIVE WHERE {f} > 'b'",
    "SELECT Id FROM SECRETIVE WHERE {f} IN ('Zebra Masked Moonfish')",
    "SELECT Id FROM SECRETIVE WHERE {f} BETWEEN 'a' AND 'zz'",
    "SELECT Id FROM SECRETIVE WHERE NVL({f}, 'x') LIKE 'Z%'",
    "SELECT Id FROM SECRETIVE ORDER BY {f}",
    "SELECT Id FROM SECRETIVE ORDER BY {f} DESC",
    "SELECT {f}, COUNT(*) FROM SECRETIVE GROUP BY {f}",
    "SELECT MAX({f}) FROM SECRETIVE",
    "SELECT MIN({f}) FROM SECRETIVE HAVING MIN({f}) > 'a'",
    "SELECT COUNT(DISTINCT {f}) FROM SECRETIVE",
    "SELECT DISTINCT {f} FROM SECRETIVE",
    "SELECT CASE WHEN {f} LIKE 'Z%' THEN 1 ELSE 0 END AS X FROM SECRETIVE",
    "SELECT SUBSTR({f}, 1, 3) FROM SECRETIVE",
    "SELECT {f} || Title FROM SECRETIVE",
    "SELECT LENGTH({f}) FROM SECRETIVE",
    "SELECT TO_NUMBER({f}) FROM SECRETIVE",
    "SELECT TO_DATE({f}) FROM SECRETIVE",
    "SELECT AboveObj.{f} FROM SECRETIVE",
    "SELECT Id FROM SECRETIVE WHERE AboveObj.{f} LIKE 'Z%'",
    "SELECT Id FROM SECRETIVE ORDER BY AboveObj.{f}",
    "SELECT 1 / (LENGTH({f}) - 17) FROM SECRETIVE",
]


@pytest.mark.parametrize("field", ["Hush", "HushTwice", "AboveHush", "Person", "PersonTwice"])
def test_no_clause_of_a_query_yields_it(visitor: Client, record: int, field: str) -> None:
    """Nor does which rows are found, or in which order, depend on the value."""
    from entities import query, records
    from entities.errors import RequestError
    from metabrm.identity.context import Context
    from metabrm.identity.models import User

    context = Context.of(User.objects.get(username="clerk"))

    def answers() -> list[str]:
        found = []
        for clause in CLAUSES:
            try:
                found.append(query.query(clause.format(f=field), context).json.decode())
            except RequestError as error:
                found.append(f"{error.code} {error.message}")
        return found

    before = answers()
    for text in before:
        assert not any(secret in text for secret in SECRETS[:2]), text
    changed = {"Id": record, "Hush": "b", "Person": "a"}
    assert records.update("SECRETIVE", [changed], Context.system("test"))[0].ok
    assert answers() == before


def test_no_verb_and_no_document_tells_it(visitor: Client, record: int) -> None:
    from entities import query, records
    from entities.api import openapi
    from entities.errors import RequestError
    from entities.schema.current import current
    from metabrm.identity.context import Context
    from metabrm.identity.models import User

    context = Context.of(User.objects.get(username="clerk"))
    acts: list[Callable[[], object]] = [
        lambda: query.retrieve_ids("SECRETIVE", [record], context).json,
        lambda: query.retrieve_where("SECRETIVE", "Id > 0", context).json,
        lambda: query.retrieve_where("AUDIT_LOG", "EntityName = 'SECRETIVE'", context).json,
        lambda: openapi.document(current(), context, "acme").body,
        lambda: records.create("SECRETIVE", [{"Title": "x", "Person": MASKED}] * 2, context),
        lambda: records.update("SECRETIVE", [{"Id": record, "Hush": "Zebra"}], context),
        lambda: records.update("SECRETIVE", [{"Id": record, "Title": "z" * 200}], context),
        lambda: records.upsert("SECRETIVE", [{"Hush": UNREAD}], context, key="Hush"),
        lambda: records.upsert("SECRETIVE", [{"Person": MASKED}], context, key="Person"),
        lambda: records.create("SECRETIVE", [{"AboveObj": {"Hush": UNREAD}}], context),
        lambda: records.create("SECRETIVE", [{"AboveObj": {"Person": MASKED}}], context),
        lambda: records.delete("SECRETIVE", [record], context),
        lambda: records.undelete("SECRETIVE", [record], context),
    ]
    for number, act in enumerate(acts):
        try:
            told = str(act())
        except RequestError as error:
            told = error.message
        # What was sent may come back in a message; what is stored beside it may not.
        sent = number in (4, 7, 8, 9, 10)
        for secret in (UNREAD, MASKED):
            assert secret not in told or (sent and f"{secret} " not in told), (number, told)


def test_what_is_hidden_later_stays_hidden_in_the_history(visitor: Client, record: int) -> None:
    """A field taken out of use takes its values along, for whoever could not read them before."""
    from entities import query, records
    from entities.schema.current import current
    from metabrm.identity.context import Context
    from metabrm.identity.models import User

    system = Context.system("test")
    context = Context.of(User.objects.get(username="clerk"))
    schema = current().entity("SECRETIVE")
    formulas = [schema.field(n).id for n in ("HushTwice", "AboveHush", "PersonTwice")]
    assert all(o.ok for o in records.delete("ENTITY_FIELD", formulas, system))
    for name in ("Hush", "Person"):
        field = schema.field(name).id
        (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, "Status": "HIDDEN"}], system)
        assert outcome.ok, outcome.problems
    page = query.retrieve_where("AUDIT_LOG", "EntityName = 'SECRETIVE'", context)
    assert page.count
    assert all(
        "Title" in (r["After"] or r["Before"]) for r in orjson.loads(page.json) if r["After"]
    )
    assert UNREAD.encode() not in page.json and MASKED.encode() not in page.json
