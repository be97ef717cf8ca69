"""General ledger rules: which records are posted, to which account, over which time."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField


class FinancialCriteria(ExternallyKeyed, EntityModel):
    """A rule of posting: from which records, to which accounts, at once or over a period."""

    entity = models.ForeignKey(
        "entities.Entity",
        models.PROTECT,
        related_name="+",
        help_text="The entity whose records are posted: ACTIVITY, PAYMENT.",
    )
    exec_order = models.IntegerField(
        verbose_name="order", help_text="Place in the order in which rules are tried, low first."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether anything is posted by it."
    )
    account = models.CharField(
        max_length=1000,
        verbose_name="financial account",
        help_text="The account that is posted to: its number, or a formula that yields it.",
    )
    filter_logic = optional.long_text("Which records it is for, as filters joined by logic.")
    currency_formula = models.TextField(help_text="Formula of the currency of the rows.")
    recognition_type = optional.choice(
        ("Passage of Time", "Point in Time"), "Revenue is recognised over a period, or at once."
    )
    interval_amount = ListField(
        values=("Fixed", "Variable Based on Days Per Interval"),
        default="Fixed",
        help_text="Every interval has the same amount, or one that follows from its days.",
    )
    period_end_date = models.CharField(
        max_length=1000, help_text="Formula of the last day over which revenue is recognised."
    )
    obligation_formula = optional.long_text("Formula that is true once the obligation is met.")

    brm = EntityOptions(
        name="FINANCIAL_CRITERIA",
        names={"account": "Account"},
        external_keys=("external_key",),
        title="account",
        example={"CurrencyFormula": "'USD'", "PeriodEndDate": "TODAY() + 30"},
    )

    class Meta:
        verbose_name = "general ledger rule"
        verbose_name_plural = "general ledger rules"
        constraints = [live_unique("ledger_financialcriteria", "external_key")]


class FinancialCriteriaAttr(ExternallyKeyed, EntityModel):
    """What a rule writes to a further field of the rows it makes."""

    financial_criteria = optional.lookup(
        "ledger.FinancialCriteria", "The rule that makes the rows.", models.CASCADE
    )
    entity_field = optional.lookup(
        "entities.EntityField",
        "The field of GENERAL_LEDGER_TRANSACTION that is written.",
        models.PROTECT,
    )
    formula_value = optional.long_text("Formula of the value on both sides.")
    define_unique_attributes = FlagField(help_text="The two sides have values of their own.")
    debit_attribute_value = optional.long_text("Formula of the value on the debit side.")
    credit_attribute_value = optional.long_text("Formula of the value on the credit side.")

    brm = EntityOptions(
        name="FINANCIAL_CRITERIA_ATTR",
        external_keys=("external_key",),
        title="entity_field",
        described_by=("financial_criteria", "entity_field"),
    )

    class Meta:
        verbose_name = "general ledger attribute"
        verbose_name_plural = "general ledger attributes"
        constraints = [live_unique("ledger_financialcriteriaattr", "external_key")]
