"""WIDE, an entity made at run time: fifty fields of all usual types, made as an admin makes them.

Two lookups, a unique external key, texts, numbers, money, dates and flags. Values are strings, as
integrators' programs send them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import orjson

from bench.api.rows import A_REQUEST, Row, pieces
from bench.installation import Installation
from bench.measure import watch

ENTITY = "WIDE"
STOCK_TABLE = "stock_wide"
PATH = f"/rest/2.0/{ENTITY}"
STOCK_PATH = "/wide/"
#: Data type -> how many fields of it, beside the key, the name and two lookups.
_COUNTS = {
    "TEXT": 9,
    "LONG_TEXT": 2,
    "INTEGER": 7,
    "DECIMAL": 5,
    "MONEY": 6,
    "PERCENT": 3,
    "DATE": 6,
    "DATETIME": 3,
    "FLAG": 3,
    "EMAIL": 1,
    "URL": 1,
}
_FIRST_DAY = date(2024, 1, 1)
_VALUES: dict[str, Callable[[int, int], str]] = {
    "TEXT": lambda i, n: f"Text {i} of field {n}",
    "LONG_TEXT": lambda i, n: f"A longer text, number {i}, that says what a customer asked for.",
    "INTEGER": lambda i, n: f"{1_000_000 + i * n}",
    "DECIMAL": lambda i, n: f"{i % 1000}.{i * n % 100:02d}",
    "MONEY": lambda i, n: f"{i * n % 10_000}.{i % 100:02d}",
    "PERCENT": lambda i, n: f"{i % 100}.5",
    "DATE": lambda i, n: str(_FIRST_DAY + timedelta(days=(i + n * 7) % 1000)),
    "DATETIME": lambda i, n: f"{_FIRST_DAY + timedelta(days=i % 1000)}T{n % 24:02d}:30:00Z",
    "FLAG": lambda i, n: str((i + n) % 2),
    "EMAIL": lambda i, n: f"person{i}@example.com",
    "URL": lambda i, n: f"https://example.com/{n}/{i}",
}


def kinds() -> dict[str, str]:
    """Name of a field -> its data type; the first four are a key, a name and two lookups."""
    found = {"Code": "TEXT", "Name": "TEXT", "AccountId": "LOOKUP", "ProductId": "LOOKUP"}
    for kind, count in _COUNTS.items():
        word = "".join(part.title() for part in kind.split("_"))
        found |= {f"{word}{number}": kind for number in range(count)}
    return found


@dataclass(frozen=True)
class Wide:
    """The entity as it stands: its table, and name -> column of the fields that are sent."""

    installation: Installation
    table: str
    columns: dict[str, str]

    def empty(self) -> None:
        """Take all records and all history away, on both sides."""
        self.installation.database.execute(
            f"TRUNCATE {self.table}, {STOCK_TABLE}, entities_auditlog RESTART IDENTITY"
        )
        self.installation.database.commit()

    def copy(self, sent: Sequence[Row]) -> float:
        """One COPY of all rows, ready made, and a commit; seconds."""
        database = self.installation.database
        body = "".join(["\t".join(row) + "\n" for row in sent]).encode()
        into = f"COPY {self.table} ({', '.join(self.columns.values())}) FROM STDIN"
        with watch() as seconds:
            with database.cursor() as cursor, cursor.copy(into) as copy:
                copy.write(body)
            database.commit()
        return seconds()

    def to_ours(self, sent: list[Row], size: int = A_REQUEST) -> list[bytes]:
        return [
            self.installation.ours.request(
                "POST",
                PATH,
                orjson.dumps({"brmObjects": [dict(zip(self.columns, r, strict=True)) for r in p]}),
            )
            for p in pieces(sent, size)
        ]

    def to_stock(self, sent: list[Row], size: int = A_REQUEST) -> list[bytes]:
        names = [stock_name(name) for name in self.columns]
        return [
            self.installation.stock.request(
                "POST", STOCK_PATH, orjson.dumps([dict(zip(names, r, strict=True)) for r in p])
            )
            for p in pieces(sent, size)
        ]


def stock_name(field: str) -> str:
    """What the field is called in the stock application; a lookup's column has `_id` after it."""
    return field.removesuffix("Id").lower()


def rows(installation: Installation, numbers: Sequence[int]) -> list[Row]:
    """The values of the given records, a text for every field."""
    made = [_VALUES[kind] for kind in list(kinds().values())[4:]]
    accounts, products = installation.accounts, installation.products
    return [
        (
            f"CODE-{i:09d}",
            f"Record {i}",
            str(accounts[i % len(accounts)]),
            str(products[i * 7 % len(products)]),
            *(make(i, n) for n, make in enumerate(made)),
        )
        for i in numbers
    ]


def made(installation: Installation) -> Wide:
    """WIDE, made through the product where it is missing, and the stock application's like it."""
    from entities import records
    from entities.schema.current import current
    from metabrm.identity.context import Context

    context = Context.system("bench")
    if current().find(ENTITY) is None:
        (outcome,) = records.create("ENTITY", [{"EntityName": ENTITY}], context)
        assert outcome.ok, outcome
        fields = []
        for name, kind in kinds().items():
            field = {"EntityId": outcome.id, "FieldName": name, "DataType": kind}
            if kind == "LOOKUP":
                target = current().entity(name.removesuffix("Id").upper())
                field["ReferencedEntityId"] = target.id
            fields.append(field)
        fields[0]["ExternalKeyFlag"] = fields[1]["RequiredFlag"] = "1"
        done = records.create("ENTITY_FIELD", fields, context)
        assert all(o.ok for o in done), next(o for o in done if not o.ok)
        _make_stock_table(installation)
    schema = current().entity(ENTITY)
    return Wide(
        installation, schema.table, {name: str(schema.field(name).column) for name in kinds()}
    )


def _make_stock_table(installation: Installation) -> None:
    from entities.schema.current import current

    schema, database = current().entity(ENTITY), installation.database
    database.execute(
        f"CREATE TABLE {STOCK_TABLE} (LIKE {schema.table} INCLUDING ALL EXCLUDING IDENTITY)"
    )
    database.execute(
        f"ALTER TABLE {STOCK_TABLE} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY"
    )
    for name, kind in kinds().items():
        column = schema.field(name).column
        new = stock_name(name) + ("_id" if kind == "LOOKUP" else "")
        database.execute(f"ALTER TABLE {STOCK_TABLE} RENAME COLUMN {column} TO {new}")
    for column, target in (("account_id", "customers_account"), ("product_id", "catalog_product")):
        database.execute(
            f"ALTER TABLE {STOCK_TABLE} ADD FOREIGN KEY ({column}) REFERENCES {target} (id) "
            "DEFERRABLE INITIALLY DEFERRED"
        )
    database.commit()
