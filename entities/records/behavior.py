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

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entities.records.batch import Batch


class Behavior:
    """Base of all behaviors: does nothing. All methods run in the verb's transaction.

    The `before_` methods may put values and fail records; the `after_` methods run for the records
    that were written and may write others through the verbs. Failing a record in an `after_`
    method undoes the whole batch's write and runs it again without that record.
    """

    def before_create(self, batch: "Batch") -> None: ...

    def after_create(self, batch: "Batch") -> None: ...

    def before_update(self, batch: "Batch") -> None: ...

    def after_update(self, batch: "Batch") -> None: ...

    def before_delete(self, batch: "Batch") -> None: ...

    def after_delete(self, batch: "Batch") -> None: ...

    def after_undelete(self, batch: "Batch") -> None: ...


_NONE = Behavior()
_registry: dict[str, Behavior] = {}


def behavior(entity: str) -> Callable[[type[Behavior]], type[Behavior]]:
    """Class decorator: the behavior of the entity called `entity`."""

    def register(cls: type[Behavior]) -> type[Behavior]:
        if entity in _registry:
            raise ValueError(f"{entity} has a behavior already: {_registry[entity]!r}")
        _registry[entity] = cls()
        return cls

    return register


def behavior_of(entity: str) -> Behavior:
    """The behavior registered for `entity`, or one that does nothing."""
    return _registry.get(entity, _NONE)
