"""The product's Celery application with one more task: what the worker of a test runs."""

import os

from metabrm.celery import app


@app.task(name="probe")
def probe(number: int) -> dict[str, int]:
    """Twice the number; the worker's pid; the database's version, as proof that it is reached."""
    from django.db import connection

    connection.ensure_connection()
    return {"twice": number * 2, "pid": os.getpid(), "postgres": connection.pg_version // 10000}
