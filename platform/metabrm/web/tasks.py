"""What this room does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from metabrm.web import answers


@shared_task(ignore_result=True)
def trim_kept_answers() -> None:
    """Remove the answers to requests with an Idempotency-Key that are no longer given again."""
    answers.trim()
