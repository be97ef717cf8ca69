"""The queries that integrators' programs are known to send, over the core entities."""

from __future__ import annotations

import orjson
import pytest

from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def accounts(system):
    """Two accounts, one below the other; their Ids."""
    kind = {"AccountTypeIdObj": {"AccountType": "ACCOUNT"}}
    parent = create_one("ACCOUNT", system, Name="Blue Harbor Ltd", **kind)
    child = create_one("ACCOUNT", system, Name="O'Neil Test Ltd", ParentAccountId=parent, **kind)
    return parent, child


def _rows(sql, context):
    from entities.query import query

    return orjson.loads(query(sql, context).json)


def test_known_queries(accounts, system):
    parent, child = accounts
    assert _rows("SELECT Id, Name, Status FROM ACCOUNT WHERE 1=1 OFFSET 1 ROWS", system)[0] == {
        "Id": str(parent),
        "Name": "Blue Harbor Ltd",
        "Status": "ACTIVE",
    }
    (row,) = _rows(
        """SELECT Id, Name, Status, AccountTypeId, AccountTypeIdObj.AccountType
            FROM ACCOUNT WHERE UPPER(Name) LIKE UPPER('%blue harbor%')""",
        system,
    )
    assert row["AccountTypeIdObj.AccountType"] == "ACCOUNT"
    assert row["AccountTypeId"]
    assert _rows(f"select id,AccountTypeId from account where ParentAccountId={parent}", system)[
        0
    ] == {"Id": str(child), "AccountTypeId": row["AccountTypeId"]}
    (row,) = _rows("SELECT Id, Name FROM Account WHERE Name = 'O''Neil Test Ltd'", system)
    assert row["Id"] == str(child)
    assert _rows("SELECT Id FROM ACCOUNT_TYPE WHERE AccountType = 'ACCOUNT'", system)
    assert _rows("SELECT Id, Name FROM Account WHERE Name = 'nobody-at-all'", system) == []
    (row,) = _rows(f"SELECT ParentAccountObj.Name FROM ACCOUNT a WHERE a.Id = '{child}'", system)
    assert row == {"ParentAccountObj.Name": "Blue Harbor Ltd"}


def test_the_public_clients_pages_end(accounts, system):
    sql = "SELECT Id FROM ACCOUNT WHERE 1=1"
    pages = [
        _rows(f"{sql} FETCH NEXT 2 ROWS ONLY", system),
        _rows(f"{sql} OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY", system),
        _rows(f"{sql} OFFSET 4 ROWS FETCH NEXT 2 ROWS ONLY", system),
    ]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert len({row["Id"] for page in pages for row in page}) == 3


def test_deleted_records_are_gone_and_metadata_is_data(accounts, system):
    from entities import records

    _, child = accounts
    assert records.delete("ACCOUNT", [child], system)[0].ok
    assert _rows(f"SELECT Id FROM ACCOUNT WHERE Id = {child}", system) == []
    sql = "SELECT FieldName FROM ENTITY_FIELD WHERE EntityObj.EntityName = 'ACCOUNT'"
    assert {"FieldName": "Name"} in _rows(sql, system)


def test_every_field_of_every_entity_can_be_named(system):
    """No field's name is a word that the grammar keeps for itself, anywhere it may stand."""
    from entities.query import query, retrieve_where
    from entities.schema.current import current

    schema = current()
    for entity in schema.entities.values():
        if not entity.api_enabled:
            continue
        fields = [f for f in entity.fields if f.api_accessible and not f.write_only]
        columns = ", ".join(f.name for f in fields)
        present = " OR ".join(f"x.{f.name} IS NOT NULL" for f in fields)
        sql = f"SELECT {columns} FROM {entity.name} x WHERE {present} FETCH NEXT 3 ROWS ONLY"
        page = query(sql, system, snapshot=schema)
        for row in orjson.loads(page.json):
            assert [*row] == [f.name for f in fields]
            assert all(v is None or isinstance(v, str | dict | list) for v in row.values())
        for field in fields:
            if field.lookup and schema.target(field).api_enabled:
                sql = f"SELECT {field.name}Obj.Id FROM {entity.name} ORDER BY {field.name}, Id DESC"
                query(sql, system, snapshot=schema)
            if field.type.name != "JSON":
                sql = f"SELECT COUNT({field.name}) FROM {entity.name} GROUP BY {field.name}"
                query(sql, system, snapshot=schema)
        retrieve_where(entity.name, "", system, snapshot=schema)
