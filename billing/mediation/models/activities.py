"""Activities: the charge lines that invoices are made of.

There are many of them, more than of everything else together. So the table is kept in months of
ActivityDate (billing.mediation.partitions), few columns have an index, most lookups tell what was
rather than hold their target fast, and nothing but the Id is unique. The history does not record
that a line was made, which the line says itself.

Account, product and account product are held by the verbs alone, which count the lines before they
delete one; whoever writes lines by statement locks these rows first. The database's own check of
three keys would cost as much as all else that is done for a line.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import CHANGES, EntityModel, EntityOptions
from metabrm.fields import FlagField, QuantityField


class Activity(EntityModel):
    """A charge line, or invoice detail: usage, a subscription's period, a discount, a fee."""

    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="+",
        help_text="The account that is charged.",
    )
    activity_date = models.DateTimeField(help_text="When what is charged for happened.")
    invoice = optional.lookup(
        "invoicing.Invoice", "The invoice it stands on.", models.PROTECT, db_index=False
    )
    product = optional.lookup(
        "catalog.Product",
        "The product that is charged for.",
        models.PROTECT,
        db_index=False,
        db_constraint=False,
    )
    account_product = optional.lookup(
        "customers.AccountProduct",
        "The provisioned product that is charged for.",
        models.PROTECT,
        db_index=False,
        db_constraint=False,
    )
    account_package = optional.past("customers.AccountPackage", "The account package it came with.")
    package_product = optional.past(
        "catalog.PackageProduct", "The place of the product in the package."
    )
    process_description = optional.text(1000, "What is charged, as printed on the invoice.")
    process_status = optional.text(100, "How far the line has come.")
    update_error = optional.text(1000, "Why the line could not be rated again.")

    # Quantity and amount
    quantity = QuantityField(default=1, help_text="How many units are charged.")
    rate = optional.money("Price per unit.", currency_source="CurrencyCode")
    rated_amount = optional.money(
        "Amount of the line, rounded as its currency asks.", currency_source="CurrencyCode"
    )
    rate_override = optional.money(
        "Price per unit that whoever made the line has set.", currency_source="CurrencyCode"
    )
    cost_override = optional.money(
        "Amount that whoever made the line has set.", currency_source="CurrencyCode"
    )
    cost_unrounded = optional.money("Amount before rounding.", currency_source="CurrencyCode")
    standard_cost_unrounded = optional.money(
        "Amount at the product's default price, before rounding.", currency_source="CurrencyCode"
    )
    tax_cost_unrounded = optional.money(
        "Tax on the line before rounding.", currency_source="CurrencyCode"
    )
    currency = optional.currency(
        "Currency of its amounts, by its code.",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
    )
    pricing_currency = optional.currency(
        "Currency of the price, by its code, where it is another.",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_column="pricing_currency_code",
    )
    exchange_rate_id = optional.number_of("Id of the rate between the two currencies.")
    prorate_factor = optional.quantity("Part of a whole period that is charged: 0.5.")
    min_charge_flag = FlagField(
        verbose_name="minimum charge", help_text="The amount was raised to the minimum charge."
    )
    estimated = FlagField(help_text="The quantity is an estimate.")
    non_billable_flag = FlagField(
        verbose_name="not billed", help_text="It is recorded, and never put on an invoice."
    )
    prepaid_quantity = optional.quantity(
        "Units of it that prepaid usage covers, which cost nothing; of a refill, those it adds."
    )
    prepaid_by = optional.past(
        "customers.AccountProduct", "The prepaid usage that covers it, or that it refills."
    )
    formula = optional.long_text("Formula the amount came from.")

    # The period charged for
    subscription_from_date = optional.day("First day of the period charged for.")
    subscription_to_date = optional.day("Last day of the period charged for.")

    # How the price was found
    rate_date = optional.day("Day whose price counts.")
    rating_date = optional.moment("When the line was rated.")
    rate_source = optional.text(255, "Level the price came from: the contract, the product.")
    rate_source_id = optional.number_of("Id of the record that the price came from.")
    rating_method = optional.past("catalog.RatingMethod", "How it was charged.")
    pricing = optional.past("catalog.Pricing", "The price row it was rated with.")
    contract = optional.past("customers.Contract", "The contract it was rated under.")
    contract_rate = optional.past("customers.ContractRate", "The contract rate it was rated with.")
    rate_class_product = optional.past(
        "catalog.RateClassProduct", "The entry of a rate class it was rated with."
    )
    country_code_map = optional.past(
        "catalog.CountryCodeMap", "The rate between two locations it was rated with."
    )
    origination_country_code = optional.past(
        "catalog.CountryCode", "Where the usage came from.", verbose_name="origin"
    )
    destination_country_code = optional.past(
        "catalog.CountryCode", "Where the usage went to.", verbose_name="destination"
    )
    upper_band = optional.quantity("Greatest quantity of the band it was rated in; -1 = no limit.")
    tiered_group = optional.text(255, "What the lines of one sum over tiers have in common.")
    effective_rated = FlagField(help_text="Rate is the average over all tiers.")
    accumulator_value_id = optional.number_of("Id of the sum of usage that found the tier.")

    # Other lines it belongs to
    split_from_bill_act = optional.past(
        "self", "The line this one was split from.", verbose_name="split from"
    )
    discounted_by = optional.past("self", "The discount that lowers this line.")
    discount_activity = optional.past("self", "The line that this discount lowers.")

    reversal_of = optional.past("self", "The line that this one takes back.")
    rerated_from = optional.past("self", "The line that this one replaces, rated anew.")

    # Where it came from
    activity_collector = optional.past(
        "mediation.ActivityCollector", "The collector that brought the usage."
    )
    activity_collector_history = optional.past(
        "mediation.ActivityCollectorHistory",
        "The load that brought the usage.",
        verbose_name="load",
    )
    line_number = optional.number_of("Number of the record in its load, from 1.")
    # Equal where two records of usage are the same, as their collector sees it.
    signature = models.UUIDField(null=True, editable=False)
    collector_stage = optional.past(
        "mediation.CollectorFields", "The collected usage it was made of."
    )
    billing_identifier = optional.past(
        "customers.BillingIdentifier", "The token by which its account was found."
    )
    billing_identifier_account_product = optional.past(
        "customers.AccountProduct", "The account product by whose token its account was found."
    )
    event_invoice_cycle = optional.past(
        "invoicing.EventInvoiceCycle", "The rule that opened its invoice."
    )
    manual_charge_by_user = optional.past("identity.User", "Who made the line by hand.")
    feature = optional.text(255, "Feature of the product that was used.")
    avalara_group_key = optional.text(255, "What its lines are grouped by for the tax engine.")
    mdl_event_id = optional.number_of("Id of the loader's event.", verbose_name="MDL event id")
    reprocess_queue_id = optional.number_of("Id of the re-rating (RERATE) that wrote it.")

    brm = EntityOptions(
        name="ACTIVITY",
        names={
            "currency": "CurrencyCode",
            "pricing_currency": "PricingCurrencyCode",
            "discounted_by": "DiscountedBy",
            "mdl_event_id": "MDLEventId",
            "reprocess_queue_id": "ReprocessQueueID",
        },
        title="process_description",
        described_by=("id", "account", "product"),
        hidden=("signature",),
        partitioned_by="activity_date",
        history=CHANGES,
    )

    class Meta:
        verbose_name = "activity"
        verbose_name_plural = "activities"
        constraints = [
            models.CheckConstraint(
                condition=Q(subscription_to_date__gte=F("subscription_from_date")),
                name="mediation_activity_period_ends_after_start",
                violation_error_message="SubscriptionToDate is not before SubscriptionFromDate",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "activity_date"], name="mediation_activity_account"),
            models.Index(
                fields=["invoice"],
                condition=Q(invoice__isnull=False),
                name="mediation_activity_invoice",
            ),
            models.Index(
                fields=["product"],
                condition=Q(product__isnull=False),
                name="mediation_activity_product",
            ),
            models.Index(
                fields=["account_product"],
                condition=Q(account_product__isnull=False),
                name="mediation_activity_acctproduct",
            ),
            # Lines arrive in about the order of their dates, and those of a load together, so that
            # this costs next to nothing.
            BrinIndex(
                fields=["activity_date", "updated", "activity_collector_history"],
                autosummarize=True,
                name="mediation_activity_arrival",
            ),
            # Few lines take others back; who looks for those that do finds them by it.
            models.Index(
                fields=["reversal_of"],
                condition=Q(reversal_of__isnull=False),
                name="mediation_activity_reversal",
            ),
            # Random but for its beginning, so dear: only where a collector looks for duplicates.
            models.Index(
                fields=["signature"],
                condition=Q(signature__isnull=False),
                name="mediation_activity_signature",
            ),
        ]
