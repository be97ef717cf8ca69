"""What is to be rated again, as it is sent, kept with its RERATE record, and asked of the lines.

A price names the lines by where their price came from: that of a product those that have the
product's default price, that of another owner those it priced, so that bands nobody has reached yet
count, too. A plan names the lines that its price rows priced. Lines that have no price yet are
named by what it is a price of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from billing.catalog.models import Pricing, PricingPlan

_BASE = ("Product", "Package Product")
_OWN = ("Account Product", "Account Package Product", "Parent Account Product")

# Name of what is asked for -> SQL over the line `a`.
_CONDITIONS = {
    "account_id": "a.account_id = %(account_id)s",
    "product_id": "a.product_id = %(product_id)s",
    "account_product_id": "a.account_product_id = %(account_product_id)s",
    "invoice_id": "a.invoice_id = %(invoice_id)s",
    "load_id": "a.activity_collector_history_id = %(load_id)s",
    "since": "a.activity_date >= %(since)s",
    "until": "a.activity_date < %(until)s",
    "activity_id": """
        a.account_id = (SELECT o.account_id FROM mediation_activity o WHERE o.id = %(activity_id)s)
        AND coalesce(a.split_from_bill_act_id, a.id) = %(activity_id)s""",
    "not_tiered": """NOT EXISTS (
        SELECT FROM catalog_ratingmethod m
        WHERE m.id = a.rating_method_id AND m.pricing_type = 'Tiered Pricing')""",
}
_UNRATED = "a.process_status = 'UNRATED'"
_AT_BASE = f"(a.rate_source = ANY(%(base)s) OR {_UNRATED})"
_OF_PRODUCT = f"(a.product_id = %(price_product)s AND (a.rate_source = 'Product' OR {_UNRATED}))"
_OF_PACKAGE_PRODUCT = f"(a.package_product_id = %(price_package_product)s AND {_AT_BASE})"
_OF_ACCOUNT_PRODUCT = f"""
    (a.account_product_id = %(price_account_product)s AND {_AT_BASE}
     OR a.rate_source_id = %(price_account_product)s AND a.rate_source = ANY(%(own)s))
"""
_OF_CONTRACT_RATE = f"""
    (a.contract_rate_id = %(price_contract_rate)s OR {_AT_BASE} AND EXISTS (
        SELECT FROM customers_contractrate r JOIN customers_contract c ON c.id = r.contract_id
        WHERE r.id = %(price_contract_rate)s AND c.account_id = a.account_id
          AND r.product_id = a.product_id))
"""
_OF_RATE_CLASS = f"""
    (a.rate_class_product_id = %(price_rate_class_product)s OR {_UNRATED} AND EXISTS (
        SELECT FROM catalog_rateclassproduct e
        JOIN customers_contract c ON c.rate_class_id = e.rate_class_id
        WHERE e.id = %(price_rate_class_product)s AND c.account_id = a.account_id
          AND (e.package_product_id = a.package_product_id
               OR e.package_product_id IS NULL AND e.product_id = a.product_id)))
"""
_OF_PLAN = f"""
    (a.pricing_id IN (SELECT p.id FROM catalog_pricing p
                      WHERE p.main_pricing_plan_id = %(pricing_plan_id)s)
     OR {_UNRATED} AND a.product_id = ANY(%(plan_products)s))
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Wanted:
    """Lines by what they are of; None asks nothing. `since` and `until` are moments, of which the
    second is not included."""

    account_id: int | None = None
    product_id: int | None = None
    account_product_id: int | None = None
    pricing_id: int | None = None
    pricing_plan_id: int | None = None
    load_id: int | None = None
    invoice_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    activity_id: int | None = None
    not_tiered: bool | None = None

    def kept(self) -> dict[str, Any]:
        """What is asked, for JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in found.items()
            if value is not None
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Wanted":
        dated = {n: datetime.fromisoformat(kept[n]) for n in ("since", "until") if n in kept}
        return cls(**{**kept, **dated})

    def asked(self) -> tuple[str, dict[str, Any]]:
        """SQL over the line `a`, and its parameters."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        parts = [sql for name, sql in _CONDITIONS.items() if values[name] is not None]
        if self.pricing_plan_id is not None:
            parts.append(_OF_PLAN)
            products = _products_of(self.pricing_plan_id)
            values["plan_products"] = products
            if products:
                parts.append("a.product_id = ANY(%(plan_products)s)")
        if self.pricing_id is not None:
            sql, more = _of_price(self.pricing_id)
            parts.append(sql)
            values |= more
        return " AND ".join(parts or ["false"]), values


def _of_price(pricing_id: int) -> tuple[str, dict[str, Any]]:
    price = Pricing.objects.filter(pk=pricing_id).first()
    if price is None:
        return "false", {}
    given = {
        "price_product": price.product_id,
        "price_package_product": price.package_product_id,
        "price_account_product": price.account_product_id,
        "price_contract_rate": price.contract_rate_id,
        "price_rate_class_product": price.rate_class_product_id,
        "base": list(_BASE),
        "own": list(_OWN),
        "pricing_plan_id": price.main_pricing_plan_id,
        "plan_products": _products_of(price.main_pricing_plan_id),
    }
    for name, sql in (
        ("price_product", _OF_PRODUCT),
        ("price_package_product", _OF_PACKAGE_PRODUCT),
        ("price_account_product", _OF_ACCOUNT_PRODUCT),
        ("price_contract_rate", _OF_CONTRACT_RATE),
        ("price_rate_class_product", _OF_RATE_CLASS),
        ("pricing_plan_id", _OF_PLAN),
    ):
        if given[name] is not None:
            return sql, given
    return "false", {}


def _products_of(plan_id: int | None) -> list[int]:
    """The products that a plan prices, where all of its rows name theirs."""
    if plan_id is None:
        return []
    rows = list(
        Pricing.objects.filter(main_pricing_plan_id=plan_id).values_list("product_id", flat=True)
    )
    own = PricingPlan.objects.filter(pk=plan_id).values_list("product_id", flat=True).first()
    found = {product or own for product in rows}
    named = sorted(id for id in found if id is not None)
    return named if len(named) == len(found) else []
