"""What this room does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from metabrm.identity import sessions


@shared_task(ignore_result=True)
def purge_expired_sessions() -> None:
    """Remove the API sessions that have ended."""
    sessions.purge_expired_sessions()
