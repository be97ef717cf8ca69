"""What the admin's tests share: who is signed in, and where an entity's pages are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.models import User

Page = Callable[..., str]


@pytest.fixture(autouse=True)
def _in_utc() -> Iterator[None]:
    with timezone.override("UTC"):
        yield


@pytest.fixture
def boss(db: None) -> User:
    """An administrator."""
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Boss", administrator_flag=True)
    return User.objects.create(username="boss", role=role)


@pytest.fixture
def browser(boss: User) -> Client:
    """An administrator's signed-in browser."""
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def page() -> Page:
    """The address of an entity's page: page("ACCOUNT"), page("ACCOUNT", 1, "change")."""
    from entities.schema.current import current

    def address(entity: str, *parts: Any) -> str:
        meta = current().entity(entity).model._meta
        tail = "".join(f"{part}/" for part in parts)
        return f"/admin/{meta.app_label}/{meta.model_name}/{tail}"

    return address


@pytest.fixture
def make(db: None) -> Callable[..., int]:
    """Creates a record that must succeed; its Id."""
    from entities import records
    from metabrm.identity.context import Context

    def one(entity: str, **fields: Any) -> int:
        (outcome,) = records.create(entity, [fields], Context.system("test"))
        assert outcome.ok, outcome.problems
        assert outcome.id is not None
        return outcome.id

    return one


@pytest.fixture
def limited(db: None) -> Callable[..., Client]:
    """A browser of a user whose role may do only what is given: entity -> letters of verbs."""
    from entities import records
    from entities.schema.current import current
    from metabrm.identity.context import Context
    from metabrm.identity.models import Role, User

    def sign_in(grants: dict[str, str], hidden: dict[str, list[str]] | None = None) -> Client:
        role = Role.objects.create(name="Clerk")
        rows = []
        for entity, verbs in grants.items():
            schema = current().entity(entity)
            flags = {
                "CreateFlag": "c" in verbs,
                "ReadFlag": "r" in verbs,
                "UpdateFlag": "u" in verbs,
                "DeleteFlag": "d" in verbs,
            }
            rows.append({"RoleId": str(role.pk), "EntityId": str(schema.id), **flags})
            for name in (hidden or {}).get(entity, []):
                rows.append(
                    {
                        "RoleId": str(role.pk),
                        "EntityId": str(schema.id),
                        "EntityFieldId": str(schema.field(name).id),
                    }
                )
        outcomes = records.create("ENTITY_FIELD_ROLE", rows, Context.system("test"))
        assert all(outcome.ok for outcome in outcomes), outcomes
        client = Client()
        client.force_login(User.objects.create(username="clerk", role=role))
        return client

    return sign_in
