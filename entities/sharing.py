"""What is checked when somebody says who sees which records; all of it belongs to administrators.

A sharing rule is compiled when it is saved, as it will be when it is applied, so that a mistake is
told to whoever makes it.
"""

from collections.abc import Iterable

from django.db import connection

from entities.access.logic import LogicError
from entities.access.sharing import CriterionError, compile_rule, is_owned, lines
from entities.errors import Code
from entities.formulas import FormulaError
from entities.granting import GrantBehavior
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior, everywhere
from entities.schema.description import EntitySchema
from entities.schema.formulating import told
from entities.schema.snapshot import Snapshot

_RULE = ("EntityId", "Formula", "RuleCriteria", "FilterLogic")
_STORED = """
SELECT id, entity_id, formula, rule_criteria, filter_logic FROM entities_sharinggrouprule
WHERE id = ANY(%s)
"""


@behavior("SHARING_GROUP_RULE")
class SharingGroupRuleBehavior(GrantBehavior):
    """A rule is either one formula, or conditions that its filter logic combines."""

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        self._check(batch, range(batch.size))

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        sent = [batch.sent(name) for name in _RULE]
        touched = [i for i in range(batch.size) if any(column[i] is not UNSET for column in sent)]
        self._check(batch, touched)

    def after_undelete(self, batch: Batch) -> None:
        super().after_undelete(batch)
        with connection.cursor() as cursor:
            cursor.execute(_STORED, [[batch.ids[i] for i in batch.live]])
            stored = {row[0]: row[1:] for row in cursor.fetchall()}
        for index in batch.live:
            _check_rule(batch, index, *stored[batch.ids[index]])

    @staticmethod
    def _check(batch: Batch, indexes: Iterable[int]) -> None:
        columns = [batch.effective(name) for name in _RULE]
        for index in indexes:
            _check_rule(batch, index, *(column[index] for column in columns))


def _check_rule(
    batch: Batch,
    index: int,
    entity_id: int | None,
    formula: str | None,
    criteria: str | None,
    logic: str | None,
) -> None:
    formula, criteria, logic = (formula or "").strip(), criteria or "", logic or ""
    if bool(formula) == bool(lines(criteria)):
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            "A rule has either a Formula or RuleCriteria, one condition a line; give one of them.",
            "RuleCriteria",
        )
        return
    if logic and formula:
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            "FilterLogic joins the lines of RuleCriteria; a rule with a Formula has none.",
            "FilterLogic",
        )
        return
    schema = next((e for e in batch.snapshot.entities.values() if e.id == entity_id), None)
    if schema is None:
        # That there is none was told already, unless the entity is in the recycle bin.
        if entity_id is not None and index not in batch.problems:
            batch.fail(
                index,
                Code.LOOKUP_NOT_FOUND,
                f"EntityId: there is no entity {entity_id}.",
                "EntityId",
            )
        return
    if not is_owned(schema):
        _refuse_platforms(batch, index, schema, "no rule selects from them", "EntityId")
        return
    try:
        compile_rule(batch.snapshot, schema, formula, criteria, logic)
    except FormulaError as error:
        batch.fail(index, Code.INVALID_VALUE, told(error, "Formula"), "Formula")
    except CriterionError as error:
        batch.fail(index, Code.INVALID_VALUE, f"RuleCriteria, {error}", "RuleCriteria")
    except LogicError as error:
        batch.fail(index, Code.VALIDATION_FAILED, f"FilterLogic: {error}.", "FilterLogic")


@everywhere(order=0)
class SharingModelBehavior(Behavior):
    """Only what people make belongs to somebody."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return schema.name == "ENTITY"

    def before_update(self, batch: Batch) -> None:
        by_id = {schema.id: schema for schema in batch.snapshot.entities.values()}
        for index, model in enumerate(batch.sent("SharingModel")):
            schema = by_id.get(batch.ids[index] or 0)
            if model == "PRIVATE" and schema is not None and not is_owned(schema):
                _refuse_platforms(batch, index, schema, "they can't be PRIVATE", "SharingModel")


def _refuse_platforms(batch: Batch, index: int, schema: EntitySchema, so: str, field: str) -> None:
    batch.fail(
        index,
        Code.VALIDATION_FAILED,
        f"Records of {schema.name} are made by the platform and belong to nobody, so {so}. Those "
        f"that tell of a PRIVATE record are seen by those who see the record.",
        field,
    )
