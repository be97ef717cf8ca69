"""One bulk job in a process of its own, as a worker does it: its seconds, and its peak of memory.

`python -m bench.bulk.worker KIND ID` prints both as JSON.
"""

import json
import resource
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What a job took."""

    seconds: float
    peak_rss_mb: float


def done(kind: int, job_id: int) -> Done:
    """Have the job done; RuntimeError unless it is."""
    told = subprocess.run(
        [sys.executable, "-m", "bench.bulk.worker", str(kind), str(job_id)],
        check=True,
        capture_output=True,
        text=True,
    )
    return Done(**json.loads(told.stdout.splitlines()[-1]))


def main() -> None:
    import django

    django.setup()
    from bench.measure import watch
    from entities.bulk import jobs
    from entities.schema.current import current
    from entities.tasks import run_bulk_job

    kind, job_id = map(int, sys.argv[1:])
    current()
    with watch() as seconds:
        run_bulk_job(kind, job_id)
    job = jobs.KINDS[kind]._default_manager.get(pk=job_id)
    if job.status != "COMPLETED":
        raise RuntimeError(f"{job.status}: {job.error_text}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds(), "peak_rss_mb": peak}))


if __name__ == "__main__":
    main()
