"""The embedded servers: started once, found again, stopped by the last one out, never lossy."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from metabrm import embedded
from metabrm.embedded import postgres
from metabrm.embedded.place import SOCKET_PATH_LIMIT, Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.users import Users
from metabrm.embedded.valkey import Valkey
from metabrm.environment import Environment, read
from metabrm.problems import Problem
from tests.patience import STUCK
from tests.platform_room.conftest import HOLD, Start


def pids_of(command: subprocess.Popen[str]) -> list[int]:
    """The pids of the servers a holding command says it has; waits until it has them."""
    assert command.stdout is not None
    line = command.stdout.readline()
    assert line, command.stderr and command.stderr.read()
    return [int(pid) for pid in line.split()]


def let_go(command: subprocess.Popen[str]) -> None:
    command.communicate(timeout=STUCK)
    assert command.returncode == 0


def running(pids: list[int]) -> list[bool]:
    def runs(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [runs(pid) for pid in pids]


def environment_of(state: Path) -> Environment:
    return read({"BRM_STATE_DIR": str(state)})


def connect(env: Environment) -> psycopg.Connection[tuple[object, ...]]:
    entry = embedded.database(env)
    return psycopg.connect(
        dbname=entry["NAME"], user=entry["USER"], host=entry["HOST"], autocommit=True
    )


def test_a_second_command_finds_them_and_the_last_one_out_stops_them(
    state: Path, start: Start
) -> None:
    first = start(HOLD, state=state)
    pids = pids_of(first)
    second = start(HOLD, state=state)
    assert pids_of(second) == pids
    let_go(first)
    assert running(pids) == [True, True]
    let_go(second)
    assert running(pids) == [False, False]


def test_two_commands_starting_at_once_start_one_pair(state: Path, start: Start) -> None:
    commands = [start(HOLD, state=state) for _ in "1234"]
    pids = [pids_of(command) for command in commands]
    assert pids[1:] == pids[:-1]
    for command in commands:
        let_go(command)
    assert running(pids[0]) == [False, False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_stops_what_it_started(
    state: Path, start: Start, number: signal.Signals
) -> None:
    command = start(HOLD, state=state)
    pids = pids_of(command)
    command.send_signal(number)
    _, errors = command.communicate(timeout=STUCK)
    assert command.returncode == 128 + number
    assert "Traceback" not in errors
    assert running(pids) == [False, False]


def test_a_killed_command_leaves_servers_that_the_next_one_uses_and_stops(
    state: Path, start: Start
) -> None:
    killed = start(HOLD, state=state)
    pids = pids_of(killed)
    killed.kill()
    killed.wait()
    assert running(pids) == [True, True]
    following = start(HOLD, state=state)
    assert pids_of(following) == pids
    let_go(following)
    assert running(pids) == [False, False]


def test_data_survives_a_kill_of_everything(state: Path, start: Start) -> None:
    env = environment_of(state)
    command = start(HOLD, state=state)
    pids = pids_of(command)
    connection = connect(env)
    connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    connection.execute("BEGIN")
    connection.execute("DELETE FROM kept")  # never committed
    valkey = redis.Redis.from_url(embedded.cache_url(env))
    valkey.set("kept", "yes")
    time.sleep(1.2)  # Valkey promises what is a second old
    for pid in (command.pid, *pids):
        os.kill(pid, signal.SIGKILL)
    command.wait()
    connection.close()
    assert (state / "postgres" / "postmaster.pid").exists()
    assert Place(state).valkey_socket.exists()

    following = start(HOLD, state=state)
    assert pids_of(following) != pids
    with connect(env) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    assert valkey.get("kept") == b"yes"
    let_go(following)


def test_a_pid_file_that_names_a_stranger_is_not_believed(state: Path, start: Start) -> None:
    let_go(start(HOLD, state=state))
    (state / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{state}/postgres\n")
    (state / "valkey" / "valkey.pid").write_text(f"{os.getpid()}\n")
    (state / "servers.users").write_text(f"{os.getpid()} 12345.0\nnonsense\n")
    command = start(HOLD, state=state)
    pids = pids_of(command)
    assert os.getpid() not in pids
    let_go(command)
    assert running(pids) == [False, False]


def test_inside_one_process_the_outer_block_keeps_them(state: Path) -> None:
    env = environment_of(state)
    with embedded.servers(env, durable=False):
        with embedded.servers(env, durable=False):
            pass
        with connect(env) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not Users(state).any()
    assert Postgres(Place(state)).process() is None


def test_what_the_database_is(state: Path) -> None:
    env = environment_of(state)
    with embedded.servers(env), connect(env) as connection:
        about = connection.execute(
            "SELECT current_user::text, rolsuper, rolcreatedb, pg_encoding_to_char(encoding),"
            " datlocale, current_setting('TimeZone'), current_setting('listen_addresses'),"
            " current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('jit'), current_setting('max_connections')"
            " FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        assert about == (
            *("metabrm", False, True, "UTF8", "C.UTF-8", "UTC", ""),
            *("on", "on", "off", "200"),
        )
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.info.server_version >= 180000
        valkey = redis.Redis.from_url(embedded.cache_url(env))
        assert valkey.config_get("port") == {"port": "0"}
        assert valkey.config_get("appendonly") == {"appendonly": "yes"}


def test_nobody_else_can_reach_them(state: Path, start: Start) -> None:
    command = start(HOLD, state=state)
    pids_of(command)
    for directory in (state, Place(state).sockets, state / "postgres", state / "valkey"):
        assert directory.stat().st_mode & 0o077 == 0
    let_go(command)


def test_a_long_path_gets_its_sockets_elsewhere(tmp_path: Path, start: Start) -> None:
    deep = tmp_path / ("deep" * 20) / ("deeper" * 20)
    sockets = Place(deep).sockets
    assert len(os.fsencode(sockets)) + 20 < SOCKET_PATH_LIMIT
    command = start(HOLD, state=deep)
    pids = pids_of(command)
    assert sockets.stat().st_mode & 0o077 == 0
    let_go(command)
    assert running(pids) == [False, False]
    assert not sockets.exists()


def test_a_socket_directory_made_by_somebody_else_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / ("deep" * 40))
    place.sockets.mkdir()
    place.sockets.chmod(0o777)
    try:
        with pytest.raises(Problem, match="only its owner may write"):
            embedded.start(environment_of(place.state))
    finally:
        place.sockets.rmdir()


def test_an_ordinary_user_runs_them(state: Path, start: Start, as_ordinary_user: list[str]) -> None:
    command = start(HOLD, state=state, before=as_ordinary_user)
    pids = pids_of(command)
    with connect(environment_of(state)) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("metabrm",)
    let_go(command)
    assert running(pids) == [False, False]


@pytest.fixture
def open_state() -> Iterator[Path]:
    """A state directory that other users could reach, were it opened to them."""
    parent = Path(tempfile.mkdtemp(prefix="metabrm-open-", dir="/tmp"))
    parent.chmod(0o755)
    yield parent / "state"
    Postgres(Place(parent / "state")).stop()
    shutil.rmtree(parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_where_namespaces_are_refused_root_runs_them_as_nobody(
    open_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "namespace_allowed", lambda: False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    env = environment_of(open_state)
    programs = postgres.binaries()
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        with embedded.servers(env, durable=False), connect(env) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            server = Postgres(Place(open_state)).process()
            assert server is not None
            assert server.username() == "nobody"
    else:
        with pytest.raises(Problem, match=r"refuses to run as root.*may not enter /.*DATABASE_URL"):
            embedded.start(env, durable=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could otherwise go on")
def test_root_in_an_ordinary_users_state_directory_runs_them_as_that_user(
    open_state: Path,
) -> None:
    open_state.mkdir()
    os.chown(open_state, 65534, 65534)
    env = environment_of(open_state)
    if not all(parent.stat().st_mode & 0o001 for parent in postgres.binaries().parents):
        with pytest.raises(Problem, match="Permission denied"):
            embedded.start(env, durable=False)
        return
    with embedded.servers(env, durable=False), connect(env) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    strangers = [path for path in open_state.rglob("*") if path.stat().st_uid != 65534]
    assert not strangers


def test_a_state_directory_of_another_user_is_refused(
    tmp_path: Path, start: Start, as_ordinary_user: list[str]
) -> None:
    theirs = Path("/usr")
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        os.chown(theirs, 65534, 65534)
    command = start(HOLD, state=theirs, before=as_ordinary_user)
    _, errors = command.communicate(timeout=STUCK)
    assert command.returncode == 2
    assert errors.splitlines()[0].startswith(f"metabrm: BRM_STATE_DIR {theirs} belongs to user ")
    assert len(errors.splitlines()) == 1


def test_data_of_another_version_is_left_alone(state: Path) -> None:
    (state / "postgres").mkdir(parents=True)
    (state / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Problem, match=r"was made by PostgreSQL 17.*pg_upgrade"):
        embedded.start(environment_of(state))
    assert Valkey(Place(state)).process() is None


def test_a_server_that_cannot_start_says_why(state: Path) -> None:
    env = environment_of(state)
    with embedded.servers(env, durable=False):
        pass
    (state / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(Problem, match=r"embedded PostgreSQL did not start: .*pg_control"):
        embedded.start(env, durable=False)
    assert not Users(state).any()
