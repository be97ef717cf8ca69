"""A list value that is no longer in use stays with those who hold it and is taken by nobody."""

import pytest

from entities import records
from entities.models import EntityFieldValue
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def _retire(key: str) -> None:
    assert EntityFieldValue.objects.filter(external_key=key).update(active_flag=False) == 1


def test_nobody_takes_a_retired_value_and_whoever_holds_it_keeps_it(system: Context) -> None:
    holder = create_one("ACCOUNT", system, Name="Holder", Status="ACTIVE")
    other = create_one("ACCOUNT", system, Name="Other", Status="DEACTIVATED")
    _retire("ACCOUNT.Status.ACTIVE")

    (refused,) = records.create("ACCOUNT", [{"Name": "New", "Status": "active"}], system)
    assert codes([refused]) == [["VALUE_NOT_IN_LIST"]]
    assert "no longer in use" in refused.problems[0].message
    assert "DEACTIVATED" in refused.problems[0].message
    assert refused.problems[0].field == "Status"

    changes = [
        {"Id": holder, "Status": "ACTIVE", "Name": "Still"},
        {"Id": other, "Status": "ACTIVE"},
    ]
    assert codes(records.update("ACCOUNT", changes, system)) == [[], ["VALUE_NOT_IN_LIST"]]
    assert codes(records.update("ACCOUNT", [{"Id": other, "Name": "Free"}], system)) == [[]]
    left = [{"Id": holder, "Status": "DEACTIVATED"}]
    assert codes(records.update("ACCOUNT", left, system)) == [[]]
    back = [{"Id": holder, "Status": "ACTIVE"}]
    assert codes(records.update("ACCOUNT", back, system)) == [["VALUE_NOT_IN_LIST"]]
