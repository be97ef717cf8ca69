"""metadata.version: what it costs each request to know that its schema is still the newest."""

import statistics
from collections.abc import Callable
from time import perf_counter

from bench.installation import Installation
from bench.measure import Figures, at_most
from bench.metadata.wide import PATH, made, rows

REQUESTS = 300


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """Microseconds of the question, as it is asked along with the session's and by itself, and its
    share of reading one record of fifty fields."""
    from entities.api.callers import _SCHEMA_VERSION
    from entities.schema.current import current
    from entities.schema.versioning import database_version
    from metabrm.identity.sessions import context_of_session

    wide = made(installation)
    wide.empty()
    wide.copy(rows(installation, range(100)))
    session = installation.ours.headers["sessionid"]
    request = installation.ours.request("GET", f"{PATH}/1")
    installation.ours.warm([request] * 16)
    sent = installation.ours.send([request] * REQUESTS * rounds)
    version = current().version
    taken = _in_turns(
        {
            "bare": lambda: context_of_session(session),
            "along": lambda: context_of_session(session, alongside=_SCHEMA_VERSION),
            "alone": database_version,
            "compared": lambda: current(version),
        },
        REQUESTS * rounds,
    )
    along = max(taken["along"] - taken["bare"], 0.0) + taken["compared"]
    one_record = sent.percentile(0.5)
    return {
        "check_us": along * 1e6,
        "check_by_itself_us": taken["alone"] * 1e6,
        "one_record_us": one_record * 1e6,
        "share_percent": along / one_record * 100,
    }


def _in_turns(sides: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Seconds of one call, the median; the sides take turns, so a busy neighbour hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times):
        for name, call in sides.items():
            begun = perf_counter()
            call()
            taken[name].append(perf_counter() - begun)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


BENCH = Figures(
    about="the version check of a request, and its share of reading a single record over HTTP",
    figures=figures,
    targets=(at_most("share_percent", 5),),
)
