"""Usage as it arrived, before it becomes charges.

The names of the fields mix two ways of writing, as feeds have sent them for years; two of them
differ in an underscore only: PROCESS_STATUS and ProcessStatus.
"""

from django.db import models
from django.db.models import Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField


class CollectorFields(ExternallyKeyed, EntityModel):
    """A record of usage as a collector brought it; mediation makes charges of it."""

    activity_collector = models.ForeignKey(
        "mediation.ActivityCollector",
        models.PROTECT,
        related_name="+",
        help_text="The collector that brought it.",
    )
    activity_collector_history = optional.lookup(
        "mediation.ActivityCollectorHistory", "The load it came with.", models.PROTECT
    )
    record_number = optional.number_of("Its place in the load.")
    billing_identifier = optional.text(
        255, "The token in the usage that says whose it is: a phone number, a meter."
    )
    activity_date = optional.moment("When the usage happened.")
    activity_date_ts = optional.moment(
        "When the usage happened, to the microsecond.", verbose_name="activity timestamp"
    )
    quantity = optional.quantity("How much was used.")
    charge_type = optional.text(100, "Kind of charge it is for.")
    origination_country_code = optional.text(
        255, "Where the usage comes from, as the feed names it.", verbose_name="origin"
    )
    destination_country_code = optional.text(
        255, "Where the usage goes to, as the feed names it.", verbose_name="destination"
    )
    override_rate = optional.money("Price per unit that the feed sets.")
    override_cost = optional.money("Amount that the feed sets.")
    override_buy_cost = optional.money("What it costs us, as the feed says.")
    consolidation_exempt = FlagField(
        help_text="It counts by itself, whatever the collector consolidates."
    )
    credit_activity_option = optional.text(100, "How usage is given back that was charged before.")
    parent_collector_field = optional.lookup("self", "The record that this one was taken from.")

    # How far it has come
    process_state = optional.text(100, "How far mediation has come.", verbose_name="process status")
    process_description = optional.text(1000, "What mediation says of it.")
    process_status = optional.text(
        100, "How far the record has come.", verbose_name="record status"
    )
    started = FlagField(help_text="Mediation has begun with it.")
    started_date = optional.moment("When mediation began with it.")
    ended = FlagField(help_text="Mediation is done with it.")
    ended_date = optional.moment("When mediation was done with it.")
    mapping_count = optional.count("How many products it was charged to.")
    mapping_date = optional.moment("When it was mapped to products.")
    mdl_status = optional.text(100, "Status that the loader gave it.", verbose_name="MDL status")
    mdl_error_message = optional.text(
        4000, "Why the loader could not take it.", verbose_name="MDL error message"
    )
    reprocess_status = optional.text(
        100, "Set it to RESUBMIT to have usage in suspense taken up again; it says how far it came."
    )
    reprocess_date = optional.moment("When it was taken up again.")
    usage_identifier = optional.text(255, "The label that it raises, in place of the collector's.")
    cause = optional.text(100, "Why it is in suspense, as a code: UNKNOWN_TOKEN.")
    reason = optional.text(4000, "Why it is in suspense, in words.")
    file_line = optional.number_of("Line of the file on which it begins.")
    raw_record = optional.long_text("The record as the source wrote it, as JSON or text.")
    signature = models.UUIDField(null=True, editable=False)
    extra_fields = models.JSONField(
        null=True, blank=True, help_text="What is to be put into custom fields of ACTIVITY."
    )

    brm = EntityOptions(
        name="COLLECTOR_FIELDS",
        names={
            "activity_collector": "ACTIVITY_COLLECTOR_ID",
            "activity_collector_history": "ACTIVITY_COLLECTOR_HISTORY_ID",
            "activity_date": "ACTIVITY_DATE",
            "activity_date_ts": "ActivityDateTS",
            "destination_country_code": "DESTINATION_COUNTRY_CODE",
            "mdl_error_message": "MDLErrorMessage",
            "mdl_status": "MDLStatus",
            "origination_country_code": "ORIGINATION_COUNTRY_CODE",
            "override_buy_cost": "OVERRIDE_BUY_COST",
            "override_cost": "OVERRIDE_COST",
            "override_rate": "OVERRIDE_RATE",
            "process_description": "PROCESS_DESCRIPTION",
            "process_state": "PROCESS_STATUS",
            "reprocess_date": "Reprocess_Date",
            "reprocess_status": "Reprocess_Status",
        },
        hidden=("signature",),
        read_only=("cause", "reason", "file_line", "raw_record"),
        external_keys=("external_key",),
        title="billing_identifier",
        deletable=False,
        history=False,
    )

    class Meta:
        verbose_name = "collected usage"
        verbose_name_plural = "collected usage"
        constraints = [live_unique("mediation_collectorfields", "external_key")]
        indexes = [
            # The groups of usage in suspense are counted, and leafed through, in the index alone.
            models.Index(
                fields=["activity_collector", "process_state", "cause", "created", "id"],
                include=["quantity"],
                condition=Q(cause__isnull=False, deleted_at__isnull=True),
                name="mediation_suspense_group",
            ),
            models.Index(
                fields=["activity_collector_history", "process_state", "cause", "id"],
                condition=Q(cause__isnull=False, deleted_at__isnull=True),
                name="mediation_suspense_load",
            ),
        ]
