"""What makes a Django model a core entity of the house.

A core entity is an ordinary model with migrations that also says, in its class attribute `brm`, how
the outside world knows it: its API name, its keys, the fields whose API name does not follow from
the Python name. `entities.schema.sync` reads these declarations after every migrate and writes them
as ENTITY and ENTITY_FIELD rows; from then on core and custom entities are the same to the core.

API names derive from the column name: `allow_price_override` -> `AllowPriceOverride`, the lookup
`product` (column `product_id`) -> `ProductId`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

#: A history of changes and removals, without creations.
CHANGES = "changes"


@dataclass(frozen=True)
class Computed:
    """A read-only field without a column: `sql` is an expression over the alias `{t}` of the row.

    `data_type` is a name of the field-type registry; the expression yields that type's SQL type.
    """

    name: str
    data_type: str
    sql: str
    label: str = ""
    help: str = ""


@dataclass(frozen=True)
class EntityOptions:
    """How a model is known through metadata.

    name             API name, e.g. "PACKAGE_PRODUCT"
    names            Python field name -> API name, where the derived one is not the documented one
    external_keys    Python names of the fields an upsert or a lookup may name, the preferred first;
                     each has a unique index of its own
    title            Python name of the field that people recognise a record by
    described_by     Python names of the fields that tell together what a record is that has no
                     name; a lookup stands for what it points to. Without any, the Id and the
                     required lookups tell it
    listed           Python names of the fields that lists show where no layout says which; without
                     any, they are derived from the fields
    computed         read-only fields without a column
    hidden           Python names of columns that are nobody's business outside (never in metadata)
    unaudited        columns left out of the history (secrets)
    immutable        Python names of fields that may not change after creation
    encrypted        Python names of the fields (EncryptedField) whose values are encrypted at rest
    write_only       Python names of fields that can be written, and read by nobody
    refused          API names that callers may know but that hold nothing, because nothing may
                     be kept there -> what to send instead
    example          API name -> value that the documentation's example of a new record has because
                     the entity's rules want it; None leaves a field out; a lookup's value stands
                     for any record, a mapping for a new one with these values;
                     of an entity that is reckoned, the inputs that a query sends
    supplied         Python names of required fields that its behavior fills in where none is sent
    read_only        Python names of fields that the system maintains; values sent are ignored
    writable         False for entities that only the system writes (AUDIT_LOG)
    inputs           Python names of the fields that records are reckoned from, in order, of an
                     entity that is a view without rows: they are made when a query sends one of
                     these in `Field = value`
    deletable        False for entities whose records nobody deletes
    history          False for entities whose changes are not recorded unless somebody asks for it;
                     CHANGES where that a record was made is told by the record alone
    partitioned_by   Python name of the field of instants whose months the table is kept in
                     (metabrm.months); unique keys contain it, and no key of the database guards
                     lookups to its records
    seen_with        Python names of the lookups to what a record is made of, of an entity that is
                     a view: it exists for whoever sees all of these
    lookups          Python name of a number's field -> name of the entity whose Id it is, where
                     that one lives in a room that this one does not know
    personal         records are seen by who made them and by administrators, unless they are shared
                     (SharingModel PRIVATE)
    """

    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    external_keys: tuple[str, ...] = ()
    title: str = "name"
    described_by: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    computed: tuple[Computed, ...] = ()
    hidden: tuple[str, ...] = ()
    unaudited: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()
    write_only: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)
    supplied: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    writable: bool = True
    inputs: tuple[str, ...] = ()
    deletable: bool = True
    history: bool | str = True
    partitioned_by: str = ""
    seen_with: tuple[str, ...] = ()
    lookups: Mapping[str, str] = field(default_factory=dict)
    personal: bool = False


class CoreModel(models.Model):
    """Abstract base of everything that metadata describes."""

    brm: EntityOptions

    class Meta:
        abstract = True


class EntityModel(CoreModel):
    """Abstract base of every entity that people write: authorship, recycle bin.

    The verbs of `entities.records` fill these columns; the database defaults only serve rows that
    arrive another way. `deleted_at` set means the record lies in the recycle bin: it is invisible
    to queries, and its keys are free again (see `live_unique`).
    """

    # Authors carry no database constraint: a user may be purged and stays the author of his
    # records, and two foreign-key checks on every inserted row would cost more than they find.
    created = models.DateTimeField(db_default=Now(), editable=False)
    created_user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    updated = models.DateTimeField(db_default=Now(), editable=False)
    updated_user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, self.brm.title, None) or f"{self.brm.name} {self.pk}")


class ExternallyKeyed(models.Model):
    """Mixin: the integrator's own key for the record, free text, unique among live records.

    A model that mixes this in adds `live_unique("<table>", "external_key")` to its constraints and
    names "external_key" in `brm.external_keys`.
    """

    external_key = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="The integrator's own key for this record; unique. Upserts and lookups use it.",
    )

    class Meta:
        abstract = True


def live_unique(table: str, *fields: str) -> models.UniqueConstraint:
    """A unique key over `fields` (Python names) among records that are not in the recycle bin."""
    return models.UniqueConstraint(
        fields=fields,
        condition=Q(deleted_at__isnull=True),
        name=f"{table}_{'_'.join(fields)}_key"[:63],
    )


@cache
def api_name(python_name: str) -> str:
    """`allow_price_override` -> `AllowPriceOverride`."""
    return "".join(part[:1].upper() + part[1:] for part in python_name.split("_"))
