"""What account statements look like."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField


class StatementTemplate(EntityModel):
    """Layout, language and texts of account statements."""

    statement_template_name = models.CharField(
        max_length=255, verbose_name="name", help_text="Name of the template; unique."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the template may be chosen."
    )
    default_flag = FlagField(help_text="Used for accounts that name no template.")
    type = models.CharField(
        max_length=100, null=True, blank=True, help_text="Kind of statement it is for."
    )
    account = models.ForeignKey(
        "customers.Account",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account it was made for; empty = for all.",
    )
    base_entity_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the ENTITY whose records the statement is about."
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
    statement_xsl_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="statement stylesheet id",
        help_text="Id of the stylesheet the documents are made with.",
    )
    preview_xsd = models.TextField(
        null=True,
        blank=True,
        verbose_name="preview schema",
        help_text="Schema of the data that previews are made from.",
    )
    email_template_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the e-mail the documents are sent with."
    )
    file_storage_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the storage the documents are kept in."
    )
    logo_file_path = models.CharField(
        max_length=500, null=True, blank=True, help_text="Where the logo was uploaded."
    )
    system_logo_file_name = models.CharField(
        max_length=255, null=True, blank=True, help_text="Name the logo is kept under."
    )
    show_aging = FlagField(help_text="Shows what is overdue by age.")
    show_past_due_statements = FlagField(help_text="Shows earlier statements that are overdue.")
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
        help_text="Where the account can be seen and paid on line.",
    )

    brm = EntityOptions(
        name="STATEMENT_TEMPLATE",
        names={"language": "LanguageCode"},
        external_keys=("statement_template_name",),
        title="statement_template_name",
    )

    class Meta:
        verbose_name = "statement template"
        verbose_name_plural = "statement templates"
        constraints = [live_unique("receivables_statementtemplate", "statement_template_name")]
