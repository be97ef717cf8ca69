"""The sessions of the database that a load is read and mapped in.

The load's own session is enough for a small one. Of a large one every other part goes to a session
beside it, so that two processors read and map it at once. What is done there holds as soon as
`settle` is called, before the load's own transaction does: whoever takes up a load begins by
removing its usage.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg

from entities.bulk.jobs import another_connection

Prepared = Callable[[Any], None]


class Sessions:
    """The cursors of the sessions: the load's own, in its transaction, and those beside it.

    prepare: makes a new session like the load's own; without it there is none beside.
    """

    def __init__(self, own: Any, prepare: Prepared | None = None) -> None:
        self.own = own
        self.cursors = [own]
        self._prepare = prepare
        self._beside = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beside.__exit__(kind, error, trace)

    @contextmanager
    def turns(
        self, begin: Prepared = lambda cursor: None
    ) -> Iterator[Callable[[Callable[[Any], None]], None]]:
        """Yields what has the sessions do one piece of work after the other, in turns: as many at
        once as there are sessions. At the end of the block all is done, or its error raised.

        `begin` is called for a session that is new.
        """
        doing: list[Future[None]] = []
        with ThreadPoolExecutor(2) as threads:

            def give(work: Callable[[Any], None]) -> None:
                if len(doing) == 1 and self._prepare is not None:
                    self._open(begin)
                if len(doing) >= len(self.cursors):
                    doing[-len(self.cursors)].result()
                cursor = self.cursors[len(doing) % len(self.cursors)]
                doing.append(threads.submit(work, cursor))

            yield give
            for each in doing:
                each.result()

    def _open(self, begin: Prepared) -> None:
        """A session beside the load's own."""
        assert self._prepare is not None
        session = self._beside.enter_context(another_connection())
        self._beside.enter_context(session.transaction())
        cursor = session.cursor()
        self._prepare(cursor)
        begin(cursor)
        self.cursors.append(cursor)

    def alone(self) -> None:
        """Undo what was done beside the load's own session."""
        self.cursors = [self.own]
        self._beside.__exit__(psycopg.Rollback, psycopg.Rollback(), None)

    def each(self, work: Callable[[Any], int]) -> int:
        """Do the work in all sessions at once; gives the sum of what they give."""
        with ThreadPoolExecutor(max(1, len(self.cursors) - 1)) as beside:
            others = [beside.submit(work, cursor) for cursor in self.cursors[1:]]
            return work(self.own) + sum(other.result() for other in others)

    def settle(self) -> None:
        """Have what was done beside hold; the load's own session sees it from here on."""
        self.cursors = [self.own]
        self._beside.close()
