"""The audit log shows nobody what he may not read where it is kept."""

import json
from collections.abc import Callable

import pytest

from entities import query, records
from entities.errors import RequestError
from entities.models import Entity, EntityFieldRole
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db


def _rows(context: Context, sql: str) -> list[dict[str, object]]:
    return list(json.loads(query.query(sql, context).json))


def _hide(context: Context, entity: str, field: str) -> None:
    EntityFieldRole.objects.create(
        role_id=context.role_id,
        entity=Entity.objects.get(entity_name=entity, deleted_at=None),
        entity_field_id=current().entity(entity).field(field).id,
        read_flag=False,
        update_flag=False,
    )


@pytest.fixture
def changed(system: Context) -> int:
    """An account that was made and changed, beside a role that was made."""
    create_one("ROLE", system, Name="Secret society")
    account = create_one("ACCOUNT", system, Name="Lamp", Description="Costs us 3")
    assert records.update("ACCOUNT", [{"Id": account, "Description": "Costs us 4"}], system)[0].ok
    return account


def test_entries_about_unreadable_entities_do_not_exist(
    clerk: Callable[..., Context], changed: int
) -> None:
    reader = clerk(AUDIT_LOG="R", ACCOUNT="R")
    seen = _rows(reader, "SELECT DISTINCT EntityName FROM AUDIT_LOG")
    assert seen == [{"EntityName": "ACCOUNT"}]
    assert not _rows(reader, "SELECT Id FROM AUDIT_LOG WHERE EntityName = 'ROLE'")
    entity = current().entity("ROLE").id
    page = query.retrieve_where("AUDIT_LOG", f"EntityId = {entity}", reader)
    assert page.count == 0
    assert not _rows(clerk(AUDIT_LOG="R"), "SELECT Id FROM AUDIT_LOG WHERE Id > 0")
    with pytest.raises(RequestError):
        _rows(clerk(ACCOUNT="R"), "SELECT Id FROM AUDIT_LOG")


def test_an_entry_s_id_is_no_way_around(
    clerk: Callable[..., Context], system: Context, changed: int
) -> None:
    hidden = _rows(system, "SELECT MAX(Id) AS Id FROM AUDIT_LOG WHERE EntityName = 'ROLE'")
    reader = clerk(AUDIT_LOG="R", ACCOUNT="R")
    assert query.retrieve_ids("AUDIT_LOG", [int(str(hidden[0]["Id"]))], reader).count == 0


def test_unreadable_fields_are_missing_from_before_and_after(
    clerk: Callable[..., Context], system: Context, changed: int
) -> None:
    reader = clerk(AUDIT_LOG="R", ACCOUNT="R")
    _hide(reader, "ACCOUNT", "Description")
    sql = f"SELECT Before, After FROM AUDIT_LOG WHERE RecordId = {changed} AND Action = 'UPDATE'"
    asked = f"EntityName = 'ACCOUNT' AND RecordId = {changed}"
    whole = query.retrieve_where("AUDIT_LOG", asked, reader)
    assert b"Costs us" not in whole.json
    assert b"Lamp" in whole.json
    (own,) = _rows(reader, sql + " AND EntityName = 'ACCOUNT'")
    assert "Description" not in json.dumps(own)
    (admins,) = _rows(system, sql + " AND EntityName = 'ACCOUNT'")
    assert "Costs us 3" in json.dumps(admins)
