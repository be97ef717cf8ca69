"""Reference data: rows that every installation begins with.

A room registers a loader in its `AppConfig.ready`; loaders run after every migrate, insert what is
missing and never touch what is there.
"""

from collections.abc import Callable

from django.db import transaction

from entities.schema import gate
from metabrm.identity.context import Context

#: Inserts missing rows, returns how many.
Loader = Callable[[], int]

_loaders: list[Loader] = []


def register(loader: Loader) -> None:
    """Have `loader` run after every migrate, in the order of INSTALLED_APPS."""
    if loader not in _loaders:
        _loaders.append(loader)


def plant() -> str:
    """Run all loaders in one transaction; says what came of it."""
    with transaction.atomic():
        gate.enter(Context.system("reference data"))
        added = sum(loader() for loader in _loaders)
    return f"{added} rows added" if added else "nothing to add"
