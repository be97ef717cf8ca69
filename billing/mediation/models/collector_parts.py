"""What belongs to a collector: how its fields are mapped, filtered, labelled and reconciled."""

from django.db import models

from billing.mediation.models.collectors import ActivityCollector
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, ListField


class CollectorPart(ExternallyKeyed, EntityModel):
    """What belongs to a collector and goes with it."""

    activity_collector = models.ForeignKey(
        ActivityCollector,
        models.CASCADE,
        related_name="+",
        help_text="The collector it belongs to.",
    )
    sort_order = models.IntegerField(default=0, help_text="Place among its like, low first.")

    class Meta:
        abstract = True


class ActivityCollectorMap(CollectorPart):
    """How one field of the usage is made from what a record of the source holds."""

    name = optional.text(
        100, "What formulas call the source where it has no name of its own: {!Caller}."
    )
    source = optional.text(
        500,
        "Where the value stands in a record: the column's name or number, the characters 11-20 of "
        "a fixed-width line, the path data.bytes or item/@id of JSON and XML.",
    )
    target = optional.text(
        100,
        "The field that it fills: one of COLLECTOR_FIELDS (BillingIdentifier, ACTIVITY_DATE, "
        "Quantity), UsageIdentifier, or a custom field of ACTIVITY; empty = it only has a name.",
    )
    default_value = optional.text(255, "What it is where the source has none.")
    formula = optional.text(
        4000, "What it is made of in place of Source: {!Up} + {!Down}, over the names of columns."
    )
    date_format = optional.text(
        100,
        "How a date is written: YYYY, YY, MM, DD, HH24, MI, SS and any signs between, EPOCH or "
        "EPOCH_MS; empty = ISO 8601.",
    )
    multiplier = optional.quantity("What a number is multiplied by: 0.0166666667 of seconds.")
    signature_flag = FlagField(
        verbose_name="part of the signature",
        help_text="Records in which all fields so marked are equal are one; without any marked, "
        "those whose mapped fields are all equal.",
    )
    consolidation = optional.choice(
        ("SUM", "HIGH-WATER MARK"),
        "What becomes of the values of one signature: their sum, or the record with the highest "
        "stays. Without any so marked quantities are added up.",
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_MAP",
        external_keys=("external_key",),
        title="target",
        example={"Target": "Quantity", "Formula": "NUMBER({!Quantity})"},
    )

    class Meta:
        verbose_name = "collector mapping"
        verbose_name_plural = "collector mappings"
        constraints = [live_unique("mediation_activitycollectormap", "external_key")]


class ActivityCollectorFilter(CollectorPart):
    """Which records of the source are usage; the others are counted, and left out."""

    name = optional.text(255, "What it is about.")
    formula = models.CharField(
        max_length=4000,
        help_text="True of the records that are taken: {!Type} = 'CALL', over the names of "
        "columns. All filters of a collector must be.",
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_FILTER",
        external_keys=("external_key",),
        title="formula",
        example={"Formula": "{!Quantity} > 0"},
    )

    class Meta:
        verbose_name = "collector filter"
        verbose_name_plural = "collector filters"
        constraints = [live_unique("mediation_activitycollectorfilter", "external_key")]


class ActivityCollectorLabel(CollectorPart):
    """A usage identifier that records raise: every product that carries it is charged."""

    usage_identifier = models.ForeignKey(
        "catalog.UsageIdentifier",
        models.PROTECT,
        related_name="+",
        help_text="The label that is raised.",
    )
    formula = optional.text(
        4000, "True of the records that raise it, over the names of columns; empty = all do."
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_LABEL",
        external_keys=("external_key",),
        title="usage_identifier",
        described_by=("activity_collector", "usage_identifier"),
    )

    class Meta:
        verbose_name = "collector label"
        verbose_name_plural = "collector labels"
        constraints = [live_unique("mediation_activitycollectorlabel", "external_key")]


class ActivityCollectorControl(CollectorPart):
    """What a header or trailer says of its file, to be reconciled with what is in it."""

    place = ListField(
        values=("HEADER", "TRAILER"),
        default="TRAILER",
        help_text="Where it stands: in the lines skipped at the beginning (SkipRows) or at the end "
        "(OmitEnd).",
    )
    line_number = models.PositiveIntegerField(
        default=1, help_text="Which of these lines, from 1, in the order of the file."
    )
    position = models.CharField(
        max_length=100,
        help_text="Where in the line: the number of the column, or the characters 11-20.",
    )
    kind = ListField(
        values=("RECORD COUNT", "SUM", "TEXT"),
        default="RECORD COUNT",
        help_text="What it says: how many records there are, the sum of a column, or the text of "
        "Expected.",
    )
    source = optional.text(500, "SUM: the column that is added up, written as in a mapping.")
    expected = optional.text(255, "TEXT: what stands there.")

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_CONTROL",
        external_keys=("external_key",),
        title="kind",
        described_by=("activity_collector", "kind"),
        example={"Position": "2"},
    )

    class Meta:
        verbose_name = "collector control"
        verbose_name_plural = "collector controls"
        constraints = [live_unique("mediation_activitycollectorcontrol", "external_key")]
