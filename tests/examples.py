"""How many generated cases a property is tried with.

A few in each run, always the same ones; EXAMPLES=20 tries twenty times as many, others each time.
"""

import os


def examples(few: int) -> int:
    """So many as in each run, or EXAMPLES times as many."""
    return few * max(1, int(os.environ.get("EXAMPLES", "1")))
