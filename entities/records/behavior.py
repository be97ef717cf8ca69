"""Where a room says what happens when its entities are written.

A behavior sees a whole batch, column by column, never one record: a rule is one query or one pass
over lists, whether one record was sent or a thousand. It is registered by entity name and found by
the verbs; the rooms' `AppConfig.ready` imports their `behavior` module.

    @behavior("BILLING_PROFILE")
    class BillingProfileBehavior(Behavior):
        def before_create(self, batch):
            sent = batch.sent("HostedPaymentPageExternalId")
            batch.put("HostedPaymentPageExternalId", [v or str(uuid4()) for v in sent])
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.records.batch import Batch


class Behavior:
    """Base of all behaviors: does nothing. All methods run in the verb's transaction.

    The `before_` methods may put values and fail records; the `after_` methods run for the records
    that were written and may write others through the verbs. Failing a record in an `after_`
    method undoes the whole batch's write and runs it again without that record.
    """

    #: Whether writing the entity changes the schema, so that nobody may write meanwhile.
    exclusive: ClassVar[bool] = False

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        """Of a behavior for every entity: whether it has anything to do for this one."""
        return True

    def before_create(self, batch: "Batch") -> None: ...

    def after_create(self, batch: "Batch") -> None: ...

    def before_update(self, batch: "Batch") -> None: ...

    def after_update(self, batch: "Batch") -> None: ...

    def before_delete(self, batch: "Batch") -> None: ...

    def before_leaving(self, batch: "Batch") -> None:
        """For records that are deleted, or that go along with one that is: only their Ids are
        known, and of these what is read for the rule."""

    def after_delete(self, batch: "Batch") -> None: ...

    def after_undelete(self, batch: "Batch") -> None: ...


class _Together(Behavior):
    """Several behaviors of one entity, one after the other."""

    def __init__(self, behaviors: Sequence[Behavior]) -> None:
        self.behaviors = behaviors

    def before_create(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.before_create(batch)

    def after_create(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.after_create(batch)

    def before_update(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.before_update(batch)

    def after_update(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.after_update(batch)

    def before_delete(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.before_delete(batch)

    def before_leaving(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.before_leaving(batch)

    def after_delete(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.after_delete(batch)

    def after_undelete(self, batch: "Batch") -> None:
        for one in self.behaviors:
            one.after_undelete(batch)


_NONE = Behavior()
_registry: dict[str, Behavior] = {}
_everywhere: list[tuple[int, Behavior]] = []


def behavior(entity: str) -> Callable[[type[Behavior]], type[Behavior]]:
    """Class decorator: the behavior of the entity called `entity`."""

    def register(cls: type[Behavior]) -> type[Behavior]:
        if entity in _registry:
            raise ValueError(f"{entity} has a behavior already: {_registry[entity]!r}")
        _registry[entity] = cls()
        return cls

    return register


def everywhere(order: int) -> Callable[[type[Behavior]], type[Behavior]]:
    """Class decorator: a behavior of every entity that it `concerns`.

    They run after the entity's own, those of a lower `order` first.
    """

    def register(cls: type[Behavior]) -> type[Behavior]:
        _everywhere.append((order, cls()))
        _everywhere.sort(key=lambda pair: pair[0])
        return cls

    return register


def behavior_of(snapshot: Snapshot, schema: EntitySchema) -> Behavior:
    """What happens when records of `schema` are written; does nothing where nothing is to be."""
    own = _registry.get(schema.name)
    others = [one for _, one in _everywhere if one.concerns(snapshot, schema)]
    if not others:
        return own or _NONE
    return _Together([own, *others] if own else others)


def is_exclusive(entity: str) -> bool:
    """Whether writing records of `entity` changes the schema."""
    return _registry.get(entity, _NONE).exclusive
