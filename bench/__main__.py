"""Run the benches named on the command line; one JSON line for each and a table at the end."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

from bench.measure import Measured, Measurement, table

ROWS = (10_000, 100_000)
ROUNDS = 3


def benches() -> dict[str, Measurement]:
    """Name -> bench, in the order they run. Imported late: they need the environment set up."""
    from bench.api import create, retrieve, single, upsert
    from bench.bulk import extract, load
    from bench.mediation import kept
    from bench.metadata import create as wide_create
    from bench.metadata import retrieve as wide_retrieve
    from bench.metadata import served, snapshot, version
    from bench.query import observed
    from bench.rating import files

    return {
        "api.create": create.BENCH,
        "api.upsert": upsert.BENCH,
        "api.retrieve": retrieve.BENCH,
        "api.single": single.BENCH,
        "bulk.extract": extract.BENCH,
        "bulk.load": load.BENCH,
        "metadata.create": wide_create.BENCH,
        "metadata.retrieve": wide_retrieve.BENCH,
        "metadata.version": version.BENCH,
        "metadata.snapshot": snapshot.BENCH,
        "metadata.served": served.BENCH,
        "query.observed": observed.BENCH,
        "rating.files": files.BENCH,
        "rating.onto": files.ONTO,
        "mediation.kept": kept.BENCH,
    }


def chosen(names: Sequence[str]) -> dict[str, Measurement]:
    """The benches that the names mean; SystemExit for a name that means none."""
    known = benches()
    found = {
        name: bench
        for name, bench in known.items()
        if not names or any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
    }
    if not found:
        raise SystemExit(f"bench: no bench is called {' or '.join(names)}; try {', '.join(known)}")
    return found


def run(names: Sequence[str], rows: Sequence[int], rounds: int, onto: int = 0) -> list[Measured]:
    """Run the benches named in the environment's installation, telling each as it is measured."""
    from bench.installation import installed

    results: list[Measured] = []
    wanted = chosen(names)
    with installed(onto) as installation:
        for name, bench in wanted.items():
            print(f"{name}: {bench.about}", file=sys.stderr, flush=True)
            for result in bench.measure(installation, name, rows, rounds):
                print(result.json(), flush=True)
                results.append(result)
    print(f"\n{table(results)}", flush=True)
    return results


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="benches, or beginnings such as `api`")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help="n, and 10n to see growth")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at least 3 for true medians")
    parser.add_argument("--onto", type=int, default=0, help="lines there before, for rating.onto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metabrm-bench-") as state:
        # Servers of their own, as they are in production, and never somebody's data.
        os.environ["BRM_STATE_DIR"] = state
        os.environ["BRM_USAGE_DIR"] = usage = os.path.join(state, "usage")
        os.mkdir(usage)
        for variable in ("DATABASE_URL", "REDIS_URL", "BRM_ADMIN_PASSWORD"):
            os.environ.pop(variable, None)
        os.environ["BRM_LOG_LEVEL"] = "WARNING"
        # Counted as everywhere, but nobody waits.
        os.environ["BRM_RATE_LIMIT"] = "1000000:1000000:100000000"
        from metabrm import embedded
        from metabrm.problems import told_in_one_line

        with told_in_one_line(), embedded.servers():
            rows = [int(n) for n in options.rows.split(",")]
            run(options.names, rows, options.rounds, options.onto)


if __name__ == "__main__":
    main()
