"""What can be sold and what it costs: products, packages, rating methods and prices."""

from billing.catalog.models.components import PackageComponentHier
from billing.catalog.models.locations import CountryCode, CountryCodeMap
from billing.catalog.models.prices import Pricing, PricingPlan
from billing.catalog.models.products import Package, PackageCurrency, PackageProduct, Product
from billing.catalog.models.rate_classes import RateClass, RateClassProduct
from billing.catalog.models.rating_methods import RatingMethod
from billing.catalog.models.usage import UsageIdentifier

__all__ = [
    "CountryCode",
    "CountryCodeMap",
    "Package",
    "PackageComponentHier",
    "PackageCurrency",
    "PackageProduct",
    "Pricing",
    "PricingPlan",
    "Product",
    "RateClass",
    "RateClassProduct",
    "RatingMethod",
    "UsageIdentifier",
]
