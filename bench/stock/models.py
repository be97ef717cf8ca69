"""The account product and what it points to, as plain Django models over tables that exist."""

from django.db import models


class Account(models.Model):
    class Meta:
        managed = False
        db_table = "customers_account"


class Product(models.Model):
    class Meta:
        managed = False
        db_table = "catalog_product"


class RatingMethod(models.Model):
    class Meta:
        managed = False
        db_table = "catalog_ratingmethod"


class AccountProduct(models.Model):
    """The 20 fields of the benches; the table's other columns are empty."""

    STATUSES = [(s, s) for s in ("ACTIVE", "PENDING", "SUSPENDED", "DEACTIVATED")]
    UPDATES = [
        (s, s)
        for s in (
            "Update and Activate Contract Change",
            "Update as a Draft Contract Change",
            "Do Not Update",
        )
    ]

    external_key = models.CharField(max_length=255, null=True, blank=True, unique=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    account = models.ForeignKey(Account, models.PROTECT)
    product = models.ForeignKey(Product, models.PROTECT)
    rating_method = models.ForeignKey(RatingMethod, models.PROTECT, null=True, blank=True)
    status = models.CharField(max_length=100, choices=STATUSES, default="ACTIVE")
    quantity = models.DecimalField(max_digits=28, decimal_places=10, default=1)
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)
    billing_cycle_start_date = models.DateField(null=True, blank=True)
    trial_end_date = models.DateField(null=True, blank=True)
    renewal_start_date = models.DateField(null=True, blank=True)
    renewal_date = models.DateField(null=True, blank=True)
    rate_override = models.DecimalField(max_digits=28, decimal_places=10, null=True, blank=True)
    discount_voucher_balance = models.DecimalField(
        max_digits=28, decimal_places=10, null=True, blank=True
    )
    order_id = models.BigIntegerField(null=True, blank=True)
    quote_id = models.BigIntegerField(null=True, blank=True)
    edit_modify_contract = models.CharField(max_length=100, null=True, blank=True)
    contract_modification_method = models.CharField(max_length=100, null=True, blank=True)
    update_rev_rec_contract_product = models.CharField(
        max_length=100, choices=UPDATES, null=True, blank=True
    )
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        managed = False
        db_table = "stock_accountproduct"
