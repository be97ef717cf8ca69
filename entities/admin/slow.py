"""The last queries that took too long, for administrators."""

from typing import Any

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from entities.admin.callers import context_of
from metabrm import environment
from metabrm.observability import slow


def may_look(request: HttpRequest) -> bool:
    """Queries name what others ask for: only administrators see them."""
    return context_of(request).administrator


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of the template."""
    if not may_look(request):
        raise PermissionDenied("Slow queries are shown to administrators only.")
    try:
        found, silent = slow.latest(), False
    except redis.RedisError:
        found, silent = [], True
    return {
        "title": "Slow queries",
        "queries": found,
        "silent": silent,
        "threshold": environment.current().slow_query_ms,
        "most": slow.MOST_KEPT,
    }
