"""The database that tests begin with, installed once a run; whoever needs one has it copied.

PostgreSQL copies a small database as files in a tenth of a second, so a test that commits is undone
by a new copy: whatever it left, rows, tables, functions or sequences, is not in it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[1]
NAME = "test_metabrm_pristine"
#: The advisory lock of whoever installs it.
_LOCK = 0x7072_6973

# Where each sequence of a database goes on.
_SEQUENCES = """
SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL
"""
_GO_ON = """
SELECT setval(format('%%I.%%I', schemaname, sequencename), went_on)
FROM pg_sequences JOIN unnest(%s::text[], %s::text[], %s::bigint[])
    AS before (schemaname, sequencename, went_on) USING (schemaname, sequencename)
WHERE went_on > coalesce(last_value, 0)
"""


def database_url(entry: dict[str, Any], name: str) -> str:
    """libpq's URL for an entry of Django's DATABASES, with another database's name."""
    host = quote(entry["HOST"], safe="")
    user, port = quote(entry.get("USER", "")), entry.get("PORT", "")
    password = f":{quote(entry['PASSWORD'], safe='')}" if entry.get("PASSWORD") else ""
    port = f":{port}" if port else ""
    return f"postgresql://{user}{password}@{host}{port}/{name}"


class Pristine:
    """The installed database of the server that `entry` of Django's DATABASES leads to.

    One that another `run` installed is not to be trusted, unless it is `kept`: then it is migrated.
    """

    def __init__(self, entry: dict[str, Any], run: str, kept: bool = False) -> None:
        self.entry = entry
        self.run = run
        self.kept = kept

    def url(self, name: str) -> str:
        return database_url(self.entry, name)

    def install(self) -> None:
        """Have it installed; whoever comes second waits for the first."""
        with self._server() as server:
            server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            found = server.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                [NAME],
            ).fetchone()
            if found == (self.run,):
                return
            name = sql.Identifier(NAME)
            if found is None or not self.kept:
                _do(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
                _do(server, "CREATE DATABASE {}", name)
            _do(server, "ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
            self._migrate()
            # Nobody can be in it when it is copied.
            _do(server, "ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
            _do(server, "COMMENT ON DATABASE {} IS {}", name, sql.Literal(self.run))

    @contextmanager
    def copied(self, name: str) -> Iterator[str]:
        """A copy of this name while inside the block; its URL."""
        self.install()
        self.copy(name)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def copy(self, name: str) -> None:
        """A new copy in place of the database of this name, whoever is connected to that."""
        with self._server() as server:
            _do(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(name))
            _do(
                server,
                "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY",
                sql.Identifier(name),
                sql.Identifier(NAME),
            )

    def restore(self, name: str) -> None:
        """A new copy whose sequences go on, as what this process remembers goes by Ids and by
        versions that are never given twice."""
        with psycopg.connect(self.url(name)) as soiled:
            sequences = soiled.execute(_SEQUENCES).fetchall()
        self.copy(name)
        with psycopg.connect(self.url(name)) as clean:
            clean.execute(_GO_ON, [list(column) for column in zip(*sequences, strict=True)])

    def drop(self, name: str = NAME) -> None:
        """Drop the database, whoever is connected."""
        with self._server() as server:
            _do(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(name))

    @contextmanager
    def _server(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url(self.entry["NAME"]), autocommit=True) as connection:
            yield connection

    def _migrate(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--no-input", "--verbosity", "0"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": self.url(NAME),
                "DJANGO_SETTINGS_MODULE": "metabrm.settings",
                "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def _do(server: psycopg.Connection[Any], statement: str, *parts: sql.Composable) -> None:
    server.execute(sql.SQL(statement).format(*parts))
