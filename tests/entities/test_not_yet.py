"""What would be kept without any effect is refused, and says so."""

import pytest

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("entity", ["WORKFLOW_RULE"])
def test_what_has_no_effect_is_refused(system: Context, entity: str) -> None:
    samples = {"LOOKUP": "1", "LIST": None, "JSON": "[]"}
    schema = current().entity(entity)
    row = {}
    for field in schema.fields:
        if field.required and field.name != "Id":
            first = next(iter(field.list_values.values()), "x")
            row[field.name] = samples.get(field.type.name, "x") or first
    assert "READ_ONLY_ENTITY" in codes(records.create(entity, [row], system))[0]
