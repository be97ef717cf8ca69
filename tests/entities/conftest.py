"""What the tests of the metadata core share: callers, and a record to hang things on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from pytest_django.plugin import DjangoDbBlocker

    from metabrm.identity.context import Context


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Build the schema that all tests begin with; what a test changes is its transaction's own."""
    from entities.schema.current import current

    with django_db_blocker.unblock():
        current()


@pytest.fixture
def system() -> Context:
    """The platform itself: all rights."""
    from metabrm.identity.context import Context

    return Context.system("test")


@pytest.fixture
def admin(db: None) -> Context:
    """A person with the administrator role."""
    from metabrm.identity.context import Context
    from metabrm.identity.models import Role, User

    role = Role.objects.create(name="Test administrators", administrator_flag=True)
    return Context.of(User.objects.create(username="ada", role=role), reason="test")


@pytest.fixture
def clerk(db: None) -> Callable[..., Context]:
    """Makes a person whose role has just the rights given: `clerk(ACCOUNT="CRU")`."""
    from entities.models import Entity, EntityFieldRole
    from metabrm.identity.context import Context
    from metabrm.identity.models import Role, User

    def make(**rights: str) -> Context:
        role = Role.objects.create(name=f"Clerks {sorted(rights.items())}"[:100])
        for name, letters in rights.items():
            EntityFieldRole.objects.create(
                role=role,
                entity=Entity.objects.get(entity_name=name, deleted_at=None),
                create_flag="C" in letters,
                read_flag="R" in letters,
                update_flag="U" in letters,
                delete_flag="D" in letters,
            )
        return Context.of(
            User.objects.create(username=f"clerk {role.pk}", role=role), reason="test"
        )

    return make
