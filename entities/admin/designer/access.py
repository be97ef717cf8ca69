"""Who may design: those who may read ENTITY and ENTITY_FIELD and write one of them."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from entities.admin.callers import rights_on
from entities.schema.snapshot import Snapshot

ENTITY, FIELD, VALUE = "ENTITY", "ENTITY_FIELD", "ENTITY_FIELD_VALUES"


def may_design(request: HttpRequest, snapshot: Snapshot) -> bool:
    """Whether the designer's pages are open to the request's user."""
    entity, field = (rights_on(request, snapshot, snapshot.entity(n)) for n in (ENTITY, FIELD))
    writes = entity.create or entity.update or field.create or field.update
    # A limited view of the metadata would make a page that is wrong about the rest of it.
    whole = not entity.condition and not field.condition
    return entity.read and field.read and writes and whole


def require_designer(request: HttpRequest, snapshot: Snapshot) -> None:
    """Refuse who may not design."""
    if not may_design(request, snapshot):
        raise PermissionDenied(
            "The designer is open to roles that may read and write ENTITY and ENTITY_FIELD."
        )


def may(request: HttpRequest, snapshot: Snapshot, verb: str, entity: str) -> bool:
    """Whether the user may `create`, `read`, `update` or `delete` records of `entity`."""
    schema = snapshot.find(entity)
    return schema is not None and bool(getattr(rights_on(request, snapshot, schema), verb))
