"""The account product and what it points to, as plain Django models over tables that exist."""

from collections.abc import Callable
from typing import Any

from django.db import models

from bench.metadata.wide import STOCK_TABLE, kinds, stock_name


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


_FIELDS: dict[str, Callable[[], models.Field]] = {
    "TEXT": lambda: models.CharField(max_length=255, null=True, blank=True),
    "LONG_TEXT": lambda: models.TextField(null=True, blank=True),
    "INTEGER": lambda: models.BigIntegerField(null=True, blank=True),
    "DECIMAL": lambda: models.DecimalField(max_digits=28, decimal_places=10, null=True),
    "MONEY": lambda: models.DecimalField(max_digits=28, decimal_places=10, null=True),
    "PERCENT": lambda: models.DecimalField(max_digits=28, decimal_places=10, null=True),
    "DATE": lambda: models.DateField(null=True, blank=True),
    "DATETIME": lambda: models.DateTimeField(null=True, blank=True),
    "FLAG": lambda: models.BooleanField(null=True),
    "EMAIL": lambda: models.EmailField(null=True, blank=True),
    "URL": lambda: models.URLField(null=True, blank=True),
}


def _wide() -> type[models.Model]:
    """The wide entity of the metadata benches, as one would have written it by hand."""
    attributes: dict[str, Any] = {
        stock_name(name): _FIELDS[kind]() for name, kind in kinds().items() if kind in _FIELDS
    }
    attributes["code"] = models.CharField(max_length=255, null=True, blank=True, unique=True)
    attributes["name"] = models.CharField(max_length=255)
    attributes["account"] = models.ForeignKey(Account, models.PROTECT, null=True, blank=True)
    attributes["product"] = models.ForeignKey(Product, models.PROTECT, null=True, blank=True)
    attributes["created"] = models.DateTimeField(auto_now_add=True)
    attributes["updated"] = models.DateTimeField(auto_now=True)
    attributes["Meta"] = type("Meta", (), {"managed": False, "db_table": STOCK_TABLE})
    return type("Wide", (models.Model,), {"__module__": __name__, **attributes})


Wide = _wide()
