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

from metabrm import cutting


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


class Elsewhere(Operation):
    """An operation on a model of another app, where a change of this one asks for it.

    The migration depends on the one of that app that made the model.
    """

    def __init__(self, app_label: str, operation: Operation) -> None:
        self.app_label, self.operation = app_label, operation

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.app_label, self.operation], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        self.operation.state_forwards(self.app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self.operation.database_forwards(self.app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self.operation.database_backwards(self.app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"{self.app_label}: {self.operation.describe()}"


class InMonths(Operation):
    """Turns a model's table into one that is kept in months of the column `by` (metabrm.months).

    Rows, checks, indexes, triggers and the keys of its lookups are kept; keys of others that point
    to it go, because no key of such a table is its Id alone. For the models nothing changes, and
    undone the table stays as it is.
    """

    reversible = True

    def __init__(self, model_name: str, by: str) -> None:
        self.model_name, self.by = model_name, by

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.model_name, self.by], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table, column = model._meta.db_table, model._meta.get_field(self.by).column
        with schema_editor.connection.cursor() as cursor:
            # What the migration still has to check would stand in the way.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cutting.cut_up(cursor, table, column)
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        pass

    def describe(self) -> str:
        return f"Keep {self.model_name} in months of {self.by}"
