"""What the metadata core does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from entities import retention
from entities.automation import delivery, scheduled, trimming
from entities.bulk import extracting, keeping, loading
from entities.bulk import jobs as bulk_jobs
from entities.changing import jobs
from entities.files import sweeping
from entities.models.bulk import BulkApiRequest, BulkUploadHistory
from metabrm import background


@shared_task(ignore_result=True)
def sweep_files() -> None:
    """Remove the contents of files that no record holds."""
    sweeping.sweep()


@shared_task(ignore_result=True)
def apply_retention() -> None:
    """Purge the recycle bin, trim the history and the logs of workflow rules, each entity by its
    own rule, and the files of bulk jobs."""
    retention.empty_recycle_bin()
    retention.trim_history()
    trimming.trim()
    keeping.remove_old_files()


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


@shared_task(ignore_result=True)
def run_bulk_job(kind: int, job_id: int) -> None:
    """Do what a bulk extract or a bulk load asks for."""
    model = bulk_jobs.KINDS[kind]
    bulk_jobs.run(kind, job_id, extracting.extract if model is BulkApiRequest else loading.load)


@shared_task(ignore_result=True)
def resume_bulk_jobs() -> None:
    """Do the bulk jobs that nobody was told of, or whose worker is gone."""
    for kind, job_id in bulk_jobs.unfinished():
        run_bulk_job(kind, job_id)
    for upload_id in loading.unclosed():
        with background.alone(bulk_jobs.kind_of(BulkUploadHistory), upload_id) as mine:
            if mine:
                loading.close(upload_id)
