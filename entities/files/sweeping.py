"""Contents that no record holds, removed a day after they were stored.

They are left by what was killed between storing and writing, or between writing and discarding, by
records purged along with others, and by fields and tables that are gone.
"""

from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import connection

from entities.files import contents
from entities.models import StoredFile
from entities.schema.description import quote
from metabrm import clock

#: How long a content may wait for its record.
GRACE = timedelta(days=1)
#: Contents removed at a time.
PORTION = 1000

# Deleted fields and entities count for as long as their columns are there: they may come back.
_HOLDERS = """
SELECT DISTINCT e.table_name, f.column_name
FROM entities_entityfield f
JOIN entities_entity e ON e.id = f.entity_id
JOIN pg_attribute a ON a.attrelid = to_regclass(quote_ident(e.table_name))
    AND a.attname = f.column_name AND NOT a.attisdropped
WHERE f.data_type = 'FILE'
ORDER BY 1, 2
"""


def sweep() -> int:
    """Remove contents that are nobody's; how many. Can be killed at any line and run again."""
    return _unheld() + _unknown()


def _unheld() -> int:
    """Remove contents whose key no column of any record holds."""
    before = clock.now() - GRACE
    swept = 0
    last = ""
    while keys := _unheld_keys(before, last):
        contents.discard(keys)
        swept += len(keys)
        last = keys[-1]
    return swept


def _unheld_keys(before: datetime, last: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS)
        free = "".join(
            f" AND NOT EXISTS (SELECT FROM {quote(table)} t "
            f"WHERE split_part(t.{quote(column)}, '/', 1) = s.key)"
            for table, column in cursor.fetchall()
        )
        cursor.execute(
            f"SELECT s.key FROM entities_storedfile s WHERE s.stored_at < %s AND s.key > %s{free} "
            f"ORDER BY s.key LIMIT {PORTION}",
            [before, last],
        )
        return [row[0] for row in cursor.fetchall()]


def _unknown() -> int:
    """Remove contents whose row was undone with the transaction that stored them."""
    before = clock.now() - GRACE
    swept = 0
    if not default_storage.exists(""):
        return swept
    for directory in default_storage.listdir("")[0]:
        names = set(default_storage.listdir(directory)[1])
        known = StoredFile.objects.filter(pk__startswith=directory).values_list("pk", flat=True)
        for name in names - set(known):
            path = f"{directory}/{name}"
            if path == contents.path_of(name) and _older(path, before):
                default_storage.delete(path)
                swept += 1
    return swept


def _older(path: str, before: datetime) -> bool:
    try:
        return default_storage.get_modified_time(path) < before
    except FileNotFoundError:
        return False
