"""What a quote and its draft have in common: to whom, from when to when, on what terms."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, ExternallyKeyed
from metabrm.fields import FlagField, ListField


def ends_after_start(table: str) -> models.CheckConstraint:
    """EndDate is not before StartDate."""
    return models.CheckConstraint(
        condition=Q(end_date__gte=F("start_date")),
        name=f"{table}_ends_after_start",
        violation_error_message="EndDate is not before StartDate",
    )


class Offer(ExternallyKeyed, EntityModel):
    """Abstract: an offer to an account, to be worked on or worked out."""

    quote_name = optional.text(255, "What the quote is called.", verbose_name="name")
    account = optional.lookup("customers.Account", "The account it is made to.", models.PROTECT)
    quote_category = optional.text(100, "Category of the quote.", verbose_name="category")
    currency = optional.currency("Currency of its prices, by its code.", db_column="currency")
    calculation_mode = ListField(
        values=("Termed", "Evergreen"),
        default="Termed",
        help_text="It is reckoned over all its periods, or over the first cycle only.",
    )
    end_date = optional.day("Last day of what is offered; empty = no end.")
    on_end_date = optional.choice(
        ("Renew", "Terminate"), "What the contract does after its last day."
    )
    default_contract = optional.lookup(
        "customers.Contract", "The contract its products come under.", models.PROTECT
    )
    amend_date = optional.day("Day from which it changes what was agreed.")
    original_quote = optional.lookup("quoting.Quote", "The quote that this one amends.")
    parent_quote = optional.lookup("quoting.Quote", "The quote it is a part of.")
    quote_doc_template_id = optional.number_of(
        "Id of the template its document is made with.", verbose_name="document template id"
    )
    email_sent_on = optional.moment("When it was mailed.")
    is_ready_for_activation = FlagField(help_text="It may become a contract.")

    # Its counterpart in Salesforce
    salesforce_account_id = optional.text(100, "Id of the account in Salesforce.")
    salesforce_bp_quote_id = optional.text(
        100, "Id of the quote in Salesforce.", verbose_name="Salesforce quote id"
    )
    salesforce_is_primary = FlagField(
        verbose_name="Salesforce primary", help_text="The opportunity's main quote."
    )
    salesforce_opportunity_id = optional.text(100, "Id of the opportunity in Salesforce.")
    salesforce_opportunity_url = optional.text(
        1000, "Address of the opportunity.", verbose_name="Salesforce opportunity address"
    )

    class Meta:
        abstract = True


#: Python name -> API name of an offer's fields, where the derived one is not the documented one.
NAMES = {"currency": "Currency", "salesforce_bp_quote_id": "SalesforceBPQuoteId"}
