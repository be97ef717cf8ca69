"""Whether the formulas of a batch's fields will do, in the entities as they would be with all of
its fields: a formula may read fields that come with it. And whether a change leaves sense to all
other formulas."""

from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from dataclasses import replace

from entities.changing import dependents
from entities.errors import Code
from entities.formulas import FormulaError
from entities.records.batch import Batch
from entities.schema.current import current
from entities.schema.description import FieldSchema, fold
from entities.schema.formulating import compile_field, compile_value
from entities.schema.snapshot import Snapshot


def check(batch: Batch, described: Mapping[int, FieldSchema], asked: Container[int]) -> None:
    """Fail each record whose field has a formula that will not do; `described` are the fields by
    the index of their record, `asked` those records whose formulas are looked at."""
    computed = {
        i: f for i, f in described.items() if i in asked and (f.formula or f.default_formula)
    }
    if not computed:
        return
    future = _future(batch, described)
    entities = {e.id: e for e in future.entities.values()}
    for index, field in computed.items():
        schema = entities[batch.value("EntityId", index)]
        try:
            name = "FormulaValue"
            if field.formula:
                compile_field(future, schema, field)
            name = "DefaultFormula"
            if field.default_formula:
                compile_value(future, schema, field, field.default_formula)
        except FormulaError as error:
            batch.fail(index, Code.VALIDATION_FAILED, error.told(), name)


def _future(batch: Batch, described: Mapping[int, FieldSchema]) -> Snapshot:
    """The schema with the described fields, to read: each stands in for what it was before."""
    fields: dict[int, dict[int, FieldSchema]] = defaultdict(dict)
    for index, field in described.items():
        fields[batch.value("EntityId", index)][index] = field
    future = []
    for schema in batch.snapshot.entities.values():
        coming = fields.get(schema.id)
        if coming:
            before = {batch.ids[i] for i in coming} | {fold(f.name) for f in coming.values()}
            kept = (f for f in schema.fields if f.id not in before and fold(f.name) not in before)
            schema = replace(schema, fields=(*kept, *coming.values()))
        future.append(schema)
    return Snapshot(batch.snapshot.version, future, batch.snapshot.apps)


def keep(
    batch: Batch, changed: Mapping[int, tuple[str, str]], restored: Collection[int] = ()
) -> None:
    """Fail the records of the batch, whose rows are written, that leave a formula without sense.

    `changed`: index -> name of the entity and, unless all of it is meant, of the field that the
    record changed. `restored`: Ids of fields or entities that came back, with their formulas.
    """
    for broken in dependents.broken(batch.snapshot, current(), restored):
        place = broken.place
        to_blame = [i for i, what in changed.items() if _reads(broken, *what)]
        to_blame += [i for i in changed if batch.ids[i] in (place.id, place.entity_id)]
        for index in dict.fromkeys(to_blame or changed):
            entity, field = changed[index]
            what = f"{entity}.{field}" if field else entity
            if restored:
                message = (
                    f"{what} can't come back while {place.words} makes no sense: "
                    f"{broken.error} Correct or delete that first."
                )
            else:
                message = (
                    f"{what} is used by {place.words}, which "
                    f"would make no sense any more: {broken.error} Change that first."
                )
            batch.fail(index, Code.RECORD_IN_USE, message)


def _reads(broken: dependents.Broken, entity: str, field: str) -> bool:
    return any(
        fold(e) == fold(entity) and (not field or fold(f) == fold(field)) for e, f in broken.reads
    )
