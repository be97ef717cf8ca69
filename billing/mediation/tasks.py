"""What usage needs done in the background."""

from celery import shared_task

from billing.mediation import partitions


@shared_task(ignore_result=True)
def keep_activity_months() -> None:
    """Make the coming months of ACTIVITY."""
    partitions.ensure_ahead()
