"""The small shop of `shop.py`, and a short way to ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def shop(db: None) -> Any:
    """The snapshot of the small schema over filled tables."""
    from tests.entities.query import shop

    shop.make_tables()
    return shop.make_snapshot()


@pytest.fixture
def ask(shop: Any, system: Any) -> Ask:
    """The rows of a query, as Python values; `context` defaults to the platform itself."""
    from entities.query import query

    def rows(sql: str, context: Any = None) -> list[dict[str, Any]]:
        page = query(sql, context or system, snapshot=shop)
        found = orjson.loads(page.json)
        assert len(found) == page.count
        return found

    return rows
