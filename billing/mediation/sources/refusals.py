"""Files that can't be taken are told once the others were: none of them holds up the rest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.reading import UnreadableError


class RefusedError(Exception):
    """Which files could not be taken, and why; `loads` are those of the others."""

    def __init__(self, reasons: Sequence[str], loads: Sequence[ActivityCollectorHistory]) -> None:
        super().__init__("\n".join(reasons))
        self.loads = loads


class Refusals:
    """What is wrong with single files of a source."""

    def __init__(self) -> None:
        self._reasons: list[str] = []

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """The block takes the file. One that is gone by now is nobody's trouble."""
        with suppress(FileNotFoundError):
            try:
                yield
            except (UnreadableError, PermissionError) as error:
                self._reasons.append(f"{name}: {error}")

    def tell(self, loads: Sequence[ActivityCollectorHistory]) -> None:
        """RefusedError if there were any."""
        if self._reasons:
            raise RefusedError(self._reasons, loads)
