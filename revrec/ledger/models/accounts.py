"""Where ledger rows go: the accounts of the chart, and the periods of the calendar."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, ListField

ACCOUNT_TYPES = ("Asset", "Liability", "Equity", "Revenue", "Expense")


class FinancialAccount(EntityModel):
    """An account of the chart of accounts."""

    account_number = models.CharField(
        max_length=100, help_text="Number of the account in the chart; unique."
    )
    name = models.CharField(max_length=255, help_text="Name of the account.")
    financial_account_type = ListField(
        values=ACCOUNT_TYPES, verbose_name="type", help_text="On which side it grows."
    )
    parent_financial_account = optional.lookup(
        "self", "The account it is a part of.", models.PROTECT
    )
    description = optional.text(1000, "What is posted to it.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether rows may be posted to it."
    )

    brm = EntityOptions(name="FINANCIAL_ACCOUNT", external_keys=("account_number",))

    class Meta:
        verbose_name = "financial account"
        verbose_name_plural = "financial accounts"
        constraints = [
            live_unique("ledger_financialaccount", "account_number"),
            models.CheckConstraint(
                condition=~Q(parent_financial_account=F("id")),
                name="ledger_financialaccount_not_its_own_parent",
                violation_error_message="ParentFinancialAccountId is an account other than itself",
            ),
        ]


class AccountingPeriod(EntityModel):
    """A month, quarter or year of the books, open or closed."""

    name = models.CharField(max_length=100, help_text="Name of the period; unique: 2026-02.")
    start_date = models.DateField(help_text="First day of the period.")
    end_date = models.DateField(help_text="Last day of the period.")
    status = ListField(
        values=("Open", "Soft Closed", "Closed"),
        default="Open",
        help_text="Anybody may post to an open period, few to a soft closed one, nobody to a "
        "closed one.",
    )

    brm = EntityOptions(name="ACCOUNTING_PERIOD", external_keys=("name",))

    class Meta:
        verbose_name = "accounting period"
        verbose_name_plural = "accounting periods"
        constraints = [
            live_unique("ledger_accountingperiod", "name"),
            live_unique("ledger_accountingperiod", "start_date", "end_date"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="ledger_accountingperiod_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
