"""What the metadata core does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from entities import retention
from entities.automation import delivery, scheduled, trimming
from entities.changing import jobs
from entities.files import sweeping


@shared_task(ignore_result=True)
def sweep_files() -> None:
    """Remove the contents of files that no record holds."""
    sweeping.sweep()


@shared_task(ignore_result=True)
def apply_retention() -> None:
    """Purge the recycle bin, trim the history and the logs of workflow rules, each entity by its
    own rule."""
    retention.empty_recycle_bin()
    retention.trim_history()
    trimming.trim()


@shared_task(ignore_result=True)
def deliver_outbound() -> None:
    """Send what waits in the outbox."""
    delivery.deliver()


@shared_task(ignore_result=True)
def run_scheduled_rules() -> None:
    """Run the workflow rules whose time has come."""
    scheduled.run_due()


@shared_task(ignore_result=True)
def run_schema_job(job_id: int) -> None:
    """Build the index of a schema job."""
    jobs.run(job_id)


@shared_task(ignore_result=True)
def resume_schema_jobs() -> None:
    """Run the schema jobs that nobody was told of, or whose worker is gone."""
    for job_id in jobs.unfinished():
        jobs.run(job_id)
