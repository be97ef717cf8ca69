"""Where the embedded servers live: one state directory, and a socket directory that is never long.

A Unix socket's path holds at most 107 bytes. Sockets therefore lie in the state directory when its
path is short, else in a directory of our own under /tmp, named after the state directory so that
every command finds the same one. (Not under TMPDIR: two commands may have different ones.)
"""

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from metabrm.environment.kept import state_directory
from metabrm.problems import Problem

SOCKET_PATH_LIMIT = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
SHORT_DIRECTORIES = Path("/tmp")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one pair of embedded servers."""

    state: Path

    @property
    def postgres_data(self) -> Path:
        return self.state / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.state / "valkey"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def sockets(self) -> Path:
        near = self.state / "run"
        if len(os.fsencode(near / POSTGRES_SOCKET)) <= SOCKET_PATH_LIMIT:
            return near
        name = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        return SHORT_DIRECTORIES / f"metabrm-{name}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / VALKEY_SOCKET

    def prepare(self) -> None:
        """Create the directories, readable by their owner only; raises Problem if it cannot be."""
        owner = state_directory(self.state)
        for directory in (self.logs, self.valkey_data, self.sockets):
            _private(directory, owner)

    def tidy(self) -> None:
        """Leave no empty socket directory outside the state directory behind."""
        if self.state not in self.sockets.parents:
            with suppress(OSError):
                self.sockets.rmdir()


def _private(directory: Path, owner: int) -> None:
    try:
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, owner, -1)
    except FileExistsError:
        pass
    status = directory.lstat()
    # Whoever may write in it could pose as the database: accept no link and no stranger's place.
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
        raise Problem(f"{directory} must be a directory that only its owner may write; remove it")
    if os.geteuid() not in (0, status.st_uid):
        raise Problem(f"{directory} belongs to user {status.st_uid}; remove it")
