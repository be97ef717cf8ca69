"""A small schema of the tests' own, over tables of their own, with everything a query can meet.

SHOP and THING are ordinary; a thing points to its shop by Id, to its maker by the maker's code, and
to another thing. CELLAR is not served by the API.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from types import MappingProxyType
from typing import Any

from django.db import connection, models

from entities import fieldtypes
from entities.schema.description import EntitySchema, FieldSchema, Lookup
from entities.schema.runtime import RuntimeApps
from entities.schema.snapshot import Snapshot

TABLES = """
CREATE TABLE q_maker (id bigint PRIMARY KEY, code text, name text, deleted_at timestamptz);
CREATE TABLE q_shop (
    id bigint PRIMARY KEY, name text, city text, head_id bigint, deleted_at timestamptz
);
CREATE TABLE q_thing (
    id bigint PRIMARY KEY, f_1 text, f_2 text, f_3 bigint, f_4 numeric(28,10), f_5 date,
    f_6 timestamptz, f_7 boolean, shop_id bigint, maker_code text, twin_id bigint, f_8 jsonb,
    f_9 text[], secret text, quiet text, deleted_at timestamptz
);
CREATE TABLE q_cellar (id bigint PRIMARY KEY);
INSERT INTO q_maker VALUES (1, 'ACME', 'Acme Ltd', NULL), (2, 'GONE', 'Gone Ltd', now());
INSERT INTO q_shop VALUES
    (1, 'Main', 'Oslo', NULL, NULL), (2, 'Side', 'Rome', 1, NULL), (3, 'Shut', 'Rome', 1, now());
INSERT INTO q_thing VALUES
    (1, 'Anvil', 'NEW', 10, 1.5, '2026-02-09', '2026-02-09 10:00+00', true, 1, 'ACME', NULL,
     '{"a": [1]}', '{A,B}', 's1', 'q1'),
    (2, 'bolt', 'USED', 20, 20, '2026-02-10', '2026-02-10 23:30+00', false, 2, 'GONE', 1,
     NULL, NULL, 's2', 'q2'),
    (3, 'O''Neil', 'NEW', NULL, 0.0000000001, '2026-02-11', NULL, true, 3, NULL, 2,
     NULL, NULL, 's3', 'q3'),
    (4, '50% off_\\', NULL, -3, -2.50, NULL, '2026-03-01 00:00+00', NULL, NULL, 'ACME', 3,
     NULL, NULL, 's4', 'q4'),
    (5, 'Zoë "Z"', 'USED', 20, NULL, '2026-02-10', '2026-02-10 00:00+00', false, 1, NULL, 5,
     NULL, NULL, 's5', 'q5');
INSERT INTO q_thing (id, f_1, deleted_at) VALUES (6, 'Binned', now());
"""

_ids = count(1)


def field(name: str, kind: str, column: str | None, **other: Any) -> FieldSchema:
    """A field of the small schema."""
    values: dict[str, Any] = {
        "id": next(_ids),
        "name": name,
        "label": name,
        "help": "",
        "type": fieldtypes.get(kind),
        "column": column,
        "expression": None,
        "length": None,
        "digits": 28 if kind == "DECIMAL" else None,
        "places": 10,
        "bound": Decimal(10) ** 18,
        "default": None,
        "list_values": MappingProxyType({}),
        "lookup": None,
        "currency_source": None,
        "api_accessible": True,
    }
    flags = ("required", "unique", "external_key", "searchable", "read_only", "set_once")
    values |= dict.fromkeys((*flags, "api_hidden", "hidden", "pii"), False)
    return FieldSchema(**values | other)


def entity(name: str, table: str, *fields: FieldSchema, **other: Any) -> EntitySchema:
    """An entity of the small schema."""
    values: dict[str, Any] = {
        "id": next(_ids),
        "name": name,
        "label": name,
        "label_plural": name,
        "help": "",
        "node": "",
        "table": table,
        "title": "Id",
        "fields": fields,
        "make_model": lambda: models.Model,
        "system": False,
        "writable": True,
        "api_enabled": True,
        "visible": True,
        "recycle_bin": True,
        "history": False,
        "cascades": True,
        "authored": True,
        "unique_keys": (),
    }
    return EntitySchema(**values | other)


def make_snapshot() -> Snapshot:
    """A fresh snapshot of the small schema, with no plan cached for it."""
    to_shop = Lookup("SHOP", "id", "Id", "RESTRICT")
    entities = [
        entity(
            "MAKER",
            "q_maker",
            field("Id", "ID", "id"),
            field("Code", "TEXT", "code"),
            field("Name", "TEXT", "name"),
        ),
        entity(
            "SHOP",
            "q_shop",
            field("Id", "ID", "id"),
            field("Name", "TEXT", "name"),
            field("City", "TEXT", "city"),
            field("HeadShopId", "LOOKUP", "head_id", lookup=to_shop),
        ),
        entity(
            "THING",
            "q_thing",
            field("Id", "ID", "id"),
            field("Name", "TEXT", "f_1"),
            field("Status", "LIST", "f_2", list_values=MappingProxyType({"new": "NEW"})),
            field("Stock", "INTEGER", "f_3"),
            field("UnitPrice", "DECIMAL", "f_4"),
            field("StartDate", "DATE", "f_5"),
            field("Seen", "DATETIME", "f_6"),
            field("ActiveFlag", "FLAG", "f_7"),
            field("ShopId", "LOOKUP", "shop_id", lookup=to_shop),
            field(
                "MakerCode",
                "LOOKUP",
                "maker_code",
                lookup=Lookup("MAKER", "code", "Code", "RESTRICT"),
            ),
            field(
                "TwinThingId",
                "LOOKUP",
                "twin_id",
                lookup=Lookup("THING", "id", "Id", "RESTRICT"),
            ),
            field("Extra", "JSON", "f_8"),
            field("Tags", "MULTI_LIST", "f_9"),
            field("Label", "TEXT", None, expression="({t}.f_1 || '%')"),
            field("Secret", "TEXT", "secret", api_accessible=False),
            field("Quiet", "TEXT", "quiet", api_hidden=True),
        ),
        entity("CELLAR", "q_cellar", field("Id", "ID", "id"), api_enabled=False),
    ]
    # Newer than the database's own, so that no failing query is asked again on that one.
    return Snapshot(2**62, entities, RuntimeApps())


def make_tables() -> None:
    """Create and fill the tables, in the transaction of the test."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
