"""Two people of one role and records of which each sees a tenth: what is asked, in whatever way,
tells of no other, and all that is his. Who sees what is worked out here, without SQL.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.calls import Caller
from tests.contract.live import Live

PASSWORD = "sharing-tests-8"
REGIONS = ("North", "South", "East", None)
#: Entity -> the lookup by which its records point to each other.
ENTITIES = {"LEAKPROOF": "AboveId", "ACCOUNT": "ParentAccountId"}

Row = dict[str, Any]


@dataclass
class Person:
    name: str
    caller: Caller
    id: str = ""


@dataclass
class House:
    """The server with its records; `rows` are all of them, by entity."""

    live: Live
    admin: Caller
    people: list[Person]
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def sees(self, person: Person, row: Row) -> bool:
        """His own; and the first person's group has the rules that `_share` makes."""
        if row["CreatedUserId"] == person.id:
            return True
        shared = row["Region"] == "East" and (row["Amount"] > 90 or row["Amount"] < 3)
        return person is self.people[0] and shared

    def seen(self, person: Person, entity: str) -> list[Row]:
        return [row for row in self.rows[entity] if self.sees(person, row)]

    def secrets(self, person: Person) -> set[str]:
        """Texts of records that do not exist for the person."""
        hidden = (r for e in ENTITIES for r in self.rows[e] if not self.sees(person, r))
        return {row["Name"] for row in hidden}


@pytest.fixture(scope="module")
def house(live: Live, admin: Caller) -> Iterator[House]:
    role = admin.create("ROLE", {"Name": "Sharing people", "InternalRole": "1"})
    made = admin.create("ENTITY", {"EntityName": "LEAKPROOF", "SharingModel": "PRIVATE"})
    ids = {"LEAKPROOF": made}
    for name in ("ACCOUNT", "ACCOUNT_TYPE", "AUDIT_LOG", "USER"):
        (row,) = admin.query(f"SELECT Id FROM ENTITY WHERE EntityName = '{name}'")
        ids[name] = row["Id"]
    _field(admin, made, "Name", "TEXT", ExternalKeyFlag="1")
    _field(admin, made, "AboveId", "LOOKUP", ReferencedEntityId=made, OnDelete="SET_NULL")
    for entity in ENTITIES:
        _field(admin, ids[entity], "Region", "TEXT")
        _field(admin, ids[entity], "Amount", "INTEGER")
        _field(admin, ids[entity], "Picture", "FILE")
    for name, entity in ids.items():
        flags = dict.fromkeys(
            ("CreateFlag", "UpdateFlag", "DeleteFlag"), str(int(name in ENTITIES))
        )
        admin.create(
            "ENTITY_FIELD_ROLE", {"RoleId": role, "EntityId": entity, "ReadFlag": "1", **flags}
        )
    people = []
    for name in ("nora", "sam"):
        user = admin.create(
            "USER",
            {"Username": f"leak-{name}", "RoleId": role, "Email": f"{name}@example.com"},
        )
        live.run(
            "from metabrm.identity.models import User\n"
            "from metabrm.identity.services import set_password\n"
            "set_password(User.objects.get(pk=sys.argv[1]), sys.argv[2])",
            user,
            PASSWORD,
        )
        caller = Caller.signed_in(live.url, f"leak-{name}", PASSWORD)
        people.append(Person(name, caller, user))
    found = House(live, admin, people)
    for entity in ENTITIES:
        _fill(found, entity)
    (changed,) = admin.write("PUT", "ENTITY", [{"Id": ids["ACCOUNT"], "SharingModel": "PRIVATE"}])
    assert changed["success"], changed
    _share(found, ids)
    yield found
    admin.write("PUT", "ENTITY", [{"Id": ids["ACCOUNT"], "SharingModel": "PUBLIC"}])


def _field(admin: Caller, entity: str, name: str, kind: str, **more: str) -> None:
    row = {"EntityId": entity, "FieldName": name, "DataType": kind, "HiddenFlag": "0"}
    admin.create("ENTITY_FIELD", {**row, **more})


def _fill(house: House, entity: str) -> None:
    chance = random.Random(entity)
    link = ENTITIES[entity]
    known: list[str] = []
    for number in range(120):
        maker = [house.people[0].caller, house.people[1].caller][number % 2]
        if number >= 12:
            maker = house.admin
        row = {
            "Name": f"secret {entity} {number:03} {chance.getrandbits(40):010x}",
            "Region": chance.choice(REGIONS),
            "Amount": str(chance.randrange(100)),
        }
        if entity == "ACCOUNT":
            row["AccountTypeId"] = "1"
        made = maker.create(entity, row)
        if known and chance.random() < 0.7:
            # To whatever there is, which only the administrator may name.
            (linked,) = house.admin.write("PUT", entity, [{"Id": made, link: chance.choice(known)}])
            assert linked["success"], linked
        known.append(made)
    columns = ("Id", "Name", "Region", "Amount", "CreatedUserId")
    sql = f"SELECT {', '.join(columns)}, {link} AS Link FROM {entity} WHERE Name LIKE 'secret%'"
    rows = house.admin.query(sql)
    house.rows[entity] = [{**row, "Amount": int(row["Amount"])} for row in rows]


def _share(house: House, ids: dict[str, str]) -> None:
    group = house.admin.create("SHARING_GROUP", {"Name": "East side"})
    member = {"SharingGroupId": group, "UserId": house.people[0].id}
    house.admin.create("SHARING_GROUP_USER", member)
    for entity in ENTITIES:
        rule = {
            "SharingGroupId": group,
            "EntityId": ids[entity],
            "ExternalKey": f"east {entity}",
            "RuleCriteria": "{!Region} = 'East'\n{!Amount} > 90\n{!Amount} < 3",
            "FilterLogic": "1 AND (2 OR 3)",
            "AccessLevel": "READ",
        }
        house.admin.create("SHARING_GROUP_RULE", rule)


def test_each_sees_about_a_tenth(house: House) -> None:
    for entity in ENTITIES:
        for person in house.people:
            share = len(house.seen(person, entity)) / len(house.rows[entity])
            assert 0.04 < share < 0.2


# Queries of every kind against the oracle

Truth = bool | None


@dataclass(frozen=True)
class Condition:
    """SQL over a record `prefix`, and what it yields of a row (None: neither true nor false)."""

    sql: str
    of: Callable[[Row], Truth]


def _compare(name: str, sign: str, value: Any) -> Condition:
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda v: v == value,
        "<>": lambda v: v != value,
        ">": lambda v: v > value,
        "<=": lambda v: v <= value,
    }
    literal = f"'{value}'" if isinstance(value, str) else value
    return Condition(
        f"{name} {sign} {literal}",
        lambda row: None if row.get(name) is None else tests[sign](row[name]),
    )


_simple = st.one_of(
    st.builds(
        _compare, st.just("Region"), st.sampled_from(["=", "<>"]), st.sampled_from(REGIONS[:3])
    ),
    st.builds(
        _compare, st.just("Amount"), st.sampled_from(["=", "<>", ">", "<="]), st.integers(0, 100)
    ),
    st.sampled_from(
        [
            Condition("Region IS NULL", lambda row: row["Region"] is None),
            Condition("Name LIKE '%a'", lambda row: row["Name"].endswith("a")),
            Condition("Amount IN (1, 2, 3, 95)", lambda row: row["Amount"] in (1, 2, 3, 95)),
            Condition("Amount BETWEEN 20 AND 60", lambda row: 20 <= row["Amount"] <= 60),
        ]
    ),
)


def _not(inner: Condition) -> Condition:
    def of(row: Row) -> Truth:
        found = inner.of(row)
        return None if found is None else not found

    return Condition(f"NOT ({inner.sql})", of)


def _both(left: Condition, right: Condition, word: str) -> Condition:
    def of(row: Row) -> Truth:
        found = [left.of(row), right.of(row)]
        decisive = word == "OR"
        if decisive in found:
            return decisive
        return None if None in found else not decisive

    return Condition(f"({left.sql} {word} {right.sql})", of)


_conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.builds(_not, inner), st.builds(_both, inner, inner, st.sampled_from(["AND", "OR"]))
    ),
    max_leaves=5,
)
_KINDS = ("rows", "page", "totals", "groups", "distinct", "related", "sorted", "whole")


def _asked(kind: str, entity: str, where: Condition, rows: list[Row]) -> tuple[str, list[Row]]:
    """A query of the kind, and what it answers whoever sees `rows`, in wire form."""
    hits = [row for row in rows if where.of(row) is True]
    link = ENTITIES[entity]
    by_id = {row["Id"]: row for row in rows}
    condition = f"FROM {entity} WHERE Name LIKE 'secret%' AND {where.sql}"
    ordered = sorted(hits, key=lambda row: (row["Amount"], row["Name"]))
    if kind == "rows":
        return (
            f"SELECT Name {condition} ORDER BY Amount, Name",
            [{"Name": row["Name"]} for row in ordered],
        )
    if kind == "page":
        return (
            f"SELECT Name {condition} ORDER BY Amount, Name OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
            [{"Name": row["Name"]} for row in ordered[1:3]],
        )
    if kind == "totals":
        amounts = [row["Amount"] for row in hits]
        return (
            f"SELECT COUNT(*) N, SUM(Amount) S, MAX(Name) M {condition}",
            [
                {
                    "N": str(len(hits)),
                    "S": str(sum(amounts)) if hits else None,
                    "M": max((row["Name"] for row in hits), default=None),
                }
            ],
        )
    if kind == "groups":
        regions = sorted({row["Region"] for row in hits} - {None})
        return (
            f"SELECT Region, COUNT(*) N {condition} AND Region IS NOT NULL GROUP BY Region "
            f"ORDER BY Region",
            [
                {"Region": region, "N": str(sum(row["Region"] == region for row in hits))}
                for region in regions
            ],
        )
    if kind == "distinct":
        regions = sorted({row["Region"] for row in hits} - {None})
        return (
            f"SELECT DISTINCT Region {condition} AND Region IS NOT NULL ORDER BY Region",
            [{"Region": region} for region in regions],
        )
    if kind == "related":
        hits = [r for r in ordered if r["Link"] in by_id and by_id[r["Link"]]["Amount"] < 80]
        return (
            f"SELECT Name, {link}Obj.Name AS Above {condition} AND {link}Obj.Amount < 80 "
            f"AND {link}Obj.Name LIKE 'secret%' ORDER BY Amount, Name",
            [{"Name": row["Name"], "Above": by_id[row["Link"]]["Name"]} for row in hits],
        )
    if kind == "sorted":

        def above(row: Row) -> str:
            found = by_id.get(row["Link"])
            return found["Name"] if found else "~"

        hits = sorted(hits, key=lambda row: (above(row), row["Name"]))
        return (
            f"SELECT Name {condition} ORDER BY CASE WHEN {link}Obj.Name LIKE 'secret%' "
            f"THEN {link}Obj.Name ELSE '~' END, Name",
            [{"Name": row["Name"]} for row in hits],
        )
    return (
        f"SELECT Id, Name, Region {condition} ORDER BY Amount, Name",
        [{name: row[name] for name in ("Id", "Name", "Region")} for row in ordered],
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from(_KINDS),
    entity=st.sampled_from(list(ENTITIES)),
    where=_conditions,
    first=st.integers(0, 1),
)
def test_queries_answer_what_the_oracle_says(
    house: House, kind: str, entity: str, where: Condition, first: int
) -> None:
    order = [house.people[first], house.people[1 - first], house.people[first]]
    for person in order:
        sql, expected = _asked(kind, entity, where, house.seen(person, entity))
        answer = person.caller.send("GET", "query", params={"sql": sql})
        assert answer.status_code in (200, 404), answer.text
        assert answer.json().get("queryResponse", []) == expected, (person.name, sql)
        assert not [secret for secret in house.secrets(person) if secret in answer.text]


# Every address, with every hidden record


def _calls(
    caller: Caller, entity: str, link: str, record_id: str, name: str
) -> Iterator[requests.Response]:
    """All that can be asked of a record or done with it, by its Id, or its name in a lookup."""
    row = {"Id": record_id}
    changed = {**row, "Region": "x"}
    history = f"SELECT Id, After FROM AUDIT_LOG WHERE RecordId = {record_id}"
    for method, address, body, params in (
        ("GET", f"{entity}/{record_id}", None, {}),
        ("GET", entity, None, {"queryAnsiSql": f"Id = {record_id}"}),
        ("PUT", entity, [changed], {}),
        ("PUT", f"{entity}/{record_id}", [changed], {}),
        ("PATCH", entity, [changed], {"externalIDFieldName": "Id"}),
        ("DELETE", f"delete/{entity}", [row], {}),
        ("DELETE", f"delete/{entity}", [row], {"EmptyRecycleBin": "1"}),
        ("DELETE", f"undelete/{entity}", [row], {}),
        ("POST", entity, [{"Name": "child", link: record_id}], {}),
        ("POST", entity, [{"Name": "child", f"{link}Obj": {"Id": record_id}}], {}),
        ("POST", entity, [{"Name": "child", f"{link}Obj": {"Name": name}}], {}),
        ("GET", f"files/{entity}/{record_id}/Picture", None, {}),
        ("GET", "query", None, {"sql": f"{history} AND EntityName = '{entity}'"}),
    ):
        if body is None:
            yield caller.send(method, address, params=params)
        else:
            yield caller.send(method, address, {"brmObjects": body, **params})
    file = {"FileName": "a.txt", "Data": "YQ=="}
    yield caller.send("POST", f"files/{entity}/{record_id}/Picture", file)


def test_hidden_records_are_as_if_there_were_none(house: House) -> None:
    for person in house.people:
        secrets = house.secrets(person)
        caller = person.caller
        for entity, link in ENTITIES.items():
            hidden = [r for r in house.rows[entity] if not house.sees(person, r)][:4]
            for row in hidden:
                there, nowhere = row["Id"], "987654321"
                pairs = zip(
                    _calls(caller, entity, link, there, row["Name"]),
                    _calls(caller, entity, link, nowhere, "no such name"),
                    strict=True,
                )
                for number, (one, other) in enumerate(pairs):
                    assert not [s for s in secrets if s in one.text and s != row["Name"]], number
                    told = one.text.replace(row["Name"], "K").replace(there, "N")
                    asked = other.text.replace("no such name", "K").replace(nowhere, "N")
                    assert (one.status_code, told) == (other.status_code, asked), number
    for entity in ENTITIES:
        after = house.admin.query(
            f"SELECT Id, Region FROM {entity} WHERE Name LIKE 'secret%' ORDER BY Id"
        )
        before = sorted(house.rows[entity], key=lambda row: int(row["Id"]))
        assert after == [{"Id": row["Id"], "Region": row["Region"]} for row in before]


def test_shared_to_be_read_is_not_written(house: House) -> None:
    nora = house.people[0]
    for entity in ENTITIES:
        shared = [r for r in house.seen(nora, entity) if r["CreatedUserId"] != nora.id]
        assert shared
        for method, address in (("PUT", entity), ("DELETE", f"delete/{entity}")):
            (element,) = nora.caller.write(method, address, [{"Id": shared[0]["Id"]}])
            assert element["ErrorCode"] == "INSUFFICIENT_RIGHTS"


def test_the_admin_shows_no_hidden_record(house: House) -> None:
    for person in house.people:
        pages = _browser(house, person)
        secrets = house.secrets(person)
        for entity, address in (
            ("LEAKPROOF", "custom/leakproof"),
            ("ACCOUNT", "customers/account"),
        ):
            mine = house.seen(person, entity)
            hidden = [r for r in house.rows[entity] if not house.sees(person, r)]
            listed = pages(f"/admin/{address}/")
            assert all(row["Name"] in listed for row in mine)
            link = ENTITIES[entity]
            addresses = [
                "/admin/",
                f"/admin/{address}/?q=secret",
                f"/admin/{address}/?q={hidden[0]['Id']}",
                f"/admin/{address}/?o=1",
                f"/admin/{address}/recycle-bin/",
                f"/admin/lookup/{entity}/{link}/?term=secret",
                f"/admin/lookup/{entity}/{link}/?term={hidden[0]['Id']}",
                f"/admin/{address}/add/?{link}={hidden[0]['Id']}",
                "/admin/entities/auditlog/",
                "/admin/search/?s=secret&extended=1",
                *(f"/admin/{address}/{row['Id']}/change/" for row in (*mine[:3], *hidden[:3])),
                *(f"/admin/{address}/{row['Id']}/history/" for row in (*mine[:3], *hidden[:3])),
                *(f"/admin/{address}/{row['Id']}/delete/" for row in (*mine[:3], *hidden[:3])),
            ]
            for each in addresses:
                text = pages(each)
                assert not [secret for secret in secrets if secret in text], each


def _browser(house: House, person: Person) -> Callable[[str], str]:
    """Opens pages as the person; the texts of what they lead to."""
    http = requests.Session()
    root = house.live.url.rsplit("/", 1)[0]
    form = http.get(f"{root}/admin/login/", timeout=60).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token is not None
    sent = {
        "username": f"leak-{person.name}",
        "password": PASSWORD,
        "csrfmiddlewaretoken": token.group(1),
        "next": "/admin/",
    }
    answer = http.post(f"{root}/admin/login/", data=sent, timeout=60)
    assert "/admin/login/" not in answer.url

    def open_page(address: str) -> str:
        answer = http.get(f"{root}{address}", timeout=60)
        assert answer.status_code < 500, address
        return answer.text

    return open_page
