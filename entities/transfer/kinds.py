"""What travels: the kinds of rows that are configuration, and what a row is called in a document.

A kind says which entity's records it is, under which row they stand, and what they are called
there. Which attributes a row has is not said here: they are the fields of that entity as the
snapshot has them, so a field that is added to ENTITY_FIELD travels from then on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot

EXTERNAL_KEY = "ExternalKey"
_AUTHORSHIP = frozenset({"Created", "CreatedUserId", "Updated", "UpdatedUserId"})


@dataclass(frozen=True)
class Kind:
    """One kind of configuration.

    entity      API name of the entity whose records these are
    noun        what people call one
    section     word in the document under which they stand, within their parent or at the top
    parent      kind of the rows that they belong to, none at the top
    owner       field that points to the parent
    name        field that names one among its siblings; "" for rights, named by what they are on
    left_out    fields that the platform fills, or that mean something in one system only
    given       words whose value the platform finds where none is stated
    later       words that can name what is made after the row itself
    fixed       words whose value can't change: another one takes another row
    folded      whether names are the same without regard to case and underscores
    """

    entity: str
    noun: str
    section: str
    parent: "Kind | None" = None
    owner: str = ""
    name: str = "Name"
    left_out: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    folded: bool = False

    @cached_property
    def children(self) -> tuple["Kind", ...]:
        return tuple(kind for kind in KINDS if kind.parent is self)

    def attributes(self, snapshot: Snapshot) -> dict[str, FieldSchema]:
        """What a row of the kind says besides its parent: word -> field.

        A lookup goes by its name without Id, as its value is the name of another row.
        """
        schema = snapshot.entity(self.entity)
        return {word_of(field): field for field in self._fields(schema)}

    def _fields(self, schema: EntitySchema) -> Iterator[FieldSchema]:
        aside = self.left_out | _AUTHORSHIP | {self.owner}
        if not self.name:
            aside |= {"EntityId", "EntityFieldId"}
        if self.name == EXTERNAL_KEY:
            aside |= {EXTERNAL_KEY}
        for field in schema.fields:
            if field.column is None or field.read_only or field.name in aside:
                continue
            # The contents of files do not stand in a document.
            if field.type.name == "FILE":
                continue
            # Numbers that are Ids of something say nothing in another system.
            if field.type.name == "ID" or (field.lookup is None and field.name.endswith("Id")):
                continue
            yield field


def word_of(field: FieldSchema) -> str:
    """What a document calls a field."""
    return field.name.removesuffix("Id") if field.lookup is not None else field.name


ROLE = Kind("ROLE", "role", "roles", later=frozenset({"ParentRole"}))
ENTITY = Kind(
    "ENTITY",
    "entity",
    "entities",
    name="EntityName",
    left_out=frozenset({"Widget", "ViewEntity", "VirtualEntityFlag", "ViewFilterLogic"})
    | {"BaseEntityId"},
    later=frozenset({"ParentEntity"}),
    folded=True,
)
FIELD = Kind(
    "ENTITY_FIELD",
    "field",
    "fields",
    ENTITY,
    "EntityId",
    "FieldName",
    given=frozenset({"ItemPosition"}),
    later=frozenset({"DefaultFormula", "CurrencySource"}),
    folded=True,
)
VALUE = Kind("ENTITY_FIELD_VALUES", "value", "values", FIELD, "EntityFieldId", "ListValue")
KEY = Kind(
    "ENTITY_KEY",
    "key",
    "keys",
    ENTITY,
    "EntityId",
    "KeyName",
    left_out=frozenset({"IndexName"}),
    fixed=frozenset({"FieldNames"}),
)
VALIDATION = Kind(
    "ENTITY_VALIDATION", "validation", "validations", ENTITY, "EntityId", "EntityValidationName"
)
LAYOUT = Kind("ENTITY_LAYOUT_CONFIGURATION", "layout", "layouts", ENTITY, "EntityId", "LayoutName")
WORKFLOW_RULE = Kind(
    "WORKFLOW_RULE", "workflow rule", "workflow_rules", ENTITY, "EntityId", "RuleName"
)
WORKFLOW_ACTION = Kind(
    "WORKFLOW_ACTION", "workflow action", "actions", WORKFLOW_RULE, "WorkflowRuleId", "ActionName"
)
RIGHT = Kind("ENTITY_FIELD_ROLE", "right", "rights", ROLE, "RoleId", "")
SHARING_GROUP = Kind("SHARING_GROUP", "sharing group", "sharing_groups")
SHARING_RULE = Kind(
    "SHARING_GROUP_RULE", "sharing rule", "rules", SHARING_GROUP, "SharingGroupId", EXTERNAL_KEY
)

#: In the order in which rows can be made.
KINDS: tuple[Kind, ...] = (
    ROLE,
    ENTITY,
    FIELD,
    VALUE,
    KEY,
    VALIDATION,
    LAYOUT,
    SHARING_GROUP,
    SHARING_RULE,
    WORKFLOW_RULE,
    WORKFLOW_ACTION,
    RIGHT,
)
TOP: tuple[Kind, ...] = (ENTITY, ROLE, SHARING_GROUP)
