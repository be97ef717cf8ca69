"""All that the database holds, as text: what a dump of it would show."""

import io

from django.db import connection

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


def whole_database() -> str:
    """Every row of every table, what the planner remembers of columns, and every definition."""
    text = io.BytesIO()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = [row[0] for row in cursor.fetchall()]
        queries = [f"SELECT * FROM {table}" for table in tables]
        queries += ["SELECT * FROM pg_stats", "SELECT * FROM pg_views", "SELECT * FROM pg_indexes"]
        queries += ["SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef"]
        for query in queries:
            with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
                for chunk in copy:
                    text.write(bytes(chunk))
    return text.getvalue().decode()
