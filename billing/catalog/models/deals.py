"""What a rating method makes of other charges: discounts, trials, fees, taxes, commitments."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.fields import FlagField, ListField

#: What charges a discount, or what makes eligible for it, is designated by.
DESIGNATED_BY = ("All charges", "Account package", "Parent account product", "Filter")


class Deals(models.Model):
    """The settings of what depends on other charges, in the order of the kinds."""

    # Discount
    discount_type = optional.choice(
        ("Standard", "Conditional"),
        "Standard: whenever its targets are charged. Conditional: when eligible charges exist.",
    )
    discount_pricing_type = optional.choice(
        ("Percentage Off", "Fixed Amount"), "What the discount's rate means."
    )
    discount_priority = models.IntegerField(
        null=True, blank=True, help_text="Place in the order in which discounts apply, low first."
    )
    propagate_to_hierarchy = FlagField(
        verbose_name="propagate charges to hierarchy",
        help_text="All accounts below the one that has the discount or fee have it, too, each for "
        "itself.",
    )
    discount_apply_to = optional.choice(
        ("All charges", "Recurring charges", "Usage charges", "One time charges"),
        "To what kind of charges the discount applies; empty = all.",
    )
    discount_appl_method = optional.choice(
        ("Proportional", "In order", "Each charge"),
        "How a fixed amount is spread over the target charges: by their amounts (also where this "
        "is empty), from the earliest one on, or as often as there are charges.",
        verbose_name="discount application method",
    )
    discount_itemize = FlagField(
        help_text="The discount is printed per charge it lowers; else per product."
    )
    designate_discount_eligable_charges_by = optional.choice(
        DESIGNATED_BY, "How the charges that make an account eligible are chosen."
    )
    discount_eligable_filter_logic = optional.long_text(
        "Which charges make eligible, as filters with logic."
    )
    discount_elig_cond = optional.text(
        100,
        "The condition the eligible charges must meet: >= 100; empty = that there are any.",
        verbose_name="discount eligibility condition",
    )
    discount_elig_unit_meas = optional.choice(
        ("Amount", "Quantity", "Charges"),
        "In what the condition, or the tiers of the discount, are measured: the amount of the "
        "charges (also where this is empty), their units, their number.",
        verbose_name="discount eligibility unit of measure",
    )
    designate_discount_target_charges_by = optional.choice(
        DESIGNATED_BY, "How the charges that are lowered are chosen."
    )
    discount_target_filter_logic = optional.long_text(
        "Which charges are lowered, as filters with logic."
    )
    discount_limited_usage = FlagField(
        help_text="The discount may be used a limited number of times."
    )
    discount_max_number_of_uses = optional.count("How often the discount may be used.")
    discount_use_per = optional.choice(
        ("Account", "Product", "Invoice"),
        "Per what the uses are counted: billing periods of an account (also where this is empty), "
        "of each product that is lowered, or charges on one invoice.",
    )

    # Trial
    trial_duration = optional.count("Length of the trial in days.")
    trial_rate_type = optional.text(100, "What is charged during the trial.")
    trial_target = optional.text(100, "To which charges the trial applies.")
    trial_max_number_uses = optional.count("How often the trial may be used.")
    trial_use_per = optional.text(100, "Per what the uses are counted: account, product, invoice.")
    change_to_product_by_default = models.ForeignKey(
        "catalog.Product",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product that follows when the trial ends.",
    )

    # Late fee and per-invoice fee
    charge_type = ListField(
        values=("Per Invoice", "Percentage"),
        default="Per Invoice",
        help_text="A fee of a fixed amount per invoice, or a percentage of the invoice's total.",
    )
    late_fee_type = optional.choice(
        ("Overdue balance", "Overdue invoice"),
        "Of what a percentage is the late fee: of what is unpaid (also where this is empty), or of "
        "the invoice's total.",
    )

    # Tax
    tax_application = ListField(
        values=("Per Invoice", "Per Product"),
        default="Per Invoice",
        help_text="The tax is reckoned once per invoice or for each product.",
    )
    tax_applicable_to = ListField(
        values=("All Products", "Filtered Products"),
        default="All Products",
        help_text="The tax applies to all products or to those of TaxProductFilterLogic.",
    )
    tax_product_filter_logic = optional.long_text(
        "Which products are taxed, as filters joined by logic."
    )
    tax_rate_date = optional.text(100, "Which date decides the tax rate.")

    # Revenue commitment
    cmt_input_method = optional.choice(
        ("Amount", "Quantity"),
        "How the commitment is entered: as money (also where this is empty) or as units.",
        verbose_name="CMT input method",
    )
    cmt_quantity = optional.quantity(
        "What is committed to, in units or money.", verbose_name="CMT quantity"
    )
    cmt_rate_method = optional.choice(
        ("Shortfall", "Percentage"),
        "How a shortfall is charged: times the rate (also where this is empty), or as that "
        "percentage of it.",
        verbose_name="CMT rate method",
    )
    cmt_scope = optional.choice(
        ("Account", "Account hierarchy", "Account package", "Contract"),
        "Whose charges count towards the commitment; empty = the account's.",
        verbose_name="CMT scope",
    )
    cmt_inclusion_logic = optional.long_text(
        "Which charges count towards it, as filters with logic.", verbose_name="CMT inclusion logic"
    )
    cmt_tax_flag = FlagField(
        verbose_name="CMT tax included",
        help_text="The commitment is measured with tax included: charge lines of taxes count "
        "towards it, too; what only an invoice adds does not.",
    )
    cmt_term_duration = optional.text(
        100,
        "How long the commitment runs before it is settled: 1 month, 12 months.",
        verbose_name="CMT term duration",
    )

    class Meta:
        abstract = True
