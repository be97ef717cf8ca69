"""The secrets of API keys and OAuth clients: made here, shown once, known by their hashes.

A secret is 256 random bits. A new one replaces the old: that of a key at once, that of a client
after a time of grace in which both are right, so that its program can be given the new one without
a pause.
"""

import secrets
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from metabrm import clock
from metabrm.identity import lockout
from metabrm.identity.models import ApiKey, OAuthClient, Secret, User
from metabrm.identity.services import LockedOut
from metabrm.identity.sessions import LAST_USE_RESOLUTION, LONGEST_SESSION_ID, hash_of

#: How all keys begin, so that people and programs that search for secrets recognise one.
KEY_START = "brm_"
#: How much of a key is kept to recognise it by: its start and six of 43 characters.
PREFIX_LENGTH = len(KEY_START) + 6
GRACE = timedelta(hours=24)


def new_client_id() -> str:
    """What a client calls itself; no secret."""
    return secrets.token_hex(16)


def issue_for_key(key: ApiKey) -> str:
    """A new API key in the place of the old one."""
    text = KEY_START + secrets.token_urlsafe(32)
    with transaction.atomic():
        Secret.objects.filter(api_key=key).delete()
        Secret.objects.create(api_key=key, secret_hash=hash_of(text), created=clock.now())
        key.key_prefix, key.secret_issued = text[:PREFIX_LENGTH], clock.now()
        key.save(update_fields=["key_prefix", "secret_issued"])
    return text


def issue_for_client(client: OAuthClient, grace: timedelta = GRACE) -> str:
    """A new secret of a client; older ones are right until the time of grace is over."""
    text, now = secrets.token_urlsafe(32), clock.now()
    with transaction.atomic():
        own = Secret.objects.filter(client=client)
        until = now + grace
        later = Q(expires__isnull=True) | Q(expires__gt=until)
        own.filter(later).update(expires=until)
        own.filter(expires__lte=now).delete()
        Secret.objects.create(client=client, secret_hash=hash_of(text), created=now)
        client.secret_issued = now
        client.save(update_fields=["secret_issued"])
    return text


def revoke_keys(ids: Iterable[int]) -> None:
    """Forget the secrets of the API keys with these Ids."""
    Secret.objects.filter(api_key__in=list(ids)).delete()


def revoke_clients(ids: Iterable[int]) -> None:
    """Forget the secrets of the clients with these Ids, and end what they signed in by them."""
    Secret.objects.filter(client__in=list(ids)).delete()


def revoke_gone() -> None:
    """Forget the secrets of keys and clients that were deleted along with what they belonged to."""
    keys = ApiKey.objects.filter(pk=OuterRef("api_key_id"), deleted_at=None)
    clients = OAuthClient.objects.filter(pk=OuterRef("client_id"), deleted_at=None)
    Secret.objects.filter(~Exists(keys) & ~Exists(clients)).delete()


def authenticate_client(
    client_id: str, secret: str, request: HttpRequest
) -> tuple[User, int] | None:
    """The user of a client and the Id of its secret; None if they do not fit. Raises LockedOut."""
    name = f"{lockout.CLIENT}{client_id}"
    if not lockout.may_try(request, name):
        raise LockedOut
    now = clock.now()
    found = (
        Secret.objects.select_related("client__user__role")
        .filter(Q(expires__isnull=True) | Q(expires__gt=now))
        .filter(
            secret_hash=hash_of(secret),
            client__client_id=client_id.replace("\0", "\N{REPLACEMENT CHARACTER}"),
            client__status="ACTIVE",
            client__deleted_at=None,
        )
        .first()
    )
    if found is None or found.client is None or not found.client.user.is_active:
        lockout.failed(request, name)
        return None
    if found.last_used is None or now - found.last_used > LAST_USE_RESOLUTION:
        Secret.objects.filter(pk=found.pk).update(last_used=now)
    return found.client.user, found.pk


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User name and password of an Authorization header of the kind Basic; None for others."""
    kind, _, written = header.strip().partition(" ")
    if kind.casefold() != "basic" or len(written) > 2_000:
        return None
    try:
        name, colon, password = b64decode(written.strip(), validate=True).decode().partition(":")
    except (Error, ValueError):
        return None
    return (name, password) if colon else None


def key_in(header: str) -> str:
    """The API key in an Authorization header of the kind Basic, as user name or password."""
    for text in basic_credentials(header) or ():
        if text.startswith(KEY_START) and len(text) <= LONGEST_SESSION_ID:
            return text
    return ""
