"""Nobody gives himself, or anybody else, more than he has."""

from collections.abc import Callable

import pytest

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from metabrm.identity.sessions import context_of_session, open_session
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db

EVERYTHING = {"USER": "CRUD", "ROLE": "CRUD", "ENTITY_FIELD_ROLE": "CRUD"}
REFUSED = [["INSUFFICIENT_RIGHTS"]]


@pytest.fixture
def keeper(clerk: Callable[..., Context]) -> Context:
    """Keeps users and roles, and is no administrator."""
    return clerk(**EVERYTHING)


@pytest.fixture
def mighty(db: None) -> User:
    role = Role.objects.create(name="Mighty", administrator_flag=True)
    return User.objects.create(username="mighty", role=role)


def test_only_an_administrator_makes_administrator_roles(keeper: Context, admin: Context) -> None:
    row = {"Name": "New", "AdministratorFlag": "1"}
    assert codes(records.create("ROLE", [row], keeper)) == REFUSED
    assert codes(records.upsert("ROLE", [row], keeper, key="Name")) == REFUSED
    own = {"Id": keeper.role_id, "AdministratorFlag": "1"}
    assert codes(records.update("ROLE", [own], keeper)) == REFUSED
    assert codes(records.create("ROLE", [{"Name": "Plain"}], keeper)) == [[]]
    assert codes(records.create("ROLE", [row], admin)) == [[]]


def test_only_an_administrator_touches_administrator_roles(
    keeper: Context, mighty: User, system: Context
) -> None:
    row = {"Id": mighty.role_id, "Status": "DEACTIVATED"}
    assert codes(records.update("ROLE", [row], keeper)) == REFUSED
    spare = create_one("ROLE", system, Name="Spare", AdministratorFlag="1")
    assert codes(records.delete("ROLE", [spare], keeper)) == REFUSED
    assert records.delete("ROLE", [spare], system)[0].ok
    assert codes(records.undelete("ROLE", [spare], keeper)) == REFUSED
    assert codes(records.delete("ROLE", [spare], keeper, permanently=True)) == REFUSED


def test_nobody_joins_a_role_that_may_more_than_he(
    keeper: Context, mighty: User, clerk: Callable[..., Context]
) -> None:
    stronger, weaker = clerk(PRODUCT="R"), clerk(USER="R")
    for role_id in (mighty.role_id, stronger.role_id):
        row = {"Username": "newcomer", "RoleId": role_id}
        assert codes(records.create("USER", [row], keeper)) == REFUSED
        own = {"Id": keeper.user_id, "RoleId": role_id}
        assert codes(records.update("USER", [own], keeper)) == REFUSED
    by_name = {"Username": "newcomer", "RoleIdObj": {"Name": "Mighty"}}
    assert codes(records.create("USER", [by_name], keeper)) == REFUSED
    row = {"Username": "newcomer", "RoleId": weaker.role_id}
    assert codes(records.create("USER", [row], keeper)) == [[]]


def test_nobody_changes_a_user_who_may_more_than_he(
    keeper: Context, mighty: User, system: Context
) -> None:
    row = {"Id": mighty.pk, "Status": "DEACTIVATED"}
    assert codes(records.update("USER", [row], keeper)) == REFUSED
    assert codes(records.delete("USER", [mighty.pk], keeper)) == REFUSED
    assert records.delete("USER", [mighty.pk], system)[0].ok
    assert codes(records.undelete("USER", [mighty.pk], keeper)) == REFUSED
    assert codes(records.update("USER", [{"Id": keeper.user_id, "City": "X"}], keeper)) == [[]]


def test_only_an_administrator_grants_rights(
    keeper: Context, admin: Context, system: Context
) -> None:
    entity = current().entity("PRODUCT").id
    row = {"RoleId": keeper.role_id, "EntityId": entity, "ReadFlag": "1"}
    assert codes(records.create("ENTITY_FIELD_ROLE", [row], keeper)) == REFUSED
    granted = create_one("ENTITY_FIELD_ROLE", system, RoleId=keeper.role_id, EntityId=entity)
    change = {"Id": granted, "ReadFlag": "1"}
    assert codes(records.update("ENTITY_FIELD_ROLE", [change], keeper)) == REFUSED
    assert codes(records.delete("ENTITY_FIELD_ROLE", [granted], keeper)) == REFUSED
    assert records.delete("ENTITY_FIELD_ROLE", [granted], system)[0].ok
    assert codes(records.undelete("ENTITY_FIELD_ROLE", [granted], keeper)) == REFUSED
    assert codes(records.create("ENTITY_FIELD_ROLE", [row], admin)) == [[]]


def test_a_deleted_user_is_signed_out(system: Context, clerk: Callable[..., Context]) -> None:
    user = User.objects.get(pk=clerk().user_id)
    session_id = open_session(user)
    assert context_of_session(session_id) is not None
    assert records.delete("USER", [user.pk], system)[0].ok
    assert records.undelete("USER", [user.pk], system)[0].ok
    assert context_of_session(session_id) is None


def test_a_user_with_sessions_is_purged(system: Context, clerk: Callable[..., Context]) -> None:
    user = User.objects.get(pk=clerk().user_id)
    open_session(user)
    assert records.delete("USER", [user.pk], system, permanently=True)[0].ok
    assert not User.objects.filter(pk=user.pk).exists()


def test_a_user_without_a_role_gets_the_default_one_as_far_as_the_caller_may(
    keeper: Context, admin: Context
) -> None:
    row = {"Username": "newcomer"}
    assert codes(records.create("USER", [row], admin)) == [["REQUIRED_FIELD_MISSING"]]
    plain = create_one("ROLE", admin, Name="Newcomers", DefaultRole="1")
    assert codes(records.create("USER", [row], keeper)) == [[]]
    assert User.objects.get(username="newcomer").role_id == plain
    assert records.update("ROLE", [{"Id": plain, "AdministratorFlag": "1"}], admin)[0].ok
    assert codes(records.create("USER", [{"Username": "next"}], keeper)) == [
        ["INSUFFICIENT_RIGHTS"]
    ]


def test_whoever_is_deactivated_is_signed_out_for_good(admin: Context, mighty: User) -> None:
    token = open_session(mighty)
    for status in ("DEACTIVATED", "ACTIVE"):
        assert records.update("USER", [{"Id": mighty.pk, "Status": status}], admin)[0].ok
    assert context_of_session(token) is None
