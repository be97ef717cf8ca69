"""A formula tells nobody what its parts would not tell him."""

from collections.abc import Callable

import orjson
import pytest

from entities import query, records
from entities.errors import RequestError
from entities.models import EntityField, EntityFieldRole
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def formula(system: Context) -> int:
    """CONTACT-like record over ACCOUNT: a formula of an own field, and one over a lookup."""
    promo = create_one("ENTITY", system, EntityName="PROMO")
    account = current().entity("ACCOUNT").id
    rows = [
        {"FieldName": "Code", "DataType": "TEXT"},
        {"FieldName": "AccountId", "DataType": "LOOKUP", "ReferencedEntityId": account},
    ]
    for row in rows:
        create_one("ENTITY_FIELD", system, EntityId=promo, **row)
    for name, text in (("Own", "LOWER({!Code})"), ("Theirs", "{!AccountObj.Name} || '!'")):
        create_one(
            "ENTITY_FIELD",
            system,
            EntityId=promo,
            FieldName=name,
            DataType="FORMULA",
            FormulaValue=text,
        )
    return create_one("PROMO", system, Code="SECRET", AccountId=1)


def seen(caller: Context, id_: int) -> dict[str, object]:
    (row,) = orjson.loads(records.retrieve("PROMO", [id_], caller))
    return row


def test_a_formula_over_another_entity_needs_the_right_to_read_it(
    clerk: Callable[..., Context], formula: int
) -> None:
    without, with_account = clerk(PROMO="R"), clerk(PROMO="R", ACCOUNT="R")
    assert "Theirs" not in seen(without, formula)
    assert seen(without, formula)["Own"] == "secret"
    assert "Theirs" in seen(with_account, formula)
    for clause in (
        "SELECT Theirs FROM PROMO",
        "SELECT Id FROM PROMO WHERE Theirs LIKE 'R%'",
        "SELECT Id FROM PROMO ORDER BY Theirs",
        "SELECT COUNT(Id) C FROM PROMO GROUP BY Theirs",
    ):
        with pytest.raises(RequestError) as refused:
            query.query(clause, without)
        assert refused.value.code == "INSUFFICIENT_RIGHTS"


def test_a_formula_of_an_unreadable_field_is_unreadable(
    clerk: Callable[..., Context], formula: int
) -> None:
    caller = clerk(PROMO="R")
    field = EntityField.objects.get(external_key="PROMO.Code")
    EntityFieldRole.objects.create(
        role_id=caller.role_id, entity_id=field.entity_id, entity_field=field
    )
    assert not {"Code", "Own"} & seen(caller, formula).keys()


def test_a_formula_of_personal_data_is_personal(
    clerk: Callable[..., Context], system: Context, formula: int
) -> None:
    field = EntityField.objects.get(external_key="PROMO.Code")
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field.pk, "PIIFlag": "1"}], system)
    assert outcome.ok, outcome.problems
    row = seen(clerk(PROMO="R"), formula)
    assert (row["Code"], row["Own"]) == ("****", "****")
