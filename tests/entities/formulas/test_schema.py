"""What the names of a formula mean: fields, lookups, other formulas; and how fields are made."""

from typing import Any

import pytest
from django.db import connection

from entities.schema.current import current
from entities.schema.formulating import compile_formula
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db


def _evaluated(entity: str, formula: str, record: int) -> Any:
    snapshot = current()
    schema = snapshot.entity(entity)
    sql = compile_formula(snapshot, schema, formula).sql.replace("{t}", "t")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql} FROM {schema.table} t WHERE t.id = %s", [record])
        return cursor.fetchone()[0]


def test_fields_and_lookups_in_any_spelling() -> None:
    account = AccountFactory(Name="Acme")
    found = _evaluated("ACCOUNT", "{!name} & LEFT({! account_type_obj . ACCOUNTTYPE }, 1)", account)
    assert found[:4] == "Acme" and len(found) == 5
