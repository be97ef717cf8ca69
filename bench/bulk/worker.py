"""Each bulk job in a process of its own, as a worker does it: its seconds, and its peak of memory.

One process sets the product up and makes a child for each job; what a child has at its peak is
what a worker has that did this job first.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Done:
    """What a job took."""

    seconds: float
    peak_rss_mb: float


def done(kind: int, job_id: int) -> Done:
    """Have the job done; RuntimeError unless it is."""
    parent = _parent()
    assert parent.stdin is not None and parent.stdout is not None
    parent.stdin.write(f"{kind} {job_id}\n")
    parent.stdin.flush()
    told = json.loads(parent.stdout.readline() or "null")
    if told is None:
        raise RuntimeError(f"job {job_id} is not done; standard error says why")
    return Done(**told)


@cache
def _parent() -> subprocess.Popen[str]:
    """Started once; it ends when its standard input does."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.bulk.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    """For each line `KIND ID` one line of JSON: what the job took, or null."""
    import django

    django.setup()
    import entities.tasks  # noqa: F401

    # What else is printed must not come between.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                answers.write(json.dumps(_work(*map(int, line.split()))) + "\n")
                answers.flush()
                os._exit(0)
            except BaseException as error:
                print(f"bench.bulk.worker: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            print("null", file=answers, flush=True)


def _work(kind: int, job_id: int) -> dict[str, float]:
    from bench.measure import watch
    from entities.bulk import jobs
    from entities.schema.current import current
    from entities.tasks import run_bulk_job

    current()
    with watch() as seconds:
        run_bulk_job(kind, job_id)
    job = jobs.KINDS[kind]._default_manager.get(pk=job_id)
    if job.status != "COMPLETED":
        raise RuntimeError(f"{job.status}: {job.error_text}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds(), "peak_rss_mb": peak}


if __name__ == "__main__":
    main()
