import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import metabrm.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("collections_mgmt", "0001_initial"),
        ("localization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contract",
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
                    "contract_number",
                    models.CharField(help_text="Number of the contract; unique.", max_length=255),
                ),
                (
                    "contract_status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the contract is in force.",
                        max_length=100,
                    ),
                ),
                ("start_date", models.DateField(help_text="First day of the contract.")),
                (
                    "end_date",
                    models.DateField(
                        blank=True, help_text="Last day of the contract; empty = no end.", null=True
                    ),
                ),
                (
                    "on_end_date",
                    metabrm.fields.ListField(
                        help_text="What happens after the last day: the contract ends or is renewed.",
                        max_length=100,
                    ),
                ),
            ],
            options={
                "verbose_name": "contract",
                "verbose_name_plural": "contracts",
            },
        ),
        migrations.CreateModel(
            name="ContractCurrency",
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
            ],
            options={
                "verbose_name": "contract currency",
                "verbose_name_plural": "contract currencies",
            },
        ),
        migrations.CreateModel(
            name="ContractRate",
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
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="Key of the rate; unique where given.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "contract_rate_label",
                    models.CharField(
                        blank=True,
                        help_text="What the rate is called on invoices.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "start_date",
                    models.DateField(help_text="First day of the rate, not before the contract's."),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day of the rate; empty = as long as the contract.",
                        null=True,
                    ),
                ),
                (
                    "bulk_rate_status",
                    models.CharField(
                        blank=True,
                        help_text="How far a bulk change of rates has come.",
                        max_length=100,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "contract rate",
                "verbose_name_plural": "contract rates",
            },
        ),
        migrations.CreateModel(
            name="Account",
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
                    "name",
                    models.CharField(
                        help_text="Name of the customer or of the node.", max_length=255
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the account does business.",
                        max_length=100,
                    ),
                ),
                (
                    "description",
                    models.TextField(blank=True, help_text="Anything worth knowing.", null=True),
                ),
                (
                    "rate_hierarchy",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Prices agreed for accounts above it count here too.",
                    ),
                ),
                (
                    "invoice_at_this_level",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Invoices are made for this account, through a billing profile of its own.",
                    ),
                ),
                (
                    "allow_pricing_in_different_currency",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Prices may be in other currencies than the billing profile's.",
                    ),
                ),
                (
                    "date_display_format",
                    models.CharField(
                        blank=True,
                        help_text="How dates are written for the account.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "activity_time_zone",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="In whose days the account's usage is dated; empty = the billing profile's.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.timezone",
                    ),
                ),
                (
                    "billable_account",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account that pays for this one; empty = itself or the next one above that is invoiced.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
                    ),
                ),
                (
                    "collector_user",
                    models.ForeignKey(
                        blank=True,
                        help_text="The user who collects the account's overdue invoices.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="collector",
                    ),
                ),
                (
                    "country",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Where the account is at home.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.country",
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
                    "parent_account",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account above it in the hierarchy.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
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
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
            },
        ),
        migrations.CreateModel(
            name="AccountPackage",
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
                ("start_date", models.DateField(help_text="First day, not before the contract's.")),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day, not after the contract's; empty = no end.",
                        null=True,
                    ),
                ),
                (
                    "renewal_start_date",
                    models.DateField(
                        blank=True, help_text="First day of the running renewal.", null=True
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        help_text="The account that has it.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
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
                    "package",
                    models.ForeignKey(
                        help_text="The package.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.package",
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
                "verbose_name": "account package",
                "verbose_name_plural": "account packages",
            },
        ),
        migrations.CreateModel(
            name="AccountProduct",
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
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="What the account calls it.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE", help_text="Whether it is charged.", max_length=100
                    ),
                ),
                (
                    "quantity",
                    metabrm.fields.QuantityField(
                        decimal_places=10,
                        default=1,
                        help_text="How many units the account has.",
                        max_digits=28,
                    ),
                ),
                ("start_date", models.DateField(help_text="First day of the service.")),
                (
                    "end_date",
                    models.DateField(
                        blank=True, help_text="Last day of the service; empty = no end.", null=True
                    ),
                ),
                (
                    "billing_cycle_start_date",
                    models.DateField(
                        blank=True,
                        help_text="Day from which its cycles count, to make it renew together with others.",
                        null=True,
                    ),
                ),
                (
                    "trial_end_date",
                    models.DateField(blank=True, help_text="Last day of the trial.", null=True),
                ),
                (
                    "renewal_start_date",
                    models.DateField(
                        blank=True, help_text="First day of the running renewal.", null=True
                    ),
                ),
                (
                    "renewal_date",
                    models.DateField(
                        blank=True,
                        help_text="Day on which the next charge will be made.",
                        null=True,
                    ),
                ),
                (
                    "rate_override",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Rate for this account instead of any other price.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "discount_voucher_balance",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="What is left of a discount voucher.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "order_id",
                    models.BigIntegerField(
                        blank=True, help_text="Id of the order it was bought with.", null=True
                    ),
                ),
                (
                    "quote_id",
                    models.BigIntegerField(
                        blank=True, help_text="Id of the quote it was offered in.", null=True
                    ),
                ),
                (
                    "quote_product_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the quoted product it was made from.",
                        null=True,
                    ),
                ),
                (
                    "edit_modify_contract",
                    models.CharField(
                        blank=True,
                        help_text="Whether the change edits the contract or modifies it.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "contract_modification_method",
                    models.CharField(
                        blank=True,
                        help_text="How a modification of the contract is accounted for.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "contract_modification_date",
                    models.DateField(
                        blank=True, help_text="Day from which the modification counts.", null=True
                    ),
                ),
                (
                    "rev_rec_contract_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the revenue contract its revenue is recognised under.",
                        null=True,
                        verbose_name="revenue contract id",
                    ),
                ),
                (
                    "create_new_rev_rec_contract",
                    models.CharField(
                        blank=True,
                        help_text="Whether the change opens a revenue contract of its own.",
                        max_length=100,
                        null=True,
                        verbose_name="create new revenue contract",
                    ),
                ),
                (
                    "update_rev_rec_contract_product",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="How a change reaches the revenue contract.",
                        max_length=100,
                        null=True,
                        verbose_name="update revenue contract product",
                    ),
                ),
                (
                    "rev_rec_fields_to_update",
                    models.TextField(
                        blank=True,
                        help_text="API names of the fields a change carries to the revenue contract.",
                        null=True,
                        verbose_name="revenue fields to update",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The account that has it.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
                    ),
                ),
                (
                    "account_package",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account package it came with.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.accountpackage",
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
                    "package_product",
                    models.ForeignKey(
                        blank=True,
                        help_text="Its place in the package.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.packageproduct",
                    ),
                ),
                (
                    "parent_customer_product",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account product it is part of.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.accountproduct",
                        verbose_name="parent account product",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        help_text="The product; follows from the package product where that is given.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.product",
                    ),
                ),
                (
                    "rating_method",
                    models.ForeignKey(
                        blank=True,
                        help_text="How it is charged for this account, where it differs.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.ratingmethod",
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
                "verbose_name": "account product",
                "verbose_name_plural": "account products",
            },
        ),
        migrations.CreateModel(
            name="AccountType",
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
                    "account_type",
                    models.CharField(help_text="Name of the type; unique.", max_length=100),
                ),
                (
                    "description",
                    models.CharField(
                        blank=True,
                        help_text="What accounts of this type are.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether accounts may be of this type.",
                        max_length=100,
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
                "verbose_name": "account type",
                "verbose_name_plural": "account types",
            },
        ),
        migrations.AddField(
            model_name="account",
            name="account_type",
            field=models.ForeignKey(
                default=1,
                help_text="What kind of account it is.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.accounttype",
            ),
        ),
        migrations.CreateModel(
            name="BillingIdentifier",
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
                    "billing_identifier",
                    models.CharField(
                        help_text="The token: a phone number, a serial number, a user name.",
                        max_length=255,
                    ),
                ),
                (
                    "start_date",
                    models.DateField(
                        blank=True,
                        help_text="First day it belongs to the account; empty = always has.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day it belongs to the account; empty = no end.",
                        null=True,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether usage is routed by the token.",
                        max_length=100,
                    ),
                ),
                (
                    "description",
                    models.CharField(
                        blank=True, help_text="What carries the token.", max_length=255, null=True
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        help_text="The account whose usage it marks.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
                    ),
                ),
                (
                    "account_product",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account product whose usage it marks; empty = any of the account.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.accountproduct",
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
                "verbose_name": "billing identifier",
                "verbose_name_plural": "billing identifiers",
            },
        ),
        migrations.CreateModel(
            name="BillingProfile",
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
                        default="ACTIVE",
                        help_text="Whether invoices are made from it.",
                        max_length=100,
                    ),
                ),
                (
                    "hosted_payment_page_external_id",
                    models.CharField(
                        blank=True,
                        help_text="How payment pages name the profile; unique, made when not sent.",
                        max_length=255,
                        null=True,
                        verbose_name="hosted payment page id",
                    ),
                ),
                (
                    "billing_entity",
                    models.CharField(
                        blank=True,
                        help_text="The company of ours that sends the invoices.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "bill_to",
                    models.CharField(help_text="Name the invoice is addressed to.", max_length=255),
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
                        help_text="First line of the address.",
                        max_length=255,
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
                    models.CharField(
                        blank=True,
                        help_text="Country, as printed on the invoice.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "email",
                    models.CharField(
                        blank=True,
                        help_text="Where invoices are mailed to; several addresses are joined by commas.",
                        max_length=1000,
                        null=True,
                    ),
                ),
                (
                    "phone",
                    models.CharField(
                        blank=True, help_text="Telephone number.", max_length=50, null=True
                    ),
                ),
                (
                    "fax",
                    models.CharField(blank=True, help_text="Fax number.", max_length=50, null=True),
                ),
                (
                    "national_identity_number",
                    models.CharField(
                        blank=True,
                        help_text="The customer's tax or identity number.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "customer_ref_num",
                    models.CharField(
                        blank=True,
                        help_text="The customer's own reference, printed on the invoice.",
                        max_length=100,
                        null=True,
                        verbose_name="customer reference number",
                    ),
                ),
                (
                    "allow_pricing_in_other_currency",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Charges priced in other currencies are converted to the profile's.",
                    ),
                ),
                (
                    "billing_cycle",
                    metabrm.fields.ListField(
                        help_text="How often an invoice closes.", max_length=100
                    ),
                ),
                (
                    "ini_billing_start_date",
                    models.DateField(
                        blank=True,
                        help_text="First day of the first invoice; empty = that of the first charge.",
                        null=True,
                        verbose_name="first billing start date",
                    ),
                ),
                (
                    "monthly_billing_date",
                    models.IntegerField(
                        help_text="Day of the month on which an invoice closes; 31 = the last day."
                    ),
                ),
                (
                    "weekly_billing_date",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="First and last day of a weekly cycle.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "quarterly_billing_month",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Months in which quarterly cycles close.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "semi_annual_billing_month",
                    metabrm.fields.ListField(
                        default="June, December",
                        help_text="Months in which half-yearly cycles close.",
                        max_length=100,
                    ),
                ),
                (
                    "yearly_billing_month",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Month in which a yearly cycle closes.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "calendar_type",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Weeks per month of the customer's retail calendar; empty = the common calendar.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "calendar_closing_month",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Month in which the retail year closes.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "calendar_closing_weekday",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Day of the week on which a retail month closes.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "inv_grace_days_before_closing",
                    models.IntegerField(
                        blank=True,
                        help_text="Days an invoice waits after its last day before it closes.",
                        null=True,
                        verbose_name="grace days before closing",
                    ),
                ),
                (
                    "manual_close_flag",
                    metabrm.fields.FlagField(
                        db_default=False, default=False, help_text="Invoices close only by hand."
                    ),
                ),
                (
                    "invoice_approval_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Closed invoices wait for approval.",
                    ),
                ),
                (
                    "statement_approval_flag",
                    metabrm.fields.FlagField(
                        db_default=False, default=False, help_text="Statements wait for approval."
                    ),
                ),
                (
                    "event_based_billing",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Event invoice cycles may close invoices apart from the billing cycle.",
                    ),
                ),
                (
                    "event_group_type",
                    models.CharField(
                        blank=True,
                        help_text="By what the charges of event invoices are grouped.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "invoice_delivery_method",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="How invoices reach the customer.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "invoice_file_format",
                    models.CharField(
                        blank=True,
                        help_text="File format of the invoices.",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "disable_pdf_generation_on_invoice_close",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="No document is made when an invoice closes.",
                        verbose_name="disable PDF generation on invoice close",
                    ),
                ),
                (
                    "payment_term_days",
                    models.IntegerField(
                        help_text="Days from closing until an invoice is due; 0 = at once."
                    ),
                ),
                (
                    "billing_method",
                    metabrm.fields.ListField(
                        help_text="The customer pays on receipt of the invoice, or is charged electronically.",
                        max_length=100,
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
                    "credit_card_type",
                    models.CharField(
                        blank=True, help_text="Brand of the card.", max_length=50, null=True
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
                    "credit_card_last_four",
                    models.CharField(
                        blank=True,
                        help_text="Last four digits of the card.",
                        max_length=4,
                        null=True,
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
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Kind of account.",
                        max_length=100,
                        null=True,
                        verbose_name="bank account type",
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
                    "ach_mandate_enabled_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The customer has given a direct debit mandate.",
                        verbose_name="mandate enabled",
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
                    "account",
                    models.ForeignKey(
                        help_text="The account that is invoiced.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
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
                    "currency",
                    models.ForeignKey(
                        db_column="currency_code",
                        db_index=False,
                        help_text="Currency of the invoices, by its code.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.currency",
                        to_field="currency_code",
                    ),
                ),
                (
                    "dunning_interval",
                    models.ForeignKey(
                        blank=True,
                        help_text="How overdue invoices are dunned.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="collections_mgmt.dunninginterval",
                        verbose_name="dunning process",
                    ),
                ),
            ],
            options={
                "verbose_name": "billing profile",
                "verbose_name_plural": "billing profiles",
            },
        ),
    ]
