"""What rating does in workers."""

from datetime import date

from celery import shared_task

from billing.mediation.loads import running
from billing.rating import loads, recurring, settling
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


@shared_task(name="metabrm.settle", ignore_result=True)
def settle(
    accounts: list[int] | None = None, until: str | None = None, *, closing: bool = False
) -> None:
    """Settle the deals of these accounts, or of all that have any, up to a day (2026-11-30)."""
    settling.settle(date.fromisoformat(until) if until else None, accounts, closing=closing)
