"""What invoices look like."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField


class InvoiceTemplate(EntityModel):
    """Layout, language and texts of invoice documents."""

    name = models.CharField(max_length=255, help_text="Name of the template; unique.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the template may be chosen."
    )
    default_flag = FlagField(help_text="Used by billing profiles that name no template.")
    type = models.CharField(
        max_length=100, null=True, blank=True, help_text="Kind of invoice it is for."
    )
    account = models.ForeignKey(
        "customers.Account",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account it was made for; empty = for all.",
    )
    language = models.ForeignKey(
        "localization.Language",
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="Language of its texts, by its code.",
    )
    date_format = models.CharField(
        max_length=50, null=True, blank=True, help_text="How dates are written: MM/DD/YYYY."
    )
    invoice_file_format = models.CharField(
        max_length=20, null=True, blank=True, help_text="File format of the documents."
    )
    invoice_xsl_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="invoice stylesheet id",
        help_text="Id of the stylesheet the documents are made with.",
    )
    email_template_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the e-mail the documents are sent with."
    )
    embed_einvoice_doc_into_pdf = FlagField(
        verbose_name="embed e-invoice into PDF",
        help_text="The electronic invoice is embedded in the printable one.",
    )
    show_aging = FlagField(help_text="Shows what is overdue by age.")
    show_past_due_statements = FlagField(help_text="Shows earlier invoices that are overdue.")
    show_credit_adj_detail = FlagField(
        verbose_name="show credit adjustment detail",
        help_text="Shows credits one by one rather than in sum.",
    )
    show_tax_fee_detail = FlagField(help_text="Shows taxes and fees one by one rather than in sum.")
    support_number = models.CharField(
        max_length=50, null=True, blank=True, help_text="Telephone number to ask at."
    )
    support_message = models.CharField(
        max_length=1000, null=True, blank=True, help_text="Whom to ask, and when."
    )
    support_message1 = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        verbose_name="second support message",
        help_text="Anything else to tell the customer.",
    )
    ebpp_url = models.CharField(
        max_length=500,
        null=True,
        blank=True,
        verbose_name="payment page address",
        help_text="Where the invoice can be seen and paid on line.",
    )

    brm = EntityOptions(
        name="INVOICE_TEMPLATE",
        names={
            "language": "LanguageCode",
            "embed_einvoice_doc_into_pdf": "EmbedEinvoiceDocIntoPDF",
        },
        external_keys=("name",),
    )

    class Meta:
        verbose_name = "invoice template"
        verbose_name_plural = "invoice templates"
        constraints = [live_unique("invoicing_invoicetemplate", "name")]
