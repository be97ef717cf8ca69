import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_account_balance"),
        ("entities", "0004_watching"),
        ("invoicing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name="EventInvoiceCycle",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    ("name", models.CharField(help_text="Name of the rule; unique.", max_length=255)),
                    (
                        "active_flag",
                        metabrm.fields.FlagField(
                            db_default=True, default=True, help_text="Whether the rule closes invoices."
                        ),
                    ),
                    (
                        "cycle_type",
                        metabrm.fields.ListField(
                            default="Usage Event",
                            help_text="Whether usage closes the invoice, or a day.",
                            max_length=100,
                        ),
                    ),
                    (
                        "close_event_filter_logic",
                        models.CharField(
                            blank=True,
                            help_text="How the conditions for closing are joined, by their numbers: 1 AND (2 OR 3).",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "cycle_close_day",
                        models.CharField(
                            blank=True,
                            help_text="Day on which the interval closes: a day of the month, or a formula for it.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "manual_close_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Its invoices close only by hand.",
                        ),
                    ),
                    (
                        "invoice_approval_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Its invoices wait for approval; off = approved and mailed at once.",
                        ),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "event invoice cycle",
                    "verbose_name_plural": "event invoice cycles",
                },
            ),
            migrations.CreateModel(
                name="Invoice",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    (
                        "external_key",
                        models.CharField(
                            blank=True,
                            help_text="The integrator's own key for this record; unique. Upserts and lookups use it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            default="CURRENT",
                            help_text="CURRENT takes charges, CLOSED is final, APPROVED may be sent.",
                            max_length=100,
                        ),
                    ),
                    (
                        "billing_cycle_start_date",
                        models.DateField(
                            blank=True, help_text="First day of the billing cycle.", null=True
                        ),
                    ),
                    (
                        "billing_cycle_end_date",
                        models.DateField(
                            blank=True, help_text="Last day of the billing cycle.", null=True
                        ),
                    ),
                    (
                        "due_date",
                        models.DateField(
                            blank=True, help_text="Day by which the invoice is to be paid.", null=True
                        ),
                    ),
                    (
                        "activity_start_date",
                        models.DateField(
                            blank=True, help_text="Day of the earliest charge.", null=True
                        ),
                    ),
                    (
                        "activity_end_date",
                        models.DateField(blank=True, help_text="Day of the latest charge.", null=True),
                    ),
                    (
                        "closed_date",
                        models.DateTimeField(blank=True, help_text="When it was closed.", null=True),
                    ),
                    (
                        "accounting_period_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the accounting period it is booked in.",
                            null=True,
                        ),
                    ),
                    (
                        "billable_flag",
                        metabrm.fields.FlagField(
                            db_default=True,
                            default=True,
                            help_text="Whether the customer is to pay it.",
                        ),
                    ),
                    (
                        "migrated_invoice",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It was brought over from another system.",
                        ),
                    ),
                    (
                        "grand_total_amount",
                        metabrm.fields.MoneyField(
                            db_default=0,
                            decimal_places=10,
                            default=0,
                            help_text="What it comes to, with taxes and fees.",
                            max_digits=28,
                        ),
                    ),
                    (
                        "credit_amount",
                        metabrm.fields.MoneyField(
                            db_default=0,
                            decimal_places=10,
                            default=0,
                            help_text="What credits settle of it.",
                            max_digits=28,
                        ),
                    ),
                    (
                        "payment_amount",
                        metabrm.fields.MoneyField(
                            db_default=0,
                            decimal_places=10,
                            default=0,
                            help_text="What payments settle of it.",
                            max_digits=28,
                        ),
                    ),
                    (
                        "payment_status",
                        metabrm.fields.ListField(
                            default="UNPAID",
                            help_text="Whether credits and payments cover it.",
                            max_length=100,
                        ),
                    ),
                    (
                        "disputed",
                        metabrm.fields.FlagField(
                            db_default=False, default=False, help_text="The customer disputes it."
                        ),
                    ),
                    (
                        "aging_interval",
                        models.CharField(
                            blank=True,
                            help_text="How long it is overdue, such as 31-60.",
                            max_length=50,
                            null=True,
                        ),
                    ),
                    (
                        "auto_pay_trigger_date",
                        models.DateField(
                            blank=True,
                            help_text="Day on which the stored payment method is charged; empty = when it is due.",
                            null=True,
                        ),
                    ),
                    (
                        "account_strategy_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the account's collections strategy that chases it.",
                            null=True,
                            verbose_name="collections strategy id",
                        ),
                    ),
                    (
                        "last_gateway_key",
                        models.CharField(
                            blank=True,
                            help_text="Key under which a payment gateway was last asked to pay it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "approval_status",
                        metabrm.fields.ListField(
                            blank=True, help_text="Whether it is approved.", max_length=100, null=True
                        ),
                    ),
                    (
                        "approval_date",
                        models.DateTimeField(blank=True, help_text="When it was approved.", null=True),
                    ),
                    (
                        "manual_close_approved_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="A profile whose invoices close by hand lets this one close.",
                        ),
                    ),
                    (
                        "suppress_bulk_close_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Closing many invoices at once leaves it out.",
                        ),
                    ),
                    (
                        "send_invoice_email",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is mailed when it is approved.",
                            verbose_name="send invoice e-mail",
                        ),
                    ),
                    (
                        "last_email_delivery_date",
                        models.DateTimeField(
                            blank=True,
                            help_text="When it was last mailed.",
                            null=True,
                            verbose_name="last e-mail delivery",
                        ),
                    ),
                    (
                        "file_name",
                        models.CharField(
                            blank=True,
                            help_text="File name of the document.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "pdf_created_date",
                        models.DateTimeField(
                            blank=True,
                            help_text="When the document was made.",
                            null=True,
                            verbose_name="document created",
                        ),
                    ),
                    (
                        "einvoice_status",
                        models.CharField(
                            blank=True,
                            help_text="What became of the electronic invoice.",
                            max_length=100,
                            null=True,
                            verbose_name="e-invoice status",
                        ),
                    ),
                    (
                        "reburn_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="The documents are to be made again.",
                            verbose_name="make documents again",
                        ),
                    ),
                    (
                        "invoice_reburn_action",
                        models.CharField(
                            blank=True,
                            help_text="What is done with documents that are made again.",
                            max_length=100,
                            null=True,
                            verbose_name="action on new documents",
                        ),
                    ),
                    (
                        "estimate_date",
                        models.DateField(
                            blank=True,
                            help_text="Day of the last estimate of what it will come to.",
                            null=True,
                        ),
                    ),
                    (
                        "estimated_status",
                        models.CharField(
                            blank=True,
                            help_text="What became of the last estimate.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "next_estimate_date",
                        models.DateField(blank=True, help_text="Day of the next estimate.", null=True),
                    ),
                    (
                        "void_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is void: nothing is owed on it.",
                        ),
                    ),
                    (
                        "move_invoice_description",
                        models.CharField(
                            blank=True,
                            help_text="Why it was moved to another billing profile.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "current_action",
                        models.IntegerField(
                            blank=True, help_text="Number of the action that runs on it.", null=True
                        ),
                    ),
                    (
                        "last_action",
                        models.IntegerField(
                            blank=True, help_text="Number of the action that ran last.", null=True
                        ),
                    ),
                    (
                        "pending_actions",
                        models.CharField(
                            blank=True,
                            help_text="Actions that are to run on it.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "available_actions",
                        models.CharField(
                            blank=True,
                            help_text="Actions that its state allows: re-rate, close, merge.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "mass_update_error",
                        models.TextField(
                            blank=True, help_text="Why the last mass update left it out.", null=True
                        ),
                    ),
                    (
                        "account",
                        models.ForeignKey(
                            blank=True,
                            help_text="The account that is invoiced: the billing profile's.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="customers.account",
                        ),
                    ),
                    (
                        "approval_user",
                        models.ForeignKey(
                            blank=True,
                            help_text="Who approved it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                            verbose_name="approved by",
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            help_text="The billing profile that is invoiced.",
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="customers.billingprofile",
                        ),
                    ),
                    (
                        "created_by_invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice that this one was made from.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="invoicing.invoice",
                        ),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "event_invoice_cycle",
                        models.ForeignKey(
                            blank=True,
                            help_text="The rule that opened it, where that was not the billing cycle.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="invoicing.eventinvoicecycle",
                        ),
                    ),
                    (
                        "reopened_by_invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice that voided this one when it was reopened.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="invoicing.invoice",
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "invoice",
                    "verbose_name_plural": "invoices",
                },
            ),
            migrations.CreateModel(
                name="InvoiceCycleConfig",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    (
                        "create_future_invoices",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Charges dated in later cycles open invoices for them.",
                        ),
                    ),
                    (
                        "create_invoice_missing_cycle",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="A cycle without charges has an invoice too.",
                            verbose_name="create invoices for missing cycles",
                        ),
                    ),
                    (
                        "enabling_historical_invoices",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Charges dated in earlier cycles open invoices for them.",
                            verbose_name="enable historical invoices",
                        ),
                    ),
                    (
                        "not_create_invoices_closed_fiscal_period",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="No invoice opens in a fiscal period that is closed.",
                            verbose_name="no invoices in closed fiscal periods",
                        ),
                    ),
                    (
                        "enable_bulk_approve_invoice_wo_email",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Many invoices may be approved at once without mailing them.",
                            verbose_name="enable bulk approval without e-mail",
                        ),
                    ),
                    (
                        "line_item_credit",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="A service that ends early is credited with one line per subscription charge.",
                            verbose_name="credit by line",
                        ),
                    ),
                    (
                        "excl_non_line_item_credit",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Charges that are not credited by line are left out of such credits.",
                            verbose_name="exclude charges without credit by line",
                        ),
                    ),
                    (
                        "subscription_tax_credits",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="The tax on a service that ends early is credited for the days that are left.",
                        ),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "invoice cycle setting",
                    "verbose_name_plural": "invoice cycle settings",
                },
            ),
            migrations.CreateModel(
                name="InvoiceGroup",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    (
                        "external_key",
                        models.CharField(
                            blank=True,
                            help_text="The integrator's own key for this record; unique. Upserts and lookups use it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "description",
                        models.CharField(
                            blank=True, help_text="What the group is for.", max_length=1000, null=True
                        ),
                    ),
                    (
                        "type",
                        models.CharField(
                            blank=True, help_text="Kind of group.", max_length=100, null=True
                        ),
                    ),
                    (
                        "field_name",
                        models.CharField(
                            blank=True,
                            help_text="API name of that field, or the path that leads to it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "field_label",
                        models.CharField(
                            blank=True,
                            help_text="What the field is called on the invoice.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "group_order",
                        models.IntegerField(
                            blank=True,
                            help_text="Its place among the groups; the lowest comes first.",
                            null=True,
                        ),
                    ),
                    (
                        "name_prefix",
                        models.CharField(
                            blank=True,
                            help_text="Text before a group's name.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "name_suffix",
                        models.CharField(
                            blank=True,
                            help_text="Text after a group's name.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "filter_logic",
                        models.CharField(
                            blank=True,
                            help_text="How the conditions for lines are joined, by their numbers: 1 AND (2 OR 3).",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "show_grouping_detail",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Shows the lines, not only their sum.",
                        ),
                    ),
                    (
                        "hide_empty_group_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Groups without lines are left out.",
                            verbose_name="hide empty groups",
                        ),
                    ),
                    (
                        "insert_page_break",
                        metabrm.fields.FlagField(
                            db_default=False, default=False, help_text="A page ends after each group."
                        ),
                    ),
                    (
                        "insert_page_group_break",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="A page ends after the last group.",
                            verbose_name="insert page break after all groups",
                        ),
                    ),
                    (
                        "detail_preview_rows",
                        models.IntegerField(
                            blank=True, help_text="Lines of a group that previews show.", null=True
                        ),
                    ),
                    (
                        "group_preview_rows",
                        models.IntegerField(
                            blank=True, help_text="Groups that previews show.", null=True
                        ),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "entity_field",
                        models.ForeignKey(
                            blank=True,
                            help_text="The field whose values make the groups.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="entities.entityfield",
                        ),
                    ),
                    (
                        "invoice_template",
                        models.ForeignKey(
                            blank=True,
                            help_text="The template whose lines are grouped.",
                            null=True,
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="invoicing.invoicetemplate",
                        ),
                    ),
                    (
                        "parent_invoice_group",
                        models.ForeignKey(
                            blank=True,
                            help_text="The group that this one divides further.",
                            null=True,
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="invoicing.invoicegroup",
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "invoice group",
                    "verbose_name_plural": "invoice groups",
                },
            ),
            migrations.AddConstraint(
                model_name="eventinvoicecycle",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("name",),
                    name="invoicing_eventinvoicecycle_name_key",
                ),
            ),
            migrations.AddIndex(
                model_name="invoice",
                index=models.Index(fields=["status", "due_date"], name="invoicing_invoice_status_due"),
            ),
            migrations.AddConstraint(
                model_name="invoice",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="invoicing_invoice_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoice",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("billing_cycle_end_date__gte", models.F("billing_cycle_start_date"))
                    ),
                    name="invoicing_invoice_cycle_ends_after_start",
                    violation_error_message="BillingCycleEndDate is not before BillingCycleStartDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoice",
                constraint=models.CheckConstraint(
                    condition=models.Q(("activity_end_date__gte", models.F("activity_start_date"))),
                    name="invoicing_invoice_activity_ends_after_start",
                    violation_error_message="ActivityEndDate is not before ActivityStartDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoice",
                constraint=models.CheckConstraint(
                    condition=models.Q(("reopened_by_invoice", models.F("id")), _negated=True),
                    name="invoicing_invoice_not_reopened_by_itself",
                    violation_error_message="ReopenedByInvoiceId is another invoice than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoice",
                constraint=models.CheckConstraint(
                    condition=models.Q(("created_by_invoice", models.F("id")), _negated=True),
                    name="invoicing_invoice_not_created_by_itself",
                    violation_error_message="CreatedByInvoiceId is another invoice than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicecycleconfig",
                constraint=models.CheckConstraint(
                    condition=models.Q(("id", 1)),
                    name="invoicing_invoicecycleconfig_one_record",
                    violation_error_message="these settings are one record; update that with Id 1",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicegroup",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="invoicing_invoicegroup_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicegroup",
                constraint=models.CheckConstraint(
                    condition=models.Q(("parent_invoice_group", models.F("id")), _negated=True),
                    name="invoicing_invoicegroup_not_its_own_parent",
                    violation_error_message="ParentInvoiceGroupId is another group than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicegroup",
                constraint=models.CheckConstraint(
                    condition=models.Q(("detail_preview_rows__gte", 0)),
                    name="invoicing_invoicegroup_detail_preview_rows_range",
                    violation_error_message="DetailPreviewRows is 0 or more",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicegroup",
                constraint=models.CheckConstraint(
                    condition=models.Q(("group_preview_rows__gte", 0)),
                    name="invoicing_invoicegroup_group_preview_rows_range",
                    violation_error_message="GroupPreviewRows is 0 or more",
                ),
            ),
        ]),
    ]
