"""Nobody hands out more than he has.

Being allowed to keep users or roles must not be a way to become an administrator. Rights are
granted by administrators; who keeps USER records puts people into roles, and touches people, that
may no more than he may himself. What is personal data, and who shares which records, is decided by
administrators too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from django.db import connection

from entities.access import rights
from entities.errors import Code
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior, everywhere
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.identity.names import wrong_with
from metabrm.identity.secret import revoke_gone
from metabrm.identity.sessions import close_sessions_of_roles, close_sessions_of_users

_USERS = "identity_user"
_ROLES = "SELECT id, id, administrator_flag, view_pii_flag FROM identity_role WHERE id = ANY(%s)"
_ROLES_OF = (
    "SELECT p.id, r.id, r.administrator_flag, r.view_pii_flag FROM {table} p "
    "JOIN identity_role r ON r.id = p.role_id WHERE p.id = ANY(%s)"
)

#: A role: its Id, whether it is an administrator's, whether it sees personal data.
Role = tuple[int, bool, bool]


def may_manage(
    snapshot: Snapshot, context: Context, role_id: int, administrator: bool, views_pii: bool
) -> bool:
    """Whether a role may nothing that the caller may not: he can put people into it."""
    if context.administrator:
        return True
    if administrator or (views_pii and not context.views_pii):
        return False
    other = replace(context, role_id=role_id, administrator=False, views_pii=views_pii)
    for schema in snapshot.entities.values():
        his, own = rights(snapshot, other, schema), rights(snapshot, context, schema)
        if (
            any(
                getattr(his, verb) and not getattr(own, verb)
                for verb in ("create", "read", "update", "delete")
            )
            or not his.readable <= own.readable
            or not his.writable <= own.writable
        ):
            return False
    return True


class Guarded(Behavior):
    """Refuses the records that are above the caller, whichever verb is used on them."""

    def before_create(self, batch: Batch) -> None:
        if not batch.context.administrator:
            self.check_sent(batch)

    def before_update(self, batch: Batch) -> None:
        if not batch.context.administrator:
            self.check_stored(batch)
            self.check_sent(batch)

    def before_delete(self, batch: Batch) -> None:
        if not batch.context.administrator:
            self.check_stored(batch)

    def after_undelete(self, batch: Batch) -> None:
        self.before_delete(batch)

    def check_sent(self, batch: Batch) -> None:
        """Fail the records to which the caller may not give what he sends."""

    def check_stored(self, batch: Batch) -> None:
        """Fail the records which the caller may not touch at all."""


@behavior("ROLE")
class RoleBehavior(Guarded):
    def check_sent(self, batch: Batch) -> None:
        flags = batch.sent("AdministratorFlag")
        refuse(batch, (i for i in batch.live if flags[i] is True), "AdministratorFlag")
        views = batch.sent("ViewPIIFlag")
        refuse(batch, (i for i in batch.live if views[i] is True), "ViewPIIFlag")

    def check_stored(self, batch: Batch) -> None:
        stored = roles(batch.ids)
        above = {key for key, (_, administrator, _) in stored.items() if administrator}
        refuse(batch, (i for i in batch.live if batch.ids[i] in above), "Id")

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        flags = batch.sent("AdministratorFlag")
        raised = [i for i in batch.live if flags[i] is True]
        outside = _roles_of_external_users([batch.ids[i] for i in raised])
        for index in raised:
            if batch.ids[index] in outside:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    "External users have this role, so it can't be an administrator's; give them "
                    "another one first.",
                    "AdministratorFlag",
                )

    def after_update(self, batch: Batch) -> None:
        """Whoever's role is deactivated is signed out, and stays so when it comes back."""
        closed = deactivated(batch)
        if closed:
            close_sessions_of_roles(closed)


class PersonBehavior(Guarded):
    """Base for whoever has a role: his, and the one he is given, are within the caller's."""

    table: str

    def check_sent(self, batch: Batch) -> None:
        sent = batch.sent("RoleId")
        refuse_above(batch, roles(sent), sent, "RoleId")

    def check_stored(self, batch: Batch) -> None:
        refuse_above(batch, roles_in(self.table, batch.ids), batch.ids, "Id")


@behavior("USER")
class UserBehavior(PersonBehavior):
    table = _USERS

    def before_create(self, batch: Batch) -> None:
        roles = batch.effective("RoleId")
        if None in roles:
            default = _default_role()
            batch.put("RoleId", [default if role is None else role for role in roles])
        super().before_create(batch)
        self._check_names(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        self._check_names(batch)

    def after_update(self, batch: Batch) -> None:
        """Whoever is deactivated is signed out, and stays so when he comes back; so is who has to
        choose a new password, as it is asked for when he signs in."""
        reset, was = batch.sent("ResetPasswordFlag"), batch.stored["ResetPasswordFlag"]
        asked = [batch.ids[i] or 0 for i in batch.live if reset[i] is True and not was[i]]
        close_sessions_of_users([*deactivated(batch), *asked])

    def after_delete(self, batch: Batch) -> None:
        """Whoever is deleted is signed out, and stays so when he comes back, as do his programs."""
        close_sessions_of_users(batch.ids[i] or 0 for i in batch.live)
        revoke_gone()

    @staticmethod
    def _check_names(batch: Batch) -> None:
        """A name that differs from another's in capitals only would be taken for it."""
        sent = batch.sent("Username")
        stored = batch.stored.get("Username") or [None] * batch.size
        new = {i: sent[i] for i in batch.live if sent[i] and sent[i] != stored[i]}
        if not new:
            return
        others = _users_called([name.lower() for name in new.values()])
        for index, name in new.items():
            if wrong := wrong_with(name):
                batch.fail(index, Code.INVALID_VALUE, f"Username {name!r} {wrong}.", "Username")
            # The very same name is the key's business.
            elif {(i, n) for i, n in others.get(name.lower(), ()) if i != batch.ids[index]} and (
                name not in {n for _, n in others[name.lower()]}
            ):
                batch.fail(
                    index,
                    Code.DUPLICATE_KEY,
                    f"Username {name!r} is another user's but for capital letters.",
                    "Username",
                )


def _users_called(names: list[str]) -> dict[str, list[tuple[int, str]]]:
    """Name in small letters -> Id and name of the users who are called so."""
    found: dict[str, list[tuple[int, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, username FROM identity_user WHERE lower(username) = ANY(%s)", [names]
        )
        for user_id, name in cursor.fetchall():
            found.setdefault(name.lower(), []).append((user_id, name))
    return found


def _roles_of_external_users(role_ids: list[int | None]) -> set[int]:
    """Those of the roles that a live EXTERNAL_USER has."""
    if not role_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT role_id FROM identity_externaluser "
            "WHERE role_id = ANY(%s) AND deleted_at IS NULL",
            [role_ids],
        )
        return {role_id for (role_id,) in cursor.fetchall()}


def _default_role() -> int | None:
    """Id of the role for users for whom none was chosen; the oldest where several are marked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id) FROM identity_role "
            "WHERE default_role AND status = 'ACTIVE' AND deleted_at IS NULL"
        )
        (role_id,) = cursor.fetchone()
    return cast("int | None", role_id)


class GrantBehavior(Guarded):
    """For ENTITY_FIELD_ROLE and the like: all of it belongs to administrators."""

    def check_sent(self, batch: Batch) -> None:
        refuse(batch, batch.live, "RoleId" if batch.schema.name == "ENTITY_FIELD_ROLE" else "")

    def check_stored(self, batch: Batch) -> None:
        refuse(batch, batch.live, "Id")


@behavior("SHARING_GROUP")
class SharingGroupBehavior(GrantBehavior):
    """Who keeps the groups decides who sees what."""


@behavior("SHARING_GROUP_USER")
class SharingGroupUserBehavior(GrantBehavior):
    """Who keeps the members decides who sees what."""


@everywhere(order=0)
class PersonalDataBehavior(Behavior):
    """Taking the mark from a field would show its values to everybody."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return schema.name == "ENTITY_FIELD"

    def before_update(self, batch: Batch) -> None:
        if batch.context.administrator:
            return
        sent, stored = batch.sent("PIIFlag"), batch.stored["PIIFlag"]
        changed = (i for i in batch.live if sent[i] is not UNSET and sent[i] != stored[i])
        refuse(batch, changed, "PIIFlag")


_SHARING = ("SHARING_GROUP", "SHARING_GROUP_RULE", "SHARING_GROUP_USER")
_WHY = {
    **dict.fromkeys(_SHARING, "Only an administrator decides who shares which records."),
    "ENTITY_VALIDATION": "A rule's formula reads what its author may not; only an administrator "
    "makes, changes and deletes rules.",
    "ENTITY_FIELD": "Only an administrator says what is personal data.",
    "USER": "The role may do what your own role may not; an administrator can do this.",
    "API_KEY": "The key's user or role may do what you may not; an administrator can do this.",
    "OAUTH_CLIENT": "The client's user may do what you may not; an administrator can do this.",
    **dict.fromkeys(
        ("EXTERNAL_USER", "SUPPORT_USERS"),
        "The role may do what your own role may not; an administrator can do this.",
    ),
    "ROLE": "Only an administrator makes, changes and deletes administrator roles, or lets a role "
    "see personal data.",
    "ENTITY_FIELD_ROLE": "Only an administrator grants rights and takes them away.",
}


def refuse(batch: Batch, indexes: Iterable[int], field: str) -> None:
    """Fail the records: they are above the caller."""
    for index in list(indexes):
        batch.fail(index, Code.INSUFFICIENT_RIGHTS, _WHY[batch.schema.name], field)


def refuse_above(batch: Batch, held: dict[Any, Role], keys: Sequence[Any], field: str) -> None:
    """Fail the records whose role, `held` by their key, may what the caller may not."""
    above = {
        role for role in set(held.values()) if not may_manage(batch.snapshot, batch.context, *role)
    }
    refuse(batch, (i for i in batch.live if held.get(keys[i]) in above), field)


def deactivated(batch: Batch) -> list[int]:
    """Ids of the records that an update has taken out of use."""
    status = batch.sent("Status")
    gone = (i for i in batch.live if status[i] is not UNSET and status[i] != "ACTIVE")
    return [batch.ids[i] or 0 for i in gone]


def members_of(user_ids: Iterable[Any]) -> dict[Any, Role]:
    """User -> his role."""
    return roles_in(_USERS, user_ids)


def roles(role_ids: Iterable[Any]) -> dict[Any, Role]:
    """Role -> what is known of it."""
    return _found(_ROLES, role_ids)


def roles_in(table: str, ids: Iterable[Any]) -> dict[Any, Role]:
    """Row of `table` -> its role."""
    return _found(_ROLES_OF.format(table=quote(table)), ids)


def _found(sql: str, keys: Iterable[Any]) -> dict[Any, Role]:
    wanted = list({key for key in keys if key is not None and key is not UNSET})
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted])
        return {key: (role_id, flag, pii) for key, role_id, flag, pii in cursor.fetchall()}
