"""The physical limits: the same rows straight into the same table, by the database's fastest means.

The rows are authored and the history triggers run, as the table has them; `without_history` shows
what is left when they don't.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.api.rows import COLUMNS, TYPES, Row, for_copy, pieces
from bench.installation import TABLE, Installation
from bench.measure import watch

NOW = "2026-01-01 00:00:00+00"
AUTHORED = ["created", "created_user_id", "updated", "updated_user_id"]
_TAIL = f"{NOW}\t1\t{NOW}\t1"

_ALL = ", ".join([*COLUMNS, *AUTHORED])
COPY = f"COPY {TABLE} ({_ALL}) FROM STDIN"
_VALUES = ", ".join([*COLUMNS, f"'{NOW}', 1, '{NOW}', 1"])
_SETS = ", ".join(f"{column} = excluded.{column}" for column in [*COLUMNS, *AUTHORED[2:]])
_ARRAYS = ", ".join(f"%s::{sql_type}[]" for sql_type in TYPES)
UPSERT = f"""
INSERT INTO {TABLE} ({_ALL})
SELECT {_VALUES} FROM unnest({_ARRAYS}) AS v({", ".join(COLUMNS)})
ON CONFLICT (external_key) WHERE deleted_at IS NULL DO UPDATE SET {_SETS}
RETURNING id
"""
INSERT = f"""
INSERT INTO {TABLE} ({_ALL}) VALUES ({", ".join(["%s"] * len(COLUMNS))}, '{NOW}', 1, '{NOW}', 1)
RETURNING id
"""


def copy(installation: Installation, sent: Sequence[Row]) -> float:
    """One COPY of all rows, ready made, and a commit; seconds."""
    body = for_copy(sent, _TAIL)
    database = installation.database
    with watch() as seconds:
        with database.cursor() as cursor, cursor.copy(COPY) as into:
            into.write(body)
        database.commit()
    return seconds()


def upsert(installation: Installation, sent: Sequence[Row]) -> float:
    """unnest + ON CONFLICT in statements of as many rows as a request has, one commit; seconds."""
    prepared = [[list(column) for column in zip(*piece, strict=True)] for piece in pieces(sent)]
    database = installation.database
    with watch() as seconds:
        for columns in prepared:
            database.execute(UPSERT, columns).fetchall()
        database.commit()
    return seconds()


@contextmanager
def without_history(installation: Installation) -> Iterator[None]:
    """The history triggers rest inside the block."""
    names = ("metabrm_audit_insert", "metabrm_audit_update", "metabrm_audit_delete")
    for action in ("DISABLE", "ENABLE"):
        for name in names:
            installation.database.execute(f"ALTER TABLE {TABLE} {action} TRIGGER {name}")
        installation.database.commit()
        if action == "DISABLE":
            yield
