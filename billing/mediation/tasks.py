"""What usage needs done in the background."""

from celery import shared_task

from billing.mediation import partitions, sources
from billing.mediation.loads import reversing, running
from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.models.loads import REVERSING
from metabrm import background


@shared_task(ignore_result=True)
def keep_activity_months() -> None:
    """Make the coming months of ACTIVITY."""
    partitions.ensure_ahead()


@shared_task(name=running.RUN, ignore_result=True)
def run_load(load_id: int) -> None:
    """Read and map a load, and have it rated; or take it back."""
    if ActivityCollectorHistory.objects.filter(pk=load_id, status=REVERSING).exists():
        reversing.reverse(load_id)
    elif not running.run(load_id):
        running.finish(load_id)


@shared_task(name=running.FINISH, ignore_result=True)
def finish_load(load_id: int) -> None:
    """Write what became of a load once all of it is rated."""
    running.finish(load_id)


@shared_task(name="metabrm.resume_loads", ignore_result=True)
def resume_loads() -> None:
    """Take up the loads that nobody was told of, or whose worker is gone."""
    sources.close_posted()
    sources.gather_events()
    for load_id in running.unfinished():
        run_load(load_id)


@shared_task(name="metabrm.run_collectors", ignore_result=True)
def run_collectors() -> None:
    """Look for usage where a collector's time has come."""
    for collector_id in sources.due():
        background.tell("metabrm.collect", collector_id)


@shared_task(name="metabrm.collect", ignore_result=True)
def collect(collector_id: int) -> None:
    """Look for usage at one collector's source."""
    for load_id in sources.collect_or_tell(collector_id):
        background.tell(running.RUN, load_id)
