"""Building much that is kept, without the garbage collector looking through all of it meanwhile."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Garbage is not looked for inside: where all that is made is kept, for up to a second, looking
    for some would take as long again as making it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
