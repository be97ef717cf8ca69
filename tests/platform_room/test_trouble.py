"""Everything that can be wrong with the machine is one clear line and an exit code, never a trace.

Each test runs a command of the product as a person would.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabrm.embedded import postgres
from metabrm.embedded.valkey import get_binary_path
from tests.patience import STUCK
from tests.platform_room.conftest import HOLD, ROOT, surroundings

SMALL_DISK = Path(__file__).with_name("small_disk.py")
MANAGE = ROOT / "manage.py"


def run(*arguments: str | Path, state: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=surroundings(state, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=STUCK,
    )


def the_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line of complaint of a command that failed as it should."""
    assert result.returncode == 2, result.stderr
    progress = ("starting ", "creating ", "disk is filled", "waiting for ")
    lines = [line for line in result.stderr.splitlines() if not line.startswith(progress)]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("-m", "metabrm.serve", state=tmp_path / "state", BRM_PORT=str(port))
    assert the_line(result) == (
        f"metabrm: BRM_PORT {port} on 127.0.0.1 is taken by another program;"
        " stop it or set BRM_PORT to a free port"
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("host", "complaint"),
    [
        ("192.0.2.1", "BRM_HOST 192.0.2.1 is not an address of this machine"),
        ("no-such-host.invalid", "is not a name this machine can resolve"),
    ],
)
def test_a_host_that_is_not_ours(tmp_path: Path, host: str, complaint: str) -> None:
    result = run("-m", "metabrm.serve", state=tmp_path / "state", BRM_HOST=host)
    assert complaint in the_line(result)


def test_a_wrong_variable_in_every_command(tmp_path: Path) -> None:
    for command in (["-m", "metabrm.serve"], [MANAGE, "check"], [MANAGE, "help"]):
        result = run(*command, state=tmp_path / "state", BRM_PORT="no")
        assert the_line(result).startswith("metabrm: BRM_PORT is 'no'; it must be ")


def test_an_unreachable_database(tmp_path: Path, free_port: int) -> None:
    url = f"postgresql://u:secret@127.0.0.1:{free_port}/n"
    line = the_line(run(MANAGE, "check", state=tmp_path / "state", DATABASE_URL=url))
    assert f"DATABASE_URL postgresql://u:***@127.0.0.1:{free_port}/n does not let us in" in line
    assert "Connection refused" in line


def test_an_unreachable_cache(tmp_path: Path, free_port: int) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port}/0"
    line = the_line(run(MANAGE, "check", state=tmp_path / "state", REDIS_URL=url))
    assert f"REDIS_URL redis://:***@127.0.0.1:{free_port}/0 does not let us in" in line


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a free port that gives each caller the same answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    answer(caller)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


def old_postgres(caller: socket.socket) -> None:
    """What PostgreSQL 14 says to whom it lets in."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    request = caller.recv(4096)
    while request[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # asks for TLS or GSS
        caller.sendall(b"N")
        request = caller.recv(4096)
    caller.sendall(
        message(b"R", bytes(4))
        + message(b"S", b"server_version\x0014.9\x00")
        + message(b"S", b"client_encoding\x00UTF8\x00")
        + message(b"S", b"standard_conforming_strings\x00on\x00")
        + message(b"K", bytes(8))
        + message(b"Z", b"I")
    )
    caller.recv(4096)


def old_redis(caller: socket.socket) -> None:
    """What Redis 5 says about itself; to all else it says OK."""
    while request := caller.recv(4096):
        if b"INFO" in request:
            about = b"# Server\r\nredis_version:5.0.14\r\n"
            caller.sendall(b"$%d\r\n%s\r\n" % (len(about), about))
        else:
            caller.sendall(b"+OK\r\n" * request.count(b"*"))


def test_a_postgres_that_is_too_old(tmp_path: Path) -> None:
    with answering(old_postgres) as port:
        url = f"postgresql://u:secret@127.0.0.1:{port}/n"
        line = the_line(run(MANAGE, "check", state=tmp_path / "state", DATABASE_URL=url))
    assert line.endswith("is a PostgreSQL 14, which is too old; it must be PostgreSQL 15 or newer")
    assert "secret" not in line


def test_a_redis_that_is_too_old(tmp_path: Path) -> None:
    with answering(old_redis) as port:
        url = f"redis://127.0.0.1:{port}/0?protocol=2"
        line = the_line(run(MANAGE, "check", state=tmp_path / "state", REDIS_URL=url))
    assert "is version 5.0.14, which is too old; it must be Valkey or Redis 6.2 or newer" in line


@pytest.mark.parametrize(
    ("size", "fill"), [("16m", "0"), ("160m", "1")], ids=["at first start", "at a later start"]
)
def test_a_full_disk(tmp_path: Path, size: str, fill: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    state = disk / "state"
    result = run(SMALL_DISK, size, disk, fill, sys.executable, HOLD, state=state)
    if result.returncode == 77:
        pytest.skip(f"this machine allows no disk of a test's own: {result.stdout.strip()}")
    assert f"the disk holding {state} is full; make room there" in the_line(result)


@pytest.fixture
def external(tmp_path: Path, free_port: int) -> Iterator[tuple[str, str]]:
    """A PostgreSQL on TCP with passwords, and a Valkey with one; their URLs."""
    data = tmp_path / "external"
    data.mkdir()
    password_file = tmp_path / "password"
    password_file.write_text("p@ss word")
    runner = postgres.runner(data)
    subprocess.run(
        [*runner, postgres.binaries() / "initdb", "-D", data, "-U", "owner", "--no-sync",
         "-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    sockets = tmp_path / "valkey.sock"
    servers = [
        subprocess.Popen(
            [*runner, postgres.binaries() / "postgres", "-D", data, "-c", "fsync=off",
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
             "-p", str(free_port)],
            stderr=subprocess.PIPE,
            text=True,
        ),
        subprocess.Popen(
            [get_binary_path(), "--port", "0", "--unixsocket", sockets, "--dir", tmp_path,
             "--save", "", "--requirepass", "p@ss"],
            stdout=subprocess.PIPE,
            text=True,
        ),
    ]  # fmt: skip
    for stream in (servers[0].stderr, servers[1].stdout):
        assert stream is not None
        assert any("eady to accept connections" in line for line in stream)
    yield (
        f"postgresql://owner:p%40ss%20word@127.0.0.1:{free_port}/postgres",
        f"unix://:p%40ss@{sockets}?db=3",
    )
    for server in servers:
        server.terminate()
        server.communicate(timeout=STUCK)


def test_external_servers_are_used_and_left_running(
    tmp_path: Path, external: tuple[str, str]
) -> None:
    database_url, redis_url = external
    urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    state = tmp_path / "state"
    script = (
        "from django.db import connection as c; from django.core.cache import cache;"
        "c.ensure_connection(); cache.set('x', 1);"
        "print(c.settings_dict['USER'], c.pg_version // 10000, cache.get('x'))"
    )
    for _ in "12":
        result = run(MANAGE, "shell", "--verbosity=0", "-c", script, state=state, **urls)
        assert result.stdout.splitlines() == ["owner 18 1"], result.stderr
    assert sorted(os.listdir(state)) == ["metrics", "secret-key"]

    for name, wrong in (
        ("DATABASE_URL", database_url.replace("%20word", "")),
        ("DATABASE_URL", database_url.replace("/postgres", "/nowhere")),
        ("REDIS_URL", redis_url.replace("p%40ss", "wrong")),
    ):
        line = the_line(run(MANAGE, "check", state=state, **{**urls, name: wrong}))
        assert line.startswith(f"metabrm: {name} ")
        assert "does not let us in" in line
        assert "p%40ss" not in line
