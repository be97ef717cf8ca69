"""Quotes as they stand."""

from django.db import models

from billing.quoting.models.offers import NAMES, Offer, ends_after_start
from metabrm import shorthand as optional
from metabrm.entity import EntityOptions, live_unique
from metabrm.fields import FlagField, ListField


class Quote(Offer):
    """An offer of products and prices to an account, which approved becomes a contract."""

    quote_draft = models.ForeignKey(
        "quoting.QuoteDraft",
        models.PROTECT,
        related_name="+",
        help_text="The draft it was made from.",
    )
    start_date = models.DateField(help_text="First day of what is offered.")
    status = ListField(
        values=(
            "DRAFT",
            "PENDING APPROVAL",
            "APPROVED",
            "REJECTED",
            "SENT",
            "ACCEPTED",
            "ACTIVATED",
            "EXPIRED",
            "CANCELLED",
        ),
        default="DRAFT",
        help_text="How far it has come on its way to a contract.",
    )
    approval_request_id = optional.number_of("Id of the request for its approval.")
    approved_by = optional.text(255, "Who approved it.")
    approved_on = optional.moment("When it was approved.")
    need_validate = FlagField(
        verbose_name="needs validation", help_text="It is to be checked before it goes on."
    )
    send_quote = FlagField(help_text="It is mailed once it is approved.")
    file_name = optional.text(255, "Name of its document.")
    order_id = optional.number_of("Id of the order it became.")
    source_quote = optional.lookup("self", "The quote it was copied from.")
    quote_source = optional.text(100, "Where it comes from.", verbose_name="source")
    product_count = optional.count("How many products it offers.")
    product_tree_mode = optional.text(100, "How its products are shown as a tree.")
    salesforce_primary_opportunity_count = optional.count(
        "How many opportunities have it as their main quote."
    )

    brm = EntityOptions(
        name="QUOTE", names=NAMES, external_keys=("external_key",), title="quote_name"
    )

    class Meta:
        verbose_name = "quote"
        verbose_name_plural = "quotes"
        constraints = [
            live_unique("quoting_quote", "external_key"),
            ends_after_start("quoting_quote"),
        ]
