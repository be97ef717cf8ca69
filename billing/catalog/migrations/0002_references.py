import django.db.models.deletion
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("customers", "0001_initial"),
        ("localization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.AddField(
                model_name="pricing",
                name="account_product",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="Owner: the provisioned product whose price this is.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.accountproduct",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
                name="contract_rate",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="Owner: the contract rate whose price this is.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.contractrate",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
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
                model_name="pricing",
                name="currency",
                field=models.ForeignKey(
                    db_column="currency_code",
                    db_index=False,
                    default="USD",
                    help_text="Currency of the rate, by its code; USD unless sent.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="localization.currency",
                    to_field="currency_code",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
                name="package_product",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="Owner: the package product whose price this is.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.packageproduct",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
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
                model_name="countrycodemap",
                name="pricing",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="The price row that this rate replaces for the pair of locations.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.pricing",
                ),
            ),
            migrations.AddField(
                model_name="pricingplan",
                name="account_product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The provisioned product it prices.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.accountproduct",
                ),
            ),
            migrations.AddField(
                model_name="pricingplan",
                name="contract_rate",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The contract rate it prices.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.contractrate",
                ),
            ),
            migrations.AddField(
                model_name="pricingplan",
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
                model_name="pricingplan",
                name="currency",
                field=models.ForeignKey(
                    db_column="currency_code",
                    db_index=False,
                    help_text="Currency of the plan, by its code.",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="localization.currency",
                    to_field="currency_code",
                ),
            ),
            migrations.AddField(
                model_name="pricingplan",
                name="package_product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The package product it prices.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.packageproduct",
                ),
            ),
            migrations.AddField(
                model_name="pricingplan",
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
                model_name="pricing",
                name="main_pricing_plan",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The pricing plan the row is part of.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.pricingplan",
                    verbose_name="pricing plan",
                ),
            ),
            migrations.AddField(
                model_name="product",
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
                model_name="product",
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
                model_name="pricingplan",
                name="product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The product it prices.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.product",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
                name="product",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="Owner: the product whose default price this is.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.product",
                ),
            ),
            migrations.AddField(
                model_name="packageproduct",
                name="product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The product; empty where a whole package is linked in.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.product",
                ),
            ),
            migrations.AddField(
                model_name="rateclass",
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
                model_name="rateclass",
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
                model_name="rateclassproduct",
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
                model_name="rateclassproduct",
                name="package",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The package inside which the price holds; empty = everywhere.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.package",
                ),
            ),
            migrations.AddField(
                model_name="rateclassproduct",
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
                model_name="rateclassproduct",
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
                model_name="rateclassproduct",
                name="rate_class",
                field=models.ForeignKey(
                    help_text="The rate class it belongs to.",
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.rateclass",
                ),
            ),
            migrations.AddField(
                model_name="rateclassproduct",
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
                model_name="pricingplan",
                name="rate_class_product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The entry of a rate class it prices.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.rateclassproduct",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
                name="rate_class_product",
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    help_text="Owner: the entry of a rate class whose price this is.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="catalog.rateclassproduct",
                ),
            ),
            migrations.AddField(
                model_name="ratingmethod",
                name="account_product",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The provisioned product the method was made for; empty = for the catalog.",
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="customers.accountproduct",
                ),
            ),
            migrations.AddField(
                model_name="ratingmethod",
                name="change_to_product_by_default",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The product that follows when the trial ends.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="catalog.product",
                ),
            ),
            migrations.AddField(
                model_name="ratingmethod",
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
                model_name="ratingmethod",
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
                model_name="rateclassproduct",
                name="rating_method",
                field=models.ForeignKey(
                    blank=True,
                    help_text="How the product is charged under this rate class, where it differs.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.ratingmethod",
                ),
            ),
            migrations.AddField(
                model_name="product",
                name="rating_method",
                field=models.ForeignKey(
                    blank=True,
                    help_text="How the product is charged unless a package or an account says otherwise.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.ratingmethod",
                ),
            ),
            migrations.AddField(
                model_name="pricing",
                name="rating_method",
                field=models.ForeignKey(
                    blank=True,
                    help_text="The rating method the price was made for.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="catalog.ratingmethod",
                ),
            ),
            migrations.AddField(
                model_name="packageproduct",
                name="rating_method",
                field=models.ForeignKey(
                    blank=True,
                    help_text="How the product is charged in this package, where it differs.",
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="catalog.ratingmethod",
                ),
            ),
            migrations.AddField(
                model_name="usageidentifier",
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
                model_name="usageidentifier",
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
            migrations.AddIndex(
                model_name="countrycode",
                index=models.Index(fields=["name"], name="catalog_countrycode_name"),
            ),
            migrations.AddConstraint(
                model_name="countrycode",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_countrycode_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="package",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("name",),
                    name="catalog_package_name_key",
                ),
            ),
            migrations.AddIndex(
                model_name="packagecurrency",
                index=models.Index(fields=["package"], name="catalog_pkgcurrency_package"),
            ),
            migrations.AddConstraint(
                model_name="packagecurrency",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_packagecurrency_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="packagecurrency",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("package", "currency"),
                    name="catalog_packagecurrency_package_currency_key",
                ),
            ),
            migrations.AddIndex(
                model_name="countrycodemap",
                index=models.Index(fields=["pricing"], name="catalog_countrycodemap_pricing"),
            ),
            migrations.AddConstraint(
                model_name="countrycodemap",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_countrycodemap_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="countrycodemap",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=(
                        "pricing",
                        "origination_country_code",
                        "destination_country_code",
                        "charge_type",
                    ),
                    name="catalog_countrycodemap_pair_key",
                    nulls_distinct=False,
                ),
            ),
            migrations.AddConstraint(
                model_name="rateclass",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("name",),
                    name="catalog_rateclass_name_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="rateclass",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("effective_date"))),
                    name="catalog_rateclass_ends_after_start",
                    violation_error_message="EndDate is not before EffectiveDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricingplan",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_pricingplan_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricingplan",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("effective_date"))),
                    name="catalog_pricingplan_ends_after_start",
                    violation_error_message="EndDate is not before EffectiveDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="ratingmethod",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_ratingmethod_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="ratingmethod",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("effective_date"))),
                    name="catalog_ratingmethod_ends_after_start",
                    violation_error_message="EndDate is not before EffectiveDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="rateclassproduct",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_rateclassproduct_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="rateclassproduct",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("product__isnull", False), ("package_product__isnull", False), _connector="OR"
                    ),
                    name="catalog_rateclassproduct_prices_something",
                    violation_error_message="ProductId or PackageProductId says what is priced",
                ),
            ),
            migrations.AddConstraint(
                model_name="rateclassproduct",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("start_date"))),
                    name="catalog_rateclassproduct_ends_after_start",
                    violation_error_message="EndDate is not before StartDate",
                ),
            ),
            migrations.AddIndex(
                model_name="product",
                index=models.Index(fields=["name"], name="catalog_product_name"),
            ),
            migrations.AddConstraint(
                model_name="product",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_product_external_key_key",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("product__isnull", False)),
                    fields=["product", "effective_date"],
                    name="catalog_pricing_product",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("package_product__isnull", False)),
                    fields=["package_product", "effective_date"],
                    name="catalog_pricing_pkg_product",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("rate_class_product__isnull", False)),
                    fields=["rate_class_product", "effective_date"],
                    name="catalog_pricing_class_product",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("contract_rate__isnull", False)),
                    fields=["contract_rate", "effective_date"],
                    name="catalog_pricing_contract_rate",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("account_product__isnull", False)),
                    fields=["account_product", "effective_date"],
                    name="catalog_pricing_acct_product",
                ),
            ),
            migrations.AddIndex(
                model_name="pricing",
                index=models.Index(
                    condition=models.Q(("quote_product_id__isnull", False)),
                    fields=["quote_product_id", "effective_date"],
                    name="catalog_pricing_quote_product",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("external_key",),
                    name="catalog_pricing_external_key_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.CheckConstraint(
                    condition=django.db.models.lookups.LessThanOrEqual(
                        models.Func(
                            models.F("product"),
                            models.F("package_product"),
                            models.F("rate_class_product"),
                            models.F("contract_rate"),
                            models.F("account_product"),
                            models.F("quote_product_id"),
                            models.F("order_line_item_id"),
                            models.F("rev_rec_contract_product_id"),
                            function="num_nonnulls",
                            output_field=models.IntegerField(),
                        ),
                        1,
                    ),
                    name="catalog_pricing_one_owner",
                    violation_error_message="A price belongs to one owner: send only one of ProductId, PackageProductId, RateClassProductId, ContractRateId, AccountProductId, QuoteProductId, OrderLineItemId, RevRecContractProductId",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.CheckConstraint(
                    condition=models.Q(("lower_band__gte", 0)),
                    name="catalog_pricing_lower_band_not_negative",
                    violation_error_message="LowerBand is 0 or more",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("upper_band", -1), ("upper_band__gt", models.F("lower_band")), _connector="OR"
                    ),
                    name="catalog_pricing_upper_band_above_lower",
                    violation_error_message="UpperBand is greater than LowerBand, or -1 for no limit",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.CheckConstraint(
                    condition=models.Q(("end_date__gte", models.F("effective_date"))),
                    name="catalog_pricing_ends_after_start",
                    violation_error_message="EndDate is not before EffectiveDate",
                ),
            ),
            migrations.AddConstraint(
                model_name="pricing",
                constraint=models.CheckConstraint(
                    condition=models.Q(("block_size__gt", 0)),
                    name="catalog_pricing_block_size_positive",
                    violation_error_message="BlockSize is greater than 0, or empty for single units",
                ),
            ),
            migrations.AddConstraint(
                model_name="packageproduct",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("name",),
                    name="catalog_packageproduct_name_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="packageproduct",
                constraint=models.CheckConstraint(
                    condition=models.Q(("min_qty__gte", 0)),
                    name="catalog_packageproduct_min_qty_not_negative",
                    violation_error_message="MinQty is 0 or more",
                ),
            ),
            migrations.AddConstraint(
                model_name="packageproduct",
                constraint=models.CheckConstraint(
                    condition=models.Q(("max_qty__gte", models.F("min_qty"))),
                    name="catalog_packageproduct_max_qty_from_min_qty",
                    violation_error_message="MaxQty is not less than MinQty, or empty for no limit",
                ),
            ),
            migrations.AddConstraint(
                model_name="usageidentifier",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("usage_identifier",),
                    name="catalog_usageidentifier_usage_identifier_key",
                ),
            ),
        ]),
    ]
