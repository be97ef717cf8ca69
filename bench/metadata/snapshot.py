"""metadata.snapshot: how long a process takes to build the snapshot of a grown schema."""

import statistics
import time

from bench.installation import Installation
from bench.measure import Figures, at_most
from bench.metadata.many import made


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """Seconds of one snapshot: by the clock, and of the processor in this process."""
    from entities.schema.building import build, forget

    made(n)
    snapshot = build()
    walls, cpus = [], []
    for _ in range(rounds * 3):
        forget()
        cpu, wall = time.process_time(), time.perf_counter()
        build()
        cpus.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    return {
        "entities": len(snapshot.entities),
        "fields": sum(len(e.fields) for e in snapshot.entities.values()),
        "build_s": statistics.median(walls),
        "build_cpu_s": statistics.median(cpus),
    }


BENCH = Figures(
    about="one snapshot of 300 entities x 35 fields beside the core's, built in this process",
    figures=figures,
    targets=(at_most("build_s", 0.5), at_most("build_cpu_s", 0.35)),
)
