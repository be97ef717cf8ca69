"""What one write sets off: rules whose actions write records that set off further rules.

A `Cascade` is shared by all of it. It keeps how often actions changed each record, and in which of
those states an action was done for it: an action is done again for a record only when the record
has changed since. All of that is true only as long as the transaction keeps what was done. So it is
a journal: whoever repeats a part of the transaction goes back to the mark at which it began.

A `Chain` is the way through rules to one write. Both have an end (`ROUNDS`, `LONGEST`, `MOST`).
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from entities.records.batch import Batch
from metabrm.identity.context import Context

if TYPE_CHECKING:
    from entities.automation.rules import Rule

#: How often an action may be done for a record, and a rule may come up in a chain.
ROUNDS = 3
#: Rules in a chain.
LONGEST = 12
#: Actions in all that one write may lead to, each for however many records.
MOST = 500

_ABSENT: Final = -1


@dataclass(slots=True)
class Cascade:
    """What was done so far. Records are named by entity Id and record Id."""

    spent: int = 0
    _known: dict[Hashable, int] = field(default_factory=dict)
    _journal: list[tuple[Hashable, int]] = field(default_factory=list)

    @property
    def mark(self) -> int:
        """A place in the journal to go back to."""
        return len(self._journal)

    def back_to(self, mark: int) -> None:
        """Forget what was done since."""
        while len(self._journal) > mark:
            key, before = self._journal.pop()
            if before == _ABSENT:
                del self._known[key]
            else:
                self._known[key] = before

    def changed(self, entity_id: int, record_id: int) -> None:
        """An action changed the record."""
        self._put(("state", entity_id, record_id), self._state(entity_id, record_id) + 1)

    def is_done(self, action_id: int, entity_id: int, record_id: int) -> bool:
        """Whether the action was done for the record as it is now."""
        state = self._known.get(("done", action_id, record_id), _ABSENT)
        return state == self._state(entity_id, record_id)

    def may_do(self, action_id: int, record_id: int) -> bool:
        """Whether the action was not yet done for the record as often as it may be."""
        return self._known.get(("times", action_id, record_id), 0) < ROUNDS

    def done(self, action_id: int, entity_id: int, record_id: int) -> None:
        """The action is done for the record as it is now."""
        times = self._known.get(("times", action_id, record_id), 0)
        self._put(("times", action_id, record_id), times + 1)
        self._put(("done", action_id, record_id), self._state(entity_id, record_id))

    def _state(self, entity_id: int, record_id: int) -> int:
        return self._known.get(("state", entity_id, record_id), 0)

    def _put(self, key: Hashable, value: int) -> None:
        self._journal.append((key, self._known.get(key, _ABSENT)))
        self._known[key] = value


@dataclass(frozen=True, slots=True)
class Chain:
    """The rules that led to a write, the first one first."""

    cascade: Cascade
    rules: tuple["Rule", ...] = ()

    @classmethod
    def of(cls, context: Context) -> "Chain":
        """The chain that led to a verb's call; a new one where a person's write begins it."""
        return context.cause if isinstance(context.cause, cls) else cls(Cascade())

    def then(self, rule: "Rule") -> "Chain":
        return Chain(self.cascade, (*self.rules, rule))

    def ended(self, rule: "Rule") -> bool:
        """Whether the chain may not go on with the rule."""
        return len(self.rules) >= LONGEST or self.rules.count(rule) >= ROUNDS

    def told(self, rule: "Rule") -> str:
        return " -> ".join(r.name for r in (*self.rules, rule))


def resume(batch: Batch) -> Chain:
    """The chain that led to the batch, with what was done for it forgotten if that was undone.

    A verb applies rules to a batch once; if it comes back it has undone all since the first time.
    """
    chain = Chain.of(batch.context)
    mark = batch.memory.setdefault("cascade mark", chain.cascade.mark)
    chain.cascade.back_to(mark)
    return chain
