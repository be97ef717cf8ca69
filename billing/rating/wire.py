"""Values as answers of the API have them: texts, exact, null where there is nothing."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from entities.fieldtypes.numbers import plain


def text(value: Any) -> str | None:
    """A number without needless zeros, an instant in UTC, a condition as 1 or 0."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "1" if value else "0"
    return plain(value) if isinstance(value, Decimal) else str(value)
