"""Migrations of many tables in the time of a few.

Django draws all models that are related anew after each operation, so that the next one can use
them; with a hundred entities that point to one another a migration of forty operations takes
seconds, before each run of the tests as well.
"""

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import ModelOperation


class Together(Operation):
    """Schema operations of one app whose models are drawn once, when all of them are known.

    A table that is created here is created with the columns, keys and indexes that the other
    operations add to it.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = list(operations)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.operations], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        vars(state).pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for operation in self._to_carry_out():
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for operation in reversed(self._to_carry_out()):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def _to_carry_out(self) -> list[Operation]:
        created = {o.name_lower for o in self.operations if isinstance(o, CreateModel)}
        return [o for o in self.operations if isinstance(o, CreateModel) or _of(o) not in created]

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)


def _of(operation: Operation) -> str:
    """Name of the model that an operation changes."""
    if isinstance(operation, ModelOperation):
        return operation.name_lower
    return str(getattr(operation, "model_name_lower", getattr(operation, "model_name", ""))).lower()
