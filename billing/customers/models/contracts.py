"""Contracts: prices and terms agreed with an account for a time."""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ListField


class Contract(EntityModel):
    """An agreement with an account; its rates price what is provisioned under it."""

    contract_number = models.CharField(max_length=255, help_text="Number of the contract; unique.")
    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        related_name="+",
        help_text="The account the contract was made with.",
    )
    contract_status = ListField(
        values=("ACTIVE", "DRAFT", "EXPIRED", "TERMINATED", "DEACTIVATED"),
        default="ACTIVE",
        help_text="Whether the contract is in force.",
    )
    start_date = models.DateField(help_text="First day of the contract.")
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the contract; empty = no end."
    )
    on_end_date = ListField(
        values=("Terminate", "Renew"),
        help_text="What happens after the last day: the contract ends or is renewed.",
    )
    rate_class = models.ForeignKey(
        "catalog.RateClass",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The rate class whose prices count where the contract has none of its own.",
    )

    brm = EntityOptions(
        name="CONTRACT", external_keys=("contract_number",), title="contract_number"
    )

    class Meta:
        verbose_name = "contract"
        verbose_name_plural = "contracts"
        constraints = [
            live_unique("customers_contract", "contract_number"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_contract_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]


class ContractCurrency(ExternallyKeyed, EntityModel):
    """A currency that a contract can be priced in."""

    contract = models.ForeignKey(
        Contract,
        models.CASCADE,
        db_index=False,
        related_name="+",
        help_text="The contract that is priced.",
    )
    currency = models.ForeignKey(
        "localization.Currency",
        models.PROTECT,
        to_field="currency_code",
        db_column="currency_code",
        db_index=False,
        related_name="+",
        help_text="The currency it is priced in, by its code.",
    )

    brm = EntityOptions(
        name="CONTRACT_CURRENCY",
        names={"currency": "CurrencyCode"},
        external_keys=("external_key",),
        title="currency",
        described_by=("contract", "currency"),
    )

    class Meta:
        verbose_name = "contract currency"
        verbose_name_plural = "contract currencies"
        constraints = [
            live_unique("customers_contractcurrency", "external_key"),
            live_unique("customers_contractcurrency", "contract", "currency"),
        ]
        indexes = [models.Index(fields=["contract"], name="customers_contractcur_contract")]


class ContractRate(EntityModel):
    """What a contract says about one product: its rating method, and the owner of its prices."""

    name = models.CharField(
        max_length=255, null=True, blank=True, help_text="Key of the rate; unique where given."
    )
    contract_rate_label = models.CharField(
        max_length=255, null=True, blank=True, help_text="What the rate is called on invoices."
    )
    contract = models.ForeignKey(
        Contract, models.CASCADE, related_name="+", help_text="The contract it belongs to."
    )
    parent_contract_rate = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The rate under which this one is listed.",
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
        help_text="The package inside which the rate holds; empty = everywhere.",
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
        help_text="How the product is charged under the contract, where it differs.",
    )
    pricing_plan = models.ForeignKey(
        "catalog.PricingPlan",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The pricing plan the rate takes its prices from.",
    )
    start_date = models.DateField(help_text="First day of the rate, not before the contract's.")
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the rate; empty = as long as the contract."
    )
    bulk_rate_status = models.CharField(
        max_length=100, null=True, blank=True, help_text="How far a bulk change of rates has come."
    )

    brm = EntityOptions(
        name="CONTRACT_RATE",
        external_keys=("name",),
        title="contract_rate_label",
        described_by=("contract", "product", "package", "package_product"),
        example={"ContractId": {}, "StartDate": "2026-06-01"},
        immutable=("contract",),
    )

    class Meta:
        verbose_name = "contract rate"
        verbose_name_plural = "contract rates"
        constraints = [
            live_unique("customers_contractrate", "name"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_contractrate_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
