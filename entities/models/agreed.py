"""The rows that a snapshot is compiled from: what is agreed about entities and their fields.

Who may do what with them, what their records must obey, and how their pages show them.
"""

from django.db import models

from entities.models.metadata import OPTIONAL, Entity, EntityField
from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, ListField


class EntityFieldRole(EntityModel):
    """A role's rights on an entity (no field named) or on one field of it.

    Without an entity row a role may do nothing with the entity. With one, fields are readable and,
    where the role may create or update, writable, unless a field row says less.
    """

    brm = EntityOptions(
        "ENTITY_FIELD_ROLE",
        external_keys=("external_key",),
        title="external_key",
        described_by=("role", "entity", "entity_field"),
    )

    role = models.ForeignKey("identity.Role", models.CASCADE, related_name="+")
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="+")
    entity_field = models.ForeignKey(
        EntityField,
        models.CASCADE,
        **OPTIONAL,
        related_name="+",
        help_text="Not set: the row is about the entity as a whole.",
    )
    external_key = models.CharField(max_length=255, **OPTIONAL)
    create_flag = FlagField(help_text="Entity row: may create records.")
    read_flag = FlagField(help_text="May read the entity's records, or the field.")
    update_flag = FlagField(help_text="May change the entity's records, or the field.")
    delete_flag = FlagField(help_text="Entity row: may delete and restore records.")

    class Meta:
        constraints = [
            live_unique("entities_entityfieldrole", "external_key"),
            models.UniqueConstraint(
                fields=["role", "entity", "entity_field"],
                condition=models.Q(deleted_at__isnull=True),
                nulls_distinct=False,
                name="entities_entityfieldrole_subject_key",
            ),
        ]


class EntityValidation(EntityModel):
    """A rule on an entity: where its formula holds true, the record is refused with the text."""

    brm = EntityOptions(
        "ENTITY_VALIDATION",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="entity_validation_name",
    )

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="+")
    entity_validation_name = models.CharField(max_length=255)
    external_key = models.CharField(max_length=255)
    formula_value = models.TextField(
        help_text="Condition that makes a record wrong, e.g. {!AccountObj.Name} = 'Big Corp'."
    )
    error_text = models.CharField(max_length=1000, help_text="What the sender is told.")
    active = FlagField(default=True)
    valdation_order = models.PositiveIntegerField(
        verbose_name="validation order", default=0, help_text="Lowest first."
    )
    after_web_form_item_id = models.CharField(max_length=63, **OPTIONAL)

    class Meta:
        constraints = [live_unique("entities_entityvalidation", "external_key")]
        ordering = ["valdation_order", "id"]


class EntityKey(EntityModel):
    """A unique key of several fields: no two live records have the same values in all of them.

    Records that have no value in one of the fields are free of it.
    """

    brm = EntityOptions(
        "ENTITY_KEY",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="key_name",
        example={
            "EntityId": {},
            "KeyName": "Example",
            "ExternalKey": "EXAMPLE_1001.Example",
            "FieldNames": "CreatedUserId, Created",
            "IndexName": None,
        },
    )

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="+")
    key_name = models.CharField(max_length=63, help_text="Name of the key; unique in its entity.")
    external_key = models.CharField(
        max_length=127, help_text="ENTITY.KeyName: the key of this row across systems; unique."
    )
    field_names = models.CharField(
        max_length=1000, help_text="API names of its fields, with commas between them."
    )
    index_name = models.CharField(
        max_length=63, **OPTIONAL, help_text="Physical index; given by the platform."
    )

    class Meta:
        verbose_name = "unique key"
        ordering = ["entity_id", "key_name"]
        constraints = [
            live_unique("entities_entitykey", "external_key"),
            live_unique("entities_entitykey", "entity", "key_name"),
        ]


class EntityLayout(EntityModel):
    """Which fields one kind of an entity's pages shows, and in which order."""

    brm = EntityOptions(
        "ENTITY_LAYOUT_CONFIGURATION",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="layout_name",
        names={"layout_type": "layoutType"},
        example={"layoutType": "DETAIL", "LayoutFields": ["Id"]},
        read_only=("system_flag",),
        immutable=("entity",),
    )

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="+")
    layout_type = ListField(
        values=("LIST", "DETAIL", "INPUT", "SEARCH"), help_text="The kind of page it is for."
    )
    layout_name = models.CharField(max_length=100, help_text="Name; unique in its entity.")
    layout_label = models.CharField(max_length=255, **OPTIONAL)
    external_key = models.CharField(
        max_length=255, help_text="ENTITY.LayoutName: the key of this row across systems; unique."
    )
    default_flag = FlagField(default=True, help_text="The one that pages of this kind use.")
    layout_fields = models.JSONField(
        help_text='Fields in order: ["Name", "Status"], or in sections: '
        '[{"Section": "Address", "Fields": ["City"]}].'
    )
    system_flag = FlagField(help_text="Ships with the platform.")
    keep_compiled = FlagField()
    version = models.CharField(max_length=63, **OPTIONAL)
    web_form_id = models.BigIntegerField(**OPTIONAL)

    class Meta:
        verbose_name = "layout"
        ordering = ["entity_id", "layout_type", "layout_name"]
        constraints = [
            live_unique("entities_entitylayout", "external_key"),
            live_unique("entities_entitylayout", "entity", "layout_name"),
            models.UniqueConstraint(
                fields=["entity", "layout_type"],
                condition=models.Q(deleted_at__isnull=True, default_flag=True),
                name="entities_entitylayout_default_key",
            ),
        ]
