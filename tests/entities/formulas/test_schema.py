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


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("{!Id} = {!Id}", True),
        ("{!Id} >= 1 AND {!Id} < 9223372036854775807", True),
        ("{!Id} < 9223372036854775808", True),
        ("{!Id} > -9223372036854775809", True),
        ("{!Id} = 0.5", False),
        ("{!Id} IN (0, '1e3', 0.5)", False),
        ("{!Id} BETWEEN '1' AND 1e18", True),
        ("{!Id} + 1 > {!Id}", True),
        ("{!ParentAccountId} = {!Id}", None),
        ("{!ParentAccountId} IN (1, '')", True),
    ],
)
def test_whole_numbers_compare_as_numbers_do(formula: str, expected: bool | None) -> None:
    assert _evaluated("ACCOUNT", formula, AccountFactory()) is expected


@pytest.mark.parametrize(
    "formula",
    ["{!ParentAccountId} = 7", "{!ParentAccountId} IN (7, '8')", "7 = {!ParentAccountId}"],
)
def test_an_index_finds_a_whole_number(formula: str) -> None:
    snapshot = current()
    schema = snapshot.entity("ACCOUNT")
    sql = compile_formula(snapshot, schema, formula).sql.replace("{t}", "t")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT t.id FROM {schema.table} t WHERE {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: (parent_account_id = " in plan
