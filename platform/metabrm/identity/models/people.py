"""People besides users, whom records name: nobody signs in as one of them."""

from django.db import models

from metabrm.entity import Computed, EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, ListField
from metabrm.identity.models.users import STATUSES, Role, User


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
