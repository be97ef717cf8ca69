"""Loading the data files as upserts, and again: the second time nothing may be doubled."""

from billingplatform import BillingPlatform

from metabrm.demo import integrator
from metabrm.demo.fixtures import DataFile
from metabrm.demo.integrator import Surprise, Tally, expect
from metabrm.demo.telling import Telling

FAILURES_TOLD = 10


def load(client: BillingPlatform, files: list[DataFile], telling: Telling) -> None:
    """Send every file, and again; raises Surprise where a record fails or is doubled."""
    records = sum(len(file.records) for file in files)
    telling.step(f"Load {records:,} records from {len(files)} files, by external key")
    _send(client, files, telling)
    before = _counts(client, files)

    telling.step("Load the same again")
    again = _send(client, files, telling)
    after = _counts(client, files)
    created = sum(tally.created for tally in again.values())
    expect(not created, f"loading the same again created {created} records")
    for entity, number in before.items():
        expect(
            after[entity] == number,
            f"{entity} had {number} records before and {after[entity]} after loading again",
        )
    telling.check(
        f"nothing was created; all {len(before)} entities still count {sum(before.values()):,}"
        " records, what the system brings itself included"
    )


def _send(client: BillingPlatform, files: list[DataFile], telling: Telling) -> dict[str, Tally]:
    """Send the files and tell the tally of each entity."""
    tallies: dict[str, Tally] = {}
    failures: list[str] = []
    with telling.progress(sum(len(file.records) for file in files)) as bar:
        task = bar.task_ids[0]
        for file in files:
            bar.update(task, description=file.entity)
            tally, failed = integrator.upsert(client, file, lambda done: bar.advance(task, done))
            tallies.setdefault(file.entity, Tally()).add(tally)
            failures += failed
    telling.tallies("entity", tallies)
    if failures:
        more = len(failures) - FAILURES_TOLD
        raise Surprise(
            "\n".join(
                [
                    f"{len(failures)} records were refused:",
                    *failures[:FAILURES_TOLD],
                    *([f"and {more} more"] if more > 0 else []),
                ]
            )
        )
    return tallies


def _counts(client: BillingPlatform, files: list[DataFile]) -> dict[str, int]:
    """Entity -> how many records it has; at least those of the files."""
    wanted: dict[str, set[str]] = {}
    for file in files:
        wanted.setdefault(file.entity, set()).update(file.keys())
    counts = {entity: integrator.count(client, entity) for entity in wanted}
    for entity, keys in wanted.items():
        expect(
            counts[entity] >= len(keys),
            f"{len(keys)} {entity} records were sent, the system counts {counts[entity]}",
        )
    return counts
