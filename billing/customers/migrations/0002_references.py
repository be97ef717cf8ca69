import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0002_references"),
        ("customers", "0001_initial"),
        ("invoicing", "0001_initial"),
        ("localization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.AddField(
                model_name="billingprofile",
                name="invoice_template",
                field=models.ForeignKey(
                    blank=True,
                    help_text="What the invoices look like; empty = the default template.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="invoicing.invoicetemplate",
                ),
            ),
            migrations.AddField(
                model_name="billingprofile",
                name="time_zone",
                field=models.ForeignKey(
                    db_index=False,
                    help_text="In whose days invoices close and rates and services begin and end.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="localization.timezone",
                ),
            ),
            migrations.AddField(
                model_name="billingprofile",
                name="updated_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="account",
                name="billable_billing_profile",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The billing profile on whose invoices the account's charges appear.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="customers.billingprofile",
                ),
            ),
            migrations.AddField(
                model_name="account",
                name="billing_profile",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The account's own billing profile.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="customers.billingprofile",
                ),
            ),
            migrations.AddField(
                model_name="contract",
                name="account",
                field=models.ForeignKey(
                    help_text="The account the contract was made with.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.account",
                ),
            ),
            migrations.AddField(
                model_name="contract",
                name="created_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="contract",
                name="rate_class",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The rate class whose prices count where the contract has none of its own.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.rateclass",
                ),
            ),
            migrations.AddField(
                model_name="contract",
                name="updated_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="accountproduct",
                name="contract",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The contract it is provisioned under.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.contract",
                ),
            ),
            migrations.AddField(
                model_name="accountpackage",
                name="contract",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The contract it is provisioned under.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.contract",
                ),
            ),
            migrations.AddField(
                model_name="contractcurrency",
                name="contract",
                field=models.ForeignKey(
                    db_index=False,
                    help_text="The contract that is priced.",
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.contract",
                ),
            ),
            migrations.AddField(
                model_name="contractcurrency",
                name="created_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="contractcurrency",
                name="currency",
                field=models.ForeignKey(
                    db_column="currency_code",
                    db_index=False,
                    help_text="The currency it is priced in, by its code.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="localization.currency",
                    to_field="currency_code",
                ),
            ),
            migrations.AddField(
                model_name="contractcurrency",
                name="updated_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="contract",
                field=models.ForeignKey(
                    help_text="The contract it belongs to.",
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.contract",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="created_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="package",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The package inside which the rate holds; empty = everywhere.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.package",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="package_product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The package product that is priced, instead of a product.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.packageproduct",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="parent_contract_rate",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The rate under which this one is listed.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="customers.contractrate",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="pricing_plan",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The pricing plan the rate takes its prices from.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="catalog.pricingplan",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The product that is priced.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.product",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="rating_method",
                field=models.ForeignKey(
                    blank=True,
                    help_text="How the product is charged under the contract, where it differs.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.ratingmethod",
                ),
            ),
            migrations.AddField(
                model_name="contractrate",
                name="updated_user",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            migrations.AddConstraint(
                model_name="accounttype",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("account_type",),
                    name="customers_accounttype_account_type_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingidentifier",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_billingidentifier_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingidentifier",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("billing_identifier", "start_date"),
                    name="customers_billingidentifier_token_start_key",
                    nulls_distinct=False,
                ),
            ),
            migrations.AddConstraint(
                model_name="billingidentifier",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="customers_billingidentifier_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("hosted_payment_page_external_id",),
                    name="customers_billingprofile_hosted_payment_page_external_id_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_billingprofile_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.CheckConstraint(
                    condition=models.Q(("monthly_billing_date__range", (1, 31))),
                    name="customers_billingprofile_monthly_billing_date_range",
                    violation_error_message="MonthlyBillingDate is a day from 1 to 31; 31 = the last",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.CheckConstraint(
                    condition=models.Q(("payment_term_days__range", (0, 3650))),
                    name="customers_billingprofile_payment_term_days_range",
                    violation_error_message="PaymentTermDays is a number of days from 0 to 3650",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.CheckConstraint(
                    condition=models.Q(("inv_grace_days_before_closing__range", (0, 365))),
                    name="customers_billingprofile_grace_days_range",
                    violation_error_message="InvGraceDaysBeforeClosing is 0 to 365 days",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.CheckConstraint(
                    condition=models.Q(("credit_card_last_four__regex", "^[0-9]{4}$")),
                    name="customers_billingprofile_card_last_four_only",
                    violation_error_message="CreditCardLastFour is the last four digits of the card",
                ),
            ),
            migrations.AddConstraint(
                model_name="billingprofile",
                constraint=models.CheckConstraint(
                    condition=models.Q(("ach_bank_acct_num__regex", "^\\*{4}[^*]{1,4}$")),
                    name="customers_billingprofile_bank_last_four_only",
                    violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
                ),
            ),
            migrations.AddIndex(
                model_name="account",
                index=models.Index(fields=["name"], name="customers_account_name"),
            ),
            migrations.AddConstraint(
                model_name="account",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_account_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="account",
                constraint=models.CheckConstraint(
                    condition=models.Q(("parent_account", models.F("id")), _negated=True),
                    name="customers_account_not_its_own_parent",
                    violation_error_message="ParentAccountId is an account other than itself",
                ),
            ),
            migrations.AddConstraint(
                model_name="contract",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("contract_number",),
                    name="customers_contract_contract_number_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="contract",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="customers_contract_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
            migrations.AddIndex(
                model_name="accountproduct",
                index=models.Index(fields=["account", "status"], name="customers_acctproduct_account"),
            ),
            migrations.AddIndex(
                model_name="accountproduct",
                index=models.Index(fields=["renewal_date"], name="customers_acctproduct_renewal"),
            ),
            migrations.AddConstraint(
                model_name="accountproduct",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_accountproduct_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="accountproduct",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="customers_accountproduct_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="accountpackage",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_accountpackage_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="accountpackage",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="customers_accountpackage_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
            migrations.AddIndex(
                model_name="contractcurrency",
                index=models.Index(fields=["contract"], name="customers_contractcur_contract"),
            ),
            migrations.AddConstraint(
                model_name="contractcurrency",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="customers_contractcurrency_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="contractcurrency",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("contract", "currency"),
                    name="customers_contractcurrency_contract_currency_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="contractrate",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("name",),
                    name="customers_contractrate_name_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="contractrate",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="customers_contractrate_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
        ]),
    ]
