"""What rating remembers: sums over tiers, what is charged, settled and to come, what was rated
again."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.entity import CoreModel, EntityOptions
from metabrm.fields import FlagField, ListField, MoneyField, QuantityField


class AccumulatorValue(CoreModel):
    """What the usage of a period has come to, over which its tier is found."""

    level = models.CharField(
        max_length=20,
        help_text="Over what it adds up: Package, Product, Account, Invoice; Prepaid: what is "
        "drawn from prepaid usage.",
    )
    scope_id = models.BigIntegerField(
        help_text="Id of the account package, account product or account it adds up for."
    )
    product = optional.past("catalog.Product", "The product that is used; empty = several.")
    rating_method = optional.past("catalog.RatingMethod", "The rating method whose sum it is.")
    period_begin = models.DateField(
        null=True, help_text="First day of the period; empty = since ever."
    )
    quantity = QuantityField(default=0, help_text="How many units have been used.")
    charges = models.BigIntegerField(default=0, help_text="In how many charges.")
    included = optional.quantity("Units that prepaid usage includes, refills among them.")
    updated = models.DateTimeField(help_text="When usage was added last.")

    brm = EntityOptions(name="ACCUMULATOR_VALUE", title="level", writable=False, history=False)

    class Meta:
        verbose_name = "accumulated usage"
        verbose_name_plural = "accumulated usage"
        constraints = [
            models.UniqueConstraint(
                fields=["scope_id", "level", "product", "rating_method", "period_begin"],
                nulls_distinct=False,
                name="rating_accumulatorvalue_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.scope_id} since {self.period_begin}: {self.quantity}"


class ChargedPeriod(CoreModel):
    """Days of an account product that are charged, or a charge that was made once."""

    account_product = optional.past("customers.AccountProduct", "What is charged.")
    number = models.IntegerField(help_text="Number among the charges of the account product.")
    kind = models.CharField(
        max_length=10,
        help_text="Period: days of a cycle. Trial: days of a trial. Once: a charge made once.",
    )
    cycle_from = optional.day("First day of the cycle it lies in.")
    cycle_until = optional.day("First day of the next cycle.")
    from_day = models.DateField(help_text="First day charged for.")
    until_day = models.DateField(help_text="Day after the last one charged for.")
    kept_from = models.DateField(help_text="First day that was not credited.")
    kept_until = models.DateField(help_text="Day after the last one that was not credited.")
    quantity = QuantityField(help_text="Units charged, in addition to those charged before.")
    factor = QuantityField(help_text="Part of the cycle that is charged.")
    day_count = models.CharField(
        max_length=10,
        db_default="Actual",
        help_text="How days were counted: Actual or 30/360, as ProrationDayCount of the rating "
        "method said then.",
    )
    cost = optional.money("Amount before rounding, what was credited included.")
    credited = MoneyField(default=0, help_text="Amount before rounding that was credited.")
    activity_id = optional.number_of("Id of the charge line; empty where it came to nothing.")
    created = models.DateTimeField(help_text="When it was charged.")

    brm = EntityOptions(
        name="CHARGED_PERIOD",
        title="kind",
        described_by=("account_product", "kind", "from_day"),
        writable=False,
        history=False,
    )

    class Meta:
        verbose_name = "charged period"
        verbose_name_plural = "charged periods"
        constraints = [
            models.UniqueConstraint(
                fields=["account_product", "number"], name="rating_chargedperiod_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.from_day} to {self.until_day}"


class ChargeSchedule(CoreModel):
    """How far an account product is charged, when it is charged next, and what is in the way."""

    account_product = optional.past("customers.AccountProduct", "What is charged.")
    charged_until = optional.day("First day that is not charged yet; empty = nothing is to come.")
    next_charge_day = optional.day("Day of the next charge; empty = nothing is to come.")
    cause = optional.text(100, "Why it can't be charged, as a code: NO_PRICE.")
    reason = optional.text(1000, "Why it can't be charged, in words.")
    seen = models.CharField(max_length=32, null=True, editable=False)
    updated = models.DateTimeField(help_text="When it was last looked at.")

    brm = EntityOptions(
        name="CHARGE_SCHEDULE",
        title="account_product",
        described_by=("account_product",),
        writable=False,
        history=False,
        hidden=("seen",),
    )

    class Meta:
        verbose_name = "charge schedule"
        verbose_name_plural = "charge schedules"
        constraints = [
            models.UniqueConstraint(
                fields=["account_product"], name="rating_chargeschedule_account_product_key"
            )
        ]
        indexes = [
            models.Index(fields=["next_charge_day"], name="rating_chargeschedule_next"),
            models.Index(
                fields=["cause"],
                condition=models.Q(cause__isnull=False),
                name="rating_chargeschedule_cause",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_product_id} from {self.charged_until}"


class SettledCharge(CoreModel):
    """What a discount, a minimum, a commitment or a fee came to in a billing period, and why."""

    kind = models.CharField(
        max_length=20,
        help_text="Conditional, Minimum, Maximum, Discount, Commitment, Late Fee, Per Invoice.",
    )
    account = optional.past("customers.Account", "The account that is charged.")
    account_product = optional.past(
        "customers.AccountProduct", "The discount, commitment or fee as the account has it."
    )
    period_from = optional.day("First day of the billing period; empty = since ever.")
    period_until = optional.day("Day after the last one of the billing period; empty = no end.")
    target_product = optional.past("catalog.Product", "The product whose charges it is about.")
    target_account_product = optional.past(
        "customers.AccountProduct", "The account product whose charges it is about."
    )
    target_activity_id = optional.number_of("Id of the one charge line it is about.")
    invoice = optional.past("invoicing.Invoice", "The invoice it is about, of a fee.")
    base = optional.money("What the charges it is about came to, before it.")
    lines = models.IntegerField(default=0, help_text="How many charge lines it is about.")
    rate = optional.money("The rate: a percentage, an amount, a limit.")
    cost = optional.money("What it comes to, before rounding.")
    activity_id = optional.number_of("Id of the line.")
    activity_date = optional.moment("ActivityDate of the line.")
    taken_back = FlagField(help_text="The line was reversed since: it came to something else.")
    created = models.DateTimeField(help_text="When it was settled.")

    brm = EntityOptions(
        name="SETTLED_CHARGE",
        title="kind",
        described_by=("account", "kind", "period_from"),
        writable=False,
        history=False,
    )

    class Meta:
        verbose_name = "settled charge"
        verbose_name_plural = "settled charges"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("account", "period_from", "kind", "account_product", "target_product"),
                    *("target_account_product", "target_activity_id", "invoice"),
                ],
                condition=models.Q(taken_back=False),
                nulls_distinct=False,
                name="rating_settledcharge_key",
            )
        ]
        indexes = [
            models.Index(fields=["account", "kind"], name="rating_settledcharge_account"),
            models.Index(fields=["activity_id"], name="rating_settledcharge_activity"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id} from {self.period_from}"


class Rerate(CoreModel):
    """Lines that are rated again after a price changed, or because one of them was wrong."""

    kind = ListField(
        values=("RERATE", "CORRECTION"), help_text="Lines at new prices, or a line that was wrong."
    )
    status = ListField(values=("PENDING", "COMPLETED", "FAILED"), help_text="How far it has come.")
    reason = optional.text(1000, "Why: what changed, or who asked for it.")
    wanted = models.JSONField(help_text="Which lines, as it was asked.")
    user = optional.past("identity.User", "Who asked for it, or changed the price.")
    created = models.DateTimeField(help_text="When it was asked for.")
    ended = optional.moment("When it was done.")
    line_count = models.BigIntegerField(default=0, help_text="How many open lines were looked at.")
    changed_count = models.BigIntegerField(
        default=0, help_text="How many of them cost something else, and were written anew."
    )
    unpriced_count = models.BigIntegerField(
        default=0,
        help_text="How many have no price any more, and stay as they were; they say why.",
    )
    amounts = optional.text(4000, "What the changed lines came to and come to, by currency.")
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = optional.text(4000, "Why it failed.")

    brm = EntityOptions(
        name="RERATE",
        title="reason",
        writable=False,
        history=False,
        hidden=("attempts",),
        listed=(
            *("id", "created", "kind", "status", "reason", "line_count", "changed_count"),
            *("unpriced_count", "amounts"),
        ),
    )

    class Meta:
        verbose_name = "re-rating"
        verbose_name_plural = "re-ratings"
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(status="PENDING"),
                name="rating_rerate_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.status}"


class RerateTotal(CoreModel):
    """What a re-rating has changed for an account, a product and an invoice, in one currency."""

    rerate = models.ForeignKey(Rerate, models.CASCADE, related_name="+", help_text="The re-rating.")
    account = optional.past("customers.Account", "Whose lines.")
    product = optional.past("catalog.Product", "What they charge for.")
    invoice = optional.past("invoicing.Invoice", "Where they stand; empty = on none yet.")
    currency = optional.currency(
        "Currency of the amounts, by its code.",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
    )
    line_count = models.BigIntegerField(help_text="How many lines cost something else.")
    old_amount = MoneyField(currency_source="CurrencyCode", help_text="What they came to.")
    new_amount = MoneyField(currency_source="CurrencyCode", help_text="What they come to.")
    difference = MoneyField(currency_source="CurrencyCode", help_text="New less old.")

    brm = EntityOptions(
        name="RERATE_TOTAL",
        names={"currency": "CurrencyCode"},
        title="currency",
        described_by=("rerate", "account", "product", "currency"),
        writable=False,
        history=False,
    )

    class Meta:
        verbose_name = "re-rated total"
        verbose_name_plural = "re-rated totals"

    def __str__(self) -> str:
        return f"{self.difference} {self.currency_id}"
