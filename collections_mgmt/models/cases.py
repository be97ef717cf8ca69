"""Cases: accounts that a strategy has selected, and what is done about each."""

from django.db import models
from django.db.models import F, Q

from collections_mgmt.models.strategies import ATTACHMENTS, CONTACTS
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, ListField


class CsAccountStrategy(ExternallyKeyed, EntityModel):
    """An account that is being collected from under a strategy."""

    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        related_name="+",
        help_text="The account that owes.",
    )
    strategy = models.ForeignKey(
        "collections_mgmt.CsStrategy",
        models.PROTECT,
        related_name="+",
        help_text="The strategy that selected it.",
    )
    status = ListField(
        values=("OPEN", "CLOSED"),
        default="OPEN",
        help_text="Whether the account is collected from.",
    )
    start_date = models.DateField(help_text="Day the strategy was triggered: its day 1.")
    end_date = optional.day("Day the case was closed.")

    brm = EntityOptions(
        name="CS_ACCOUNT_STRATEGY",
        external_keys=("external_key",),
        title="account",
        described_by=("account", "strategy"),
    )

    class Meta:
        verbose_name = "collection case"
        verbose_name_plural = "collection cases"
        constraints = [
            live_unique("collections_mgmt_csaccountstrategy", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="collections_mgmt_csaccountstrategy_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]


class CsAccountAction(ExternallyKeyed, EntityModel):
    """A call, an e-mail or a task for an account, pending or completed."""

    account_strategy = optional.lookup(
        "collections_mgmt.CsAccountStrategy", "The case it belongs to.", models.CASCADE
    )
    account = optional.lookup(
        "customers.Account", "The account, where it belongs to no case.", models.PROTECT
    )
    action_type = optional.lookup(
        "collections_mgmt.CsActionType", "What kind of action it is.", models.PROTECT
    )
    status = ListField(
        values=("Pending", "Completed"), default="Pending", help_text="Whether it is done."
    )
    action_date = optional.day("Day it is due, or was done.", db_index=True)
    priority = optional.text(100, "How urgent it is.")
    manual_flag = FlagField(
        verbose_name="automatic",
        help_text="The platform does it on the day it is due; should that fail, it is left to "
        "people.",
    )
    collector_user = optional.lookup("identity.User", "Who does it.", verbose_name="collector")
    action_note = optional.long_text("What was said and agreed.")
    ptp_id = optional.number_of(
        "Id of the payment that was promised.", verbose_name="promise to pay id"
    )
    call_number = optional.text(50, "Telephone number that was called.")

    # To whom, and what is sent
    contact = optional.lookup("customers.AccountContact", "The person it goes to.")
    contact_type = optional.lookup(
        "customers.ContactType",
        "The category of contacts it goes to.",
        models.PROTECT,
        verbose_name="contact category",
    )
    contacts = optional.choice(
        CONTACTS,
        "It goes to the first contact of the category, or to all of them.",
        verbose_name="contacts",
    )
    email_template_id = optional.number_of("Id of the e-mail that is sent.")
    email_id = optional.number_of("Id of the e-mail that was sent.")
    email_sender = optional.text(255, "Address it is sent from.")
    email_recipient = optional.text(1000, "Addresses it is sent to, with commas between them.")
    email_cc = optional.text(1000, "Addresses that get a copy.", verbose_name="copies to")
    email_bcc = optional.text(
        1000, "Addresses that get a copy nobody sees.", verbose_name="blind copies to"
    )
    email_subject = optional.text(500, "Subject of the e-mail.")
    email_body = optional.long_text("Text of the e-mail.")
    email_body_html = optional.long_text("Text of the e-mail as HTML.", verbose_name="HTML body")
    attachment_type = optional.choice(ATTACHMENTS, "What goes along.")
    statement_template = optional.lookup(
        "receivables.StatementTemplate", "What the statement looks like.", models.PROTECT
    )
    generate_statement_flag = FlagField(
        help_text="A new statement is made; off: the latest one goes along."
    )
    statement_from_date_formula = optional.long_text("Formula of the statement's first day.")
    statement_end_date_formula = optional.long_text("Formula of the statement's last day.")

    brm = EntityOptions(
        name="CS_ACCOUNT_ACTION",
        names={
            "contacts": "ContactType",
            "email_bcc": "EmailBCC",
            "email_cc": "EmailCC",
        },
        external_keys=("external_key",),
        title="action_type",
        described_by=("account", "action_type"),
    )

    class Meta:
        verbose_name = "collection action"
        verbose_name_plural = "collection actions"
        constraints = [live_unique("collections_mgmt_csaccountaction", "external_key")]
