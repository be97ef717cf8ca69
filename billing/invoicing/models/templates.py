"""What invoices look like: templates, and how the lines are grouped."""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
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


class InvoiceGroup(ExternallyKeyed, EntityModel):
    """How a template groups the lines of an invoice, and where pages break."""

    invoice_template = models.ForeignKey(
        InvoiceTemplate,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The template whose lines are grouped.",
    )
    description = models.CharField(
        max_length=1000, null=True, blank=True, help_text="What the group is for."
    )
    type = models.CharField(max_length=100, null=True, blank=True, help_text="Kind of group.")
    parent_invoice_group = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The group that this one divides further.",
    )
    entity_field = models.ForeignKey(
        "entities.EntityField",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The field whose values make the groups.",
    )
    field_name = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="API name of that field, or the path that leads to it.",
    )
    field_label = models.CharField(
        max_length=255, null=True, blank=True, help_text="What the field is called on the invoice."
    )
    group_order = models.IntegerField(
        null=True, blank=True, help_text="Its place among the groups; the lowest comes first."
    )
    name_prefix = models.CharField(
        max_length=255, null=True, blank=True, help_text="Text before a group's name."
    )
    name_suffix = models.CharField(
        max_length=255, null=True, blank=True, help_text="Text after a group's name."
    )
    filter_logic = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        help_text="How the conditions for lines are joined, by their numbers: 1 AND (2 OR 3).",
    )
    show_grouping_detail = FlagField(help_text="Shows the lines, not only their sum.")
    hide_empty_group_flag = FlagField(
        verbose_name="hide empty groups", help_text="Groups without lines are left out."
    )
    insert_page_break = FlagField(help_text="A page ends after each group.")
    insert_page_group_break = FlagField(
        verbose_name="insert page break after all groups",
        help_text="A page ends after the last group.",
    )
    detail_preview_rows = models.IntegerField(
        null=True, blank=True, help_text="Lines of a group that previews show."
    )
    group_preview_rows = models.IntegerField(
        null=True, blank=True, help_text="Groups that previews show."
    )

    brm = EntityOptions(name="INVOICE_GROUP", external_keys=("external_key",), title="field_label")

    class Meta:
        verbose_name = "invoice group"
        verbose_name_plural = "invoice groups"
        constraints = [
            live_unique("invoicing_invoicegroup", "external_key"),
            models.CheckConstraint(
                condition=~Q(parent_invoice_group=F("id")),
                name="invoicing_invoicegroup_not_its_own_parent",
                violation_error_message="ParentInvoiceGroupId is another group than this one",
            ),
            models.CheckConstraint(
                condition=Q(detail_preview_rows__gte=0),
                name="invoicing_invoicegroup_detail_preview_rows_range",
                violation_error_message="DetailPreviewRows is 0 or more",
            ),
            models.CheckConstraint(
                condition=Q(group_preview_rows__gte=0),
                name="invoicing_invoicegroup_group_preview_rows_range",
                violation_error_message="GroupPreviewRows is 0 or more",
            ),
        ]
