"""How many generated cases a property is tried with.

A few in each run, always the same ones; EXAMPLES=20 tries twenty times as many, others each time.
"""

import os

from hypothesis import HealthCheck, Phase, settings


def tried(few: int) -> settings:
    """Settings of a property whose cases are large and come from the database: so many in each
    run. The first that fails says what differs; a smaller one would be long in coming."""
    times = max(1, int(os.environ.get("EXAMPLES", "1")))
    return settings(
        max_examples=few * times,
        deadline=None,
        derandomize=times == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
