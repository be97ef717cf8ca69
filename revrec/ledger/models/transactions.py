"""Journal rows: each is one side of an entry, and names the record it was made from."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions
from metabrm.fields import FlagField


class GeneralLedgerTransaction(EntityModel):
    """One side of a journal entry: an account, a period, an amount, and where it comes from."""

    transaction_date = optional.day("Day it is booked on.", db_index=True)
    amount = optional.money("Amount of this side.", currency_source="CurrencyCode")
    currency = optional.currency("Currency of the amount, by its code.", null=True, blank=True)
    financial_account = optional.lookup(
        "ledger.FinancialAccount", "The account it is posted to.", models.PROTECT
    )
    financial_account_type = optional.text(100, "Which side of the entry it is.")
    accounting_period = optional.lookup(
        "ledger.AccountingPeriod", "The period it is booked in.", models.PROTECT
    )
    financial_period = optional.lookup(
        "ledger.AccountingPeriod", "The period its revenue belongs to.", models.PROTECT
    )
    period_start_date = optional.day("First day it is about.")
    period_end_date = optional.day("Last day it is about.")
    pre_period_enforce_date = optional.day(
        "Day it would be booked on, had that day's period not been closed.",
        verbose_name="date before period enforcement",
    )
    je_type = optional.text(100, "Kind of the journal entry.", verbose_name="journal entry type")
    journal_entry_id = optional.text(
        100, "What the sides of one entry have in common.", db_index=True
    )
    transaction_id = optional.text(100, "What entries of one event have in common.")
    source = optional.text(255, "What made the entry.")
    reversal_status = optional.text(100, "Whether it reverses another entry, or is reversed.")
    catch_up_adjustment_flag = FlagField(
        help_text="It makes up for what earlier periods would have had."
    )

    # What it was made from
    account = optional.lookup("customers.Account", "The customer it is about.", models.PROTECT)
    financial_criteria = optional.past("ledger.FinancialCriteria", "The rule that made it.")
    entity = optional.lookup(
        "entities.Entity",
        "The entity of the record it was made from.",
        models.PROTECT,
        db_index=False,
    )
    object_id = optional.number_of("Id of the record it was made from.")
    invoice = optional.past("invoicing.Invoice", "The invoice it was made from.")
    billing_activity = optional.past("mediation.Activity", "The charge it was made from.")
    payment = optional.past("receivables.Payment", "The payment it was made from.")
    credit = optional.past("receivables.Credit", "The credit it was made from.")
    refund = optional.past("receivables.Refund", "The refund it was made from.")
    payment_item_invoice_detail_id = optional.number_of(
        "Id of the part of a payment that covers a charge."
    )
    credit_item_invoice_detail_id = optional.number_of(
        "Id of the part of a credit that covers a charge."
    )
    accrual_id = optional.number_of("Id of the accrual it was made from.")

    # Revenue
    origin_revenue_contract = optional.past(
        "recognition.RevrecContract", "The revenue contract it comes from."
    )
    origin_revenue_contract_product_id = optional.number_of(
        "Id of the product of that revenue contract."
    )
    rev_rec_contract_product_id = optional.number_of(
        "Id of the revenue contract product it counts for.",
        verbose_name="revenue contract product id",
    )
    revrec_contract_product_event_id = optional.number_of(
        "Id of the event of that product.", verbose_name="revenue contract product event id"
    )
    performance_obligation = optional.number_of("Id of the obligation that was met.")

    brm = EntityOptions(
        name="GENERAL_LEDGER_TRANSACTION",
        names={"currency": "CurrencyCode", "je_type": "JEType"},
        title="journal_entry_id",
    )

    class Meta:
        verbose_name = "general ledger transaction"
        verbose_name_plural = "general ledger transactions"
        constraints = [
            models.CheckConstraint(
                condition=Q(period_end_date__gte=F("period_start_date")),
                name="ledger_transaction_period_ends_after_start",
                violation_error_message="PeriodEndDate is not before PeriodStartDate",
            ),
        ]
        indexes = [
            models.Index(
                fields=["entity", "object_id"],
                condition=Q(object_id__isnull=False),
                name="ledger_transaction_object",
            ),
            models.Index(
                fields=["invoice"],
                condition=Q(invoice__isnull=False),
                name="ledger_transaction_invoice",
            ),
            models.Index(
                fields=["billing_activity"],
                condition=Q(billing_activity__isnull=False),
                name="ledger_transaction_activity",
            ),
        ]
