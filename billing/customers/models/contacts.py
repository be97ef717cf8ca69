"""People at an account, and what each of them is asked about."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField


class ContactType(EntityModel):
    """A category of contacts, such as those who are asked about overdue invoices."""

    name = models.CharField(max_length=255, help_text="Name of the category; unique.")
    description = optional.text(1000, "What contacts of this category are asked about.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether contacts may be filed under it."
    )

    brm = EntityOptions(name="CONTACT_TYPE", external_keys=("name",))

    class Meta:
        verbose_name = "contact category"
        verbose_name_plural = "contact categories"
        constraints = [live_unique("customers_contacttype", "name")]


class AccountContact(ExternallyKeyed, EntityModel):
    """A person at an account: how to reach them, and for what."""

    account = models.ForeignKey(
        "customers.Account",
        models.CASCADE,
        related_name="+",
        help_text="The account the person belongs to.",
    )
    contact_type = optional.lookup(
        "customers.ContactType", "What the person is asked about first of all.", models.PROTECT
    )
    name = models.CharField(max_length=255, help_text="Full name.")
    first_name = optional.text(100, "First name.")
    last_name = optional.text(100, "Last name.")
    job_title = optional.text(100, "What the person does at the account.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the person may be contacted."
    )
    default_flag = FlagField(help_text="The one to contact where no category asks for another.")
    language = models.ForeignKey(
        "localization.Language",
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="Language the person is written to in, by its code.",
    )
    email = optional.text(255, "Mail address.")
    phone = optional.text(50, "Telephone number.")
    mobile_phone = optional.text(50, "Mobile telephone number.")
    fax = optional.text(50, "Fax number.")
    address1 = optional.text(255, "First line of the address.", verbose_name="address line 1")
    address2 = optional.text(255, "Second line of the address.", verbose_name="address line 2")
    city = optional.text(100, "City.")
    state = optional.text(100, "State, province or county.")
    zip = optional.text(30, "Postal code.", verbose_name="postal code")
    country = optional.text(100, "Country.")
    description = optional.long_text("Anything worth knowing.")

    brm = EntityOptions(
        name="ACCOUNT_CONTACT",
        names={"language": "LanguageCode"},
        external_keys=("external_key",),
    )

    class Meta:
        verbose_name = "account contact"
        verbose_name_plural = "account contacts"
        constraints = [live_unique("customers_accountcontact", "external_key")]


class AccountContactType(ExternallyKeyed, EntityModel):
    """A further category that a contact is filed under."""

    account_contact = models.ForeignKey(
        AccountContact,
        models.CASCADE,
        db_index=False,
        related_name="+",
        help_text="The person who is filed.",
    )
    contact_type = models.ForeignKey(
        ContactType,
        models.PROTECT,
        related_name="+",
        help_text="The category the person is filed under.",
    )

    brm = EntityOptions(
        name="ACCOUNT_CONTACT_TYPE",
        external_keys=("external_key",),
        title="contact_type",
        described_by=("account_contact", "contact_type"),
    )

    class Meta:
        verbose_name = "category of a contact"
        verbose_name_plural = "categories of contacts"
        constraints = [
            live_unique("customers_accountcontacttype", "external_key"),
            live_unique("customers_accountcontacttype", "account_contact", "contact_type"),
        ]
        indexes = [models.Index(fields=["account_contact"], name="customers_contacttype_contact")]
