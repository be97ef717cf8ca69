"""The catalogue of errors as people and programs read it; neither needs to be signed in."""

import re
from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from entities.api.errors import JSON
from entities.catalogue import PAGE, as_rows

__all__ = ["PAGE", "errors", "page"]


def page(request: HttpRequest) -> HttpResponse:
    """GET /docs/errors: one section per code, which `help` in an answer leads to."""
    return render(request, "docs/errors.html", {"entries": _entries()})


def errors(request: HttpRequest) -> HttpResponse:
    """GET /errors"""
    return HttpResponse(_rows(), content_type=JSON)


@cache
def _entries() -> list[dict[str, SafeString]]:
    """The entries in HTML."""
    return [{key: _html(text) for key, text in row.items()} for row in as_rows()]


def _html(text: str) -> SafeString:
    """The text, with what stands between backticks as code."""
    return mark_safe(re.sub("`([^`]*)`", r"<code>\1</code>", escape(text)))


@cache
def _rows() -> bytes:
    return orjson.dumps({"errorsResponse": as_rows()})
