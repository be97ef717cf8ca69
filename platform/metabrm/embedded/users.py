"""Who uses the embedded servers: last one out turns off the light.

Each command that needs the servers writes itself into a list beside them, under a file lock that
is also held while servers start and stop, so two commands starting at once start one server. A
command that was killed never signs off; it is struck off by the next that looks at the list.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from metabrm.environment.kept import give_to_owner
from metabrm.problems import NO_ROOM_ERRNOS

SAME_START_SECONDS = 30


class Users:
    """The list of processes that use the servers of one state directory."""

    def __init__(self, state: Path) -> None:
        self._lock_file = state / "servers.lock"
        self._list_file = state / "servers.users"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the servers and their list."""
        with open(self._lock_file, "a") as lock:
            give_to_owner(self._lock_file)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(
                    "waiting for another command that starts or stops the servers ...",
                    file=sys.stderr,
                    flush=True,
                )
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def add_me(self) -> None:
        """Sign on; once for each time `remove_me` will be called."""
        me = psutil.Process()
        self._write([*self._living(), f"{me.pid} {me.create_time()}"])

    def remove_me(self) -> bool:
        """Sign off once; returns whether anybody still uses the servers."""
        living = self._living()
        mine = [line for line in living if int(line.split()[0]) == os.getpid()]
        if mine:
            living.remove(mine[0])
        try:
            self._write(living)
        except OSError as error:  # on a full disk our line stays, and lapses when we end
            if error.errno not in NO_ROOM_ERRNOS:
                raise
        return bool(living)

    def any(self) -> bool:
        """Whether somebody who is alive uses the servers."""
        return bool(self._living())

    def _living(self) -> list[str]:
        try:
            lines = self._list_file.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if _lives(line)]

    def _write(self, lines: list[str]) -> None:
        draft = self._list_file.with_suffix(".new")
        draft.write_text("".join(f"{line}\n" for line in lines))
        give_to_owner(draft)
        draft.replace(self._list_file)


def _lives(line: str) -> bool:
    """Whether the process of a line "pid start-time" runs, and is not a later one of that pid."""
    try:
        pid, started = line.split()
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Not compared exactly: start times move a little when the machine's clock is corrected.
        return abs(process.create_time() - float(started)) < SAME_START_SECONDS
    except (ValueError, psutil.Error):
        return False
