"""Rates against an exact model of them, many at once, and a Valkey that is away or slow."""

import os
import random
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from itertools import count

import pytest
import redis

from metabrm import embedded
from metabrm.environment import read
from metabrm.web.limiting import PREFIX, Limiter, Rate, Standing
from tests.patience import STUCK

URL = embedded.cache_url(read(os.environ))
_numbers = count()


@pytest.fixture
def limiter() -> Limiter:
    # A busy machine is no reason to let a test's request in.
    return Limiter(URL, patience=10)


@pytest.fixture
def who() -> str:
    return f"tests-{os.getpid()}-{next(_numbers)}"


def asked(limiter: Limiter, who: str, rate: Rate) -> Standing:
    standing = limiter.admit(who, rate)
    assert standing is not None
    return standing


@pytest.mark.parametrize(("per_second", "burst"), [(1, 1), (1, 7), (5, 20), (3, 150)])
def test_a_burst_is_let_in_whole_and_nothing_more(
    limiter: Limiter, who: str, per_second: int, burst: int
) -> None:
    rate = Rate(per_second, burst, 10**6)
    begun = time.monotonic()
    standings = [asked(limiter, who, rate) for _ in range(burst)]
    refused = asked(limiter, who, rate)
    earned = int((time.monotonic() - begun) * per_second)
    assert all(s.admitted for s in standings)
    assert standings[0].remaining == burst - 1
    assert not refused.admitted or earned
    if not refused.admitted:
        assert refused.headers()["RateLimit-Remaining"] == "0"
        assert refused.headers()["RateLimit-Limit"] == str(burst)
        assert refused.headers()["Retry-After"] == "1"
        assert refused.reset <= -(-burst // per_second)


def test_over_time_it_is_a_bucket_that_fills_steadily(limiter: Limiter, who: str) -> None:
    """Against exact arithmetic, with as much doubt as the two clocks are read apart."""
    rate = Rate(200, 20, 10**6)
    chance = random.Random(7)
    low = high = Fraction(20)  # what is in the bucket at least, and at most
    before = after = Fraction(time.monotonic_ns(), 10**9)
    seen: Counter[bool] = Counter()
    for _ in range(400):
        if chance.random() < 0.05:
            time.sleep(chance.random() * 0.05)
        sent = Fraction(time.monotonic_ns(), 10**9)
        admitted = asked(limiter, who, rate).admitted
        came = Fraction(time.monotonic_ns(), 10**9)
        low = min(Fraction(20), low + max(Fraction(0), sent - after) * 200)
        high = min(Fraction(20), high + (came - before) * 200)
        before, after = sent, came
        seen[admitted] += 1
        if admitted:
            assert high >= 1 - Fraction(1, 1000)
            low, high = max(Fraction(0), low - 1), high - 1
        else:
            assert low < 1 + Fraction(1, 1000)
            high = min(high, Fraction(1))
    assert seen[True] > 20 and seen[False] > 20


def test_a_refusal_uses_nothing_up(limiter: Limiter, who: str) -> None:
    rate = Rate(20, 1, 10**6)
    assert asked(limiter, who, rate).admitted
    deadline = time.monotonic() + STUCK
    refused = 0
    while not asked(limiter, who, rate).admitted:
        refused += 1
        assert time.monotonic() < deadline
    assert refused


def test_a_day_has_so_many_and_ends_at_midnight(limiter: Limiter, who: str) -> None:
    rate = Rate(1000, 100, 5)
    answers = [asked(limiter, who, rate) for _ in range(7)]
    assert [a.admitted for a in answers] == [True] * 5 + [False] * 2
    assert [a.remaining for a in answers] == [4, 3, 2, 1, 0, 0, 0]
    with redis.Redis.from_url(URL) as valkey:
        seconds, _ = valkey.time()
        assert abs(answers[-1].retry_after - (86400 - seconds % 86400)) <= 2
        assert answers[-1].limit == 5
        # What was kept on the day before does not count.
        key = PREFIX + who.encode()
        tat, day, used = valkey.get(key).split()
        valkey.set(key, b"%b %d %b" % (tat, int(day) - 1, used))
    assert asked(limiter, who, rate).remaining == 4


def test_a_clock_that_is_set_back_locks_nobody_out(limiter: Limiter, who: str) -> None:
    rate = Rate(10, 5, 10**6)
    with redis.Redis.from_url(URL) as valkey:
        seconds, _ = valkey.time()
        ahead = (seconds + 7 * 86400) * 1_000_000
        valkey.set(PREFIX + who.encode(), f"{ahead} {seconds // 86400 + 7} 99999999")
    assert [asked(limiter, who, rate).remaining for _ in range(3)] == [4, 3, 2]


def test_what_is_kept_goes_by_itself(limiter: Limiter, who: str) -> None:
    asked(limiter, who, Rate(10, 5, 10**6))
    with redis.Redis.from_url(URL) as valkey:
        assert 0 < valkey.pttl(PREFIX + who.encode()) <= (86400 + 2) * 1000


def test_everybody_has_a_limit_of_his_own_whatever_he_is_called(limiter: Limiter, who: str) -> None:
    rate = Rate(1, 1, 10)
    names = [who, f"{who} x", f"{who}\r\n$3", f"{who}\0", f"{who}é語"]
    assert [asked(limiter, name, rate).admitted for name in names] == [True] * 5
    assert [asked(limiter, name, rate).admitted for name in names] == [False] * 5


def test_many_workers_together_let_in_no_more_than_one(who: str) -> None:
    rate = Rate(1, 60, 10**6)
    workers = [Limiter(URL, patience=10) for _ in range(4)]
    begun = time.monotonic()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: asked(workers[i % 4], who, rate).admitted, range(300)))
    assert 60 <= sum(answers) <= 60 + (time.monotonic() - begun) + 1


def test_scripts_that_valkey_has_forgotten_are_sent_again(limiter: Limiter, who: str) -> None:
    with redis.Redis.from_url(URL) as valkey:
        valkey.script_flush()
    assert [asked(limiter, who, Rate(1, 2, 10)).remaining for _ in range(2)] == [1, 0]


def test_valkey_away_is_no_reason_to_refuse_or_to_wait(
    who: str, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = Limiter("unix:///nowhere/valkey.sock?db=0", pause=60)
    begun = time.monotonic()
    assert [limiter.admit(who, Rate(1, 1, 1)) for _ in range(100)] == [None] * 100
    assert time.monotonic() - begun < 1
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "not enforced" in caplog.text


def test_a_valkey_that_hangs_costs_one_short_wait_and_is_found_again(
    who: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "metabrm.web.limiting")
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        port = deaf.getsockname()[1]
        limiter = Limiter(f"redis://127.0.0.1:{port}/0", patience=0.02, pause=0.3)
        waits = []
        for _ in range(50):
            begun = time.monotonic()
            assert limiter.admit(who, Rate(1, 1, 1)) is None
            waits.append(time.monotonic() - begun)
        assert sorted(waits)[-4] < 0.005 and max(waits) < 0.3
    time.sleep(0.35)
    answering = threading.Thread(target=_serve_one, args=[port], daemon=True)
    answering.start()
    deadline = time.monotonic() + STUCK
    while (standing := limiter.admit(who, Rate(1, 9, 9))) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (standing.admitted, standing.remaining) == (True, 8)
    assert "answers again" in caplog.text
    assert sum(r.levelname == "WARNING" for r in caplog.records) == 1


def _serve_one(port: int) -> None:
    """Answer one connection as the script would."""
    with closing(socket.create_server(("127.0.0.1", port))) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                while received := connection.recv(65536):
                    answer = b"+OK\r\n" * received.count(b"SELECT")
                    if b"EVALSHA" in received:
                        text = b"1 8 8 1000000 5000000 0"
                        answer += b"$%d\r\n%b\r\n" % (len(text), text)
                    connection.sendall(answer)
