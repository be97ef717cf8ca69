"""What collectors must say whose usage are rows of the platform: a query, or an entity."""

from billing.changes import changed
from billing.mediation.sources import entity
from entities.errors import Code
from entities.records import Batch


def check_rows(batch: Batch) -> None:
    """Where rows come from the platform, it is said how, in a way that there is."""
    names = ("Type", "Entity_Id", "EntityMethod", "Sproc")
    types, entities, methods, procedures = (batch.effective(name) for name in names)
    for index in changed(batch, *names):
        if types[index] == "DATABASE" and procedures[index]:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "Sproc names a stored procedure, and none is ever run; send in RetrieveSql a "
                "SELECT of the query language, and leave Sproc out.",
                "Sproc",
            )
        if types[index] != "ENTITY":
            continue
        if methods[index]:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "EntityMethod can't be chosen: each record of the entity is collected once, when "
                "it is new. Leave it out.",
                "EntityMethod",
            )
        try:
            entity.entity_of(batch.snapshot, entities[index])
        except ValueError as error:
            batch.fail(index, Code.VALIDATION_FAILED, f"Entity_Id: {error}.", "Entity_Id")
