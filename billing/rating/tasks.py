"""What rating does in workers."""

from celery import shared_task

from billing.rating import loads, recurring


@shared_task(name="metabrm.rate_load", ignore_result=True)
def rate_load(load_id: int, shard: int) -> None:
    """Rate a shard of a load's usage in flight."""
    loads.rate(load_id, shard)


@shared_task(name="metabrm.charge_recurring", ignore_result=True)
def charge_recurring() -> None:
    """Charge what recurs or comes once and is due today, each account in its own days."""
    recurring.charge()
