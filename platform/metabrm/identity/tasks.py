"""What this room does on a schedule (CELERY_BEAT_SCHEDULE)."""

from celery import shared_task

from metabrm.identity import lockout, sessions


@shared_task(ignore_result=True)
def purge_expired_sessions() -> None:
    """Remove the sessions that have ended, and the failed sign-ins that lock nobody out."""
    sessions.purge_expired_sessions()
    lockout.purge()
