"""Who there is, and how they prove it: the part of this room that others call."""

from django.contrib import auth
from django.db import connection, transaction
from django.http import HttpRequest

from metabrm import environment
from metabrm.environment import kept
from metabrm.identity import lockout
from metabrm.identity.models import ADMINISTRATOR_ROLE, Role, User
from metabrm.identity.sessions import (
    close_session,
    context_of_session,
    open_session,
)

__all__ = [
    "LockedOut",
    "authenticate",
    "close_session",
    "context_of_session",
    "ensure_admin",
    "open_session",
    "set_password",
]

# The roles a new installation has. Only the administrator's has rights; those of the others are
# granted with ENTITY_FIELD_ROLE records.
ROLES = {
    ADMINISTRATOR_ROLE: {
        "description": "Administrators: everything, everywhere.",
        "administrator_flag": True,
    },
    "API USER": {
        "description": "Integrators' programs; may do what is granted to this role.",
        "internal_role": False,
    },
    "CUSTOMER PORTAL USER": {
        "description": "Customers looking at their own account.",
        "internal_role": False,
        "customer_portal_role": True,
    },
}
# Any number, the same in every process: two that start at once do this one after the other.
_LOCK = 7_316_001


class LockedOut(Exception):
    """Too many tries to sign in have failed; nobody looked at this one."""


def authenticate(username: str, password: str, request: HttpRequest | None = None) -> User | None:
    """The user who signs in with this name and password; None if the two don't fit.

    Raises LockedOut.
    """
    request = request or HttpRequest()
    user = auth.authenticate(request, username=username, password=password)
    if getattr(request, "axes_locked_out", False):
        raise LockedOut
    if not isinstance(user, User):
        return None
    lockout.succeeded(request, username)
    return user


def set_password(user: User, password: str, *, by_himself: bool = False) -> None:
    """Give `user` a new password; sessions and tokens from before it are worth nothing any more.

    Where he chose it himself, he has not to choose another one.
    """
    written = ["password"]
    user.set_password(password)
    if by_himself:
        user.reset_password_flag = False
        written.append("reset_password_flag")
    user.save(update_fields=written)


def ensure_admin() -> User:
    """The standing roles and the administrator of BRM_ADMIN_USERNAME, made where missing.

    The password of an administrator who is there already changes only when BRM_ADMIN_PASSWORD is
    set and differs.
    """
    env = environment.current()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        roles = {
            name: Role.objects.get_or_create(name=name, deleted_at=None, defaults=values)[0]
            for name, values in ROLES.items()
        }
        user = User.objects.filter(username=env.admin_username).first()
        if user is None:
            user = User(username=env.admin_username, role=roles[ADMINISTRATOR_ROLE])
            user.set_password(kept.admin_password())
            user.save()
        elif env.admin_password and not user.check_password(env.admin_password):
            set_password(user, env.admin_password)
    return user
