"""Personal data: who may not see it learns no value of it by any means."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from entities import query, records
from entities.errors import RequestError
from entities.models import EntityField, EntityFieldRole
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db

SECRET = "Born in Ulm"


def _mark(entity: str, *fields: str) -> None:
    ids = [current().entity(entity).field(name).id for name in fields]
    EntityField.objects.filter(pk__in=ids).update(pii_flag=True)


def _rows(context: Context, sql: str) -> list[dict[str, Any]]:
    return list(json.loads(query.query(sql, context).json))


@pytest.fixture
def reader(clerk: Callable[..., Context], system: Context) -> Context:
    """Reads and writes accounts; Description is personal, and his role sees it masked."""
    _mark("ACCOUNT", "Description")
    for name, description in (("Albert", SECRET), ("Niels", "Born in Kopenhagen"), ("Nobody", "")):
        create_one("ACCOUNT", system, Name=name, Description=description)
    return clerk(ACCOUNT="CRUD", AUDIT_LOG="R")


def _may_see(context: Context) -> Context:
    """The same person once the role sees personal data."""
    Role.objects.filter(pk=context.role_id).update(view_pii_flag=True)
    return Context.of(User.objects.get(pk=context.user_id))


THREE = "Name IN ('Albert', 'Niels', 'Nobody')"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            f"SELECT Name, Description FROM ACCOUNT WHERE {THREE} ORDER BY Description, Name DESC",
            [("Niels", "****"), ("Albert", "****"), ("Nobody", None)],
        ),
        (f"SELECT Name FROM ACCOUNT WHERE Description = '{SECRET}'", []),
        ("SELECT Name FROM ACCOUNT WHERE Description LIKE 'Born%'", []),
        ("SELECT Name FROM ACCOUNT WHERE Description > 'Born in L'", []),
        ("SELECT Name FROM ACCOUNT WHERE SUBSTR(Description, 1, 1) = 'B'", []),
        ("SELECT Name FROM ACCOUNT WHERE LENGTH(Description) > 4", []),
        (f"SELECT Name FROM ACCOUNT WHERE Description IN ('{SECRET}', 'x')", []),
        (
            f"SELECT Name FROM ACCOUNT WHERE Description = '****' AND {THREE} ORDER BY Name",
            [("Albert",), ("Niels",)],
        ),
        (
            f"SELECT Name FROM ACCOUNT WHERE {THREE} AND Description IS NULL",
            [("Nobody",)],
        ),
        (
            "SELECT MAX(Description) AS M, COUNT(DISTINCT Description) AS N FROM ACCOUNT "
            f"WHERE {THREE}",
            [("****", "1")],
        ),
        (
            f"SELECT COUNT(*) AS N, Description FROM ACCOUNT WHERE {THREE} AND Name <> 'Nobody' "
            "GROUP BY Description",
            [("2", "****")],
        ),
        (
            f"SELECT CASE WHEN Description = '{SECRET}' THEN 'yes' ELSE 'no' END AS Found "
            "FROM ACCOUNT WHERE Name = 'Albert'",
            [("no",)],
        ),
    ],
)
def test_every_clause_meets_the_mask(
    reader: Context, sql: str, rows: list[tuple[str | None, ...]]
) -> None:
    found = _rows(reader, sql)
    assert [tuple(row.values()) for row in found] == rows


def test_whole_records_and_the_history(reader: Context, system: Context) -> None:
    (albert,) = _rows(system, "SELECT Id FROM ACCOUNT WHERE Name = 'Albert'")
    whole = query.retrieve_ids("ACCOUNT", [int(albert["Id"])], reader)
    assert json.loads(whole.json)[0]["Description"] == "****"
    log = query.retrieve_where("AUDIT_LOG", "EntityName = 'ACCOUNT'", reader).json
    assert b"Albert" in log
    assert b"Born in" not in log


def test_the_right_shows_it_and_plans_are_not_shared(reader: Context, system: Context) -> None:
    sql = "SELECT Description FROM ACCOUNT WHERE Name = 'Albert'"
    for context, shown in ((reader, "****"), (system, SECRET), (reader, "****")):
        assert _rows(context, sql) == [{"Description": shown}]
    assert _rows(_may_see(reader), sql) == [{"Description": SECRET}]
    assert _rows(reader, sql) == [{"Description": "****"}]


def test_what_was_read_and_sent_back_wipes_nothing(reader: Context, system: Context) -> None:
    (albert,) = json.loads(query.retrieve_where("ACCOUNT", "Name = 'Albert'", reader).json)
    sent = {"Id": albert["Id"], "Name": "Albert E.", "Description": albert["Description"]}
    assert records.update("ACCOUNT", [sent], reader, null_clears=True)[0].ok
    sql = f"SELECT Name, Description FROM ACCOUNT WHERE Id = {albert['Id']}"
    assert _rows(system, sql) == [{"Name": "Albert E.", "Description": SECRET}]
    changed = {"Id": albert["Id"], "Description": "Born in Bern"}
    assert records.update("ACCOUNT", [changed], reader)[0].ok
    assert _rows(system, sql)[0]["Description"] == "Born in Bern"


def test_the_mask_is_a_text_like_any_other_to_those_who_see(system: Context) -> None:
    _mark("ACCOUNT", "Description")
    account = create_one("ACCOUNT", system, Name="Stars", Description="****")
    sql = f"SELECT Description FROM ACCOUNT WHERE Id = {account}"
    assert records.update("ACCOUNT", [{"Id": account, "Description": "x"}], system)[0].ok
    assert records.update("ACCOUNT", [{"Id": account, "Description": "****"}], system)[0].ok
    assert _rows(system, sql) == [{"Description": "****"}]


def test_a_masked_key_finds_nothing(clerk: Callable[..., Context], system: Context) -> None:
    _mark("CURRENCY", "CurrencyCode")
    context = clerk(CURRENCY="CRUD", ACCOUNT="CRU")
    with pytest.raises(RequestError) as refused:
        records.upsert("CURRENCY", [{"CurrencyCode": "USD"}], context, key="CurrencyCode")
    assert refused.value.code == "INSUFFICIENT_RIGHTS"
    assert "CURRENCY.CurrencyCode" in refused.value.message


def test_a_key_that_the_role_may_not_read_finds_nothing(
    clerk: Callable[..., Context], system: Context
) -> None:
    context = clerk(CURRENCY="CRUD")
    schema = current().entity("CURRENCY")
    EntityFieldRole.objects.create(
        role_id=context.role_id,
        entity_id=schema.id,
        entity_field_id=schema.field("CurrencyCode").id,
        read_flag=False,
        update_flag=True,
    )
    with pytest.raises(RequestError, match=r"may not see CURRENCY\.CurrencyCode"):
        records.upsert("CURRENCY", [{"CurrencyCode": "USD"}], context, key="CurrencyCode")


def test_a_nested_key_finds_nothing(clerk: Callable[..., Context], system: Context) -> None:
    _mark("ACCOUNT", "Name")
    create_one("ACCOUNT", system, Name="Albert")
    context = clerk(ACCOUNT="CRU")
    outcomes = records.create(
        "ACCOUNT",
        [
            {"Name": "Child", "ParentAccountObj": {"Name": name}}
            for name in ("Albert", "Nobody at all")
        ],
        context,
    )
    assert codes(outcomes) == [["INSUFFICIENT_RIGHTS"]] * 2
    assert outcomes[0].problems == outcomes[1].problems


def test_a_masked_lookup_is_not_followed(clerk: Callable[..., Context], system: Context) -> None:
    _mark("ACCOUNT", "ParentAccountId")
    parent = create_one("ACCOUNT", system, Name="Parent")
    create_one("ACCOUNT", system, Name="Child", ParentAccountId=parent)
    context = clerk(ACCOUNT="R")
    for sql in (
        "SELECT ParentAccountObj.Name FROM ACCOUNT",
        "SELECT Id FROM ACCOUNT WHERE ParentAccountObj.Name = 'Parent'",
    ):
        with pytest.raises(RequestError, match="masked") as refused:
            _rows(context, sql)
        assert refused.value.code == "INSUFFICIENT_RIGHTS"
    assert _rows(context, f"SELECT Id FROM ACCOUNT WHERE ParentAccountId = '{parent}'") == []
    assert _rows(context, "SELECT ParentAccountId FROM ACCOUNT WHERE Name = 'Child'") == [
        {"ParentAccountId": "****"}
    ]


def test_a_refused_duplicate_tells_no_masked_value(
    clerk: Callable[..., Context], system: Context
) -> None:
    _mark("CURRENCY", "CurrencyCode")
    context = clerk(CURRENCY="CRUD")
    (own,) = _rows(system, "SELECT Id FROM CURRENCY WHERE CurrencyCode = 'EUR'")
    several = [{"CurrencyCode": "USD", "Name": n} for n in ("Other", "Another")]
    outcomes = [
        *records.create("CURRENCY", several[:1], context),
        *records.update("CURRENCY", [{"Id": own["Id"], "CurrencyCode": "USD"}], context),
    ]
    for outcome in outcomes:
        assert not outcome.ok
        assert "'USD'" not in str(outcome.problems)


def test_nobody_gives_himself_the_right(clerk: Callable[..., Context]) -> None:
    context = clerk(ROLE="CRUD", USER="CRUD")
    sent = {"Id": context.role_id, "ViewPIIFlag": "1"}
    assert codes(records.update("ROLE", [sent], context)) == [["INSUFFICIENT_RIGHTS"]]
    seeing = Role.objects.create(name="Seeing", view_pii_flag=True)
    sent = {"Id": context.user_id, "RoleId": seeing.pk}
    assert codes(records.update("USER", [sent], context)) == [["INSUFFICIENT_RIGHTS"]]
