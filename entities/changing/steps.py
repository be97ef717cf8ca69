"""One step of a change: what it does in words, the statements, and whom it keeps waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

#: Rows a second that a table is read at, and rewritten at, on a small machine; for estimates only.
SCANNED = 2_000_000
REWRITTEN = 300_000
#: Values a second that are encrypted or decrypted, and written.
SEALED = 20_000


class Lock(StrEnum):
    """What a step does to those who use the table meanwhile."""

    NONE = "Nobody waits."
    BRIEF = "Locks the table for a moment."
    SCAN = "Locks the table while it is read once"
    REWRITE = "Locks the table while it is written anew"
    SEAL = "Locks the table while its values are encrypted or decrypted"
    BESIDE = "Goes on beside the work in the table; nobody waits."


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a change does.

    entity      API name of the entity it is about, and its ENTITY.Id
    words       what it does, a sentence
    statements  the SQL, none for a change of names and rules alone
    rows        records in the table, or values to be written, for the estimate
    work        what no SQL can do, after the statements
    """

    entity: str
    entity_id: int
    words: str
    statements: tuple[str, ...] = ()
    lock: Lock = Lock.NONE
    rows: int = 0
    work: Callable[[], None] | None = field(default=None, compare=False)

    @property
    def seconds(self) -> float:
        """About how long the table is locked."""
        if self.lock is Lock.SCAN:
            return self.rows / SCANNED
        if self.lock is Lock.SEAL:
            return self.rows / SEALED
        return self.rows / REWRITTEN if self.lock is Lock.REWRITE else 0.0

    @property
    def long(self) -> bool:
        """Whether the table is locked for longer than one would wait for a mere question."""
        return self.seconds >= 1

    @property
    def lock_words(self) -> str:
        """Whom the step keeps waiting and about how long, a sentence."""
        if self.lock not in (Lock.SCAN, Lock.REWRITE, Lock.SEAL):
            return str(self.lock)
        if self.seconds < 1:
            return f"{self.lock}, less than a second."
        what = "values" if self.lock is Lock.SEAL else "records"
        return f"{self.lock}, about {self.seconds:,.0f} seconds for {self.rows:,} {what}."
