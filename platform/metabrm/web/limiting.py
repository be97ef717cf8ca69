"""How many requests somebody may send: a steady rate that lets a burst through, and so many a day.

Both are kept in Valkey under one key and decided there by one script, in one round trip, by
Valkey's own clock: any number of web workers share them, and no machine's clock matters. The rate
is the generic cell rate algorithm: `tat` is when the burst would be whole again if nothing more
came. A request that is refused uses nothing up. A day is a calendar day in UTC.

Who can't be counted is let in: where Valkey is away, or slower than PATIENCE, requests are served
unlimited, Valkey is left alone for PAUSE at a time, and the log says so once a minute.
"""

import logging
import time
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha1
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

#: Seconds that a request waits for Valkey, and for which a Valkey that failed is left alone.
PATIENCE = 0.02
PAUSE = 1.0
#: Seconds between two lines in the log that say the same.
SILENCE = 60.0

PREFIX = b"metabrm:rate:"

# KEYS: who. ARGV: microseconds a request, requests in a burst, requests a day.
# Answer: admitted, requests left now, requests left today, microseconds until the burst is whole,
# until the day ends, and until a refused request may be sent again.
_SCRIPT = b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each, burst, daily = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local day = 86400000000
local today = math.floor(now / day)
local ends = (today + 1) * day - now
local tat, used = now, 0
local kept = redis.call('GET', KEYS[1])
if kept then
    local at, on, count = string.match(kept, '^(%d+) (%d+) (%d+)$')
    -- Further ahead than a whole burst it is because the clock was set back: nobody waits for that.
    if tonumber(at) <= now + each * burst then tat = math.max(now, tonumber(at)) end
    if tonumber(on) == today then used = tonumber(count) end
end
local wait = math.max(0, tat + each - now - each * burst)
if used >= daily then wait = ends end
local admitted = 0
if wait == 0 then
    admitted = 1
    tat = tat + each
    used = used + 1
    local life = math.ceil(math.max(ends, tat - now) / 1000) + 1000
    local keep = string.format('%.0f %.0f %.0f', tat, today, used)
    redis.call('SET', KEYS[1], keep, 'PX', string.format('%.0f', life))
end
local left = math.floor((now + each * burst - tat) / each)
return string.format('%d %.0f %.0f %.0f %.0f %.0f',
    admitted, left, math.max(0, daily - used), tat - now, ends, wait)
"""
_SHA = sha1(_SCRIPT, usedforsecurity=False).hexdigest().encode()


def _packed(*parts: bytes) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


_BY_SHA = b"*7\r\n" + _packed(b"EVALSHA", _SHA, b"1")
_IN_FULL = b"*7\r\n" + _packed(b"EVAL", _SCRIPT, b"1")


@dataclass(frozen=True)
class Rate:
    """What somebody may send: requests a second, at once after a pause, and a day."""

    per_second: int
    burst: int
    per_day: int

    @cached_property
    def arguments(self) -> bytes:
        """The script's."""
        numbers = (round(1_000_000 / self.per_second), self.burst, self.per_day)
        return _packed(*(b"%d" % number for number in numbers))

    @cached_property
    def policy(self) -> str:
        """As the header RateLimit-Policy tells it."""
        return f"{self.per_second};w=1;burst={self.burst}, {self.per_day};w=86400"


@dataclass(frozen=True, slots=True)
class Standing:
    """What was decided about a request; of the two limits it tells the one that is nearer.

    limit, remaining    requests in all and still left
    reset               seconds until all are there again
    retry_after         seconds until a request that was refused may be sent again
    """

    rate: Rate
    admitted: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int

    def headers(self) -> dict[str, str]:
        """As the IETF's draft names them, and Retry-After of a refusal."""
        told = {
            "RateLimit-Policy": self.rate.policy,
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        if not self.admitted:
            told["Retry-After"] = str(self.retry_after)
        return told


class Limiter:
    """Counts requests in the Valkey at `url`."""

    def __init__(self, url: str, *, patience: float = PATIENCE, pause: float = PAUSE) -> None:
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            protocol=2,
        )
        self._pause = pause
        self._free: deque[Any] = deque()
        self._away_until = 0.0
        self._told_at = -SILENCE

    def admit(self, who: str, rate: Rate) -> Standing | None:
        """Count a request of `who` and say whether it is within `rate`; None: nobody can say."""
        if self._away_until:
            if time.monotonic() < self._away_until:
                return None
            # Whoever comes next tries; the others don't wait for what is likely to fail again.
            self._away_until = time.monotonic() + self._pause
        key = PREFIX + who.encode()
        call = b"$%d\r\n%b\r\n%b" % (len(key), key, rate.arguments)
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._pool.make_connection()
        try:
            answer = self._ask(connection, call)
        except (redis.RedisError, OSError) as error:
            # What is in a connection that failed belongs to nobody.
            connection.disconnect()
            self._away(error)
            return None
        self._free.append(connection)
        if self._away_until:
            self._away_until = 0.0
            log.info("Valkey answers again: rate limits are enforced.")
        return _standing(rate, answer)

    def _ask(self, connection: Any, call: bytes) -> bytes:
        try:
            connection.send_packed_command((_BY_SHA + call,))
            return bytes(connection.read_response())
        except redis.exceptions.NoScriptError:
            connection.send_packed_command((_IN_FULL + call,))
            return bytes(connection.read_response())

    def _away(self, error: Exception) -> None:
        now = time.monotonic()
        self._away_until = now + self._pause
        self._free.clear()
        if now - self._told_at >= SILENCE:
            self._told_at = now
            log.warning(
                "Rate limits are not enforced, all requests are let in: Valkey fails: %s", error
            )


def _standing(rate: Rate, answer: bytes) -> Standing:
    admitted, left, left_today, whole, ends, wait = map(int, answer.split())
    if left_today < left:
        left, limit, reset = left_today, rate.per_day, ends
    else:
        limit, reset = rate.burst, whole
    return Standing(
        rate, admitted == 1, limit, left, -(-reset // 1_000_000), max(1, -(-wait // 1_000_000))
    )
