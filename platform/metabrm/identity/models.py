"""Users, roles, the keys and clients of programs, and who is signed in.

ROLE, USER, API_KEY and OAUTH_CLIENT are entities like any other. What proves who somebody is, a
secret or a session, is none: of those only hashes are kept, in tables that no metadata describes.
"""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models, transaction

from metabrm.entity import Computed, EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, ListField, MoneyField

ADMINISTRATOR_ROLE = "BRM_ADMIN"
STATUSES = ("ACTIVE", "DEACTIVATED")


class Role(EntityModel):
    """What a group of users may do. Rights per entity and field are ENTITY_FIELD_ROLE records;
    a role without any sees nothing, the administrator role sees everything."""

    brm = EntityOptions("ROLE", external_keys=("name",))

    name = models.CharField(max_length=100, help_text="Name of the role; unique.")
    description = models.CharField(max_length=1000, null=True, blank=True)
    status = ListField(values=STATUSES, default="ACTIVE", db_default="ACTIVE")
    parent_role = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The role above this one in the organisation; rights are not inherited.",
    )
    administrator_flag = FlagField(
        help_text="All rights on every entity, present and future. Grant with care."
    )
    view_pii_flag = FlagField(help_text="Members see personal data that others see masked.")
    internal_role = FlagField(
        default=True, help_text="Members work for the organisation and may open the admin."
    )
    customer_portal_role = FlagField(
        help_text="Members are customers looking at their own account."
    )
    default_role = FlagField(help_text="Given to new users for whom no role was chosen.")
    allow_process_on_off = FlagField(help_text="May pause and resume background processes.")
    credit_approval_threshold = MoneyField(
        null=True,
        blank=True,
        help_text="Credits above this amount, in the credit's currency, "
        "need somebody else's approval.",
    )
    credit_auto_approval_limit = MoneyField(
        null=True,
        blank=True,
        help_text="Credits up to this amount, in the credit's currency, are approved at once.",
    )

    class Meta:
        constraints = [live_unique("identity_role", "name")]
        ordering = ["name"]


class UserManager(BaseUserManager["User"]):
    """Finds users for sign-in: never one in the recycle bin."""

    def get_queryset(self) -> models.QuerySet["User"]:
        # What becomes their context.
        return super().get_queryset().select_related("role", "time_zone")

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=username, deleted_at=None)


class User(AbstractBaseUser, EntityModel):
    """Somebody, or some program, that signs in."""

    brm = EntityOptions(
        "USER",
        external_keys=("username",),
        title="username",
        names={
            "first_name": "First_Name",
            "last_name": "Last_Name",
            "bcc": "BCC",
            "cc": "CC",
            "language": "LanguageCode",
            "immediate_manager": "ImmediateManager",
        },
        hidden=("password",),
        unaudited=("password",),
        computed=(
            Computed(
                "RoleName",
                "TEXT",
                "(SELECT r.name FROM identity_role r WHERE r.id = {t}.role_id)",
                help="Name of the user's role.",
            ),
            Computed(
                "RoleStatus",
                "TEXT",
                "(SELECT r.status FROM identity_role r WHERE r.id = {t}.role_id)",
                help="Status of the user's role; a deactivated role lets nobody in.",
            ),
        ),
    )

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    username = models.CharField(
        max_length=150,
        unique=True,
        help_text="Name to sign in with; unique, also among users in the recycle bin.",
    )
    # Not kept: signing in is no change of the user.
    last_login = None
    # "!" is Django's mark of a password that nothing matches.
    password = models.CharField(max_length=128, default="!", db_default="!", editable=False)
    email = models.EmailField(null=True, blank=True)
    first_name = models.CharField(max_length=100, null=True, blank=True)
    last_name = models.CharField(max_length=100, null=True, blank=True)
    title = models.CharField(max_length=100, null=True, blank=True)
    status = ListField(
        values=STATUSES,
        default="ACTIVE",
        db_default="ACTIVE",
        help_text="Only active users can sign in.",
    )
    role = models.ForeignKey(
        Role, models.PROTECT, related_name="+", help_text="Says what the user may see and change."
    )
    type = ListField(
        values=("INTERNAL", "API", "PORTAL"),
        default="INTERNAL",
        db_default="INTERNAL",
        help_text="INTERNAL: a colleague; API: an integrator's program; PORTAL: a customer.",
    )
    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The customer account a portal user belongs to.",
    )
    root_account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="The highest account of the hierarchy the user works in.",
    )
    immediate_manager = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    time_zone = models.ForeignKey(
        "localization.TimeZone",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Zone in which times are shown to the user; UTC when not set.",
    )
    convert_time_zone = FlagField(help_text="Show times in the user's own zone.")
    language = models.ForeignKey(
        "localization.Language",
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    regional_settings = models.CharField(max_length=100, null=True, blank=True)
    forbid_internal_auth = FlagField(
        help_text="The user signs in through single sign-on only; passwords are refused."
    )
    reset_password_flag = FlagField(
        help_text="The user must choose a new password at next sign-in."
    )
    federation_id = models.CharField(
        max_length=255, null=True, blank=True, help_text="The user's id at the identity provider."
    )
    addr1 = models.CharField(max_length=255, null=True, blank=True)
    addr2 = models.CharField(max_length=255, null=True, blank=True)
    city = models.CharField(max_length=100, null=True, blank=True)
    state = models.CharField(max_length=100, null=True, blank=True)
    zip = models.CharField(max_length=20, null=True, blank=True)
    country = models.CharField(max_length=100, null=True, blank=True)
    phone = models.CharField(max_length=50, null=True, blank=True)
    home_phone = models.CharField(max_length=50, null=True, blank=True)
    mobile_phone = models.CharField(max_length=50, null=True, blank=True)
    fax = models.CharField(max_length=50, null=True, blank=True)
    bcc = models.CharField(max_length=1000, null=True, blank=True)
    cc = models.CharField(max_length=1000, null=True, blank=True)
    collections_flag = FlagField(help_text="The user works collection actions.")
    invoice_label = models.CharField(max_length=255, null=True, blank=True)
    service_point_name = models.CharField(max_length=255, null=True, blank=True)
    theme_id = models.CharField(max_length=50, null=True, blank=True)
    user_group_id = models.BigIntegerField(null=True, blank=True)
    user1 = models.CharField(max_length=255, null=True, blank=True)
    user2 = models.CharField(max_length=255, null=True, blank=True)
    user_tag = models.CharField(max_length=255, null=True, blank=True)

    objects = UserManager()

    class Meta:
        ordering = ["username"]

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.status == "ACTIVE" and self.deleted_at is None and self.role.status == "ACTIVE"

    @property
    def is_staff(self) -> bool:
        """May open the admin: an active member of an internal role."""
        return self.is_active and self.role.internal_role

    @property
    def is_superuser(self) -> bool:
        return self.is_active and self.role.administrator_flag

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new password, whoever sets it, ends what was signed in under the old one."""
        from metabrm.identity.sessions import close_sessions_of

        # Django forgets the password here that was set; it knows none where only its hash was
        # renewed.
        changed = self.pk is not None and self._password is not None
        with transaction.atomic():
            super().save(*args, **kwargs)
            if changed:
                close_sessions_of(self)

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Django's own permissions are unused: rights per entity come from `entities.access`."""
        return self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Person(EntityModel):
    """Abstract: what is kept of people besides USER; nobody signs in as one of them."""

    username = models.CharField(max_length=150, help_text="Name of the person; unique.")
    email = models.EmailField()
    first_name = models.CharField(max_length=100, null=True, blank=True)
    last_name = models.CharField(max_length=100, null=True, blank=True)
    title = models.CharField(max_length=100, null=True, blank=True)
    phone = models.CharField(max_length=50, null=True, blank=True)
    status = ListField(values=STATUSES, default="ACTIVE", db_default="ACTIVE")
    role = models.ForeignKey(
        Role, models.PROTECT, related_name="+", help_text="Says what the person may see and change."
    )
    federation_id = models.CharField(
        max_length=255, null=True, blank=True, help_text="The person's id at the identity provider."
    )
    reset_password_flag = FlagField(
        help_text="The person must choose a new password at next sign-in."
    )

    class Meta:
        abstract = True


_PERSON_NAMES = {
    "first_name": "First_Name",
    "last_name": "Last_Name",
    "language": "LanguageCode",
}


def _role_fields() -> tuple[Computed, ...]:
    """RoleName and RoleStatus of an entity with a role."""
    return (
        Computed(
            "RoleName",
            "TEXT",
            "(SELECT r.name FROM identity_role r WHERE r.id = {t}.role_id)",
            help="Name of the role.",
        ),
        Computed(
            "RoleStatus",
            "TEXT",
            "(SELECT r.status FROM identity_role r WHERE r.id = {t}.role_id)",
            help="Status of the role.",
        ),
    )


class ExternalUser(Person):
    """A customer who looks at his own account in the portal; his role is never an
    administrator's."""

    brm = EntityOptions(
        "EXTERNAL_USER",
        external_keys=("username",),
        title="username",
        example={"RoleId": {"CustomerPortalRole": "1"}},
        names=_PERSON_NAMES,
        computed=_role_fields(),
    )

    account = models.ForeignKey(
        "customers.Account",
        models.CASCADE,
        related_name="+",
        help_text="The customer account he belongs to.",
    )
    time_zone = models.ForeignKey(
        "localization.TimeZone",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Zone in which times are shown to him; UTC when not set.",
    )
    language = models.ForeignKey(
        "localization.Language",
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    internal_authentication_disabled_flag = FlagField(
        help_text="Signs in through single sign-on only; passwords are refused."
    )

    class Meta:
        verbose_name = "external user"
        verbose_name_plural = "external users"
        constraints = [live_unique("identity_externaluser", "username")]
        ordering = ["username"]


class SupportUser(Person):
    """Somebody who helps from outside the organisation, kept apart from its users."""

    brm = EntityOptions(
        "SUPPORT_USERS",
        external_keys=("username",),
        title="username",
        names={
            **_PERSON_NAMES,
            "allow_api": "AllowAPI",
            "require_oauth_for_api_access": "RequireOAuthForAPIAccess",
            "immediate_manager": "ImmediateManager",
        },
        computed=_role_fields(),
    )

    type = models.CharField(max_length=100, null=True, blank=True)
    time_zone = models.ForeignKey(
        "localization.TimeZone", models.PROTECT, related_name="+", db_index=False
    )
    language = models.ForeignKey(
        "localization.Language",
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        related_name="+",
        db_index=False,
    )
    convert_time_zone = FlagField(help_text="Show times in the person's own zone.")
    regional_settings = models.CharField(max_length=100, null=True, blank=True)
    immediate_manager = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    collections_user_flag = FlagField(help_text="The person works collection actions.")
    allow_api = FlagField(verbose_name="allow API", help_text="The person's programs may call.")
    require_oauth_for_api_access = FlagField(
        verbose_name="require OAuth for API access",
        help_text="The person's programs may call with OAuth tokens only.",
    )
    authentication_type = models.CharField(max_length=100, null=True, blank=True)
    forbid_internal_auth = FlagField(
        help_text="Signs in through single sign-on only; passwords are refused."
    )
    landing_page = models.CharField(max_length=255, null=True, blank=True)
    theme_id = models.CharField(max_length=50, null=True, blank=True)
    last_logged = models.DateTimeField(null=True, blank=True, verbose_name="last sign-in")
    last_logged_ip = models.CharField(
        max_length=45, null=True, blank=True, verbose_name="address of the last sign-in"
    )
    last_logout = models.DateTimeField(null=True, blank=True, verbose_name="last sign-out")

    class Meta:
        verbose_name = "support user"
        verbose_name_plural = "support users"
        constraints = [live_unique("identity_supportuser", "username")]
        ordering = ["username"]


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
