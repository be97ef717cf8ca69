"""Short ways to declare the columns that billing has most of: optional texts and lists."""

from collections.abc import Sequence
from typing import Any

from django.db import models

from metabrm.fields import ListField


def text(max_length: int, help_text: str, **options: Any) -> models.CharField:
    """TEXT that may be left empty."""
    return models.CharField(
        max_length=max_length, null=True, blank=True, help_text=help_text, **options
    )


def choice(values: Sequence[str], help_text: str, **options: Any) -> ListField:
    """LIST that may be left empty."""
    return ListField(values=values, null=True, blank=True, help_text=help_text, **options)
