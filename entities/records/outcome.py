"""What a verb answers for each record, in the order they were given."""

from dataclasses import dataclass

from entities.errors import Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of one record: its Id and, for an upsert, whether it was created; or its problems.

    `id` is also given for a failed record when the caller named it.
    """

    id: int | None
    problems: tuple[Problem, ...] = ()
    created: bool = False

    @property
    def ok(self) -> bool:
        return not self.problems
