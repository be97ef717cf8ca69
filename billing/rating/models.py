"""What rating remembers: how much of a sum over tiers has been used in a period."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.entity import CoreModel, EntityOptions
from metabrm.fields import QuantityField


class AccumulatorValue(CoreModel):
    """What the usage of a period has come to, over which its tier is found."""

    level = models.CharField(
        max_length=20, help_text="Over what it adds up: Package, Product, Account, Invoice."
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
