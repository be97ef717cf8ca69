"""Users and their roles: who may sign in, and what for."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
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
