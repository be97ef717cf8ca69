"""Where a call is compiled: makes its result, and sees to it that arguments are evaluated once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from entities.formulas.errors import FormulaError
from entities.formulas.kinds import Kind
from entities.formulas.terms import Term, decided, whole
from entities.formulas.tree import Call


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One call in the formula."""

    node: Call

    def made(
        self,
        sql: str,
        kind: Kind,
        arguments: Sequence[Term],
        *,
        digits: tuple[int, int] = (30, 20),
        length: int = 100,
    ) -> Term:
        """The result of the call; `sql` must be whole: in parentheses, a function, a CASE."""
        name = "" if self.node.operator else f"{self.node.name}(…)"
        depth = 1 + max((a.depth for a in arguments), default=0)
        return whole(
            Term(sql, kind, self.node.position, name, digits=digits, length=length, depth=depth)
        )

    def refuse(self, message: str, position: int | None = None) -> FormulaError:
        return FormulaError(message, self.node.position if position is None else position)

    def all_of(self, kind: Kind, arguments: Sequence[Term]) -> list[Term]:
        return [decided(a, kind) for a in arguments]


def once(arguments: Sequence[Term], then: Callable[..., str]) -> str:
    """SQL of `then`, called with the SQL of the arguments, each of which it may use repeatedly.

    What costs more than a column or a constant is given a name in a subquery that the planner
    can't dissolve (OFFSET 0), so a formula never grows with the depth of its calls.
    """
    names: list[str] = []
    selected: list[str] = []
    for number, argument in enumerate(arguments):
        if argument.simple:
            names.append(argument.sql)
        else:
            names.append(f"once_.v{number}")
            selected.append(f"{argument.sql} AS v{number}")
    if not selected:
        return f"({then(*names)})"
    return f"(SELECT {then(*names)} FROM (SELECT {', '.join(selected)} OFFSET 0) AS once_)"


def constant(term: Term) -> int | None:
    """The whole number that a literal spells out, cut off at a thousand million; else None."""
    if term.literal is None or term.null:
        return None
    number = Decimal(term.literal)
    bound = 1_000_000_000
    return int(max(min(number, Decimal(bound)), Decimal(-bound)))


def integer(sql: str, low: int = -1_000_000_000, high: int = 1_000_000_000) -> str:
    """SQL of the number `sql`, without fraction and kept within the bounds; where it is no value,
    the lower bound.

    What a CASE guards must be right by itself: of constants the planner computes it beforehand.
    """
    return f"least(greatest(trunc({sql}), {low}), {high})::int"
