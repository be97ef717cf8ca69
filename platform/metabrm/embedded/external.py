"""External servers are checked before anything relies on them: reachable, and new enough."""

import psycopg
import redis

from metabrm.environment import masked
from metabrm.problems import Problem

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)
PATIENCE_SECONDS = 5


def check_database(url: str) -> None:
    """Raises Problem unless the PostgreSQL at `url` lets us in and is new enough."""
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE_SECONDS) as connection:
            version = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise Problem(
            f"DATABASE_URL {masked(url)} does not let us in: {_on_one_line(error)}"
        ) from None
    if version < OLDEST_POSTGRES:
        raise Problem(
            f"DATABASE_URL {masked(url)} is a PostgreSQL {version}, which is too old;"
            f" it must be PostgreSQL {OLDEST_POSTGRES} or newer"
        )


def check_cache(url: str) -> None:
    """Raises Problem unless the Valkey or Redis at `url` lets us in and is new enough."""
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS
        )
        with client:
            about = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        raise Problem(
            f"REDIS_URL {masked(url)} does not let us in: {_on_one_line(error)}"
        ) from None
    version = str(about.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise Problem(
            f"REDIS_URL {masked(url)} is version {version}, which is too old;"
            f" it must be Valkey or Redis {oldest} or newer"
        )


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
