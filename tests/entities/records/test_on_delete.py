"""What deleting a record does to those that point to it, for every rule of a lookup."""

import tracemalloc
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.errors import RequestError
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def entity(system: Context, name: str) -> int:
    made = create_one("ENTITY", system, EntityName=name)
    create_one("ENTITY_FIELD", system, EntityId=made, FieldName="Name", DataType="TEXT")
    return made


def link(system: Context, child: int, name: str, parent: int, rule: str) -> None:
    row = {"EntityId": child, "FieldName": name, "DataType": "LOOKUP"}
    create_one("ENTITY_FIELD", system, **row, ReferencedEntityId=parent, OnDelete=rule)


def read(name: str, record_id: int, context: Context) -> dict[str, Any] | None:
    try:
        rows = orjson.loads(records.retrieve(name, [record_id], context))
    except RequestError:
        return None
    return rows[0] if rows else None


@pytest.mark.parametrize("permanently", [False, True])
@pytest.mark.parametrize(
    ("rule", "deleted", "child_after", "child_restored"),
    [
        ("RESTRICT", False, "points", "points"),
        ("SET_NULL", True, "empty", "empty"),
        ("CASCADE", True, "gone", "points"),
    ],
)
def test_the_rule_of_a_lookup(
    system: Context,
    permanently: bool,
    rule: str,
    deleted: bool,
    child_after: str,
    child_restored: str,
) -> None:
    parents, children = entity(system, "PARENT"), entity(system, "CHILD")
    link(system, children, "ParentId", parents, rule)
    parent = create_one("PARENT", system, Name="p")
    child = create_one("CHILD", system, Name="c", ParentId=parent)

    def state() -> str:
        row = read("CHILD", child, system)
        return "gone" if row is None else "points" if row["ParentId"] else "empty"

    (outcome,) = records.delete("PARENT", [parent], system, permanently=permanently)
    assert outcome.ok is deleted
    assert state() == child_after
    if not deleted:
        assert codes([outcome]) == [["RECORD_IN_USE"]]
        assert "is still used by 1 CHILD record (ParentId; " in outcome.problems[0].message
        return
    (back,) = records.undelete("PARENT", [parent], system)
    assert back.ok is not permanently
    assert state() == (child_after if permanently else child_restored)


@pytest.mark.parametrize("rule", ["RESTRICT", "SET_NULL", "CASCADE"])
def test_a_record_in_the_recycle_bin_keeps_nobody_there(system: Context, rule: str) -> None:
    parents, children = entity(system, "PARENT"), entity(system, "CHILD")
    link(system, children, "ParentId", parents, rule)
    parent = create_one("PARENT", system, Name="p")
    child = create_one("CHILD", system, Name="c", ParentId=parent)
    assert records.delete("CHILD", [child], system)[0].ok
    assert records.delete("PARENT", [parent], system)[0].ok
    (refused,) = records.undelete("CHILD", [child], system)
    assert codes([refused]) == [["RECORD_IN_USE"]]
    assert "restore that PARENT first" in refused.problems[0].message
    assert records.undelete("PARENT", [parent], system)[0].ok
    # It was deleted by itself, so it does not come back with its parent.
    assert read("CHILD", child, system) is None
    assert records.undelete("CHILD", [child], system)[0].ok


@pytest.mark.parametrize("permanently", [False, True])
def test_a_tree_and_circles_go_and_come_back_as_a_whole(system: Context, permanently: bool) -> None:
    one, two = entity(system, "ONE"), entity(system, "TWO")
    link(system, one, "AboveId", one, "CASCADE")
    link(system, one, "TwoId", two, "CASCADE")
    link(system, two, "OneId", one, "CASCADE")
    root = create_one("ONE", system, Name="root")
    leaf = create_one("ONE", system, Name="leaf", AboveId=root)
    other = create_one("TWO", system, Name="other", OneId=leaf)
    (done,) = records.update("ONE", [{"Id": root, "TwoId": other, "AboveId": root}], system)
    assert done.ok
    assert records.delete("TWO", [other], system, permanently=permanently)[0].ok
    places = [("ONE", root), ("ONE", leaf), ("TWO", other)]
    assert [read(name, i, system) for name, i in places] == [None] * 3
    if not permanently:
        assert records.undelete("TWO", [other], system)[0].ok
        found = [read(name, i, system) for name, i in places]
        assert [row and row["Name"] for row in found] == ["root", "leaf", "other"]
        assert found[0] and found[0]["TwoId"] == str(other)


@pytest.mark.parametrize("rule", ["SET_NULL", "CASCADE"])
def test_ten_thousand_children_take_the_statements_of_ten(system: Context, rule: str) -> None:
    parents, children = entity(system, "PARENT"), entity(system, "CHILD")
    link(system, children, "ParentId", parents, rule)
    taken = []
    for count in (10, 10_000):
        parent = create_one("PARENT", system, Name="p")
        for start in range(0, count, 1000):
            part = [{"ParentId": parent}] * min(1000, count - start)
            assert all(o.ok for o in records.create("CHILD", part, system))
        with CaptureQueriesContext(connection) as deleting:
            assert records.delete("PARENT", [parent], system)[0].ok
        with CaptureQueriesContext(connection) as restoring:
            assert records.undelete("PARENT", [parent], system)[0].ok
        taken.append((len(deleting), len(restoring)))
    assert taken[0] == taken[1]
    assert max(taken[1]) <= 24


@pytest.mark.parametrize("rule", ["RESTRICT", "SET_NULL"])
def test_who_points_to_a_record_is_counted_and_not_held(system: Context, rule: str) -> None:
    parents, children = entity(system, "PARENT"), entity(system, "CHILD")
    link(system, children, "ParentId", parents, rule)
    parent = create_one("PARENT", system, Name="p")
    child = current().entity("CHILD")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {child.table} (id, {child.field('ParentId').column}) "
            f"SELECT n, %s FROM generate_series(101, 20100) n",
            [parent],
        )
    tracemalloc.start()
    (outcome,) = records.delete("PARENT", [parent], system)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    if rule == "RESTRICT":
        told = "used by 20000 CHILD records (ParentId; Id 101, 102, 103, 104, 105 ...)"
        assert told in outcome.problems[0].message
    else:
        assert outcome.ok
        assert read("CHILD", 20100, system) == {**(read("CHILD", 101, system) or {}), "Id": "20100"}
