"""Who reads the documentation: the browser's signed-in user, or everybody in the role for that."""

from dataclasses import dataclass

from django.http import HttpRequest

from entities.api.openapi import view_of
from entities.api.openapi.viewing import View
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm import environment
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User


@dataclass(frozen=True)
class Reader:
    """`user` is None for everybody, who can read and try nothing out."""

    context: Context
    snapshot: Snapshot
    user: User | None

    @property
    def view(self) -> View:
        return view_of(self.snapshot, self.context)


def reader(request: HttpRequest) -> Reader | None:
    """None for who has to sign in first."""
    user = request.user
    if isinstance(user, User) and user.is_active and not user.reset_password_flag:
        return Reader(Context.of(user, reason="documentation"), current(), user)
    role = _role_of_everybody()
    if role is None:
        return None
    context = Context(None, role.pk, role.administrator_flag, "everybody", "documentation")
    return Reader(context, current(), None)


def _role_of_everybody() -> Role | None:
    name = environment.current().docs_role
    if name is None:
        return None
    return Role.objects.filter(name=name, status="ACTIVE", deleted_at=None).first()
