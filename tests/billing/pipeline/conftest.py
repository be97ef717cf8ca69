"""Nobody is told of anything: tests do what workers do themselves."""

import pytest

from tests.entities.conftest import clerk

__all__ = ["clerk"]


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    from billing.mediation import partitions
    from metabrm import background

    monkeypatch.setattr(background, "tell", lambda task, *arguments: None)
    monkeypatch.setattr(partitions, "ensure_months_of", lambda days: [])
