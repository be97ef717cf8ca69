"""Records that are reckoned for whoever asks: no table holds them.

What a query gives of the entity's inputs is known when it is compiled; the records are made when it
runs, and stand for the table as one parameter. Who makes them says so once, with `offer`. He may
ask the database whatever he likes, and write what he needs on the way: it is taken back, and counts
as part of the query's time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from entities.query.parameters import Parameter
from metabrm import clock

#: The inputs, as texts that PostgreSQL reads -> a JSON list of records, by the view's columns.
Reckoner = Callable[[Sequence[str | None]], str]

_reckoners: dict[str, Reckoner] = {}
_LIMITS = "SELECT set_config('statement_timeout', %s, true), set_config('metabrm.now', %s, true)"


@dataclass(frozen=True, slots=True)
class Asked:
    """Records of an entity that a statement takes as its parameter number `place`, from 0."""

    place: int
    entity: str
    given: tuple[str | None, ...]


def offer(entity: str, reckoner: Reckoner) -> None:
    """Have the entity's records made by `reckoner`."""
    _reckoners[entity] = reckoner


def filled(
    values: Sequence[Parameter], reckoned: Sequence[Asked], seconds: float
) -> tuple[Parameter, ...]:
    """The parameters of a statement with the records that it asks for.

    Each statement on the way to them may take so many seconds. Errors are those of the database.
    """
    made = list(values)
    if reckoned:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LIMITS, [f"{seconds * 1000:.0f}", clock.now().isoformat()])
            for asked in reckoned:
                made[asked.place] = _reckoners[asked.entity](asked.given)
            transaction.set_rollback(True)
    return tuple(made)
