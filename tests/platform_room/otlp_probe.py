"""A process that traces: a request through the product and a task, spans sent to a receiver."""

import sys

import django

django.setup()

from django.test import Client  # noqa: E402

from metabrm.celery import app  # noqa: E402
from tests.observing import logged  # noqa: E402


@app.task(name="probe.traced")
def traced() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text, 'literal-value'", ["parameter-value"])


def main() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with logged() as seen:
        Client(SERVER_NAME="localhost").post(
            "/demogm/rest/2.0/login",
            b'{"username": "nobody", "password": "a-secret-password"}',
            content_type="application/json",
            headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        )
        app.conf.task_always_eager = True
        traced.apply()
    print(seen.of("request")[0]["trace_id"])
    from opentelemetry import trace as api

    api.get_tracer_provider().force_flush()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
