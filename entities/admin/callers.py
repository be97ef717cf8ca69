"""Who works in the admin: the context and the rights of a request's user."""

from django.http import HttpRequest

from entities.access import EntityRights, rights
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.web.middleware import request_id_of


def context_of(request: HttpRequest, doing: str = "admin") -> Context:
    """The signed-in user as the context of a verb; `doing` is the reason kept in the history."""
    user = request.user
    assert isinstance(user, User)
    return Context.of(user, reason=doing, request_id=request_id_of(request))


def rights_on(request: HttpRequest, snapshot: Snapshot, schema: EntitySchema) -> EntityRights:
    """What the request's user may do with an entity."""
    return rights(snapshot, context_of(request), schema)
