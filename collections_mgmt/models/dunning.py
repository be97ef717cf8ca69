"""Dunning processes, which billing profiles point to."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, ListField


class DunningInterval(EntityModel):
    """A named dunning process that billing profiles point to."""

    dunning_interval_name = models.CharField(
        max_length=255, verbose_name="name", help_text="Name of the dunning process; unique."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether profiles may be dunned by it."
    )

    brm = EntityOptions(
        name="DUNNING_INTERVAL",
        external_keys=("dunning_interval_name",),
        title="dunning_interval_name",
    )

    class Meta:
        verbose_name = "dunning process"
        verbose_name_plural = "dunning processes"
        constraints = [live_unique("collections_mgmt_dunninginterval", "dunning_interval_name")]
