"""Keys and indexes: at once for a small table, by a job beside the work for a large one."""

from collections.abc import Sequence

from entities.changing import jobs, tables
from entities.changing.steps import Lock, Step
from entities.models import SchemaJob
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, FieldSchema


def index_step(
    batch: Batch,
    schema: EntitySchema,
    fields: Sequence[FieldSchema],
    *,
    unique: bool,
    name: str = "",
) -> Step:
    """The step that builds the index of a key or of a search; makes the job where it takes one."""
    columns = [f.column or "" for f in fields]
    if not name:
        named = tables.unique_index_name if unique else tables.search_index_name
        name = named(schema.table, columns[0])
    words = (
        f"{'Guard the key' if unique else 'Build an index over'} "
        f"{' and '.join(f.name for f in fields)} of {schema.name}"
    )
    rows = tables.size(schema.table)
    if rows <= tables.AT_ONCE:
        statement = tables.create_index(name, schema.table, columns, unique=unique)
        return Step(schema.name, schema.id, f"{words}.", (statement,), Lock.SCAN, rows)
    jobs.request(
        SchemaJob(
            entity_id=schema.id,
            entity_name=schema.name,
            summary=f"{words}.",
            kind="UNIQUE_INDEX" if unique else "SEARCH_INDEX",
            table_name=schema.table,
            index_name=name,
            columns=",".join(columns),
            user_id=batch.context.user_id,
        )
    )
    return Step(schema.name, schema.id, f"{words}, by a job.", (), Lock.BESIDE, rows)


def drop_step(schema: EntitySchema, fields: Sequence[FieldSchema], name: str) -> Step:
    """The step that takes an index away, and the job that was still to build it."""
    jobs.cancel(name)
    words = f"Drop the index over {' and '.join(f.name for f in fields)} of {schema.name}."
    return Step(schema.name, schema.id, words, (tables.drop_index(name),), Lock.BRIEF)
