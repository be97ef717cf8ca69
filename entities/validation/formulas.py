"""Formulas that records hold are compiled when they are stored.

So a bad one is refused by whoever writes it, and not found by whoever works with it.
"""

from collections.abc import Sequence

from entities.errors import Code
from entities.formulas import FormulaError
from entities.records.batch import UNSET, Batch
from entities.schema.description import EntitySchema
from entities.schema.formulating import compile_formula


def refuse_formulas(
    batch: Batch,
    name: str,
    over: EntitySchema | Sequence[EntitySchema | None],
    kind: str | None = None,
    *,
    prior: bool = False,
    moved: bool = False,
) -> None:
    """Fail the records whose field `name` holds no formula over the fields of an entity.

    `over` is the entity, or that of each record (None: nothing is asked); `kind` is that of the
    result; with `prior` a formula may ask how a record was before. What is not sent is not asked,
    unless `moved` says that the entity may be another one.
    """
    sent, holds = batch.sent(name), batch.effective(name)
    known: dict[tuple[str, str], str] = {}
    for index in range(batch.size):
        text = holds[index]
        if not text or (sent[index] is UNSET and not moved):
            continue
        schema = over if isinstance(over, EntitySchema) else over[index]
        if schema is None:
            continue
        key = (schema.name, text)
        if key not in known:
            known[key] = _what_is_wrong(batch, schema, text, kind, prior=prior)
        if known[key]:
            yields = f" that yields a {kind.lower()}" if kind else ""
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{name} is no formula over the fields of {schema.name}{yields}: {known[key]}",
                name,
            )


def _what_is_wrong(
    batch: Batch, schema: EntitySchema, text: str, kind: str | None, *, prior: bool
) -> str:
    try:
        compile_formula(batch.snapshot, schema, text, expect=kind, prior=prior)
    except FormulaError as error:
        return error.told()
    return ""
