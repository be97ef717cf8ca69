"""The keys and clients of programs, and who is signed in.

What proves who somebody is, a secret or a session, is no entity: only hashes of them are kept, in
tables that no metadata describes.
"""

from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models

from metabrm.entity import Computed, EntityModel, EntityOptions, live_unique
from metabrm.fields import ListField
from metabrm.identity.models.users import STATUSES, Role, User


def _last_used(sql: str) -> Computed:
    return Computed("LastUsed", "DATETIME", sql, help="When it was last used, to the minute.")


class ApiKey(EntityModel):
    """A key with which a program calls as its user."""

    brm = EntityOptions(
        "API_KEY",
        external_keys=("name",),
        immutable=("user",),
        supplied=("user",),
        read_only=("key_prefix", "secret_issued"),
        computed=(
            _last_used(
                "(SELECT max(s.last_used) FROM identity_secret s WHERE s.api_key_id = {t}.id)"
            ),
        ),
    )

    name = models.CharField(max_length=100, help_text="What it is for; unique.")
    user = models.ForeignKey(
        User, models.CASCADE, related_name="+", help_text="Whoever sends the key acts as this user."
    )
    role = models.ForeignKey(
        Role,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What the key may do; what its user may when not set.",
    )
    status = ListField(
        values=STATUSES,
        default="ACTIVE",
        db_default="ACTIVE",
        help_text="A deactivated key is revoked: activated again, it needs a new secret.",
    )
    expiration_date = models.DateTimeField(
        null=True, blank=True, help_text="The key is refused from then on; never when not set."
    )
    key_prefix = models.CharField(
        max_length=20, null=True, blank=True, help_text="How the key begins, to recognise it by."
    )
    secret_issued = models.DateTimeField(
        null=True, blank=True, help_text="When its secret was made and shown."
    )

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints = [live_unique("identity_apikey", "name")]
        ordering = ["name"]


class OAuthClient(EntityModel):
    """A program that signs in as its user with a client id and a secret."""

    brm = EntityOptions(
        "OAUTH_CLIENT",
        external_keys=("name", "client_id"),
        immutable=("user",),
        supplied=("user",),
        read_only=("client_id", "secret_issued"),
        computed=(
            _last_used(
                "(SELECT max(s.last_used) FROM identity_secret s WHERE s.client_id = {t}.id)"
            ),
        ),
    )

    name = models.CharField(max_length=100, help_text="What it is for; unique.")
    client_id = models.CharField(
        max_length=50, null=True, blank=True, help_text="What the program calls itself; unique."
    )
    user = models.ForeignKey(
        User, models.CASCADE, related_name="+", help_text="The program acts as this user."
    )
    status = ListField(
        values=STATUSES,
        default="ACTIVE",
        db_default="ACTIVE",
        help_text="A deactivated client is revoked: activated again, it needs a new secret.",
    )
    secret_issued = models.DateTimeField(
        null=True, blank=True, help_text="When its newest secret was made and shown."
    )

    class Meta:
        verbose_name = "OAuth client"
        verbose_name_plural = "OAuth clients"
        constraints = [
            live_unique("identity_oauthclient", "name"),
            live_unique("identity_oauthclient", "client_id"),
        ]
        ordering = ["name"]


class Secret(models.Model):
    """What proves an API key or an OAuth client: the SHA-256 of 256 random bits."""

    secret_hash = models.BinaryField(max_length=32, unique=True)
    api_key = models.ForeignKey(ApiKey, models.CASCADE, null=True, related_name="+")
    client = models.ForeignKey(OAuthClient, models.CASCADE, null=True, related_name="+")
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True, help_text="Set when a newer one replaces it.")
    last_used = models.DateTimeField(null=True, help_text="Written once a minute.")


class ApiSession(models.Model):
    """A signed-in program: of a session the hash of its id, of tokens only that they were issued.

    A session id is shown once at login; only its SHA-256 is kept. A token is signed and names its
    row here, so that it ends when the row does.
    """

    token_hash = models.BinaryField(max_length=32, unique=True, null=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    secret = models.ForeignKey(
        Secret, models.CASCADE, null=True, related_name="+", help_text="What a client signed in by."
    )
    address = models.CharField(max_length=45, default="", help_text="Where it was opened from.")
    agent = models.CharField(
        max_length=200, default="", help_text="What the program called itself."
    )
    created = models.DateTimeField()
    last_used = models.DateTimeField(help_text="Idle time counts from here; written once a minute.")
    expires = models.DateTimeField(db_index=True, help_text="The session ends then, used or not.")

    def __str__(self) -> str:
        return f"API session of {self.user} since {self.created:%Y-%m-%d %H:%M}"


class BrowserSession(AbstractBaseSession):
    """A signed-in browser: Django's session, which also says whose it is and where it is used."""

    objects: BaseSessionManager = BaseSessionManager()

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    address = models.CharField(max_length=45, default="")
    agent = models.CharField(max_length=200, default="")
    last_used = models.DateTimeField(null=True)

    @classmethod
    def get_session_store_class(cls) -> Any:
        from metabrm.identity.browser import SessionStore

        return SessionStore
