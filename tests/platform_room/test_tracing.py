"""OpenTelemetry: spans where it is configured, and not a single import where it is not."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from psycopg import sql

from metabrm.observability import tracing
from tests.patience import STUCK
from tests.platform_room.conftest import ROOT

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Receiver(HTTPServer):
    """Takes spans as a collector does (OTLP over HTTP)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []

    def spans(self) -> list[Any]:
        found = []
        for body in self.bodies:
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    env |= {"DJANGO_SETTINGS_MODULE": "metabrm.settings", **variables}
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    env["PYTHONPATH"] = path
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=STUCK,
    )


def test_requests_tasks_and_statements_are_traced_without_values(receiver: Receiver) -> None:
    done = run(
        "-m",
        "tests.platform_room.otlp_probe",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.server_port}",
    )
    assert done.returncode == 0, done.stderr
    # The trace of the caller goes on, in the spans and in the log line.
    assert done.stdout.strip() == TRACE
    spans = receiver.spans()
    by_name = {span.name: span for span in spans}
    request, task = by_name["login"], by_name["probe.traced"]
    assert request.trace_id.hex() == TRACE
    assert task.trace_id.hex() != TRACE
    said = {pair.key: pair.value.string_value for pair in request.attributes}
    assert said["url.path"] == "/demogm/rest/2.0/login"
    assert said["metabrm.verb"] == "login"
    statements = [
        span for span in spans if any(pair.key == "db.query.text" for pair in span.attributes)
    ]
    inside = {span.trace_id for span in statements}
    assert inside == {request.trace_id, task.trace_id}
    assert all(span.parent_span_id for span in statements)
    everything = b"".join(receiver.bodies)
    for value in (b"a-secret-password", b"parameter-value", b"literal-value"):
        assert value not in everything
    assert b"%s::text, ?" in everything


def test_nothing_is_imported_unless_it_is_configured() -> None:
    program = (
        # The client of Valkey imports what it finds, whoever uses it.
        "import sys, redis; before = set(sys.modules)\n"
        "import django; django.setup()\n"
        "from metabrm.wsgi import application\n"
        "import metabrm.celery\n"
        "new = set(sys.modules) - before\n"
        "print([n for n in new if n.startswith('opentelemetry') or n.endswith('ty.spans')])"
    )
    done = run("-c", program)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_missing_package_is_told_in_a_line() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import django\n"
        "from metabrm.problems import told_in_one_line\n"
        "with told_in_one_line(): django.setup()"
    )
    done = run("-c", program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "metabrm[opentelemetry]" in line and "OTEL_EXPORTER_OTLP_ENDPOINT" in line


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT $1, %s", "SELECT $1, %s"),
        ("SELECT 'Ada''s', \"name\"", 'SELECT ?, "name"'),
        (b"SELECT 'x'", "SELECT ?"),
        (sql.SQL("SELECT {}").format(sql.Literal("hunter2")), "Composed"),
        ("x" * 9000, "x" * 2000),
    ],
)
def test_statements_are_shown_without_literals(statement: object, shown: str) -> None:
    assert tracing.statement_of(statement) == shown
