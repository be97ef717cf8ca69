"""Which tests run on one of pytest-xdist's workers: those that share what takes long to start.

What takes long begins early, so that no worker ends long before the others. (The marks by which
pytest-xdist groups tests itself are lost on pytest 9.2.)
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

#: How the names of tests begin -> what they share.
_SHARED = {
    "tests/contract/test_killed_in_a_change.py": "a server that is killed",
    "tests/contract/test_schema_under_load.py": "a server that is killed",
    "tests/contract/": "a server",
    "tests/browser/": "a browser",
    "tests/demo/": "a demo",
    "tests/bench/test_api_benches.py": "the benches",
}
#: How the names of tests begin of which a single one may take most of a minute.
_LONG = (
    "tests/platform_room/",
    "tests/entities/admin/test_sweep.py",
    "tests/entities/transfer/test_roundtrip.py",
)


def the_longest_first(items: list[pytest.Item]) -> None:
    """Put the tests that share nothing into the order in which they are handed out."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


class Together(LoadScopeScheduling):
    """Hands out tests one by one, but those that share something as a whole, the most first."""

    def _split_scope(self, nodeid: str) -> str:
        return next((s for start, s in _SHARED.items() if nodeid.startswith(start)), nodeid)
