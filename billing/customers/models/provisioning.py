"""What an account has: the packages and products provisioned to it.

An account product is what gets charged. It came by itself, or as part of an account package, or
under another account product.
"""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import Computed, EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ListField, MoneyField, QuantityField


class AccountPackage(ExternallyKeyed, EntityModel):
    """A package provisioned to an account, perhaps under a contract."""

    account = models.ForeignKey(
        "customers.Account", models.PROTECT, related_name="+", help_text="The account that has it."
    )
    package = models.ForeignKey(
        "catalog.Package", models.PROTECT, related_name="+", help_text="The package."
    )
    contract = models.ForeignKey(
        "customers.Contract",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The contract it is provisioned under.",
    )
    start_date = models.DateField(help_text="First day, not before the contract's.")
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day, not after the contract's; empty = no end."
    )
    renewal_start_date = models.DateField(
        null=True, blank=True, help_text="First day of the running renewal."
    )

    brm = EntityOptions(
        name="ACCOUNT_PACKAGE",
        external_keys=("external_key",),
        title="package",
        described_by=("account", "package"),
    )

    class Meta:
        verbose_name = "account package"
        verbose_name_plural = "account packages"
        constraints = [
            live_unique("customers_accountpackage", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_accountpackage_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]


class AccountProduct(ExternallyKeyed, EntityModel):
    """A product provisioned to an account: how many, from when to when, under which contract."""

    name = models.CharField(
        max_length=255, null=True, blank=True, help_text="What the account calls it."
    )
    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        db_index=False,
        related_name="+",
        help_text="The account that has it.",
    )
    product = models.ForeignKey(
        "catalog.Product",
        models.PROTECT,
        related_name="+",
        help_text="The product; follows from the package product where that is given.",
    )
    account_package = models.ForeignKey(
        AccountPackage,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account package it came with.",
    )
    package_product = models.ForeignKey(
        "catalog.PackageProduct",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Its place in the package.",
    )
    parent_customer_product = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="parent account product",
        help_text="The account product it is part of.",
    )
    contract = models.ForeignKey(
        "customers.Contract",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The contract it is provisioned under.",
    )
    status = ListField(
        values=("ACTIVE", "PENDING", "SUSPENDED", "DEACTIVATED"),
        default="ACTIVE",
        help_text="Whether it is charged.",
    )
    quantity = QuantityField(default=1, help_text="How many units the account has.")
    start_date = models.DateField(help_text="First day of the service.")
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the service; empty = no end."
    )
    billing_cycle_start_date = models.DateField(
        null=True,
        blank=True,
        help_text="Day from which its cycles count, to make it renew together with others.",
    )
    trial_end_date = models.DateField(null=True, blank=True, help_text="Last day of the trial.")
    renewal_start_date = models.DateField(
        null=True, blank=True, help_text="First day of the running renewal."
    )
    renewal_date = models.DateField(
        null=True, blank=True, help_text="Day on which the next charge will be made."
    )
    rating_method = models.ForeignKey(
        "catalog.RatingMethod",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="How it is charged for this account, where it differs.",
    )
    rate_override = MoneyField(
        null=True, blank=True, help_text="Rate for this account instead of any other price."
    )
    usage_identifier = optional.lookup(
        "catalog.UsageIdentifier",
        "Collected usage that raises this label is charged to this account product.",
        models.PROTECT,
    )
    discount_voucher_balance = MoneyField(
        null=True,
        blank=True,
        help_text="What is left of a discount voucher, as whoever keeps it says: discounts neither "
        "draw on it nor change it.",
    )
    order_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the order it was bought with."
    )
    quote_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the quote it was offered in."
    )
    quote_product_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the quoted product it was made from."
    )
    edit_modify_contract = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        help_text="Whether the change edits the contract or modifies it.",
    )
    contract_modification_method = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        help_text="How a modification of the contract is accounted for.",
    )
    contract_modification_date = models.DateField(
        null=True, blank=True, help_text="Day from which the modification counts."
    )
    rev_rec_contract_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="revenue contract id",
        help_text="Id of the revenue contract its revenue is recognised under.",
    )
    create_new_rev_rec_contract = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        verbose_name="create new revenue contract",
        help_text="Whether the change opens a revenue contract of its own.",
    )
    update_rev_rec_contract_product = ListField(
        values=(
            "Update and Activate Contract Change",
            "Update as a Draft Contract Change",
            "Do Not Update",
        ),
        null=True,
        blank=True,
        verbose_name="update revenue contract product",
        help_text="How a change reaches the revenue contract.",
    )
    rev_rec_fields_to_update = models.TextField(
        null=True,
        blank=True,
        verbose_name="revenue fields to update",
        help_text="API names of the fields a change carries to the revenue contract.",
    )
    sf_record_id = optional.text(
        100, "Id of its counterpart in Salesforce.", verbose_name="Salesforce record id"
    )
    sf_last_sync = optional.moment(
        "When it was last brought in line with it.", verbose_name="Salesforce last sync"
    )
    sf_sync_batch_id = optional.text(
        100, "Id of the batch that did it.", verbose_name="Salesforce batch id"
    )
    sf_status_error = optional.text(
        4000, "Why it could not be brought in line.", verbose_name="Salesforce error"
    )

    brm = EntityOptions(
        name="ACCOUNT_PRODUCT",
        external_keys=("external_key",),
        computed=(
            Computed(
                name="PrepaidRemaining",
                data_type="DECIMAL",
                sql="""(
            SELECT greatest(0, prepaid.included - prepaid.quantity)
            FROM rating_accumulatorvalue prepaid
            WHERE prepaid.scope_id = {t}.id AND prepaid.level = 'Prepaid')""",
                help="Units of prepaid usage that are left.",
            ),
        ),
        described_by=("account", "product"),
    )

    class Meta:
        verbose_name = "account product"
        verbose_name_plural = "account products"
        constraints = [
            live_unique("customers_accountproduct", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_accountproduct_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "status"], name="customers_acctproduct_account"),
            models.Index(fields=["renewal_date"], name="customers_acctproduct_renewal"),
        ]
