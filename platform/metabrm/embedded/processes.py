"""Server processes: started on their own, found again by later commands, stopped.

A server outlives the command that started it, so it is never a Popen object: it is found through
its pid file, and believed only if the process is alive, is that program and works in that
directory. A pid file left by a kill -9 or a power cut is therefore never taken for a server.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from metabrm.embedded import unprivileged
from metabrm.environment.kept import give_to_owner

LAUNCHER = [sys.executable, "-I", "-S", unprivileged.__file__]
LOG_SIZE_LIMIT = 16 * 1024 * 1024


def found(pid_file: Path, program: str, directory: Path) -> psutil.Process | None:
    """The running server whose pid is on the first line of `pid_file`, if it is still that one."""
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if _is(process, program, directory) else None


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and waits for its parent to notice does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def launch(command: Sequence[str | Path], log: Path) -> psutil.Process:
    """Start a server that Ctrl-C in our terminal does not reach, its output going to `log`."""
    if log.exists() and log.stat().st_size > LOG_SIZE_LIMIT:
        log.replace(log.with_suffix(".old.log"))
    arguments = [os.fspath(part) for part in command]
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        arguments[0],
        arguments,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    give_to_owner(log)
    return psutil.Process(pid)


def stop(process: psutil.Process, first: signal.Signals, patience: float) -> None:
    """Ask with signal `first`; after `patience` seconds no longer ask."""
    for last_word in (first, signal.SIGKILL):
        try:
            process.send_signal(last_word)
            process.wait(patience)
            return
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            continue


def kill_orphans(program: str, directory: Path) -> None:
    """End children of a killed server that still hold on to its memory and files."""
    deadline = time.monotonic() + 5
    while orphans := list(_all(program, directory)):
        if time.monotonic() > deadline:
            for orphan in orphans:
                orphan.kill()
        psutil.wait_procs(orphans, timeout=0.2)


def _all(program: str, directory: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        if _is(process, program, directory):
            yield process


def _is(process: psutil.Process, program: str, directory: Path) -> bool:
    try:
        return (
            process.name() == program
            and alive(process)
            and os.path.realpath(process.cwd()) == os.path.realpath(directory)
        )
    except psutil.Error:
        return False
