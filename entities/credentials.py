"""API keys, OAuth clients and people outside: nobody makes himself more than he is.

Whoever keeps a key or a client decides who its program is, so he may give it no user and no role
that may more than he may. A secret is no field: it is made by `issue_secret`, which shows it once,
and forgotten when its record is deactivated or deleted.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from django.db import connection, transaction

from entities import records
from entities.access import rights
from entities.access.rights import require
from entities.errors import Code, RequestError
from entities.granting import (
    Guarded,
    PersonBehavior,
    Role,
    deactivated,
    may_manage,
    members_of,
    refuse,
    refuse_above,
    roles,
    roles_in,
)
from entities.records import Outcome
from entities.records.batch import Batch
from entities.records.behavior import behavior
from entities.schema import gate
from entities.schema.current import current
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity import secret
from metabrm.identity.context import Context
from metabrm.identity.models import ApiKey, OAuthClient
from metabrm.identity.sessions import close_sessions_of_users

_CHANGEABLE = "SELECT {may} FROM {table} t WHERE id = %s AND deleted_at IS NULL {seen}"


def may_act_as(
    snapshot: Snapshot, context: Context, user_id: int, role: tuple[int, bool, bool]
) -> bool:
    """Whether the caller may do, through a credential of his making, what this user may do."""
    if context.administrator:
        return True
    # Where records are PRIVATE, whoever acts as somebody else sees what is only his.
    if snapshot.private and user_id != context.user_id:
        return False
    # A key may be less than its user, and makes nothing that is more than the key.
    return may_manage(snapshot, context, *role)


class CredentialBehavior(Guarded):
    """For API_KEY and OAUTH_CLIENT: the user, and a role of its own, are within the maker's."""

    stored: str
    revoke: Callable[[Iterable[int]], None]

    def before_create(self, batch: Batch) -> None:
        users = batch.effective("UserId")
        if batch.context.user_id is not None and None in users:
            batch.put("UserId", [u if u is not None else batch.context.user_id for u in users])
        super().before_create(batch)

    def check_sent(self, batch: Batch) -> None:
        self._check_users(batch, batch.sent("UserId"), "UserId")
        if batch.schema.find("RoleId") is not None:
            sent = batch.sent("RoleId")
            refuse_above(batch, roles(sent), sent, "RoleId")

    def check_stored(self, batch: Batch) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                self.stored,
                [[i for i in batch.ids if i is not None]],
            )
            found = {row[0]: row[1:] for row in cursor.fetchall()}
        stored = [found.get(i, (None, None)) for i in batch.ids]
        self._check_users(batch, [user for user, _ in stored], "Id")
        own = [role for _, role in stored]
        refuse_above(batch, roles(own), own, "Id")

    def after_update(self, batch: Batch) -> None:
        type(self).revoke(deactivated(batch))

    def after_delete(self, batch: Batch) -> None:
        type(self).revoke(batch.ids[i] or 0 for i in batch.live)

    @staticmethod
    def _check_users(batch: Batch, users: list[Any], at: str) -> None:
        above = {
            user
            for user, role in members_of(users).items()
            if not may_act_as(batch.snapshot, batch.context, user, role)
        }
        refuse(batch, (i for i in batch.live if users[i] in above), at)


@behavior("API_KEY")
class ApiKeyBehavior(CredentialBehavior):
    stored = "SELECT id, user_id, role_id FROM identity_apikey WHERE id = ANY(%s)"
    revoke = staticmethod(secret.revoke_keys)


@behavior("OAUTH_CLIENT")
class OAuthClientBehavior(CredentialBehavior):
    stored = "SELECT id, user_id, NULL::bigint FROM identity_oauthclient WHERE id = ANY(%s)"
    revoke = staticmethod(secret.revoke_clients)

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        batch.put("ClientId", [secret.new_client_id() for _ in range(batch.size)])


@behavior("EXTERNAL_USER")
class ExternalUserBehavior(PersonBehavior):
    """A customer is never an administrator, whoever says so."""

    table = "identity_externaluser"

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        self._check_new(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        self._check_new(batch)

    def after_undelete(self, batch: Batch) -> None:
        super().after_undelete(batch)
        self._never_administrators(batch, roles_in(self.table, batch.ids), batch.ids)

    def _check_new(self, batch: Batch) -> None:
        sent = batch.sent("RoleId")
        self._never_administrators(batch, roles(sent), sent)

    @staticmethod
    def _never_administrators(batch: Batch, held: dict[Any, Role], keys: Sequence[Any]) -> None:
        for index in batch.live:
            if keys[index] in held and held[keys[index]][1]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    "An external user can't be an administrator; give him a role of the customer "
                    "portal.",
                    "RoleId",
                )


@behavior("SUPPORT_USERS")
class SupportUserBehavior(PersonBehavior):
    table = "identity_supportuser"


_BEHAVIORS: dict[str, CredentialBehavior] = {
    "API_KEY": ApiKeyBehavior(),
    "OAUTH_CLIENT": OAuthClientBehavior(),
}


def issue_secret(
    snapshot: Snapshot,
    context: Context,
    entity: str,
    record_id: int,
    grace: timedelta = secret.GRACE,
) -> dict[str, str]:
    """A new secret of an API_KEY or an OAUTH_CLIENT: `Id` and what its program sends.

    Raises RequestError where there is no such record for the caller, or he may not change it.
    """
    schema = snapshot.entity(entity)
    with transaction.atomic():
        gate.enter(context)
        _require_changeable(snapshot, context, schema, record_id)
        batch = Batch(snapshot, schema, context, 1)
        batch.ids[0] = record_id
        if not context.administrator:
            _BEHAVIORS[entity].check_stored(batch)
        for problem in batch.problems.get(0, ()):
            raise RequestError(problem.code, problem.message, field=problem.field)
        model = ApiKey if entity == "API_KEY" else OAuthClient
        record: Any = model._base_manager.select_for_update().get(pk=record_id)
        if record.status != "ACTIVE":
            raise RequestError(
                Code.VALIDATION_FAILED,
                f"{entity} {record_id} is deactivated; activate it before it gets a secret.",
                field="Status",
            )
        if isinstance(record, ApiKey):
            return {"Id": str(record_id), "api_key": secret.issue_for_key(record)}
        new = secret.issue_for_client(record, grace)
        return {"Id": str(record_id), "client_id": record.client_id or "", "client_secret": new}


def sign_out_everywhere(snapshot: Snapshot, context: Context, user_id: int) -> int:
    """End all sessions and tokens of a user, one's own or that of somebody one may manage; returns
    how many there were. Raises RequestError."""
    require_power_over(snapshot, context, user_id)
    with transaction.atomic():
        gate.enter(context)
        return close_sessions_of_users([user_id])


def require_power_over(snapshot: Snapshot, context: Context, user_id: int) -> None:
    """RequestError unless the user is the caller, or one whom he may change and manage."""
    if user_id == context.user_id:
        return
    schema = snapshot.entity("USER")
    _require_changeable(snapshot, context, schema, user_id)
    role = members_of([user_id])[user_id]
    require(may_manage(snapshot, context, *role), context, "sign out this", schema)


def make(entity: str, row: dict[str, Any], context: Context) -> dict[str, str]:
    """A new API_KEY or OAUTH_CLIENT with its secret. Raises RequestError."""
    return issue_secret(
        current(), context, entity, _written(records.create(entity, [row], context))
    )


def deactivate(entity: str, record_id: int, context: Context) -> None:
    """Take an API_KEY or OAUTH_CLIENT out of use, with its secrets. Raises RequestError."""
    row = {"Id": str(record_id), "Status": "DEACTIVATED"}
    _written(records.update(entity, [row], context))


def _written(outcomes: Sequence[Outcome]) -> int:
    """Id of the one record that was written. RequestError where it was refused."""
    (outcome,) = outcomes
    for problem in outcome.problems:
        raise RequestError(problem.code, problem.message, field=problem.field)
    return cast(int, outcome.id)


def _require_changeable(
    snapshot: Snapshot, context: Context, schema: EntitySchema, record_id: int
) -> None:
    granted = rights(snapshot, context, schema)
    require(granted.update, context, "update", schema)
    with connection.cursor() as cursor:
        sql = _CHANGEABLE.format(
            may=granted.may_change("t"), table=quote(schema.table), seen=granted.where("t")
        )
        cursor.execute(sql, [record_id])
        found = cursor.fetchone()
    if found is None:
        raise RequestError(
            Code.RECORD_NOT_FOUND, f"{schema.name} has no record with Id '{record_id}'."
        )
    require(found[0], context, "update this", schema)
