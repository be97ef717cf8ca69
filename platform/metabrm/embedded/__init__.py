"""The database and the cache: our own in the state directory, or external ones where URLs are set.

`with servers():` has both at hand inside the block. What runs already is used; what does not is
started, and stopped by the last command that used it. Where the servers are follows from the
environment alone (`database()`, `cache_url()`), so settings need nobody to have started them.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from metabrm import environment
from metabrm.embedded import external
from metabrm.embedded.place import Place
from metabrm.embedded.postgres import NAME, Postgres
from metabrm.embedded.users import Users
from metabrm.embedded.valkey import Valkey
from metabrm.environment import Environment
from metabrm.problems import NO_ROOM_ERRNOS, Problem

DATABASE_KEYS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}


def database(env: Environment | None = None) -> dict[str, Any]:
    """The database as an entry of Django's DATABASES."""
    env = env or environment.current()
    entry: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}
    if env.database_url is None:
        sockets = os.fspath(Place(env.state_dir).sockets)
        return {**entry, "NAME": NAME, "USER": NAME, "HOST": sockets}
    for key, value in conninfo_to_dict(env.database_url).items():
        if key == "port":
            entry["PORT"] = str(value)
        elif key in DATABASE_KEYS:
            entry[DATABASE_KEYS[key]] = value
        else:
            entry["OPTIONS"][key] = value
    return entry


def cache_url(env: Environment | None = None) -> str:
    """The URL of Valkey or Redis as the package redis reads it."""
    env = env or environment.current()
    return env.redis_url or f"unix://{Place(env.state_dir).valkey_socket}?db=0"


@contextmanager
def servers(env: Environment | None = None, durable: bool = True) -> Iterator[None]:
    """PostgreSQL and Valkey are at hand inside the block; raises Problem where they cannot be.

    `durable=False` trades safety against power cuts for speed; it is for tests.
    """
    env = env or environment.current()
    with _sigterm_unwinds():
        start(env, durable)
        try:
            yield
        finally:
            stop(env)


def start(env: Environment, durable: bool = True) -> None:
    """Start what is ours and does not run, check what is external. `stop` must follow.

    Raises Problem where that cannot be; then nothing is left to stop.
    """
    if env.database_url:
        external.check_database(env.database_url)
    if env.redis_url:
        external.check_cache(env.redis_url)
    ours = _ours(env, durable)
    if not ours:
        return
    place = Place(env.state_dir)
    place.prepare()
    try:
        with (users := Users(place.state)).locked():
            users.add_me()
            if not all(server.process() for server in ours):
                names = " and ".join(type(server).__name__ for server in ours)
                print(f"starting {names} in {place.state} ...", file=sys.stderr, flush=True)
            for server in ours:
                server.start()
    except BaseException as error:
        stop(env)
        if isinstance(error, OSError) and error.errno in NO_ROOM_ERRNOS:
            raise Problem(f"the disk holding {place.state} is full; make room there") from None
        raise


def stop(env: Environment) -> None:
    """Sign off, and stop what is ours unless another command still uses it."""
    ours = _ours(env)
    if not ours:
        return
    users = Users(env.state_dir)
    with users.locked():
        if not users.remove_me():
            for server in reversed(ours):
                server.stop()
            Place(env.state_dir).tidy()


def _ours(env: Environment, durable: bool = True) -> list[Postgres | Valkey]:
    place = Place(env.state_dir)
    ours: list[Postgres | Valkey] = []
    if env.database_url is None:
        ours.append(Postgres(place, durable))
    if env.redis_url is None:
        ours.append(Valkey(place, durable))
    return ours


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let `kill` end the block as Ctrl-C does, so that what was started is stopped."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
