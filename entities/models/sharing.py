"""Sharing groups: who sees which records of the entities whose sharing model is PRIVATE."""

from typing import Any

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField

OPTIONAL: dict[str, Any] = {"null": True, "blank": True}


class SharingGroup(EntityModel):
    """Users who are given access to selected records."""

    brm = EntityOptions("SHARING_GROUP", external_keys=("name",))

    name = models.CharField(max_length=100, help_text="Name of the group; unique.")
    description = models.CharField(max_length=1000, **OPTIONAL)
    status = ListField(values=ACTIVE_OR_NOT, default="ACTIVE", db_default="ACTIVE")

    class Meta:
        ordering = ["name"]
        constraints = [live_unique("entities_sharinggroup", "name")]


class SharingGroupRule(EntityModel):
    """Selects the records of one entity that a sharing group may see.

    Either one formula, or numbered conditions joined by a filter logic such as `1 AND (2 OR 3)`.
    A rule on an entity whose sharing model is PUBLIC takes nothing from anybody.
    """

    brm = EntityOptions(
        "SHARING_GROUP_RULE",
        external_keys=("external_key",),
        title="external_key",
        described_by=("sharing_group", "entity", "external_key"),
        example={"FilterLogic": None, "Formula": "{!Id} > 0"},
    )

    sharing_group = models.ForeignKey(SharingGroup, models.CASCADE, related_name="+")
    entity = models.ForeignKey(
        "entities.Entity",
        models.CASCADE,
        related_name="+",
        help_text="Whose records are selected. Everybody sees the records of a PUBLIC entity "
        "anyway; the rule begins to matter when its SharingModel is PRIVATE.",
    )
    external_key = models.CharField(
        max_length=255, help_text="The key of this row across systems; unique."
    )
    rule_criteria = models.TextField(
        **OPTIONAL,
        help_text="Conditions, one a line, numbered from 1: {!Status} = 'ACTIVE'",
    )
    filter_logic = models.CharField(
        max_length=1000,
        **OPTIONAL,
        help_text="How the conditions combine, such as 1 AND (2 OR 3); all of them if not set.",
    )
    formula = models.TextField(
        **OPTIONAL, help_text="One condition instead of numbered ones; selects where it is true."
    )
    status = ListField(
        values=ACTIVE_OR_NOT,
        default="ACTIVE",
        db_default="ACTIVE",
        help_text="Only an ACTIVE rule of an ACTIVE group selects records.",
    )
    access_level = ListField(
        values=("READ", "WRITE"),
        default="WRITE",
        db_default="WRITE",
        help_text="READ: seen only. WRITE: changed and deleted too, as far as the role may.",
    )
    cascade_permitions_flag = FlagField(
        verbose_name="cascade permissions",
        help_text="The records that belong to a selected one are selected with it: those that "
        "point to it by a required lookup or one that deletes with it, and so on, as far as their "
        "entities are PRIVATE.",
    )

    class Meta:
        constraints = [live_unique("entities_sharinggrouprule", "external_key")]


class SharingGroupUser(EntityModel):
    """A user's membership in a sharing group."""

    brm = EntityOptions(
        "SHARING_GROUP_USER",
        external_keys=("external_key",),
        title="external_key",
        described_by=("sharing_group", "user"),
    )

    sharing_group = models.ForeignKey(SharingGroup, models.CASCADE, related_name="+")
    user = models.ForeignKey("identity.User", models.CASCADE, related_name="+")
    external_key = models.CharField(
        max_length=255, **OPTIONAL, help_text="The key of this row across systems; unique."
    )

    class Meta:
        constraints = [
            live_unique("entities_sharinggroupuser", "external_key"),
            live_unique("entities_sharinggroupuser", "sharing_group", "user"),
        ]
