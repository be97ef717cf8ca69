"""Which of our records is which of theirs, in the systems that sales people work in."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique


class MicrosoftDynamicsMapping(ExternallyKeyed, EntityModel):
    """A record and its counterpart in Microsoft Dynamics."""

    billing_platform_entity = models.CharField(
        max_length=63, verbose_name="entity", help_text="Entity of our record: ACCOUNT."
    )
    billing_platform_id = models.CharField(
        max_length=100, verbose_name="record id", help_text="Id of our record."
    )
    microsoft_entity = models.CharField(
        max_length=100, help_text="Kind of the record in Microsoft Dynamics: account."
    )
    microsoft_id = models.CharField(
        max_length=100, help_text="Id of the record in Microsoft Dynamics."
    )
    status = models.CharField(
        max_length=100, help_text="Whether the two are in line with each other."
    )
    sync_job_id = models.BigIntegerField(help_text="Id of the job that brings them in line.")
    execution_history_id = optional.number_of("Id of the job's run that did it last.")

    brm = EntityOptions(
        name="MICROSOFT_DYNAMICS_MAPPING",
        external_keys=("external_key",),
        title="billing_platform_entity",
    )

    class Meta:
        verbose_name = "Microsoft Dynamics mapping"
        verbose_name_plural = "Microsoft Dynamics mappings"
        constraints = [live_unique("quoting_microsoftdynamicsmapping", "external_key")]
        indexes = [
            models.Index(
                fields=["billing_platform_entity", "billing_platform_id"],
                name="quoting_dynamics_ours",
            ),
            models.Index(fields=["microsoft_id"], name="quoting_dynamics_theirs"),
        ]
