"""When formulas act on the records of an entity, and what is checked when a rule is saved."""

from django.db import connection

from entities.errors import Code
from entities.formulas import FormulaError
from entities.granting import GrantBehavior
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior, everywhere
from entities.schema.description import EntitySchema
from entities.schema.formulating import compile_formula
from entities.schema.snapshot import Snapshot
from entities.validation import defaults, rules


@everywhere(order=10)
class Formulas(Behavior):
    """Fills in default formulas, and refuses records that break the entity's rules.

    Rules judge a record as it stands in the table after the write, so they see what every other
    behavior made of it.
    """

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return bool(schema.validations) or any(f.default_formula for f in schema.fields)

    def before_create(self, batch: Batch) -> None:
        defaults.fill(batch)

    def after_create(self, batch: Batch) -> None:
        _judge(batch)

    def after_update(self, batch: Batch) -> None:
        _judge(batch)

    def after_undelete(self, batch: Batch) -> None:
        _judge(batch)


def _judge(batch: Batch) -> None:
    indexes = [i for i in batch.live if batch.ids[i] is not None]
    if not batch.schema.validations or not indexes:
        return
    for index, rule in rules.broken(batch, indexes):
        batch.fail(index, Code.VALIDATION_FAILED, rule.message, rule.field)


@behavior("ENTITY_VALIDATION")
class EntityValidationBehavior(GrantBehavior):
    """ExternalKey is the entity's name and the rule's joined, unless one is sent.

    An active rule must have a formula that can be applied; records that break it already stay.
    """

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        entities = _entities(batch)
        names = batch.effective("EntityValidationName")
        batch.put(
            "ExternalKey",
            [
                sent or (f"{schema.name}.{name}" if schema and name else None)
                for sent, schema, name in zip(
                    batch.effective("ExternalKey"), entities, names, strict=True
                )
            ],
        )
        self._check(batch, entities, range(batch.size))

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        sent = [batch.sent(name) for name in ("FormulaValue", "EntityId", "Active")]
        touched = [i for i in range(batch.size) if any(column[i] is not UNSET for column in sent)]
        self._check(batch, _entities(batch), touched)

    def after_undelete(self, batch: Batch) -> None:
        super().after_undelete(batch)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, entity_id, formula_value, active FROM entities_entityvalidation "
                "WHERE id = ANY(%s)",
                [[batch.ids[i] for i in batch.live]],
            )
            stored = {row[0]: row[1:] for row in cursor.fetchall()}
        by_id = {e.id: e for e in batch.snapshot.entities.values()}
        for index in batch.live:
            entity, formula, active = stored[batch.ids[index]]
            if active:
                _check_rule(batch, index, by_id.get(entity), formula)

    def _check(
        self, batch: Batch, entities: "list[EntitySchema | None]", indexes: "range | list[int]"
    ) -> None:
        formulas = batch.effective("FormulaValue")
        active = batch.effective("Active")
        for index in indexes:
            if index not in batch.problems and active[index] and formulas[index]:
                _check_rule(batch, index, entities[index], formulas[index])


def _check_rule(batch: Batch, index: int, schema: EntitySchema | None, formula: str) -> None:
    if schema is None:
        return
    if not schema.writable:
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"Only the platform writes {schema.name}, so no rule would ever be applied to it.",
            "EntityId",
        )
        return
    try:
        compile_formula(batch.snapshot, schema, formula, expect="FLAG", prior=True)
    except FormulaError as error:
        batch.fail(index, Code.INVALID_VALUE, f"FormulaValue: {error.told()}", "FormulaValue")


def _entities(batch: Batch) -> list[EntitySchema | None]:
    by_id = {e.id: e for e in batch.snapshot.entities.values()}
    return [by_id.get(i) for i in batch.effective("EntityId")]
