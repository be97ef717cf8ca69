"""What the metadata core does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from entities import retention
from entities.automation import delivery
from entities.files import sweeping


@shared_task(ignore_result=True)
def sweep_files() -> None:
    """Remove the contents of files that no record holds."""
    sweeping.sweep()


@shared_task(ignore_result=True)
def apply_retention() -> None:
    """Purge the recycle bin and trim the history, each entity by its own rule."""
    retention.empty_recycle_bin()
    retention.trim_history()


@shared_task(ignore_result=True)
def deliver_outbound() -> None:
    """Send what waits in the outbox."""
    delivery.deliver()
