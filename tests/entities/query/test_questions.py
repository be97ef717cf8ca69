"""Generated questions over several entities, asked in the language and in SQL written by hand.

A question is a tree that knows nothing of either. It is written twice, by two short functions here:
as a query over entities, with relation paths, aliases and subqueries, and as plain SQL over the
tables, where every lookup is a join and every recycle bin a condition. Both must find the same
values in the same order, through the product's own entities: accounts, profiles, products, and an
entity made at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Table:
    """One entity, its table, its fields (name -> column, kind) and what it points to."""

    entity: str
    table: str
    fields: dict[str, tuple[str, str]]
    links: dict[str, tuple[str, str]] = field(default_factory=dict)


def _tables(names: dict[str, str]) -> dict[str, Table]:
    return {
        "A": Table(
            "ACCOUNT",
            "customers_account",
            {"Id": ("id", "n"), "Name": ("name", "t"), "Status": ("status", "t")},
            {"ParentAccount": ("parent_account_id", "A")},
        ),
        "B": Table(
            "BILLING_PROFILE",
            "customers_billingprofile",
            {"Id": ("id", "n"), "CurrencyCode": ("currency_code", "t"), "City": ("city", "t")},
            {"Account": ("account_id", "A")},
        ),
        "P": Table(
            "PROMO",
            names["table"],
            {
                "Id": ("id", "n"),
                "Code": (names["Code"], "t"),
                "Points": (names["Points"], "n"),
                "Begins": (names["Begins"], "d"),
            },
            {"Account": (names["AccountId"], "A")},
        ),
    }


VALUES = {
    "n": st.sampled_from(["0", "1", "2", "3", "-1", "2.5"]),
    "t": st.sampled_from(["'a'", "'b'", "'A%'", "'ACTIVE'", "'USD'", "'x'"]),
    "d": st.sampled_from(["'2026-01-31'", "'2026-02-28'", "'2025-12-01'"]),
}
PG = {"n": "numeric", "t": "text", "d": "date"}
SIGNS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


class Drawn:
    """Draws a question and writes it both ways as it goes: ours, theirs."""

    def __init__(self, data: Any, tables: dict[str, Table]) -> None:
        self.draw = data.draw
        self.tables = tables
        self.count = 0

    def alias(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def column(self, alias: str, of: str, joins: list[str], hops: int = 2) -> tuple[str, str, str]:
        """(ours, theirs, kind) of a field, perhaps over relations; joins are added to."""
        ours, theirs, table = alias, alias, self.tables[of]
        while hops and table.links and self.draw(st.booleans()):
            name, (column, target) = self.draw(st.sampled_from(sorted(table.links.items())))
            spelling = self.draw(st.sampled_from(["Obj", "IdObj"]))
            ours += f".{name}{spelling}"
            hop = self.alias()
            table = self.tables[target]
            joins.append(
                f"LEFT JOIN {table.table} {hop} ON {hop}.id = {theirs}.{column} "
                f"AND {hop}.deleted_at IS NULL"
            )
            theirs, hops = hop, hops - 1
        name, (column, kind) = self.draw(st.sampled_from(sorted(table.fields.items())))
        return f"{ours}.{name}", f"{theirs}.{column}", kind

    def condition(
        self, sources: list[tuple[str, str]], joins: list[str], depth: int = 2
    ) -> tuple[str, str]:
        """(ours, theirs) of a condition over the sources."""
        forms = ["compare", "null", "compare", "in"]
        if depth:
            forms += ["and", "or", "not", "in select", "exists", "scalar"]
        form = self.draw(st.sampled_from(forms))
        if form in ("and", "or"):
            (a, b), (c, d) = (self.condition(sources, joins, depth - 1) for _ in range(2))
            return f"({a} {form} {c})", f"(({b}) {form} ({d}))"
        if form == "not":
            a, b = self.condition(sources, joins, depth - 1)
            return f"NOT ({a})", f"(NOT ({b}))"
        ours, theirs, kind = self.column(*self.draw(st.sampled_from(sources)), joins)
        if form == "null":
            word = self.draw(st.sampled_from(["IS NULL", "IS NOT NULL"]))
            return f"{ours} {word}", f"{theirs} {word}"
        if form == "in":
            values = self.draw(st.lists(VALUES[kind], min_size=1, max_size=3))
            cast = ", ".join(f"{v}::{PG[kind]}" for v in values)
            return f"{ours} IN ({', '.join(values)})", f"{theirs} IN ({cast})"
        if form == "exists":
            inner, theirs_inner = self.inner(sources, depth - 1)
            word = self.draw(st.sampled_from(["EXISTS", "NOT EXISTS"]))
            return f"{word} (SELECT 1 {inner})", f"{word} (SELECT 1 {theirs_inner})"
        if form == "in select":
            alias, of = self.alias(), self.draw(st.sampled_from("ABP"))
            inner_joins: list[str] = []
            same = [n for n, (_, k) in self.tables[of].fields.items() if k == kind]
            name = self.draw(st.sampled_from(sorted(same or ["Id"])))
            if not same:
                return f"{ours} IS NULL", f"{theirs} IS NULL"
            table = self.tables[of]
            a, b = self.condition([(alias, of)], inner_joins, 0)
            word = self.draw(st.sampled_from(["IN", "NOT IN"]))
            return (
                f"{ours} {word} (SELECT {alias}.{name} FROM {table.entity} {alias} WHERE {a})",
                f"{theirs} {word} (SELECT {alias}.{table.fields[name][0]} FROM {table.table} "
                f"{alias} {' '.join(inner_joins)} WHERE ({b}) AND {alias}.deleted_at IS NULL)",
            )
        sign = self.draw(SIGNS)
        if form == "scalar" and kind == "n":
            inner, theirs_inner = self.inner(sources, depth - 1)
            function = self.draw(st.sampled_from(["COUNT(*)", "COUNT(*) + 1"]))
            return (
                f"{ours} {sign} (SELECT {function} {inner})",
                f"{theirs} {sign} (SELECT {function} {theirs_inner})",
            )
        value = self.draw(VALUES[kind])
        return f"{ours} {sign} {value}", f"{theirs} {sign} {value}::{PG[kind]}"

    def inner(self, sources: list[tuple[str, str]], depth: int) -> tuple[str, str]:
        """FROM … WHERE of a SELECT that is tied to one of the sources."""
        alias, of = self.alias(), self.draw(st.sampled_from("BP"))
        outer, around = self.draw(st.sampled_from(sources))
        table = self.tables[of]
        joins: list[str] = []
        link = table.links["Account"][0]
        a, b = self.condition([(alias, of)], joins, min(depth, 1))
        key = "Id" if around == "A" else "AccountId"
        theirs_key = "id" if around == "A" else self.tables[around].links["Account"][0]
        return (
            f"FROM {table.entity} {alias} WHERE {alias}.AccountId = {outer}.{key} AND ({a})",
            f"FROM {table.table} {alias} {' '.join(joins)} WHERE {alias}.{link} = "
            f"{outer}.{theirs_key} AND ({b}) AND {alias}.deleted_at IS NULL",
        )

    def question(self) -> tuple[str, str]:
        """(ours, theirs) of a whole question; theirs gives the same columns as native values."""
        first = (self.alias(), self.draw(st.sampled_from("ABP")))
        sources, ours_from = [first], f"FROM {self.tables[first[1]].entity} {first[0]}"
        deferred: list[str] = []
        theirs_from = f"FROM {self.tables[first[1]].table} {first[0]}"
        where = [f"{first[0]}.deleted_at IS NULL"]
        for _ in range(self.draw(st.integers(0, 2))):
            second = (self.alias(), self.draw(st.sampled_from("ABP")))
            word = self.draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
            table = self.tables[second[1]]
            mine, other = (self._key(s) for s in (second, self.draw(st.sampled_from(sources))))
            ours_from += f" {word} {table.entity} {second[0]} ON {mine[0]} = {other[0]}"
            theirs_from += (
                f" {word} {table.table} {second[0]} ON {mine[1]} = {other[1]} "
                f"AND {second[0]}.deleted_at IS NULL"
            )
            sources.append(second)
        ties = ", ".join(f"{alias}.id" for alias, _ in sources)
        if self.draw(st.booleans()):
            a, b = self.condition(sources, deferred)
            ours_where, where = f" WHERE {a}", [*where, f"({b})"]
        else:
            ours_where = ""
        aggregated = self.draw(st.booleans())
        columns = [
            self.column(*self.draw(st.sampled_from(sources)), deferred)
            for _ in range(self.draw(st.integers(1, 3)))
        ]
        ours_list = [f"{ours} c{i}" for i, (ours, _, _) in enumerate(columns)]
        theirs_list = [f"{theirs} c{i}" for i, (_, theirs, _) in enumerate(columns)]
        ours_tail = theirs_tail = ""
        if aggregated:
            function = self.draw(st.sampled_from(["COUNT", "MIN", "MAX"]))
            ours, theirs, _ = self.column(*self.draw(st.sampled_from(sources)), deferred)
            ours_list.append(f"{function}({ours}) x")
            theirs_list.append(f"{function}({theirs}) x")
            ours_tail = " GROUP BY " + ", ".join(ours for ours, _, _ in columns)
            theirs_tail = " GROUP BY " + ", ".join(theirs for _, theirs, _ in columns)
            ties = ", ".join(theirs for _, theirs, _ in columns)
            if self.draw(st.booleans()):
                ours_tail += " HAVING COUNT(*) > 1"
                theirs_tail += " HAVING COUNT(*) > 1"
        direction = self.draw(st.sampled_from(["", " DESC", " DESC NULLS LAST"]))
        ours_tail += f" ORDER BY {columns[0][0]}{direction}"
        theirs_tail += f" ORDER BY {columns[0][1]}{direction}, {ties}"
        ours_tail += self.draw(st.sampled_from(["", " OFFSET 1 ROWS FETCH NEXT 3 ROWS ONLY"]))
        if "OFFSET" in ours_tail:
            theirs_tail += " LIMIT 3 OFFSET 1"
        return (
            f"SELECT {', '.join(ours_list)} {ours_from}{ours_where}{ours_tail}",
            f"SELECT {', '.join(theirs_list)} {theirs_from} {' '.join(deferred)} "
            f"WHERE {' AND '.join(where)}{theirs_tail}",
        )

    def _key(self, source: tuple[str, str]) -> tuple[str, str]:
        """The account of a source: (ours, theirs)."""
        alias, of = source
        if of == "A":
            return f"{alias}.Id", f"{alias}.id"
        return f"{alias}.AccountId", f"{alias}.{self.tables[of].links['Account'][0]}"


@pytest.fixture
def tables(db: None, system: Any) -> dict[str, Table]:
    """Four accounts, some profiles and promotions of theirs, some of all in the recycle bin."""
    from entities import records
    from entities.schema.current import current
    from tests.entities.acting import create_one
    from tests.factories import AccountFactory, BillingProfileFactory

    entity = create_one("ENTITY", system, EntityName="PROMO")
    target = current().entity("ACCOUNT").id
    rows = [
        {"EntityId": entity, "FieldName": "Code", "DataType": "TEXT"},
        {"EntityId": entity, "FieldName": "Points", "DataType": "INTEGER"},
        {"EntityId": entity, "FieldName": "Begins", "DataType": "DATE"},
        {
            "EntityId": entity,
            "FieldName": "AccountId",
            "DataType": "LOOKUP",
            "ReferencedEntityId": target,
        },
    ]
    assert all(o.ok for o in records.create("ENTITY_FIELD", rows, system)), rows
    one = AccountFactory(Name="a")
    accounts = [
        one,
        AccountFactory(Name="b", ParentAccountId=one),
        AccountFactory(Name="b"),
        AccountFactory(Name="A%", ParentAccountId=one),
    ]
    for account, currency, city in [(0, "USD", "x"), (1, "EUR", None), (3, "USD", "b")]:
        BillingProfileFactory(AccountId=accounts[account], CurrencyCode=currency, City=city)
    for account, points, begins in [
        (0, 1, "2026-01-31"),
        (0, 2, None),
        (1, None, "2026-02-28"),
        (None, 3, "2026-02-28"),
        (3, 2, None),
    ]:
        create_one(
            "PROMO",
            system,
            AccountId=None if account is None else accounts[account],
            Points=points,
            Begins=begins,
            Code="ab"[(points or 0) % 2],
        )
    gone = create_one("PROMO", system, AccountId=accounts[0], Points=1, Code="a")
    assert records.delete("PROMO", [gone], system)[0].ok
    schema = current().entity("PROMO")
    names = {f.name: f'"{f.column}"' for f in schema.fields}
    return _tables({**names, "table": f'"{schema.table}"'})


def _wire(value: Any) -> str | None:
    return None if value is None else str(value)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_language_and_sql_written_by_hand_agree(tables, system, data):
    from django.db import connection

    from entities.query import query

    ours, theirs = Drawn(data, tables).question()
    answer = orjson.loads(query(ours, system).json)
    with connection.cursor() as cursor:
        cursor.execute(theirs.replace("%", "%%"), [])
        expected = [tuple(map(_wire, row)) for row in cursor.fetchall()]
    assert [tuple(row.values()) for row in answer] == expected, f"{ours}\n{theirs}"
