import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


LEDGERS = """
CREATE VIEW receivables_ledger AS
SELECT profile.id, profile.account_id, profile.id AS billing_profile_id
FROM customers_billingprofile profile
WHERE profile.deleted_at IS NULL
"""

# A payment's Id in the list is even, a refund's is odd.
PAYMENTS_AND_REFUNDS = """
CREATE VIEW receivables_paymentsrefunds AS
SELECT payment.id * 2 AS id,
       'Payment'::varchar AS transaction_type,
       'Payment'::varchar AS transaction_type_search,
       payment.payment_date AS transaction_date,
       payment.credit_card_transaction_status AS status,
       payment.gateway_transaction_status AS transaction_status,
       profile.account_id,
       payment.id AS payment_item_id,
       NULL::bigint AS refund_item_id,
       NULL::bigint AS parent_id,
       payment.payment_type AS payment_method_type,
       payment.automatic_payment,
       coalesce(payment.credit_card_type, wallet.credit_card_type) AS card_brand,
       wallet.ach_scheme AS direct_debit_scheme,
       request.ecom_gateway_id,
       coalesce(payment.payment_gateway_profile_id, request.payment_gateway_profile_id)
           AS merchant_account
FROM receivables_payment payment
LEFT JOIN customers_billingprofile profile ON profile.id = payment.billing_profile_id
LEFT JOIN receivables_wallet wallet ON wallet.id = payment.wallet_id
LEFT JOIN receivables_ecomtransaction request ON request.id = payment.ecom_transaction_id
WHERE payment.deleted_at IS NULL
  AND (payment.gateway_transaction_id IS NOT NULL OR payment.ecom_transaction_id IS NOT NULL)
UNION ALL
SELECT refund.id * 2 + 1,
       'Refund',
       'Refund',
       (refund.created AT TIME ZONE 'UTC')::date,
       refund.status,
       refund.gateway_response_code,
       profile.account_id,
       payment.id,
       refund.id,
       payment.id * 2,
       refund.refund_type,
       FALSE,
       coalesce(payment.credit_card_type, wallet.credit_card_type),
       wallet.ach_scheme,
       request.ecom_gateway_id,
       coalesce(payment.payment_gateway_profile_id, request.payment_gateway_profile_id)
FROM receivables_refund refund
LEFT JOIN receivables_payment payment ON payment.id = refund.payment_item_id
LEFT JOIN customers_billingprofile profile ON profile.id = payment.billing_profile_id
LEFT JOIN receivables_wallet wallet ON wallet.id = payment.wallet_id
LEFT JOIN receivables_ecomtransaction request ON request.id = payment.ecom_transaction_id
WHERE refund.deleted_at IS NULL AND refund.gateway_transaction_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_account_balance"),
        ("invoicing", "0002_invoices"),
        ("receivables", "0001_initial"),
        ("tax", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name="Ledger",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                ],
                options={
                    "verbose_name": "ledger",
                    "verbose_name_plural": "ledgers",
                    "db_table": "receivables_ledger",
                    "managed": False,
                },
            ),
            migrations.CreateModel(
                name="PaymentsRefunds",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "transaction_type",
                        models.CharField(
                            blank=True, help_text="Payment or Refund.", max_length=20, null=True
                        ),
                    ),
                    (
                        "transaction_type_search",
                        models.CharField(
                            blank=True,
                            help_text="The transaction type, to search by.",
                            max_length=20,
                            null=True,
                        ),
                    ),
                    (
                        "transaction_date",
                        models.DateField(help_text="Day of the payment or refund.", null=True),
                    ),
                    (
                        "status",
                        models.CharField(
                            blank=True, help_text="What became of it.", max_length=100, null=True
                        ),
                    ),
                    (
                        "transaction_status",
                        models.CharField(
                            blank=True,
                            help_text="State at the gateway, or code of its answer.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "parent_id",
                        models.BigIntegerField(
                            help_text="Id in this list of the payment that a refund returns.", null=True
                        ),
                    ),
                    (
                        "payment_method_type",
                        models.CharField(
                            blank=True,
                            help_text="The way of paying, or of paying back.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "automatic_payment",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It was taken automatically when an invoice was due.",
                        ),
                    ),
                    (
                        "card_brand",
                        models.CharField(
                            blank=True, help_text="Brand of the card.", max_length=50, null=True
                        ),
                    ),
                    (
                        "direct_debit_scheme",
                        models.CharField(
                            blank=True, help_text="Direct debit scheme.", max_length=50, null=True
                        ),
                    ),
                    (
                        "ecom_gateway_id",
                        models.BigIntegerField(
                            help_text="Id of the payment gateway.", null=True, verbose_name="gateway id"
                        ),
                    ),
                    (
                        "merchant_account",
                        models.BigIntegerField(
                            help_text="Id of the settings of that gateway.", null=True
                        ),
                    ),
                ],
                options={
                    "verbose_name": "payment or refund",
                    "verbose_name_plural": "payments and refunds",
                    "db_table": "receivables_paymentsrefunds",
                    "managed": False,
                },
            ),
            migrations.CreateModel(
                name="Credit",
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
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much is credited.",
                            max_digits=28,
                            null=True,
                        ),
                    ),
                    (
                        "credit_date",
                        models.DateField(
                            blank=True,
                            help_text="Day it counts from; it decides the accounting period.",
                            null=True,
                        ),
                    ),
                    (
                        "credit_note",
                        models.TextField(help_text="What the customer is told of the reason."),
                    ),
                    (
                        "unassigned_credit_note",
                        models.TextField(
                            blank=True,
                            help_text="What is said of the part that no invoice takes.",
                            null=True,
                        ),
                    ),
                    (
                        "invoice_id_display",
                        models.CharField(
                            blank=True,
                            help_text="The invoices it is for, as people read them.",
                            max_length=1000,
                            null=True,
                            verbose_name="invoices",
                        ),
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
                        "autoallocate",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It goes to the invoice of the credited lines, then to others by due date.",
                            verbose_name="allocate automatically",
                        ),
                    ),
                    (
                        "approval_status",
                        metabrm.fields.ListField(
                            blank=True, help_text="Whether it is approved.", max_length=100, null=True
                        ),
                    ),
                    (
                        "auto_approved",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It was approved because its amount needs nobody's approval.",
                            verbose_name="approved automatically",
                        ),
                    ),
                    (
                        "approved_rejected_date",
                        models.DateTimeField(
                            blank=True, help_text="When it was approved or rejected.", null=True
                        ),
                    ),
                    (
                        "approval_notes",
                        models.TextField(blank=True, help_text="What the approver noted.", null=True),
                    ),
                    (
                        "approval_rejected_note",
                        models.TextField(blank=True, help_text="Why it was rejected.", null=True),
                    ),
                    (
                        "auto_credit_tax",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="The tax on the credited charges is credited too.",
                        ),
                    ),
                    (
                        "auto_credit_discount",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Discounts on the credited charges are taken back with them.",
                        ),
                    ),
                    (
                        "auto_credit_associated_product",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Charges that depend on the credited ones are credited too.",
                        ),
                    ),
                    (
                        "credit_card_number",
                        models.CharField(
                            blank=True,
                            help_text="Last four digits of the card. The rest of a masked number is dropped, a whole number is refused.",
                            max_length=50,
                            null=True,
                            verbose_name="last digits of credit card",
                        ),
                    ),
                    (
                        "credit_card_name",
                        models.CharField(
                            blank=True,
                            help_text="Name on the card.",
                            max_length=255,
                            null=True,
                            verbose_name="name on credit card",
                        ),
                    ),
                    (
                        "credit_card_exp_date",
                        models.CharField(
                            blank=True,
                            help_text="Month and year in which the card expires.",
                            max_length=10,
                            null=True,
                            verbose_name="credit card expiry",
                        ),
                    ),
                    (
                        "ecredit_status",
                        models.CharField(
                            blank=True,
                            help_text="What became of the electronic credit note.",
                            max_length=100,
                            null=True,
                            verbose_name="e-credit status",
                        ),
                    ),
                    (
                        "void_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is void: nothing is credited.",
                        ),
                    ),
                    (
                        "account_product",
                        models.ForeignKey(
                            blank=True,
                            help_text="The account product whose charges are credited.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="customers.accountproduct",
                        ),
                    ),
                    (
                        "approve_rejected_user",
                        models.ForeignKey(
                            blank=True,
                            help_text="Who approved or rejected it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                            verbose_name="approved or rejected by",
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            help_text="The billing profile that is credited.",
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="customers.billingprofile",
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
                        "tax_engine_request",
                        models.ForeignKey(
                            blank=True,
                            help_text="What the tax engine was asked about it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="tax.taxengineaudit",
                            verbose_name="tax audit log",
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
                    (
                        "void_credit",
                        models.ForeignKey(
                            blank=True,
                            help_text="The credit that voids this one.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.credit",
                            verbose_name="voided by credit",
                        ),
                    ),
                    (
                        "voided_credit",
                        models.ForeignKey(
                            blank=True,
                            help_text="The credit that this one voids.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.credit",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "credit",
                    "verbose_name_plural": "credits",
                },
            ),
            migrations.CreateModel(
                name="CreditAllocation",
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
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much of the credit.",
                            max_digits=28,
                            null=True,
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
                        "credit",
                        models.ForeignKey(
                            help_text="The credit that is allocated.",
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="receivables.credit",
                        ),
                    ),
                    (
                        "invoice",
                        models.ForeignKey(
                            help_text="The invoice that it is taken off.",
                            on_delete=django.db.models.deletion.PROTECT,
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
                    "verbose_name": "credit allocation",
                    "verbose_name_plural": "credit allocations",
                },
            ),
            migrations.CreateModel(
                name="CreditType",
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
                        "description",
                        models.CharField(
                            help_text="What it is called; unique, and never changed.",
                            max_length=100,
                            unique=True,
                        ),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            default="ACTIVE",
                            help_text="Whether it may still be chosen.",
                            max_length=100,
                        ),
                    ),
                    (
                        "order_id",
                        models.IntegerField(
                            default=0,
                            help_text="Its place in the list; the lowest comes first.",
                            verbose_name="order",
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
                    "verbose_name": "credit type",
                    "verbose_name_plural": "credit types",
                },
            ),
            migrations.AddField(
                model_name="credit",
                name="credit_type",
                field=models.ForeignKey(
                    db_column="credit_type",
                    help_text="The reason, by its description in CREDIT_TYPE.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="receivables.credittype",
                    to_field="description",
                ),
            ),
            migrations.CreateModel(
                name="EcomTransaction",
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
                        "transaction_type",
                        models.CharField(
                            blank=True,
                            help_text="What was asked for: a payment, a refund, a void.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "status",
                        models.CharField(
                            blank=True, help_text="What became of it.", max_length=100, null=True
                        ),
                    ),
                    (
                        "status_code",
                        models.CharField(
                            blank=True,
                            help_text="Code of the gateway's answer.",
                            max_length=50,
                            null=True,
                        ),
                    ),
                    (
                        "status_message",
                        models.CharField(
                            blank=True, help_text="What the gateway said.", max_length=4000, null=True
                        ),
                    ),
                    (
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much it was about.",
                            max_digits=28,
                            null=True,
                        ),
                    ),
                    (
                        "invoicelist",
                        models.CharField(
                            blank=True,
                            help_text="Ids of the invoices it paid.",
                            max_length=4000,
                            null=True,
                            verbose_name="invoices",
                        ),
                    ),
                    (
                        "ecom_gateway_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the payment gateway.",
                            null=True,
                            verbose_name="gateway id",
                        ),
                    ),
                    (
                        "payment_gateway_profile_id",
                        models.BigIntegerField(
                            blank=True, help_text="Id of the settings of that gateway.", null=True
                        ),
                    ),
                    (
                        "gateway_transaction_id",
                        models.CharField(
                            blank=True,
                            help_text="The gateway's own id of it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "real_time_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Somebody was waiting for the answer.",
                        ),
                    ),
                    (
                        "request_text",
                        models.TextField(
                            blank=True,
                            help_text="The request, without what may not be kept.",
                            null=True,
                        ),
                    ),
                    (
                        "alert_exclusion",
                        models.CharField(
                            blank=True,
                            help_text="Whom a failure is not told to.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "approve_invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice whose approval caused it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="invoicing.invoice",
                            verbose_name="approved invoice",
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            blank=True,
                            help_text="The billing profile whose money it was about.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="customers.billingprofile",
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
                    "verbose_name": "gateway request",
                    "verbose_name_plural": "gateway requests",
                },
            ),
            migrations.CreateModel(
                name="Payment",
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
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much was paid.",
                            max_digits=28,
                            null=True,
                        ),
                    ),
                    (
                        "payment_date",
                        models.DateField(blank=True, help_text="Day it counts from.", null=True),
                    ),
                    (
                        "pending_amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="What the gateway has not settled yet.",
                            max_digits=28,
                            null=True,
                        ),
                    ),
                    (
                        "payment_note",
                        models.TextField(blank=True, help_text="Anything worth knowing.", null=True),
                    ),
                    (
                        "check_number",
                        models.CharField(
                            blank=True,
                            help_text="Number of the cheque it was paid with.",
                            max_length=50,
                            null=True,
                        ),
                    ),
                    (
                        "external_reference_id",
                        models.CharField(
                            blank=True,
                            help_text="What another system knows the payment by.",
                            max_length=255,
                            null=True,
                            verbose_name="external reference",
                        ),
                    ),
                    (
                        "invoice_id_display",
                        models.CharField(
                            blank=True,
                            help_text="The invoices it is for, as people read them.",
                            max_length=1000,
                            null=True,
                            verbose_name="invoices",
                        ),
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
                        "autoallocate",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It goes to closed invoices that are still owed, the oldest first.",
                            verbose_name="allocate automatically",
                        ),
                    ),
                    (
                        "payment_allocation_strategy",
                        models.CharField(
                            blank=True,
                            help_text="By which strategy it is allocated.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "payment_credit_allocation_method",
                        models.CharField(
                            blank=True,
                            help_text="How credits and it are allocated together.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "pa_strategy_ids",
                        models.CharField(
                            blank=True,
                            help_text="Ids of the allocation strategies, joined by commas.",
                            max_length=1000,
                            null=True,
                            verbose_name="allocation strategy ids",
                        ),
                    ),
                    (
                        "tax_allocation",
                        models.CharField(
                            blank=True,
                            help_text="How much of it goes to taxes, or how that is decided.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "allocated_to_ext_account",
                        models.CharField(
                            blank=True,
                            help_text="What of it was spread to other accounts.",
                            max_length=255,
                            null=True,
                            verbose_name="allocated to other accounts",
                        ),
                    ),
                    (
                        "single_payment_group",
                        models.CharField(
                            blank=True,
                            help_text="What joins the payments that were made as one.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "lockbox_record_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the lockbox record it was made from.",
                            null=True,
                        ),
                    ),
                    (
                        "credit_card_type",
                        models.CharField(
                            blank=True, help_text="Brand of the card.", max_length=50, null=True
                        ),
                    ),
                    (
                        "credit_card_number",
                        models.CharField(
                            blank=True,
                            help_text="Last four digits of the card. The rest of a masked number is dropped, a whole number is refused.",
                            max_length=50,
                            null=True,
                            verbose_name="last digits of credit card",
                        ),
                    ),
                    (
                        "credit_card_name",
                        models.CharField(
                            blank=True,
                            help_text="Name on the card.",
                            max_length=255,
                            null=True,
                            verbose_name="name on credit card",
                        ),
                    ),
                    (
                        "credit_card_exp_date",
                        models.CharField(
                            blank=True,
                            help_text="Month and year in which the card expires.",
                            max_length=10,
                            null=True,
                            verbose_name="credit card expiry",
                        ),
                    ),
                    (
                        "credit_card_token",
                        models.CharField(
                            blank=True,
                            help_text="The payment gateway's token of the card.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "ach_bank_acct_num",
                        models.CharField(
                            blank=True,
                            help_text="Number of the bank account. Only its last four characters are kept: ****6789.",
                            max_length=50,
                            null=True,
                            verbose_name="bank account number",
                        ),
                    ),
                    (
                        "ach_token",
                        models.CharField(
                            blank=True,
                            help_text="The payment gateway's token of the bank account.",
                            max_length=255,
                            null=True,
                            verbose_name="bank account token",
                        ),
                    ),
                    (
                        "address1",
                        models.CharField(
                            blank=True,
                            help_text="First line of the payer's address.",
                            max_length=255,
                            null=True,
                            verbose_name="address line 1",
                        ),
                    ),
                    (
                        "city",
                        models.CharField(
                            blank=True, help_text="City of the payer.", max_length=100, null=True
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            blank=True,
                            help_text="State, province or county of the payer.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "zip",
                        models.CharField(
                            blank=True,
                            help_text="Postal code of the payer.",
                            max_length=30,
                            null=True,
                            verbose_name="postal code",
                        ),
                    ),
                    (
                        "country",
                        models.CharField(
                            blank=True, help_text="Country of the payer.", max_length=100, null=True
                        ),
                    ),
                    (
                        "automatic_payment",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It was taken automatically when an invoice was due.",
                        ),
                    ),
                    (
                        "credit_card_transaction_status",
                        models.CharField(
                            blank=True,
                            help_text="What became of it; only what succeeded changes the balance.",
                            max_length=100,
                            null=True,
                            verbose_name="payment status",
                        ),
                    ),
                    (
                        "credit_card_transaction_status_code",
                        models.CharField(
                            blank=True,
                            help_text="Code of what became of it.",
                            max_length=50,
                            null=True,
                            verbose_name="payment status code",
                        ),
                    ),
                    (
                        "credit_card_transaction_message",
                        models.CharField(
                            blank=True,
                            help_text="What the gateway said of it.",
                            max_length=4000,
                            null=True,
                            verbose_name="payment message",
                        ),
                    ),
                    (
                        "gateway_transaction_id",
                        models.CharField(
                            blank=True,
                            help_text="The gateway's own id of it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "gateway_transaction_status",
                        models.CharField(
                            blank=True,
                            help_text="State at the gateway, for information.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "gateway_transaction_status_date",
                        models.DateTimeField(
                            blank=True,
                            help_text="When the state at the gateway last changed.",
                            null=True,
                        ),
                    ),
                    (
                        "ecom_transaction_response_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the gateway's answer.",
                            null=True,
                            verbose_name="gateway response id",
                        ),
                    ),
                    (
                        "payment_gateway_profile_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the settings of the gateway it was taken by.",
                            null=True,
                        ),
                    ),
                    (
                        "hosted_payment_page_external_id",
                        models.CharField(
                            blank=True,
                            help_text="How the payment page names the billing profile.",
                            max_length=255,
                            null=True,
                            verbose_name="hosted payment page id",
                        ),
                    ),
                    (
                        "payout_id",
                        models.CharField(
                            blank=True,
                            help_text="The gateway's id of the payout it is part of.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "bp_payout_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the record of that payout.",
                            null=True,
                            verbose_name="payout record id",
                        ),
                    ),
                    (
                        "operator_id",
                        models.CharField(
                            blank=True,
                            help_text="Who entered it, as the cash desk knows him.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "voided",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Send 1 to void it; reads the same as VoidFlag.",
                            verbose_name="void it",
                        ),
                    ),
                    (
                        "void_flag",
                        metabrm.fields.FlagField(
                            db_default=False, default=False, help_text="It is void: nothing is paid."
                        ),
                    ),
                    (
                        "void_without_gateway",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is reversed here only; off = the gateway is told to void it.",
                        ),
                    ),
                    (
                        "approve_invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice whose approval took it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="invoicing.invoice",
                            verbose_name="approved invoice",
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            blank=True,
                            help_text="The billing profile that paid.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="customers.billingprofile",
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
                        "ecom_transaction",
                        models.ForeignKey(
                            blank=True,
                            help_text="The request to the gateway that took it.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.ecomtransaction",
                            verbose_name="gateway request",
                        ),
                    ),
                    (
                        "late_approved_by",
                        models.ForeignKey(
                            blank=True,
                            help_text="Who approved it though it came late.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "source_payment",
                        models.ForeignKey(
                            blank=True,
                            help_text="The payment that this one is part of.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.payment",
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
                    (
                        "voided_payment",
                        models.ForeignKey(
                            blank=True,
                            help_text="The payment that this one voids.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.payment",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "payment",
                    "verbose_name_plural": "payments",
                },
            ),
            migrations.AddField(
                model_name="ecomtransaction",
                name="payment_item",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The payment it served.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="receivables.payment",
                    verbose_name="payment",
                ),
            ),
            migrations.CreateModel(
                name="PaymentAllocation",
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
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much of the payment.",
                            max_digits=28,
                            null=True,
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
                        "invoice",
                        models.ForeignKey(
                            help_text="The invoice that it pays.",
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="invoicing.invoice",
                        ),
                    ),
                    (
                        "payment_item",
                        models.ForeignKey(
                            help_text="The payment that is allocated.",
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="receivables.payment",
                            verbose_name="payment",
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
                    "verbose_name": "payment allocation",
                    "verbose_name_plural": "payment allocations",
                },
            ),
            migrations.CreateModel(
                name="PaymentType",
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
                        "description",
                        models.CharField(
                            help_text="What it is called; unique, and never changed.",
                            max_length=100,
                            unique=True,
                        ),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            default="ACTIVE",
                            help_text="Whether it may still be chosen.",
                            max_length=100,
                        ),
                    ),
                    (
                        "order_id",
                        models.IntegerField(
                            default=0,
                            help_text="Its place in the list; the lowest comes first.",
                            verbose_name="order",
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
                    "verbose_name": "payment type",
                    "verbose_name_plural": "payment types",
                },
            ),
            migrations.AddField(
                model_name="payment",
                name="payment_type",
                field=models.ForeignKey(
                    db_column="payment_type",
                    help_text="The way of paying, by its description in PAYMENT_TYPE.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="receivables.paymenttype",
                    to_field="description",
                ),
            ),
            migrations.CreateModel(
                name="Refund",
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
                        "amount",
                        metabrm.fields.MoneyField(
                            blank=True,
                            decimal_places=10,
                            help_text="How much is returned.",
                            max_digits=28,
                            null=True,
                        ),
                    ),
                    (
                        "status",
                        models.CharField(
                            blank=True, help_text="What became of it.", max_length=100, null=True
                        ),
                    ),
                    ("note", models.TextField(blank=True, help_text="Why it is returned.", null=True)),
                    (
                        "accounting_period_id",
                        models.BigIntegerField(
                            blank=True,
                            help_text="Id of the accounting period it is booked in.",
                            null=True,
                        ),
                    ),
                    (
                        "gateway_transaction_id",
                        models.CharField(
                            blank=True,
                            help_text="The payment gateway's own id of it.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "gateway_response_code",
                        models.CharField(
                            blank=True,
                            help_text="Code of the gateway's answer.",
                            max_length=50,
                            null=True,
                        ),
                    ),
                    (
                        "gateway_response_message",
                        models.CharField(
                            blank=True,
                            help_text="What the gateway said of it.",
                            max_length=4000,
                            null=True,
                        ),
                    ),
                    (
                        "void_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is void: nothing is returned.",
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
                        "payment_item",
                        models.ForeignKey(
                            blank=True,
                            help_text="The payment that is returned.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="receivables.payment",
                            verbose_name="payment",
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
                    (
                        "void_refund_item",
                        models.ForeignKey(
                            blank=True,
                            help_text="The refund that voids this one.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.refund",
                            verbose_name="voided by refund",
                        ),
                    ),
                    (
                        "voided_refund",
                        models.ForeignKey(
                            blank=True,
                            help_text="The refund that this one voids.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="receivables.refund",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "refund",
                    "verbose_name_plural": "refunds",
                },
            ),
            migrations.AddField(
                model_name="ecomtransaction",
                name="refund_item",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The refund it served.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="receivables.refund",
                    verbose_name="refund",
                ),
            ),
            migrations.AddField(
                model_name="credit",
                name="source_refund",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The refund that it was made from.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="receivables.refund",
                ),
            ),
            migrations.CreateModel(
                name="RefundType",
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
                        "description",
                        models.CharField(
                            help_text="What it is called; unique, and never changed.",
                            max_length=100,
                            unique=True,
                        ),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            default="ACTIVE",
                            help_text="Whether it may still be chosen.",
                            max_length=100,
                        ),
                    ),
                    (
                        "order_id",
                        models.IntegerField(
                            default=0,
                            help_text="Its place in the list; the lowest comes first.",
                            verbose_name="order",
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
                    "verbose_name": "refund type",
                    "verbose_name_plural": "refund types",
                },
            ),
            migrations.AddField(
                model_name="refund",
                name="refund_type",
                field=models.ForeignKey(
                    blank=True,
                    db_column="refund_type",
                    help_text="The way of paying back, by its description in REFUND_TYPE.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="receivables.refundtype",
                    to_field="description",
                ),
            ),
            migrations.CreateModel(
                name="Wallet",
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
                        "hosted_payment_page_external_id",
                        models.CharField(
                            blank=True,
                            help_text="How payment pages name it; unique.",
                            max_length=255,
                            null=True,
                            verbose_name="hosted payment page id",
                        ),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            default="ACTIVE", help_text="Whether it may be charged.", max_length=100
                        ),
                    ),
                    (
                        "default_flag",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="It is charged where nothing else is said.",
                        ),
                    ),
                    (
                        "credit_card_type",
                        models.CharField(
                            blank=True, help_text="Brand of the card.", max_length=50, null=True
                        ),
                    ),
                    (
                        "credit_card_number",
                        models.CharField(
                            blank=True,
                            help_text="Last four digits of the card. The rest of a masked number is dropped, a whole number is refused.",
                            max_length=50,
                            null=True,
                            verbose_name="last digits of credit card",
                        ),
                    ),
                    (
                        "credit_card_exp_date",
                        models.CharField(
                            blank=True,
                            help_text="Month and year in which the card expires.",
                            max_length=10,
                            null=True,
                            verbose_name="credit card expiry",
                        ),
                    ),
                    (
                        "credit_card_name",
                        models.CharField(
                            blank=True,
                            help_text="Name on the card.",
                            max_length=255,
                            null=True,
                            verbose_name="name on credit card",
                        ),
                    ),
                    (
                        "credit_card_token",
                        models.CharField(
                            blank=True,
                            help_text="The payment gateway's token of the card.",
                            max_length=255,
                            null=True,
                        ),
                    ),
                    (
                        "payment_gateway_id",
                        models.BigIntegerField(
                            blank=True, help_text="Id of the payment gateway that knows it.", null=True
                        ),
                    ),
                    (
                        "payment_gateway_profile_id",
                        models.BigIntegerField(
                            blank=True, help_text="Id of the settings of that gateway.", null=True
                        ),
                    ),
                    (
                        "ach_bank_name",
                        models.CharField(
                            blank=True,
                            help_text="Name of the bank.",
                            max_length=255,
                            null=True,
                            verbose_name="bank name",
                        ),
                    ),
                    (
                        "ach_bank_acct_name",
                        models.CharField(
                            blank=True,
                            help_text="Holder of the account.",
                            max_length=255,
                            null=True,
                            verbose_name="bank account holder",
                        ),
                    ),
                    (
                        "ach_bank_acct_num",
                        models.CharField(
                            blank=True,
                            help_text="Number of the account. Only its last four characters are kept: ****6789.",
                            max_length=50,
                            null=True,
                            verbose_name="bank account number",
                        ),
                    ),
                    (
                        "ach_bank_acct_type",
                        models.CharField(
                            blank=True,
                            help_text="Kind of account, such as Business Checking.",
                            max_length=50,
                            null=True,
                            verbose_name="bank account type",
                        ),
                    ),
                    (
                        "ach_bank_aba_code",
                        models.CharField(
                            blank=True,
                            help_text="Routing number of the bank.",
                            max_length=50,
                            null=True,
                            verbose_name="bank routing number",
                        ),
                    ),
                    (
                        "ach_branch_code",
                        models.CharField(
                            blank=True,
                            help_text="Code of the bank's branch.",
                            max_length=50,
                            null=True,
                            verbose_name="branch code",
                        ),
                    ),
                    (
                        "ach_echeck_type",
                        models.CharField(
                            blank=True,
                            help_text="Kind of electronic cheque.",
                            max_length=50,
                            null=True,
                            verbose_name="e-check type",
                        ),
                    ),
                    (
                        "ach_scheme",
                        models.CharField(
                            blank=True,
                            help_text="Direct debit scheme.",
                            max_length=50,
                            null=True,
                            verbose_name="direct debit scheme",
                        ),
                    ),
                    (
                        "ach_unique_ref",
                        models.CharField(
                            blank=True,
                            help_text="The payment gateway's reference of the account.",
                            max_length=255,
                            null=True,
                            verbose_name="bank account reference",
                        ),
                    ),
                    (
                        "ach_mandate_reference",
                        models.CharField(
                            blank=True,
                            help_text="Reference of the mandate.",
                            max_length=255,
                            null=True,
                            verbose_name="mandate reference",
                        ),
                    ),
                    (
                        "ach_mandate_date",
                        models.DateField(
                            blank=True,
                            help_text="Day the mandate was given.",
                            null=True,
                            verbose_name="mandate date",
                        ),
                    ),
                    (
                        "ach_mandate_status",
                        models.CharField(
                            blank=True,
                            help_text="Whether the mandate is in force.",
                            max_length=50,
                            null=True,
                            verbose_name="mandate status",
                        ),
                    ),
                    (
                        "ach_mandate_status_modify_date",
                        models.DateTimeField(
                            blank=True,
                            help_text="When the mandate's status last changed.",
                            null=True,
                            verbose_name="mandate status changed",
                        ),
                    ),
                    (
                        "ach_mandate_country",
                        models.CharField(
                            blank=True,
                            help_text="Country of the mandate.",
                            max_length=100,
                            null=True,
                            verbose_name="mandate country",
                        ),
                    ),
                    (
                        "ach_mandate_state",
                        models.CharField(
                            blank=True,
                            help_text="State of the mandate.",
                            max_length=100,
                            null=True,
                            verbose_name="mandate state",
                        ),
                    ),
                    (
                        "attention",
                        models.CharField(
                            blank=True, help_text="For whose attention.", max_length=255, null=True
                        ),
                    ),
                    (
                        "address1",
                        models.CharField(
                            blank=True,
                            help_text="First line of the address.",
                            max_length=255,
                            null=True,
                            verbose_name="address line 1",
                        ),
                    ),
                    (
                        "address2",
                        models.CharField(
                            blank=True,
                            help_text="Second line of the address.",
                            max_length=255,
                            null=True,
                            verbose_name="address line 2",
                        ),
                    ),
                    (
                        "city",
                        models.CharField(blank=True, help_text="City.", max_length=100, null=True),
                    ),
                    (
                        "state",
                        models.CharField(
                            blank=True,
                            help_text="State, province or county.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "zip",
                        models.CharField(
                            blank=True,
                            help_text="Postal code.",
                            max_length=30,
                            null=True,
                            verbose_name="postal code",
                        ),
                    ),
                    (
                        "country",
                        models.CharField(blank=True, help_text="Country.", max_length=100, null=True),
                    ),
                    (
                        "email",
                        models.CharField(
                            blank=True,
                            help_text="Where receipts are mailed to; several addresses are joined by commas.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "national_identity_number",
                        models.CharField(
                            blank=True,
                            help_text="The holder's tax or identity number.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            help_text="The billing profile that pays with it.",
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="customers.billingprofile",
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
                    "verbose_name": "wallet",
                    "verbose_name_plural": "wallets",
                },
            ),
            migrations.AddField(
                model_name="payment",
                name="wallet",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The stored payment method it was paid with.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="receivables.wallet",
                ),
            ),
            migrations.CreateModel(
                name="InvoiceWallet",
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
                        "recycle_bin_id",
                        models.CharField(
                            blank=True,
                            help_text="What another system's recycle bin knows the record by.",
                            max_length=255,
                            null=True,
                            verbose_name="recycle bin id",
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
                        "invoice",
                        models.ForeignKey(
                            help_text="The invoice that is charged.",
                            on_delete=django.db.models.deletion.CASCADE,
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
                    (
                        "wallet",
                        models.ForeignKey(
                            help_text="What it is charged to.",
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="receivables.wallet",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "invoice wallet",
                    "verbose_name_plural": "invoice wallets",
                },
            ),
            migrations.CreateModel(
                name="LockboxInvoiceAllocation",
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
                        "lockbox_record_id",
                        models.BigIntegerField(
                            help_text="Id of the lockbox record that names the invoice."
                        ),
                    ),
                    (
                        "amount",
                        metabrm.fields.MoneyField(
                            decimal_places=10, help_text="How much of the payment.", max_digits=28
                        ),
                    ),
                    (
                        "billing_profile",
                        models.ForeignKey(
                            blank=True,
                            help_text="The billing profile that paid.",
                            null=True,
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="customers.billingprofile",
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
                        "invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice that it is meant for.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
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
                    (
                        "payment",
                        models.ForeignKey(
                            blank=True,
                            help_text="The payment that was made from it.",
                            null=True,
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="receivables.payment",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "lockbox allocation",
                    "verbose_name_plural": "lockbox allocations",
                    "indexes": [
                        models.Index(fields=["lockbox_record_id"], name="receivables_lockbox_record")
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("amount__gte", 0)),
                            name="receivables_lockboxinvoiceallocation_amount_range",
                            violation_error_message="Amount is 0 or more",
                        )
                    ],
                },
            ),
            migrations.AddConstraint(
                model_name="credit",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="receivables_credit_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="credit",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("amount__gte", 0), ("voided_credit__isnull", False), _connector="OR"
                    ),
                    name="receivables_credit_amount_range",
                    violation_error_message="Amount is 0 or more; only a credit that voids another one (VoidedCreditId) takes money back",
                ),
            ),
            migrations.AddConstraint(
                model_name="credit",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("void_credit", models.F("id")), _negated=True),
                        models.Q(("voided_credit", models.F("id")), _negated=True),
                    ),
                    name="receivables_credit_not_its_own_void",
                    violation_error_message="VoidCreditId and VoidedCreditId are other credits than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="credit",
                constraint=models.CheckConstraint(
                    condition=models.Q(("credit_card_number__regex", "^[0-9]{4}$")),
                    name="receivables_credit_card_last_four_only",
                    violation_error_message="CreditCardNumber is the last four digits of the card",
                ),
            ),
            migrations.AddConstraint(
                model_name="refund",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="receivables_refund_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="refund",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("amount__gte", 0), ("voided_refund__isnull", False), _connector="OR"
                    ),
                    name="receivables_refund_amount_range",
                    violation_error_message="Amount is 0 or more; only a refund that voids another one (VoidedRefundId) takes money back",
                ),
            ),
            migrations.AddConstraint(
                model_name="refund",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("void_refund_item", models.F("id")), _negated=True),
                        models.Q(("voided_refund", models.F("id")), _negated=True),
                    ),
                    name="receivables_refund_not_its_own_void",
                    violation_error_message="VoidRefundItemId and VoidedRefundId are other refunds than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="wallet",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("hosted_payment_page_external_id",),
                    name="receivables_wallet_hosted_payment_page_external_id_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="wallet",
                constraint=models.CheckConstraint(
                    condition=models.Q(("credit_card_number__regex", "^[0-9]{4}$")),
                    name="receivables_wallet_card_last_four_only",
                    violation_error_message="CreditCardNumber is the last four digits of the card",
                ),
            ),
            migrations.AddConstraint(
                model_name="wallet",
                constraint=models.CheckConstraint(
                    condition=models.Q(("ach_bank_acct_num__regex", "^\\*{4}[^*]{1,4}$")),
                    name="receivables_wallet_bank_last_four_only",
                    violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
                ),
            ),
            migrations.AddIndex(
                model_name="payment",
                index=models.Index(fields=["payment_date"], name="receivables_payment_date"),
            ),
            migrations.AddIndex(
                model_name="payment",
                index=models.Index(
                    fields=["external_reference_id"], name="receivables_payment_reference"
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="receivables_payment_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("amount__gte", 0), ("voided_payment__isnull", False), _connector="OR"
                    ),
                    name="receivables_payment_amount_range",
                    violation_error_message="Amount is 0 or more; only a payment that voids another one (VoidedPaymentId) takes money back",
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("voided_payment", models.F("id")), _negated=True),
                        models.Q(("source_payment", models.F("id")), _negated=True),
                    ),
                    name="receivables_payment_not_its_own_source",
                    violation_error_message="VoidedPaymentId and SourcePaymentId are other payments than this one",
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.CheckConstraint(
                    condition=models.Q(("voided", models.F("void_flag"))),
                    name="receivables_payment_void_by_both_names",
                    violation_error_message="Voided and VoidFlag say the same",
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.CheckConstraint(
                    condition=models.Q(("credit_card_number__regex", "^[0-9]{4}$")),
                    name="receivables_payment_card_last_four_only",
                    violation_error_message="CreditCardNumber is the last four digits of the card",
                ),
            ),
            migrations.AddConstraint(
                model_name="payment",
                constraint=models.CheckConstraint(
                    condition=models.Q(("ach_bank_acct_num__regex", "^\\*{4}[^*]{1,4}$")),
                    name="receivables_payment_bank_last_four_only",
                    violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
                ),
            ),
            migrations.AddConstraint(
                model_name="invoicewallet",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("invoice", "wallet"),
                    name="receivables_invoicewallet_invoice_wallet_key",
                ),
            ),
            migrations.RunSQL(LEDGERS, "DROP VIEW receivables_ledger"),
            migrations.RunSQL(PAYMENTS_AND_REFUNDS, "DROP VIEW receivables_paymentsrefunds"),
        ]),
    ]
