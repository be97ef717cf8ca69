"""Billing profiles: to whom, when and how an account is invoiced, and how it pays.

Numbers of cards and bank accounts are never kept: a card is known by its gateway's token and its
last four digits, a bank account by its last four digits and the mandate's reference.
"""

from django.db import models
from django.db.models import Q

from metabrm.entity import Computed, EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField, MoneyField
from metabrm.shorthand import choice, text

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# A week that begins on each day: "Monday - Sunday", "Tuesday - Monday", ...
WEEKS = tuple(f"{first} - {WEEKDAYS[place - 1]}" for place, first in enumerate(WEEKDAYS))

# The months in which quarters and half-years close: "March, June, September, December", ...
QUARTERS = tuple(", ".join(MONTHS[first::3]) for first in (2, 0, 1))
HALF_YEARS = tuple(", ".join(MONTHS[first::6]) for first in (5, 0, 1, 2, 3, 4))


# The balance as text, such as `$12.50`: the currency's sign (or its code) and decimals.
ACCOUNT_BALANCE = Computed(
    name="AccountBalance",
    data_type="TEXT",
    sql="""(
        SELECT CASE WHEN {t}.account_balance_number < 0 THEN '-' ELSE '' END ||
               coalesce(c.currency_sign, c.currency_code) ||
               round(abs({t}.account_balance_number), c.decimal_places)::text
        FROM localization_currency c WHERE c.currency_code = {t}.currency_code)""",
    help="What the customer owes, to read; AccountBalanceNumber is the figure.",
)


class BillingProfile(ExternallyKeyed, EntityModel):
    """How an account is invoiced: address, cycle, currency, terms, delivery, way of payment."""

    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        related_name="+",
        help_text="The account that is invoiced.",
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether invoices are made from it."
    )
    hosted_payment_page_external_id = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        verbose_name="hosted payment page id",
        help_text="How payment pages name the profile; unique, made when not sent.",
    )
    billing_entity = text(255, "The company of ours that sends the invoices.")

    # Who and where, as printed on the invoice
    bill_to = models.CharField(max_length=255, help_text="Name the invoice is addressed to.")
    attention = text(255, "For whose attention.")
    address1 = models.CharField(
        max_length=255, verbose_name="address line 1", help_text="First line of the address."
    )
    address2 = text(255, "Second line of the address.", verbose_name="address line 2")
    city = text(100, "City.")
    state = text(100, "State, province or county.")
    zip = text(30, "Postal code.", verbose_name="postal code")
    country = text(100, "Country, as printed on the invoice.")
    email = text(1000, "Where invoices are mailed to; several addresses are joined by commas.")
    phone = text(50, "Telephone number.")
    fax = text(50, "Fax number.")
    national_identity_number = text(100, "The customer's tax or identity number.")
    customer_ref_num = text(
        100,
        "The customer's own reference, printed on the invoice.",
        verbose_name="customer reference number",
    )

    # Cycle and closing
    currency = models.ForeignKey(
        "localization.Currency",
        models.PROTECT,
        to_field="currency_code",
        db_column="currency_code",
        db_index=False,
        related_name="+",
        help_text="Currency of the invoices, by its code.",
    )
    allow_pricing_in_other_currency = FlagField(
        help_text="Charges priced in other currencies are converted to the profile's. There are no "
        "exchange rates to do so with: prices in other currencies count nowhere."
    )
    time_zone = models.ForeignKey(
        "localization.TimeZone",
        models.PROTECT,
        db_index=False,
        related_name="+",
        help_text="In whose days invoices close and rates and services begin and end.",
    )
    billing_cycle = ListField(
        values=(
            "DAILY",
            "WEEKLY",
            "BIWEEKLY",
            "SEMI-MONTHLY",
            "MONTHLY",
            "QUARTERLY",
            "SEMI-ANNUAL",
            "YEARLY",
            "MANUAL",
        ),
        help_text="How often an invoice closes.",
    )
    ini_billing_start_date = models.DateField(
        null=True,
        blank=True,
        verbose_name="first billing start date",
        help_text="First day of the first invoice; empty = that of the first charge.",
    )
    monthly_billing_date = models.IntegerField(
        help_text="Day of the month on which an invoice closes; 31 = the last day."
    )
    weekly_billing_date = choice(WEEKS, "First and last day of a weekly cycle.")
    quarterly_billing_month = choice(QUARTERS, "Months in which quarterly cycles close.")
    semi_annual_billing_month = ListField(
        values=HALF_YEARS,
        default="June, December",
        help_text="Months in which half-yearly cycles close.",
    )
    yearly_billing_month = choice(MONTHS, "Month in which a yearly cycle closes.")
    calendar_type = choice(
        ("4-5-4", "4-4-5", "5-4-4"),
        "Weeks per month of the customer's retail calendar; empty = the common calendar.",
    )
    calendar_closing_month = choice(MONTHS, "Month in which the retail year closes.")
    calendar_closing_weekday = choice(WEEKDAYS, "Day of the week on which a retail month closes.")
    inv_grace_days_before_closing = models.IntegerField(
        null=True,
        blank=True,
        verbose_name="grace days before closing",
        help_text="Days an invoice waits after its last day before it closes.",
    )
    manual_close_flag = FlagField(help_text="Invoices close only by hand.")
    invoice_approval_flag = FlagField(help_text="Closed invoices wait for approval.")
    statement_approval_flag = FlagField(help_text="Statements wait for approval.")
    event_based_billing = FlagField(
        help_text="Event invoice cycles may close invoices apart from the billing cycle."
    )
    event_group_type = text(100, "By what the charges of event invoices are grouped.")

    # Documents and delivery
    invoice_template = models.ForeignKey(
        "invoicing.InvoiceTemplate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What the invoices look like; empty = the default template.",
    )
    invoice_delivery_method = choice(("MAIL", "EMAIL"), "How invoices reach the customer.")
    invoice_file_format = text(20, "File format of the invoices.")
    disable_pdf_generation_on_invoice_close = FlagField(
        verbose_name="disable PDF generation on invoice close",
        help_text="No document is made when an invoice closes.",
    )
    e_invoice_profile = text(255, "Profile that electronic invoices are sent by.")
    e_invoice_template = text(255, "Template of electronic invoices.")
    e_credit_template = text(255, "Template of electronic credit notes.")

    # Payment
    payment_term_days = models.IntegerField(
        help_text="Days from closing until an invoice is due; 0 = at once."
    )
    billing_method = ListField(
        values=("MAIL", "Electronic Payment"),
        help_text="The customer pays on receipt of the invoice, or is charged electronically.",
    )
    dunning_interval = models.ForeignKey(
        "collections_mgmt.DunningInterval",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="dunning process",
        help_text="How overdue invoices are dunned.",
    )
    credit_card_token = text(255, "The payment gateway's token of the card.")
    credit_card_type = text(50, "Brand of the card.")
    credit_card_name = text(255, "Name on the card.", verbose_name="name on credit card")
    credit_card_exp_date = text(
        10, "Month and year in which the card expires.", verbose_name="credit card expiry"
    )
    credit_card_last_four = text(4, "Last four digits of the card.")
    ach_bank_name = text(255, "Name of the bank.", verbose_name="bank name")
    ach_branch_code = text(50, "Code of the bank's branch.", verbose_name="branch code")
    ach_bank_aba_code = text(50, "Routing number of the bank.", verbose_name="bank routing number")
    ach_bank_acct_name = text(255, "Holder of the account.", verbose_name="bank account holder")
    ach_bank_acct_num = text(
        50,
        "Number of the account. Only its last four characters are kept: ****6789.",
        verbose_name="bank account number",
    )
    ach_bank_acct_type = choice(
        ("Personal Checking", "Personal Savings", "Business Checking", "Business Savings"),
        "Kind of account.",
        verbose_name="bank account type",
    )
    ach_echeck_type = text(50, "Kind of electronic cheque.", verbose_name="e-check type")
    ach_scheme = text(50, "Direct debit scheme.", verbose_name="direct debit scheme")
    ach_unique_ref = text(
        255,
        "The payment gateway's reference of the account.",
        verbose_name="bank account reference",
    )
    ach_mandate_enabled_flag = FlagField(
        verbose_name="mandate enabled", help_text="The customer has given a direct debit mandate."
    )
    ach_mandate_reference = text(255, "Reference of the mandate.", verbose_name="mandate reference")
    ach_mandate_country = text(100, "Country of the mandate.", verbose_name="mandate country")
    ach_mandate_state = text(100, "State of the mandate.", verbose_name="mandate state")
    ach_mandate_status = text(50, "Whether the mandate is in force.", verbose_name="mandate status")
    ach_mandate_status_modify_date = models.DateTimeField(
        null=True,
        blank=True,
        verbose_name="mandate status changed",
        help_text="When the mandate's status last changed.",
    )

    account_balance_number = MoneyField(
        default=0,
        db_default=0,
        currency_source="CurrencyCode",
        help_text="What the customer owes; negative is money on account. Kept by receivables.",
    )

    brm = EntityOptions(
        name="BILLING_PROFILE",
        names={
            "currency": "CurrencyCode",
            "dunning_interval": "DunningInterval",
            "disable_pdf_generation_on_invoice_close": "DisablePDFGenerationOnInvoiceClose",
        },
        external_keys=("hosted_payment_page_external_id", "external_key"),
        title="bill_to",
        read_only=("account_balance_number",),
        computed=(ACCOUNT_BALANCE,),
        unaudited=("credit_card_token",),
        refused={
            "CreditCardNumber": "Card numbers are not kept. Send the payment gateway's "
            "CreditCardToken, and CreditCardLastFour to recognise the card by.",
            "CreditCardCCV": "Card verification codes are not kept. Send the payment gateway's "
            "CreditCardToken.",
        },
    )

    class Meta:
        verbose_name = "billing profile"
        verbose_name_plural = "billing profiles"
        constraints = [
            live_unique("customers_billingprofile", "hosted_payment_page_external_id"),
            live_unique("customers_billingprofile", "external_key"),
            models.CheckConstraint(
                condition=Q(monthly_billing_date__range=(1, 31)),
                name="customers_billingprofile_monthly_billing_date_range",
                violation_error_message="MonthlyBillingDate is a day from 1 to 31; 31 = the last",
            ),
            models.CheckConstraint(
                condition=Q(payment_term_days__range=(0, 3650)),
                name="customers_billingprofile_payment_term_days_range",
                violation_error_message="PaymentTermDays is a number of days from 0 to 3650",
            ),
            models.CheckConstraint(
                condition=Q(inv_grace_days_before_closing__range=(0, 365)),
                name="customers_billingprofile_grace_days_range",
                violation_error_message="InvGraceDaysBeforeClosing is 0 to 365 days",
            ),
            models.CheckConstraint(
                condition=Q(credit_card_last_four__regex=r"^[0-9]{4}$"),
                name="customers_billingprofile_card_last_four_only",
                violation_error_message="CreditCardLastFour is the last four digits of the card",
            ),
            models.CheckConstraint(
                condition=Q(ach_bank_acct_num__regex=r"^\*{4}[^*]{1,4}$"),
                name="customers_billingprofile_bank_last_four_only",
                violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
            ),
        ]
