"""Usage identifiers: the labels by which collected usage finds the products it charges."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, live_unique


class UsageIdentifier(EntityModel):
    """A label that a collector's mapping raises; every product that carries it is charged."""

    usage_identifier = models.CharField(max_length=255, help_text="The label; unique.")

    brm = EntityOptions(
        name="USAGE_IDENTIFIER",
        external_keys=("usage_identifier",),
        title="usage_identifier",
    )

    class Meta:
        verbose_name = "usage identifier"
        verbose_name_plural = "usage identifiers"
        constraints = [live_unique("catalog_usageidentifier", "usage_identifier")]
