import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import metabrm.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("localization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pricing",
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
                    "quote_product_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Owner: Id of the quoted product whose price this is.",
                        null=True,
                    ),
                ),
                (
                    "order_line_item_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Owner: Id of the order line whose price this is.",
                        null=True,
                    ),
                ),
                (
                    "rev_rec_contract_product_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Owner: Id of the revenue contract product whose price this is.",
                        null=True,
                        verbose_name="revenue contract product id",
                    ),
                ),
                (
                    "effective_date",
                    models.DateField(
                        blank=True,
                        help_text="First day the price holds; empty = since ever.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True, help_text="Last day the price holds; empty = no end.", null=True
                    ),
                ),
                (
                    "rate_order",
                    models.PositiveIntegerField(
                        default=1, help_text="Place of the band among the owner's bands, from 1."
                    ),
                ),
                (
                    "lower_band",
                    metabrm.fields.QuantityField(
                        decimal_places=10,
                        default=0,
                        help_text="Least quantity of the band; the first band begins at 0.",
                        max_digits=28,
                    ),
                ),
                (
                    "upper_band",
                    metabrm.fields.QuantityField(
                        decimal_places=10,
                        default=-1,
                        help_text="Greatest quantity of the band; -1 = without limit.",
                        max_digits=28,
                    ),
                ),
                (
                    "rate",
                    metabrm.fields.MoneyField(
                        decimal_places=10,
                        help_text="Price per unit, or the percentage or flat amount the rating method asks for.",
                        max_digits=28,
                    ),
                ),
                (
                    "quote_rate",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Rate as it was quoted.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "buy_rate",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="What a unit costs us, for the margin.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "min_charge",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Least amount of a charge in this band.",
                        max_digits=28,
                        null=True,
                        verbose_name="minimum charge",
                    ),
                ),
                (
                    "block_size",
                    metabrm.fields.QuantityField(
                        blank=True,
                        decimal_places=10,
                        help_text="Units sold together: a begun block is charged whole. Empty = single units.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "block_iterations",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many blocks the band holds; empty = no limit.",
                        null=True,
                    ),
                ),
                (
                    "ssp",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Price at which the product would be sold on its own, for revenue recognition.",
                        max_digits=28,
                        null=True,
                        verbose_name="standalone selling price",
                    ),
                ),
                (
                    "rate_source",
                    models.CharField(
                        blank=True,
                        help_text="Where the price comes from.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "rerate_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Charges on open invoices are rated again when the price changes, unless they were priced from a level other than the product's default price.",
                    ),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
            },
        ),
        migrations.CreateModel(
            name="PricingPlan",
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
                ("name", models.CharField(help_text="Name of the pricing plan.", max_length=255)),
                (
                    "plan_type",
                    metabrm.fields.ListField(
                        help_text="Standard prices, a promotion beside them, or an override of them.",
                        max_length=100,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the plan prices anything.",
                        max_length=100,
                    ),
                ),
                (
                    "effective_date",
                    models.DateField(
                        blank=True,
                        help_text="First day of the plan; empty = since ever.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True, help_text="Last day of the plan; empty = no end.", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "pricing plan",
                "verbose_name_plural": "pricing plans",
            },
        ),
        migrations.CreateModel(
            name="Product",
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
                        help_text="Name of the product, as it is sold.", max_length=255
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the product may be provisioned.",
                        max_length=100,
                    ),
                ),
                (
                    "default_rate_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The product has default prices that hold where nobody agreed on others.",
                    ),
                ),
                (
                    "override_permissions",
                    metabrm.fields.ListField(
                        default="Restrict Rating Method Override",
                        help_text="What accounts, packages and contracts may override: rating method and rate, the rate only, or neither.",
                        max_length=100,
                    ),
                ),
                (
                    "contract_required_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Only a contract rate may price the product; without one an alert is raised.",
                    ),
                ),
                (
                    "restrict_use_of_unreferenced_contracts",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Prices come only from the contract that the account product names.",
                    ),
                ),
                (
                    "order_of_execution",
                    models.IntegerField(
                        blank=True,
                        help_text="Place in the order in which products are rated, low first.",
                        null=True,
                    ),
                ),
                (
                    "ranking",
                    models.IntegerField(
                        blank=True,
                        help_text="Place in lists and on invoices, low first.",
                        null=True,
                    ),
                ),
                (
                    "customize_tax_rules",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The product's own tax rules replace those of the system.",
                    ),
                ),
                (
                    "use_formula_ssp",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The standalone selling price comes from SSPFormula instead of PRICING.SSP.",
                        verbose_name="use formula for SSP",
                    ),
                ),
                (
                    "ssp_formula",
                    models.TextField(
                        blank=True,
                        help_text="Formula of the standalone selling price.",
                        null=True,
                        verbose_name="SSP formula",
                    ),
                ),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
            },
        ),
        migrations.CreateModel(
            name="RateClass",
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
                    models.CharField(help_text="Name of the rate class; unique.", max_length=255),
                ),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        help_text="For whom and for what the rate class is meant.",
                        null=True,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether contracts may inherit it.",
                        max_length=100,
                    ),
                ),
                (
                    "effective_date",
                    models.DateField(
                        blank=True,
                        help_text="First day it may price anything; empty = always.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day it may price anything; empty = no end.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "rate class",
                "verbose_name_plural": "rate classes",
            },
        ),
        migrations.CreateModel(
            name="RateClassProduct",
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
                    "start_date",
                    models.DateField(
                        blank=True,
                        help_text="First day of the entry; empty = that of the rate class.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day of the entry; empty = that of the rate class.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "rate class product",
                "verbose_name_plural": "rate class products",
            },
        ),
        migrations.CreateModel(
            name="RatingMethod",
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
                    "rating_method_type",
                    metabrm.fields.ListField(
                        db_index=True,
                        default="Usage",
                        help_text="Kind of charge; decides which of the other settings count.",
                        max_length=100,
                    ),
                ),
                (
                    "quote_product_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the quoted product the method was made for.",
                        null=True,
                    ),
                ),
                (
                    "quote_product_draft_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the drafted quote product it was made for.",
                        null=True,
                    ),
                ),
                (
                    "effective_date",
                    models.DateField(
                        blank=True,
                        help_text="First day the method holds; empty = since ever.",
                        null=True,
                    ),
                ),
                (
                    "end_date",
                    models.DateField(
                        blank=True,
                        help_text="Last day the method holds; empty = no end.",
                        null=True,
                    ),
                ),
                (
                    "pricing_type",
                    metabrm.fields.ListField(
                        default="Standard Pricing",
                        help_text="One rate per unit, or a rate that depends on the number of units.",
                        max_length=100,
                    ),
                ),
                (
                    "aggregate_rate_type",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Bulk: the rate of the tier reached holds for all units. Incremental: each tier its own.",
                        max_length=100,
                        null=True,
                        verbose_name="tiered rate type",
                    ),
                ),
                (
                    "aggregation_level",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Over what the units of usage are added up to find the tier.",
                        max_length=100,
                        null=True,
                        verbose_name="tier calculation level",
                    ),
                ),
                (
                    "sub_aggr_level",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Over what the units of subscriptions are added up to find the tier.",
                        max_length=100,
                        null=True,
                        verbose_name="subscription tier calculation level",
                    ),
                ),
                (
                    "flat_rate",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The rate is the amount of the whole band, not of a unit.",
                    ),
                ),
                (
                    "use_flat_rate",
                    models.CharField(
                        blank=True,
                        help_text="When the flat rate of a band is used instead of its unit rate.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "prorate_band",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Band limits shrink with a shortened period.",
                    ),
                ),
                (
                    "calculate_effective_rate",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The charge shows its average rate per unit over all tiers.",
                    ),
                ),
                (
                    "recalculate_on_rate_change",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Charges already made are calculated again when the rate changes.",
                    ),
                ),
                (
                    "default_rate_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The product's default prices count for this method.",
                    ),
                ),
                (
                    "formula_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The charge comes from FormulaValue, not from a rate.",
                    ),
                ),
                (
                    "formula_value",
                    models.TextField(
                        blank=True, help_text="Formula of the charge's cost.", null=True
                    ),
                ),
                (
                    "formula_quantity",
                    models.TextField(
                        blank=True, help_text="Formula of the charged quantity.", null=True
                    ),
                ),
                (
                    "formula_param_ident",
                    models.CharField(
                        blank=True,
                        help_text="Name under which the formula's parameters are found.",
                        max_length=100,
                        null=True,
                        verbose_name="formula parameter identifier",
                    ),
                ),
                (
                    "non_billable_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Charges are recorded but not put on invoices.",
                    ),
                ),
                (
                    "zero_rated_display_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Charges of zero are printed on invoices.",
                    ),
                ),
                (
                    "force_generate_activity",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="A charge is made even where quantity or rate is zero.",
                    ),
                ),
                (
                    "generate_flat_fee",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="A flat fee is charged beside the rate.",
                    ),
                ),
                (
                    "dependent_type",
                    models.CharField(
                        blank=True,
                        help_text="Of what other charge the charge depends.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "apply_charge_on_component",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The charge applies to the components of a package, not to the package.",
                    ),
                ),
                (
                    "exclude_components",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Components of a package are left out of the charge.",
                    ),
                ),
                (
                    "subscription_cycle",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="How often the subscription is charged.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "subscription_model",
                    metabrm.fields.ListField(
                        default="Postpaid",
                        help_text="Charged after the period (postpaid) or before it (prepaid).",
                        max_length=100,
                        verbose_name="payment model",
                    ),
                ),
                (
                    "cycle_type",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="What the subscription's periods are aligned with.",
                        max_length=100,
                        null=True,
                        verbose_name="cycle context",
                    ),
                ),
                (
                    "prorate_subscription",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="A period that begins or ends inside a cycle is charged by its days.",
                    ),
                ),
                (
                    "charge_in_advance_period",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How long before its period a prepaid charge is made, in ChargeInAdvanceUnit.",
                        null=True,
                    ),
                ),
                (
                    "charge_in_advance_unit",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Unit of ChargeInAdvancePeriod.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "charge_in_subsequent_per",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How long after its period a charge is made, in ChargeInSubsequentUnit.",
                        null=True,
                        verbose_name="charge in subsequent period",
                    ),
                ),
                (
                    "charge_in_subsequent_unit",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Unit of ChargeInSubsequentPer.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "activation_charge_place",
                    models.CharField(
                        blank=True,
                        help_text="On which invoice the charge of the first period is placed.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "early_termination_option",
                    models.CharField(
                        blank=True,
                        help_text="What is charged or credited when it ends before its time.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "auto_calculate_credit",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="A prepaid period that is cut short is credited without being asked for.",
                    ),
                ),
                (
                    "prorate_credit_after_period",
                    models.CharField(
                        blank=True,
                        help_text="From when on a credit is reckoned by days.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "use_historical_invoice_for_prepayment",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Prepaid periods of the past go on invoices of their own time.",
                    ),
                ),
                (
                    "split_usage",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="One usage record may be split over two bands.",
                    ),
                ),
                (
                    "accum_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Usage accumulates over invoices to find the tier.",
                        verbose_name="accumulate",
                    ),
                ),
                (
                    "accum_start_date",
                    models.DateField(
                        blank=True,
                        help_text="Day on which usage begins to accumulate.",
                        null=True,
                        verbose_name="accumulation start date",
                    ),
                ),
                (
                    "accum_reset_period",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="How often the accumulated usage begins at zero.",
                        max_length=100,
                        null=True,
                        verbose_name="accumulation reset",
                    ),
                ),
                (
                    "eligible_activity_filter_logic",
                    models.TextField(
                        blank=True,
                        help_text="Which usage counts, as filters joined by logic.",
                        null=True,
                    ),
                ),
                (
                    "auto_refill",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Prepaid usage that is used up is bought again; off: the excess is charged at the usage product's rate.",
                    ),
                ),
                (
                    "min_max_zero_quantity_true_up",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Minimum and maximum are settled even for a period without usage.",
                    ),
                ),
                (
                    "true_up_credit_type",
                    models.CharField(
                        blank=True,
                        help_text="Kind of credit by which a settlement is given back.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "allow_international_pricing",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Rates may depend on where the usage comes from and goes to.",
                    ),
                ),
                (
                    "obligatory_intl_rate",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Usage between two locations without a rate is refused, not rated by the band.",
                        verbose_name="international rate obligatory",
                    ),
                ),
                (
                    "discount_type",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="Standard: whenever its targets are charged. Conditional: when eligible charges exist.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "discount_pricing_type",
                    metabrm.fields.ListField(
                        blank=True,
                        help_text="What the discount's rate means.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "discount_priority",
                    models.IntegerField(
                        blank=True,
                        help_text="Place in the order in which discounts apply, low first.",
                        null=True,
                    ),
                ),
                (
                    "discount_apply_to",
                    models.CharField(
                        blank=True,
                        help_text="To what the discount applies.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "discount_appl_method",
                    models.CharField(
                        blank=True,
                        help_text="How a fixed amount is spread over the target charges.",
                        max_length=100,
                        null=True,
                        verbose_name="discount application method",
                    ),
                ),
                (
                    "discount_itemize",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The discount is printed per charge it lowers.",
                    ),
                ),
                (
                    "designate_discount_eligable_charges_by",
                    models.CharField(
                        blank=True,
                        help_text="How the charges that make an account eligible are chosen.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "discount_eligable_filter_logic",
                    models.TextField(
                        blank=True,
                        help_text="Which charges make eligible, as filters with logic.",
                        null=True,
                    ),
                ),
                (
                    "discount_elig_cond",
                    models.CharField(
                        blank=True,
                        help_text="The condition the eligible charges must meet.",
                        max_length=100,
                        null=True,
                        verbose_name="discount eligibility condition",
                    ),
                ),
                (
                    "discount_elig_unit_meas",
                    models.CharField(
                        blank=True,
                        help_text="In what the condition is measured.",
                        max_length=100,
                        null=True,
                        verbose_name="discount eligibility unit of measure",
                    ),
                ),
                (
                    "designate_discount_target_charges_by",
                    models.CharField(
                        blank=True,
                        help_text="How the charges that are lowered are chosen.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "discount_target_filter_logic",
                    models.TextField(
                        blank=True,
                        help_text="Which charges are lowered, as filters with logic.",
                        null=True,
                    ),
                ),
                (
                    "discount_limited_usage",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The discount may be used a limited number of times.",
                    ),
                ),
                (
                    "discount_max_number_of_uses",
                    models.PositiveIntegerField(
                        blank=True, help_text="How often the discount may be used.", null=True
                    ),
                ),
                (
                    "discount_use_per",
                    models.CharField(
                        blank=True,
                        help_text="Per what the uses are counted: account, product, invoice.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "trial_duration",
                    models.PositiveIntegerField(
                        blank=True, help_text="Length of the trial in days.", null=True
                    ),
                ),
                (
                    "trial_rate_type",
                    models.CharField(
                        blank=True,
                        help_text="What is charged during the trial.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "trial_target",
                    models.CharField(
                        blank=True,
                        help_text="To which charges the trial applies.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "trial_max_number_uses",
                    models.PositiveIntegerField(
                        blank=True, help_text="How often the trial may be used.", null=True
                    ),
                ),
                (
                    "trial_use_per",
                    models.CharField(
                        blank=True,
                        help_text="Per what the uses are counted: account, product, invoice.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "charge_type",
                    metabrm.fields.ListField(
                        default="Per Invoice",
                        help_text="A fee of a fixed amount per invoice, or a percentage of the invoice's total.",
                        max_length=100,
                    ),
                ),
                (
                    "late_fee_type",
                    models.CharField(
                        blank=True,
                        help_text="What the late fee is reckoned from.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "tax_application",
                    metabrm.fields.ListField(
                        default="Per Invoice",
                        help_text="The tax is reckoned once per invoice or for each product.",
                        max_length=100,
                    ),
                ),
                (
                    "tax_applicable_to",
                    metabrm.fields.ListField(
                        default="All Products",
                        help_text="The tax applies to all products or to those of TaxProductFilterLogic.",
                        max_length=100,
                    ),
                ),
                (
                    "tax_product_filter_logic",
                    models.TextField(
                        blank=True,
                        help_text="Which products are taxed, as filters joined by logic.",
                        null=True,
                    ),
                ),
                (
                    "tax_rate_date",
                    models.CharField(
                        blank=True,
                        help_text="Which date decides the tax rate.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "cmt_input_method",
                    models.CharField(
                        blank=True,
                        help_text="How the commitment is entered.",
                        max_length=100,
                        null=True,
                        verbose_name="CMT input method",
                    ),
                ),
                (
                    "cmt_quantity",
                    metabrm.fields.QuantityField(
                        blank=True,
                        decimal_places=10,
                        help_text="What is committed to, in units or money.",
                        max_digits=28,
                        null=True,
                        verbose_name="CMT quantity",
                    ),
                ),
                (
                    "cmt_rate_method",
                    models.CharField(
                        blank=True,
                        help_text="How a shortfall is charged.",
                        max_length=100,
                        null=True,
                        verbose_name="CMT rate method",
                    ),
                ),
                (
                    "cmt_scope",
                    models.CharField(
                        blank=True,
                        help_text="Over which accounts the commitment counts.",
                        max_length=100,
                        null=True,
                        verbose_name="CMT scope",
                    ),
                ),
                (
                    "cmt_inclusion_logic",
                    models.TextField(
                        blank=True,
                        help_text="Which charges count towards it, as filters with logic.",
                        null=True,
                        verbose_name="CMT inclusion logic",
                    ),
                ),
                (
                    "cmt_tax_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The commitment is measured with tax included.",
                        verbose_name="CMT tax included",
                    ),
                ),
                (
                    "cmt_term_duration",
                    models.CharField(
                        blank=True,
                        help_text="How long the commitment runs before it is settled.",
                        max_length=100,
                        null=True,
                        verbose_name="CMT term duration",
                    ),
                ),
            ],
            options={
                "verbose_name": "rating method",
                "verbose_name_plural": "rating methods",
            },
        ),
        migrations.CreateModel(
            name="UsageIdentifier",
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
                    "usage_identifier",
                    models.CharField(help_text="The label; unique.", max_length=255),
                ),
            ],
            options={
                "verbose_name": "usage identifier",
                "verbose_name_plural": "usage identifiers",
            },
        ),
        migrations.CreateModel(
            name="CountryCode",
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
                        help_text="How usage names the location, for instance its dialling code.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "invoice_label",
                    models.CharField(
                        help_text="What is printed on the charge for this location.", max_length=255
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether usage may still be rated to it.",
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
                    "parent_country_code",
                    models.ForeignKey(
                        blank=True,
                        help_text="The wider area, whose rate holds where this location has none.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.countrycode",
                        verbose_name="parent location",
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
                "verbose_name": "location",
                "verbose_name_plural": "locations",
            },
        ),
        migrations.CreateModel(
            name="CountryCodeMap",
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
                    "rate",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Price per unit between the two, in the row's currency.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "buy_rate",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="What a unit costs us, in the price row's currency.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "charge_type",
                    models.CharField(
                        blank=True,
                        help_text="Kind of charge the rate is for.",
                        max_length=100,
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
                    "destination_country_code",
                    models.ForeignKey(
                        blank=True,
                        help_text="Where the usage goes to; empty = anywhere.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.countrycode",
                        verbose_name="destination",
                    ),
                ),
                (
                    "origination_country_code",
                    models.ForeignKey(
                        blank=True,
                        help_text="Where the usage comes from; empty = anywhere.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.countrycode",
                        verbose_name="origin",
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
                "verbose_name": "international rate",
                "verbose_name_plural": "international rates",
            },
        ),
        migrations.CreateModel(
            name="Package",
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
                    models.CharField(help_text="Name of the package; unique.", max_length=255),
                ),
                (
                    "package_status",
                    metabrm.fields.ListField(
                        default="Production",
                        help_text="A package in production can be provisioned, one in development cannot.",
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
                "verbose_name": "package",
                "verbose_name_plural": "packages",
            },
        ),
        migrations.CreateModel(
            name="PackageCurrency",
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
                        help_text="The currency it is sold in, by its code.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.currency",
                        to_field="currency_code",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The package that is sold.",
                        on_delete=django.db.models.deletion.CASCADE,
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
                "verbose_name": "package currency",
                "verbose_name_plural": "package currencies",
            },
        ),
        migrations.CreateModel(
            name="PackageProduct",
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
                        help_text="Name of the product in the package; unique over all packages.",
                        max_length=255,
                    ),
                ),
                (
                    "min_qty",
                    metabrm.fields.QuantityField(
                        decimal_places=10,
                        help_text="Least quantity that can be taken; 0 = optional.",
                        max_digits=28,
                        verbose_name="minimum quantity",
                    ),
                ),
                (
                    "max_qty",
                    metabrm.fields.QuantityField(
                        blank=True,
                        decimal_places=10,
                        help_text="Greatest quantity that can be taken; empty = no limit.",
                        max_digits=28,
                        null=True,
                        verbose_name="maximum quantity",
                    ),
                ),
                (
                    "allow_price_override",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Accounts may be given other prices than the package's.",
                    ),
                ),
                (
                    "rate_override",
                    metabrm.fields.MoneyField(
                        blank=True,
                        decimal_places=10,
                        help_text="Rate in this package instead of the product's own.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "parent_component_label",
                    models.CharField(
                        blank=True,
                        help_text="Heading of the group it is listed under.",
                        max_length=255,
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
                    "link_package",
                    models.ForeignKey(
                        blank=True,
                        help_text="A package that comes along with this one.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.package",
                    ),
                ),
                (
                    "link_package_product",
                    models.ForeignKey(
                        blank=True,
                        help_text="The product of the linked package that stands in this place.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.packageproduct",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        help_text="The package it belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.package",
                    ),
                ),
                (
                    "parent_package_product",
                    models.ForeignKey(
                        blank=True,
                        help_text="The package product under which this one is listed and chosen.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.packageproduct",
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
                "verbose_name": "package product",
                "verbose_name_plural": "package products",
            },
        ),
    ]
