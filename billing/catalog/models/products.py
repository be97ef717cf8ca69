"""Products and the packages that bundle them.

A product says what is charged for, its rating method says how. A package product is a product's
place inside a package; it may bring its own rating method and its own prices.
"""

from django.db import models
from django.db.models import F, Q

from billing.catalog.models.display import rate_display
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField, MoneyField, QuantityField


class Product(ExternallyKeyed, EntityModel):
    """Something that can be charged for; its rating method and its prices say how and how much."""

    name = models.CharField(max_length=255, help_text="Name of the product, as it is sold.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the product may be provisioned."
    )
    rating_method = models.ForeignKey(
        "catalog.RatingMethod",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="How the product is charged unless a package or an account says otherwise.",
    )
    default_rate_flag = FlagField(
        help_text="The product has default prices that hold where nobody agreed on others."
    )
    override_permissions = ListField(
        values=(
            "No Restriction",
            "Restrict Rating Method Override",
            "Restrict Rate Override",
        ),
        default="Restrict Rating Method Override",
        help_text="What accounts, packages and contracts may override: rating method and rate, "
        "the rate only, or neither.",
    )
    contract_required_flag = FlagField(
        help_text="Only a contract rate may price the product; without one an alert is raised."
    )
    restrict_use_of_unreferenced_contracts = FlagField(
        help_text="Prices come only from the contract that the account product names."
    )
    usage_identifier = optional.lookup(
        "catalog.UsageIdentifier",
        "Collected usage that raises this label is charged as this product.",
        models.PROTECT,
    )
    order_of_execution = models.IntegerField(
        null=True,
        blank=True,
        help_text="Place in the order in which products are rated, low first.",
    )
    ranking = models.IntegerField(
        null=True, blank=True, help_text="Place in lists and on invoices, low first."
    )
    customize_tax_rules = FlagField(
        help_text="The product's own tax rules replace those of the system."
    )
    use_formula_ssp = FlagField(
        verbose_name="use formula for SSP",
        help_text="The standalone selling price comes from SSPFormula instead of PRICING.SSP.",
    )
    ssp_formula = models.TextField(
        null=True,
        blank=True,
        verbose_name="SSP formula",
        help_text="Formula of the standalone selling price.",
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
        name="PRODUCT",
        names={"use_formula_ssp": "UseFormulaSSP", "ssp_formula": "SSPFormula"},
        external_keys=("external_key",),
        computed=(rate_display("product_id"),),
    )

    class Meta:
        verbose_name = "product"
        verbose_name_plural = "products"
        constraints = [live_unique("catalog_product", "external_key")]
        indexes = [models.Index(fields=["name"], name="catalog_product_name")]


class Package(EntityModel):
    """A bundle: a set of products that is priced and provisioned together."""

    name = models.CharField(max_length=255, help_text="Name of the package; unique.")
    package_status = ListField(
        values=("Production", "In Development"),
        default="Production",
        help_text="A package in production can be provisioned, one in development cannot.",
    )

    brm = EntityOptions(name="PACKAGE", external_keys=("name",))

    class Meta:
        verbose_name = "package"
        verbose_name_plural = "packages"
        constraints = [live_unique("catalog_package", "name")]


class PackageProduct(EntityModel):
    """A product that belongs to a package, with the quantities in which it may be taken."""

    name = models.CharField(
        max_length=255, help_text="Name of the product in the package; unique over all packages."
    )
    package = models.ForeignKey(
        Package, models.CASCADE, related_name="+", help_text="The package it belongs to."
    )
    product = models.ForeignKey(
        Product,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product; empty where a whole package is linked in.",
    )
    min_qty = QuantityField(
        verbose_name="minimum quantity", help_text="Least quantity that can be taken; 0 = optional."
    )
    max_qty = QuantityField(
        null=True,
        blank=True,
        verbose_name="maximum quantity",
        help_text="Greatest quantity that can be taken; empty = no limit.",
    )
    rating_method = models.ForeignKey(
        "catalog.RatingMethod",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="How the product is charged in this package, where it differs.",
    )
    usage_identifier = optional.lookup(
        "catalog.UsageIdentifier",
        "Collected usage that raises this label is charged as this product of the package.",
        models.PROTECT,
    )
    allow_price_override = FlagField(
        help_text="Accounts may be given other prices than the package's."
    )
    rate_override = MoneyField(
        null=True, blank=True, help_text="Rate in this package instead of the product's own."
    )
    parent_package_product = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The package product under which this one is listed and chosen.",
    )
    parent_component_label = models.CharField(
        max_length=255, null=True, blank=True, help_text="Heading of the group it is listed under."
    )
    link_package = models.ForeignKey(
        Package,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="A package that comes along with this one.",
    )
    link_package_product = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product of the linked package that stands in this place.",
    )

    brm = EntityOptions(
        name="PACKAGE_PRODUCT",
        external_keys=("name",),
        computed=(rate_display("package_product_id"),),
    )

    class Meta:
        verbose_name = "package product"
        verbose_name_plural = "package products"
        constraints = [
            live_unique("catalog_packageproduct", "name"),
            models.CheckConstraint(
                condition=Q(min_qty__gte=0),
                name="catalog_packageproduct_min_qty_not_negative",
                violation_error_message="MinQty is 0 or more",
            ),
            models.CheckConstraint(
                condition=Q(max_qty__gte=F("min_qty")),
                name="catalog_packageproduct_max_qty_from_min_qty",
                violation_error_message="MaxQty is not less than MinQty, or empty for no limit",
            ),
        ]


class PackageCurrency(ExternallyKeyed, EntityModel):
    """A currency that a package can be sold in."""

    package = models.ForeignKey(
        Package,
        models.CASCADE,
        db_index=False,
        related_name="+",
        help_text="The package that is sold.",
    )
    currency = models.ForeignKey(
        "localization.Currency",
        models.PROTECT,
        to_field="currency_code",
        db_column="currency_code",
        db_index=False,
        related_name="+",
        help_text="The currency it is sold in, by its code.",
    )

    brm = EntityOptions(
        name="PACKAGE_CURRENCY",
        names={"currency": "CurrencyCode"},
        external_keys=("external_key",),
        title="currency",
        described_by=("package", "currency"),
    )

    class Meta:
        verbose_name = "package currency"
        verbose_name_plural = "package currencies"
        constraints = [
            live_unique("catalog_packagecurrency", "external_key"),
            live_unique("catalog_packagecurrency", "package", "currency"),
        ]
        indexes = [models.Index(fields=["package"], name="catalog_pkgcurrency_package")]
