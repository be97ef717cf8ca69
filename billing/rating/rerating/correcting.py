"""What is right of one line that was wrong: its quantity, moment, product or price; or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WITHDRAW = """
DELETE FROM mediation_usage WHERE line = (SELECT seq FROM rerate_record WHERE root_id = %(of)s)
"""
_CORRECT = """
UPDATE mediation_usage SET {put}
WHERE line = (SELECT seq FROM rerate_record WHERE root_id = %(of)s)
"""
#: Columns of usage in flight that may be corrected.
CORRECTED = (
    *("account_id", "product_id", "account_product_id", "activity_date", "quantity"),
    *("override_rate", "override_cost"),
)


@dataclass(frozen=True, slots=True)
class Correction:
    """`values` replace what the line says, by columns of usage in flight; one that is `withdrawn`
    is only taken back."""

    activity_id: int
    values: Mapping[str, Any] = field(default_factory=dict)
    withdrawn: bool = False

    def apply(self, cursor: Any) -> None:
        """Correct the usage of the line, or withdraw it."""
        about = {**self.values, "of": self.activity_id}
        if self.withdrawn:
            cursor.execute(_WITHDRAW, about)
        elif self.values:
            put = ", ".join(f"{name} = %({name})s" for name in CORRECTED if name in self.values)
            cursor.execute(_CORRECT.format(put=put), about)
