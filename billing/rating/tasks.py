"""What rating does in workers."""

from celery import shared_task

from billing.mediation.loads import running
from billing.rating import loads, recurring
from metabrm import background


@shared_task(name=running.RATE, ignore_result=True)
def rate_load(load_id: int, shard: int) -> None:
    """Rate a shard of a load's usage in flight; the last one of them has the load finished."""
    loads.rate(load_id, shard)
    background.tell(running.FINISH, load_id)


@shared_task(name="metabrm.charge_recurring", ignore_result=True)
def charge_recurring() -> None:
    """Charge what recurs or comes once and is due today, each account in its own days."""
    recurring.charge()
