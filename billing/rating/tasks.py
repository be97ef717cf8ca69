"""What rating does in workers."""

from datetime import date

from celery import shared_task

from billing.mediation.loads import running
from billing.rating import loads, recurring, settling
from billing.rating.rerating import runs
from billing.rating.rerating.running import SETTLE
from billing.rating.settling import fees
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


@shared_task(name=SETTLE, ignore_result=True)
def settle(
    accounts: list[int] | None = None, until: str | None = None, *, closing: bool = False
) -> None:
    """Settle the deals of these accounts, or of all that have any, up to a day (2026-11-30)."""
    settling.settle(_day(until), accounts, closing=closing)


@shared_task(name="metabrm.charge_late_fees", ignore_result=True)
def charge_late_fees(invoices: list[int], day: str | None = None) -> None:
    """Charge the late fees that these invoices bear on the day."""
    fees.charge_late_fees(invoices, _day(day))


@shared_task(name="metabrm.charge_invoice_fees", ignore_result=True)
def charge_invoice_fees(invoices: list[int], day: str | None = None) -> None:
    """Bring the fees of these CURRENT invoices to what they come to."""
    fees.charge_invoice_fees(invoices, _day(day))


@shared_task(name=runs.RERATE, ignore_result=True)
def rerate(run_id: int) -> None:
    """Rate again what a RERATE record asks for."""
    runs.carry_out(run_id)


@shared_task(name="metabrm.resume_rerates", ignore_result=True)
def resume_rerates() -> None:
    """Carry out the RERATE records that nobody was told of, or whose worker is gone."""
    for run_id in runs.waiting():
        runs.carry_out(run_id)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
