"""Files of another machine, by SFTP: its host key is known beforehand, or nothing is sent to it.

A file is fetched into the state directory to be claimed and read; when its load is done it is moved
or deleted over there.
"""

import io
import posixpath
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

import paramiko

from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.reading import UnreadableError
from billing.mediation.reading.unpacking import most_bytes
from billing.mediation.sources import archiving
from billing.mediation.sources.directory import QUIET, known
from billing.mediation.sources.refusals import Refusals
from metabrm import environment

#: Seconds within which the server answers.
PATIENCE = 30
_KEYS: tuple[Any, ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class NoHostKeyError(Exception):
    """The collector does not say by which key the server is known."""


#: What is raised where the server can't be asked.
TROUBLE = (NoHostKeyError, paramiko.SSHException, EOFError)


@contextmanager
def connected(collector: ActivityCollector) -> Iterator[paramiko.SFTPClient]:
    """The server's files. paramiko.SSHException for another host key, or a refused sign-in."""
    host, port = collector.hostname or "", collector.host_port or 22
    kind, _, rest = (collector.host_key or "").strip().partition(" ")
    coded = rest.split()[0] if rest.strip() else ""
    if not coded:
        raise NoHostKeyError(
            "HostKey is empty: the server's public key, as ssh-keyscan tells it: ssh-ed25519 AAAA…"
        )
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    name = host if port == 22 else f"[{host}]:{port}"
    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {kind} {coded}")
    except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey):
        entry = None
    if entry is None or entry.key is None:
        raise NoHostKeyError("HostKey is no public key; it is written ssh-ed25519 AAAA…")
    client.get_host_keys().add(name, kind, entry.key)
    try:
        client.connect(
            host,
            port,
            username=collector.username or "",
            password=collector.password or None,
            pkey=_private(collector.private_key) if collector.private_key else None,
            look_for_keys=False,
            allow_agent=False,
            timeout=PATIENCE,
            banner_timeout=PATIENCE,
            auth_timeout=PATIENCE,
        )
        with client.open_sftp() as files:
            channel = files.get_channel()
            if channel is not None:
                channel.settimeout(PATIENCE)
            yield files
    finally:
        client.close()


def _private(text: str) -> paramiko.PKey:
    for kind in _KEYS:
        with suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text))
    raise paramiko.SSHException("PrivateKey is no key in OpenSSH or PEM form without a passphrase")


def claim(collector: ActivityCollector) -> list[ActivityCollectorHistory]:
    """Loads of the files that are new, by their names. RefusedError."""
    found, refusals = [], Refusals()
    with connected(collector) as files:
        for entry in sorted(_fitting(files, collector), key=lambda e: e.filename):
            name, size, changed = entry.filename, entry.st_size or 0, float(entry.st_mtime or 0)
            if time.time() - changed < QUIET or known(collector, name, size, changed):
                continue
            with refusals.of(name):
                fetched = _fetched(files, place(collector, name))
                with fetched.open("rb") as file:
                    sha256 = claiming.sha256_of(file)
                load = claiming.claim(collector, "SFTP", name, fetched.stat().st_size, sha256)
                if load is None:
                    fetched.unlink()
                else:
                    fetched.rename(_kept(load))
                    found.append(load)
    refusals.tell(found)
    return found


def newest(collector: ActivityCollector, most: int) -> tuple[str, bytes] | None:
    """Name and first bytes of the file of the directory that changed last, taken or not."""
    with connected(collector) as files:
        found = [(entry.st_mtime or 0, entry.filename) for entry in _fitting(files, collector)]
        if not found:
            return None
        _, name = max(found)
        return name, _beginning(files, place(collector, name), most)


def _fitting(
    files: paramiko.SFTPClient, collector: ActivityCollector
) -> Iterator[paramiko.SFTPAttributes]:
    """The regular files of the collector's directory whose names fit its pattern."""
    pattern = collector.ftp_file_pattern or "*"
    for entry in files.listdir_attr(collector.ftp_directory or "."):
        name = entry.filename
        if stat.S_ISREG(entry.st_mode or 0) and "/" not in name and fnmatchcase(name, pattern):
            yield entry


def read(collector: ActivityCollector, path: str, most: int) -> bytes:
    """The first bytes of a file over there."""
    with connected(collector) as files:
        return _beginning(files, path, most)


def _beginning(files: paramiko.SFTPClient, path: str, most: int) -> bytes:
    with files.open(path, "rb") as remote:
        remote.prefetch(min(remote.stat().st_size or 0, most))
        return remote.read(most)


@contextmanager
def content(load: ActivityCollectorHistory, collector: ActivityCollector) -> Iterator[IO[bytes]]:
    """The file as it was claimed, fetched again where another machine has it."""
    kept = _kept(load)
    if not kept.exists():
        with connected(collector) as files:
            fetched = _fetched(files, place(collector, load.file_name))
        fetched.rename(kept)
    with kept.open("rb") as file:
        if claiming.sha256_of(file) != load.sha256:
            kept.unlink(missing_ok=True)
            raise UnreadableError("The file on the server has changed since it was taken.")
        file.seek(0)
        yield file


def put_away(load: ActivityCollectorHistory, collector: ActivityCollector) -> str | None:
    """Move or delete the file over there; where it lies then. Done twice it does no harm."""
    source = place(collector, load.file_name)
    lies: str | None = source
    if archiving.deletes(collector):
        with connected(collector) as files, suppress(FileNotFoundError):
            files.remove(source)
        lies = None
    elif archiving.moves(collector):
        directory = collector.after_process_directory or collector.ftp_directory or "."
        wanted = posixpath.join(directory, archiving.name_of(load, collector, load.file_name or ""))
        with connected(collector) as files:
            if not _there(files, directory) and collector.create_after_process_directory_flag:
                files.mkdir(directory)
            if _there(files, source):
                if _there(files, wanted):
                    wanted = f"{wanted}.{load.pk}"
                files.rename(source, wanted)
        lies = wanted
    _kept(load).unlink(missing_ok=True)
    return lies


def _there(files: paramiko.SFTPClient, path: str) -> bool:
    try:
        files.stat(path)
    except FileNotFoundError:
        return False
    return True


def place(collector: ActivityCollector, name: str | None) -> str:
    """Where a file of the collector's directory lies over there."""
    return posixpath.join(collector.ftp_directory or ".", name or "")


def _fetched(files: paramiko.SFTPClient, path: str) -> Path:
    """The file, fetched under a name of its own; never more of it than is allowed."""
    most = most_bytes()
    target = _directory() / f"{secrets.token_hex(8)}.part"
    given = 0
    try:
        with files.open(path, "rb") as remote, target.open("wb") as local:
            remote.prefetch(remote.stat().st_size or 0)
            while piece := remote.read(1 << 18):
                given += len(piece)
                if given > most:
                    raise UnreadableError(f"The file has more than {most:,} bytes.")
                local.write(piece)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _kept(load: ActivityCollectorHistory) -> Path:
    return _directory() / f"load-{load.pk}"


def _directory() -> Path:
    found = environment.current().state_dir / "usage"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found
