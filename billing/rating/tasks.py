"""What rating does in workers."""

from celery import shared_task

from billing.rating import loads


@shared_task(name="metabrm.rate_load", ignore_result=True)
def rate_load(load_id: int, shard: int) -> None:
    """Rate a shard of a load's usage in flight."""
    loads.rate(load_id, shard)
