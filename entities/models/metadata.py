"""The rows that a snapshot is compiled from: what exists, and in which shape.

They are data like any other (`GET /rest/2.0/ENTITY_FIELD` works), and the database bumps
`SchemaVersion` whenever one of them changes, whoever changed it (see the triggers in
`entities.schema.versioning`).
"""

from typing import Any

from django.db import models

from entities import fieldtypes
from metabrm.entity import Computed, EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, ListField

OPTIONAL: dict[str, Any] = {"null": True, "blank": True}


class SchemaVersion(models.Model):
    """One row: the version of the whole schema. Every snapshot is of one version."""

    version = models.BigIntegerField(db_default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="schema_version_single_row")
        ]

    def __str__(self) -> str:
        return f"schema version {self.version}"


class Entity(EntityModel):
    """One kind of record: its names, its table, how it behaves in lists, search and recycle bin."""

    brm = EntityOptions(
        "ENTITY",
        external_keys=("entity_name",),
        title="entity_name",
        read_only=("table_name", "system_flag"),
        immutable=("base_entity",),
        example={"EntityName": "EXAMPLE_1001"},
        computed=(
            Computed(
                "BaseEntity",
                "TEXT",
                "(SELECT b.entity_name FROM entities_entity b WHERE b.id = {t}.base_entity_id)",
                help="Name of the entity that a view entity reads from.",
            ),
        ),
    )

    entity_name = models.CharField(
        max_length=63,
        help_text="API name: letters, digits and underscores, not starting with a digit; unique.",
    )
    entity_label = models.CharField(max_length=255, **OPTIONAL, help_text="Name shown to people.")
    table_name = models.CharField(
        max_length=63, **OPTIONAL, help_text="Physical table; given by the platform."
    )
    system_flag = FlagField(help_text="Ships with the platform; custom entities have this off.")
    api_enabled = FlagField(default=True, help_text="Served over REST 2.0 and the query language.")
    visible_flag = FlagField(default=True, help_text="Shown in the admin.")
    node = models.CharField(
        max_length=100, **OPTIONAL, help_text="Room of the menu it is listed in."
    )
    after_node = models.CharField(max_length=100, **OPTIONAL)
    parent_node = models.CharField(max_length=100, **OPTIONAL)
    parent_entity = models.ForeignKey(
        "self",
        models.SET_NULL,
        **OPTIONAL,
        related_name="+",
        db_index=False,
        help_text="The entity whose records own this one's.",
    )
    base_entity = models.ForeignKey(
        "self",
        models.PROTECT,
        **OPTIONAL,
        related_name="+",
        db_index=False,
        help_text="The entity that a view entity reads from.",
    )
    view_entity = FlagField(help_text="A read-only view over the base entity.")
    view_filter_logic = models.TextField(**OPTIONAL)
    virtual_entity_flag = FlagField(help_text="Computed on request; has no records of its own.")
    recycle_bin_flag = FlagField(
        default=True, help_text="Deleted records go to the recycle bin and can be restored."
    )
    retention_days = models.PositiveIntegerField(
        default=30, help_text="Days a deleted record stays in the recycle bin before it is purged."
    )
    history_flag = FlagField(default=True, help_text="Changes are kept in AUDIT_LOG.")
    history_retention_days = models.PositiveIntegerField(
        **OPTIONAL, help_text="Days the history is kept; for ever when not set."
    )
    cascade_delete_flag = FlagField(
        default=True,
        help_text="Deleting a record takes its child records along; if not, it waits for them.",
    )
    cascade_permitions_flag = FlagField(
        verbose_name="cascade permissions", help_text="Child entities follow this one's rights."
    )
    related_list_flag = FlagField(
        default=True, help_text="Shown as a related list on the records it looks up to."
    )
    lookup_enabled_flag = FlagField(default=True, help_text="Other entities may look up to it.")
    sharing_model = ListField(
        values=("PUBLIC", "PRIVATE"),
        default="PUBLIC",
        db_default="PUBLIC",
        help_text="Who sees a record: everybody whose role may read the entity (PUBLIC), or only "
        "who made it, the sharing groups whose rules select it, and administrators (PRIVATE).",
    )
    enable_auto_search = FlagField(default=True)
    quick_search_flag = FlagField(default=True)
    global_search_flag = FlagField(default=True)
    global_search_status = models.CharField(max_length=100, **OPTIONAL)
    create_search_form = FlagField(default=True)
    create_default_fields = FlagField(default=True)
    hide_from_tree_menu = FlagField()
    high_load_flag = FlagField(help_text="Holds very many records; counts are estimated.")
    allow_cache = FlagField()
    allow_attribute_table = FlagField()
    allow_edits_for_rejected_records = FlagField()
    revenue_recognition_eligible = FlagField()
    is_application_deployable = FlagField(
        default=True, help_text="Travels with exports of the configuration."
    )
    custom_layout = models.CharField(max_length=255, **OPTIONAL)
    input_form = models.CharField(max_length=255, **OPTIONAL)
    list_form = models.CharField(max_length=255, **OPTIONAL)
    list_single_result_behavior = models.CharField(max_length=100, **OPTIONAL)
    widget = models.BigIntegerField(**OPTIONAL)
    label_id = models.BigIntegerField(**OPTIONAL)
    short_help_label = models.CharField(max_length=1000, **OPTIONAL)
    long_help_description = models.TextField(**OPTIONAL)
    long_help_discription = models.TextField(
        **OPTIONAL, help_text="The older spelling of LongHelpDescription; kept for old clients."
    )
    help_language = models.CharField(max_length=20, **OPTIONAL)
    external_help_target = models.CharField(max_length=1000, **OPTIONAL)

    class Meta:
        verbose_name_plural = "entities"
        ordering = ["entity_name"]
        constraints = [
            live_unique("entities_entity", "entity_name"),
            models.CheckConstraint(
                condition=models.Q(entity_name__regex=r"^[A-Za-z][A-Za-z0-9_]*$"),
                name="entity_name_form",
                violation_error_message=(
                    "an entity name has letters, digits and underscores and starts with a letter"
                ),
            ),
        ]


class EntityField(EntityModel):
    """One field of an entity: its names, its type, its rules, how it is shown."""

    brm = EntityOptions(
        "ENTITY_FIELD",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="field_name",
        names={"pii_flag": "PIIFlag", "restrict_change_in_closed_ap": "RestrictChangeInClosedAP"},
        example={
            "EntityId": {},
            "FieldName": "Example",
            "ExternalKey": "EXAMPLE_1001.Example",
            "DataType": "TEXT",
            "DataLength": "100",
            "DefaultValue": None,
            "CurrencySource": None,
            "ReferencedColumn": None,
            "OnDelete": None,
        },
        read_only=("column_name", "system_flag", "primary_key_flag", "read_only_flag"),
        immutable=("entity",),
    )

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="+")
    field_name = models.CharField(max_length=63, help_text="API name; unique within its entity.")
    external_key = models.CharField(
        max_length=127, help_text="ENTITY.FieldName: the key of this row across systems; unique."
    )
    field_label = models.CharField(max_length=255, **OPTIONAL, help_text="Name shown to people.")
    description = models.CharField(max_length=4000, **OPTIONAL)
    column_name = models.CharField(
        max_length=63, **OPTIONAL, help_text="Physical column; given by the platform."
    )
    data_type = ListField(
        values=tuple(fieldtypes.names()), max_length=30, help_text="What kind of values it holds."
    )
    data_length = models.CharField(
        max_length=20,
        **OPTIONAL,
        help_text='Most characters of a text; "digits,places" of a number.',
    )
    default_value = models.CharField(
        max_length=4000, **OPTIONAL, help_text="Value of a new record for which none was sent."
    )
    default_formula = models.TextField(
        **OPTIONAL,
        help_text="Formula of the value of a new record for which none was sent, such as "
        "TODAY() or {!AccountObj.Name}.",
    )
    status = ListField(
        values=("ACTIVE", "HIDDEN"),
        default="ACTIVE",
        db_default="ACTIVE",
        help_text="HIDDEN: served nowhere, while its values are kept.",
    )
    system_flag = FlagField(help_text="Ships with the platform.")
    primary_key_flag = FlagField()
    read_only_flag = FlagField(help_text="Kept by the platform; values sent are ignored.")
    required_flag = FlagField(help_text="A record without a value is refused.")
    unique_field = FlagField(help_text="No two live records have the same value.")
    external_key_flag = FlagField(help_text="Upserts and lookups may name records by this field.")
    searchable_flag = FlagField(help_text="Has an index; offered in the search.")
    immutable_flag = FlagField(help_text="The value can't change once the record exists.")
    set_once_flag = FlagField(help_text="The value can't change once there is one.")
    encrypted_flag = FlagField(help_text="Encrypted at rest.")
    pii_flag = FlagField(help_text="Personal data: masked for roles without the right to see it.")
    api_accessable_flag = FlagField(default=True, help_text="Readable and writable over the API.")
    api_hidden_flag = FlagField(help_text="Left out of whole-record answers; queries may name it.")
    hidden_flag = FlagField(help_text="Not shown in the admin.")
    referenced_entity = models.ForeignKey(
        Entity, models.PROTECT, **OPTIONAL, related_name="+", help_text="Where a lookup points."
    )
    referenced_column = models.CharField(
        max_length=63,
        **OPTIONAL,
        help_text="Field of the target that a lookup holds; Id if not set.",
    )
    on_delete = ListField(
        values=("RESTRICT", "CASCADE", "SET_NULL"),
        **OPTIONAL,
        help_text="What deleting the target does to records that point to it.",
    )
    currency_source = models.CharField(
        max_length=63, **OPTIONAL, help_text="Field that names the currency of a money field."
    )
    currency_date = models.CharField(max_length=63, **OPTIONAL)
    formula_value = models.TextField(
        **OPTIONAL,
        help_text="Formula of a FORMULA field, such as {!Quantity} * {!ProductObj.Price}.",
    )
    formula_data_type = ListField(
        values=("TEXT", "INTEGER", "DECIMAL", "MONEY", "PERCENT", "DATE", "DATETIME", "FLAG"),
        **OPTIONAL,
        help_text="Data type of a formula's result; what the formula yields by itself if not set.",
    )
    item_position = models.PositiveIntegerField(
        default=0, help_text="Order on pages and in answers."
    )
    help_content_short = models.CharField(max_length=1000, **OPTIONAL)
    help_content_long = models.TextField(**OPTIONAL)
    help_language_code = models.CharField(max_length=20, **OPTIONAL)
    label_id = models.BigIntegerField(**OPTIONAL)
    long_help_label_id = models.BigIntegerField(**OPTIONAL)
    base_entity_id = models.BigIntegerField(**OPTIONAL)
    related_entity_id = models.BigIntegerField(**OPTIONAL)
    related_web_form_id = models.BigIntegerField(**OPTIONAL)
    condition_group_id = models.BigIntegerField(**OPTIONAL)
    pricing_attribute_id = models.BigIntegerField(**OPTIONAL)
    attribute_column_flag = FlagField()
    crosslink_flag = FlagField()
    loop_flag = FlagField()
    react_component_flag = FlagField()
    instant_type_ahead_search = FlagField()
    restrict_change_in_closed_ap = FlagField(
        help_text="The value can't change once its accounting period is closed."
    )
    restrict_create = FlagField()
    ignore_on_edit = FlagField()
    display_new = FlagField(default=True)
    display_update = FlagField(default=True)
    display_view = FlagField(default=True)
    display_type = models.CharField(max_length=63, **OPTIONAL)
    display_after = models.CharField(max_length=63, **OPTIONAL)
    lookup_field_name = models.CharField(max_length=63, **OPTIONAL)
    relation_path = models.CharField(max_length=1000, **OPTIONAL)
    view_relationship_field = models.CharField(max_length=255, **OPTIONAL)
    related_list_filter_logic = models.TextField(**OPTIONAL)
    related_list_recrds_per_page = models.PositiveIntegerField(**OPTIONAL)
    sequence_formula = models.TextField(**OPTIONAL)
    sequence_filter_logic = models.TextField(**OPTIONAL)
    pk_sequence_name = models.CharField(max_length=63, **OPTIONAL)
    modify_func_name = models.CharField(max_length=255, **OPTIONAL)
    function_based_field = models.CharField(max_length=255, **OPTIONAL)
    function_based_function = models.CharField(max_length=255, **OPTIONAL)
    guid = models.CharField(max_length=64, **OPTIONAL)

    class Meta:
        ordering = ["entity_id", "item_position", "id"]
        constraints = [
            live_unique("entities_entityfield", "external_key"),
            live_unique("entities_entityfield", "entity", "field_name"),
            models.CheckConstraint(
                condition=models.Q(field_name__regex=r"^[A-Za-z][A-Za-z0-9_]*$"),
                name="entity_field_name_form",
                violation_error_message=(
                    "a field name has letters, digits and underscores and starts with a letter"
                ),
            ),
        ]


class EntityFieldValue(EntityModel):
    """One value of a list field."""

    brm = EntityOptions(
        "ENTITY_FIELD_VALUES",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="list_value",
        example={
            "EntityFieldId": {"DataType": "LIST"},
            "ListValue": "GOLD",
            "ExternalKey": "EXAMPLE_1001.Example.GOLD",
        },
        immutable=("entity_field",),
    )

    entity_field = models.ForeignKey(EntityField, models.CASCADE, related_name="+")
    list_value = models.CharField(max_length=100)
    external_key = models.CharField(
        max_length=255,
        help_text="ENTITY.FieldName.value: the key of this row across systems; unique.",
    )
    sort_order = models.PositiveIntegerField(default=0, help_text="Lowest first.")
    active_flag = FlagField(
        default=True, help_text="Off: records that hold the value keep it, no other can take it."
    )

    class Meta:
        ordering = ["entity_field_id", "sort_order", "id"]
        constraints = [
            live_unique("entities_entityfieldvalue", "external_key"),
            live_unique("entities_entityfieldvalue", "entity_field", "list_value"),
        ]
