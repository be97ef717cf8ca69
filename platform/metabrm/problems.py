"""What the person who started a command can put right is told in one line, without a traceback.

Code that finds such a thing raises `Problem`; only the entry points (manage.py, serve, demo) turn
it into a line on stderr and an exit code, by running inside `told_in_one_line()`.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NO_ROOM_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


class Problem(Exception):
    """What was wrong, where, and what would be right; one line per wrong thing."""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Print a Problem (or a full disk) raised inside as one line each and exit with code 2."""
    try:
        yield
    except Problem as problem:
        _tell(str(problem))
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in NO_ROOM_ERRNOS:
            raise
        _tell(f"the disk is full: could not write {error.filename or 'a file'}; make room there")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _tell(text: str) -> None:
    for line in text.splitlines():
        print(f"metabrm: {line}", file=sys.stderr, flush=True)
