"""Rating methods: how a product is charged.

One wide record holds the settings of every kind of charge; RatingMethodType says which of them
count. Its fields stand in the order of the kinds (billing.catalog.models.charging, deals).
"""

from django.db import models
from django.db.models import F, Q

from billing.catalog.models.charging import Charging
from billing.catalog.models.deals import Deals
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique


class RatingMethod(ExternallyKeyed, EntityModel, Charging, Deals):
    """How a product is charged: by subscription, by usage, once, as a discount, a fee, a tax."""

    brm = EntityOptions(
        name="RATING_METHOD",
        names={
            "cmt_inclusion_logic": "CMTInclusionLogic",
            "cmt_input_method": "CMTInputMethod",
            "cmt_quantity": "CMTQuantity",
            "cmt_rate_method": "CMTRateMethod",
            "cmt_scope": "CMTScope",
            "cmt_tax_flag": "CMTTaxFlag",
            "cmt_term_duration": "CMTTermDuration",
            "change_to_product_by_default": "ChangeToProductByDefault",
        },
        external_keys=("external_key",),
        title="rating_method_type",
        described_by=("rating_method_type", "pricing_type", "account_product"),
        example={
            "RatingMethodType": "Subscription",
            "SubscriptionCycle": "Monthly",
            "CycleType": "Sync with Billing Cycle",
            # A choice would be the first of its values.
            **dict.fromkeys(
                (
                    *("AggregateRateType", "AggregationLevel", "SubAggrLevel", "AccumResetPeriod"),
                    *("ChargeInAdvanceUnit", "ChargeInSubsequentUnit", "EarlyTerminationOption"),
                    *("MinMaxPer", "LateFeeType", "CMTInputMethod", "CMTRateMethod", "CMTScope"),
                    *("DiscountType", "DiscountPricingType", "DiscountApplyTo"),
                    *("DiscountApplMethod", "DiscountEligUnitMeas", "DiscountUsePer"),
                    *("DesignateDiscountEligableChargesBy", "DesignateDiscountTargetChargesBy"),
                )
            ),
        },
    )

    class Meta:
        verbose_name = "rating method"
        verbose_name_plural = "rating methods"
        constraints = [
            live_unique("catalog_ratingmethod", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="catalog_ratingmethod_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
            models.CheckConstraint(
                condition=Q(interval_days__gt=0),
                name="catalog_ratingmethod_interval_days_positive",
                violation_error_message="IntervalDays is 1 or more",
            ),
        ]
