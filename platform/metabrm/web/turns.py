"""Turns at what may take long: nobody takes all threads of a web worker, others are served beside.

Everybody has so many turns at a time in a worker. One more waits as long as a turn is likely to
come: a moment, and not at all where those that are taken have lasted longer than that already. Who
waits holds a thread too, so nobody waits longer.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

#: Seconds for which somebody waits for a turn.
MOMENT = 0.4


class NoTurnError(Exception):
    """All turns of somebody are taken."""


class Turns:
    """`most` turns at a time for everybody who comes."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self.taken: defaultdict[Hashable, list[float]] = defaultdict(list)
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, who: Hashable) -> Iterator[None]:
        """Take a turn for the block; NoTurnError without one."""
        begun = self._begin(who)
        try:
            yield
        finally:
            with self._changed:
                own = self.taken[who]
                own.remove(begun)
                if not own:
                    del self.taken[who]
                self._changed.notify_all()

    def _begin(self, who: Hashable) -> float:
        with self._changed:
            came = time.monotonic()
            while len(own := self.taken[who]) >= self.most:
                left = min(came, max(own)) + MOMENT - time.monotonic()
                if left <= 0:
                    raise NoTurnError
                self._changed.wait(left)
            begun = time.monotonic()
            own.append(begun)
            return begun
