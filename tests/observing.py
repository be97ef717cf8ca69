"""Reading what is logged: every line of every logger, as the product writes it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metabrm.observability.logs import Lines, Stderr


class Logged:
    """What was logged so far."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines; each must be a whole object."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@contextmanager
def logged(form: str = "json", level: int = logging.INFO) -> Iterator[Logged]:
    """All that is logged inside the block, in the given form, as if nobody else listened."""
    stream = io.StringIO()
    handler = Stderr(stream)
    handler.setFormatter(Lines(form))
    before = [
        (logger, logger.handlers, logger.level)
        for logger in (logging.getLogger(), logging.getLogger("django"))
    ]
    for logger, _, _ in before:
        logger.handlers = [handler]
        logger.setLevel(level)
    try:
        yield Logged(stream)
    finally:
        for logger, handlers, level_before in before:
            logger.handlers = handlers
            logger.setLevel(level_before)
