"""Bulk jobs work on several connections, so their tests commit, and take away what they made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from pytest_django.plugin import DjangoDbBlocker

    from metabrm.identity.context import Context

_CLEAN = """
TRUNCATE entities_bulkstagedrecord, entities_bulkuploadchunk, entities_bulkuploadhistory,
    entities_bulkapibatch, entities_bulkapirequest;
DELETE FROM entities_storedfile WHERE stored_at >= %(since)s;
DELETE FROM mediation_collectorfields WHERE created >= %(since)s;
DELETE FROM mediation_activitycollector WHERE created >= %(since)s;
DELETE FROM customers_account WHERE created >= %(since)s;
DELETE FROM entities_entityfieldrole WHERE created >= %(since)s;
DELETE FROM identity_browsersession
    WHERE user_id IN (SELECT id FROM identity_user WHERE username LIKE 'bulk-%%');
DELETE FROM identity_user WHERE username LIKE 'bulk-%%';
DELETE FROM identity_role WHERE name LIKE 'bulk-%%';
DELETE FROM entities_auditlog WHERE changed_at >= %(since)s;
"""


@pytest.fixture
def _django_db_helper(committed: None) -> None:
    """What the mark `django_db` gives to the tests of this directory: no transaction."""


@pytest.fixture
def committed(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A database in which everything is committed, as it was before when the test is over."""
    from django.db import connection

    from entities.bulk import jobs
    from metabrm import clock

    monkeypatch.setattr(jobs, "tell", lambda model, job_id: None)
    monkeypatch.setattr(jobs, "LOOKS", 0.05)
    with django_db_blocker.unblock():
        since = clock.now()
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(_CLEAN, {"since": since})
            connection.close()


@pytest.fixture
def person(committed: None) -> Callable[..., Context]:
    """Makes a person whose role has just the rights given: `person(ACCOUNT="CRU")`."""
    from entities.models import Entity, EntityFieldRole
    from metabrm.identity.context import Context
    from metabrm.identity.models import Role, User

    def make(*, administrator: bool = False, **rights: str) -> Context:
        name = f"bulk-{token_hex(4)}"
        role = Role.objects.create(name=name, administrator_flag=administrator)
        jobs = (
            {}
            if administrator
            else dict.fromkeys(
                ("BULK_API_REQUEST", "BULK_API_BATCH", "BULK_UPLOAD_HISTORY"), "CRUD"
            )
        )
        for entity, letters in {**jobs, **rights}.items():
            EntityFieldRole.objects.create(
                role=role,
                entity=Entity.objects.get(entity_name=entity, deleted_at=None),
                create_flag="C" in letters,
                read_flag="R" in letters,
                update_flag="U" in letters,
                delete_flag="D" in letters,
            )
        return Context.of(User.objects.create(username=name, role=role), reason="test")

    return make


@pytest.fixture
def ada(person: Callable[..., Context]) -> Context:
    """An administrator."""
    return person(administrator=True)
