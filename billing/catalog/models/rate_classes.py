"""Rate classes: price lists kept in one place and inherited by the contracts that name them."""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, ListField


class RateClass(EntityModel):
    """A price list kept in one place; a change reaches every contract that inherits it."""

    name = models.CharField(max_length=255, help_text="Name of the rate class; unique.")
    description = models.TextField(
        null=True, blank=True, help_text="For whom and for what the rate class is meant."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether contracts may inherit it."
    )
    effective_date = models.DateField(
        null=True, blank=True, help_text="First day it may price anything; empty = always."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day it may price anything; empty = no end."
    )

    brm = EntityOptions(name="RATE_CLASS", external_keys=("name",))

    class Meta:
        verbose_name = "rate class"
        verbose_name_plural = "rate classes"
        constraints = [
            live_unique("catalog_rateclass", "name"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="catalog_rateclass_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
        ]


class RateClassProduct(ExternallyKeyed, EntityModel):
    """A product's entry in a rate class: its rating method there, and the owner of its prices."""

    rate_class = models.ForeignKey(
        RateClass, models.CASCADE, related_name="+", help_text="The rate class it belongs to."
    )
    product = models.ForeignKey(
        "catalog.Product",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product that is priced.",
    )
    package = models.ForeignKey(
        "catalog.Package",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The package inside which the price holds; empty = everywhere.",
    )
    package_product = models.ForeignKey(
        "catalog.PackageProduct",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The package product that is priced, instead of a product.",
    )
    rating_method = models.ForeignKey(
        "catalog.RatingMethod",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="How the product is charged under this rate class, where it differs.",
    )
    start_date = models.DateField(
        null=True, blank=True, help_text="First day of the entry; empty = that of the rate class."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the entry; empty = that of the rate class."
    )

    brm = EntityOptions(
        name="RATE_CLASS_PRODUCT",
        external_keys=("external_key",),
        title="external_key",
        described_by=("rate_class", "product", "package", "package_product"),
        example={"ProductId": "17"},
    )

    class Meta:
        verbose_name = "rate class product"
        verbose_name_plural = "rate class products"
        constraints = [
            live_unique("catalog_rateclassproduct", "external_key"),
            models.CheckConstraint(
                condition=Q(product__isnull=False) | Q(package_product__isnull=False),
                name="catalog_rateclassproduct_prices_something",
                violation_error_message="ProductId or PackageProductId says what is priced",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="catalog_rateclassproduct_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
