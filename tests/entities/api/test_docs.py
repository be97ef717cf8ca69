"""The documentation without a sign-in: closed, unless the operator names a role for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets BRM_DOCS_ROLE."""
    from metabrm import environment

    def set_role(name: str) -> None:
        changed = replace(environment.current(), docs_role=name)
        monkeypatch.setattr(environment, "current", lambda: changed)

    return set_role


def test_everybody_sees_what_the_named_role_may_use(
    client: Client, clerk: Callable[..., Context], opened_to: Callable[[str], None]
) -> None:
    from metabrm.identity.models import Role

    context = clerk(CURRENCY="R")
    assert client.get("/docs/").status_code == 401
    opened_to(Role.objects.get(pk=context.role_id).name)
    home = client.get("/docs/")
    assert home.status_code == 200
    assert b"/docs/CURRENCY/" in home.content
    assert b"ACCOUNT" not in home.content
    assert client.get("/docs/ACCOUNT/").status_code == 404
    page = client.get("/docs/CURRENCY/").content
    assert b"page_query" in page
    assert b"brm.upsert" not in page and b"brm.delete" not in page
    assert b"Try requests out" not in client.get("/docs/swagger/").content
    assert set(client.get("/docs/openapi.json").json()["components"]["schemas"]) >= {"CURRENCY"}


@pytest.mark.parametrize("change", [{"status": "INACTIVE"}, {"name": "Another name"}])
def test_a_role_that_is_no_more_opens_nothing(
    client: Client,
    clerk: Callable[..., Context],
    opened_to: Callable[[str], None],
    change: dict[str, str],
) -> None:
    from metabrm.identity.models import Role

    role = Role.objects.get(pk=clerk(CURRENCY="R").role_id)
    opened_to(role.name)
    Role.objects.filter(pk=role.pk).update(**change)
    for page in ("", "CURRENCY/", "swagger/", "redoc/", "openapi.json"):
        answer = client.get(f"/docs/{page}")
        assert answer.status_code == 401
        assert b"Sign in" in answer.content


def test_everybody_gets_no_session(
    client: Client, clerk: Callable[..., Context], opened_to: Callable[[str], None]
) -> None:
    from metabrm.identity.models import ApiSession, Role

    opened_to(Role.objects.get(pk=clerk(CURRENCY="R").role_id).name)
    assert client.post("/docs/session").status_code == 403
    assert not ApiSession.objects.exists()


def test_a_program_has_no_more_in_it_than_its_reader_may_do(
    clerk: Callable[..., Context],
) -> None:
    from entities.api.docs.planning import plan
    from entities.api.docs.samples import samples
    from entities.api.openapi import view_of
    from entities.schema.current import current

    @cache
    def told(letters: str) -> str:
        view = view_of(current(), clerk(PRODUCT=letters))
        schema = current().entity("PRODUCT")
        found = samples(view, schema, plan(view, schema, lambda field: None))
        for sample in found:
            if sample.language == "python":
                compile(sample.text, sample.name, "exec")
        return "\n".join(sample.text for sample in found)

    assert "brm.create" in told("C") and "page_query" not in told("C")
    assert "brm.upsert" in told("CRU") and "brm.delete" not in told("CRU")
    assert "brm.create" in told("CR") and "brm.update" not in told("CR")
    assert "brm.delete" in told("CRUD")
    for letters in ("R", "RD", "RU"):
        assert "record =" not in told(letters) and "delete" not in told(letters)


#: What people may read and change but the system alone makes.
MADE_BY_THE_SYSTEM = {"INVOICE_CYCLE_CONFIG", "OUTBOUND_MESSAGE"}


def test_what_programs_make_change_and_delete_they_can_for_every_entity(admin: Context) -> None:
    """On an empty installation, with the rows as they stand in the programs."""
    from django.db import transaction

    from entities import records
    from entities.api.docs.known import known
    from entities.api.docs.planning import Made, plan
    from entities.api.docs.readers import Reader
    from entities.api.openapi import examples
    from entities.schema.current import current

    reader = Reader(admin, current(), None)
    view = reader.view
    made = set()
    for schema in view.served:
        planned = plan(view, schema, known(reader, view))
        assert not planned.missing, schema.name
        ids: dict[str, int] = {}
        with transaction.atomic():
            for step in planned.steps:
                row = {
                    name: ids[value.variable] if isinstance(value, Made) else value
                    for name, value in step.row.items()
                }
                if step.key:
                    (done,) = records.upsert(step.entity, [row], admin, key=step.key)
                else:
                    (done,) = records.create(step.entity, [row], admin)
                assert done.id is not None, (schema.name, step.entity, row, done.problems)
                ids[step.variable] = done.id
                made.add(step.entity)
            change = examples.change(view, schema) if planned.steps else {}
            if change:
                sent = {"Id": ids[planned.steps[-1].variable], **change}
                (done,) = records.update(schema.name, [sent], admin)
                assert done.ok, (schema.name, change, done.problems)
            for step in reversed(planned.steps):
                if step.delete:
                    of = [ids[step.variable]]
                    (done,) = records.delete(step.entity, of, admin, permanently=True)
                    assert done.ok, (schema.name, step.entity, done.problems)
            transaction.set_rollback(True)
    creatable = {e.name for e in view.served if view.granted[e.name].create and e.writable}
    assert made == creatable - MADE_BY_THE_SYSTEM


def test_records_that_are_reckoned_are_asked_for_with_what_they_are_reckoned_from(
    admin: Context,
) -> None:
    from entities.api.docs.planning import plan
    from entities.api.docs.samples import samples
    from entities.api.openapi import view_of
    from entities.schema.current import current

    view, schema = view_of(current(), admin), current().entity("ACCOUNT_PRODUCT_QUOTE")
    there = {"AccountId": "3", "ProductId": "5"}
    planned = plan(view, schema, lambda field: there.get(field.name))
    for sample in samples(view, schema, planned):
        assert "WHERE AccountId = 3 AND ProductId = 5 AND Quantity = 3 ORDER BY" in sample.text
