"""Every code a caller can meet is told in the documentation, and no other."""

import re
from pathlib import Path

from entities.errors import Code

GUIDE = Path(__file__).parents[2] / "docs" / "integrators.md"


def test_the_guide_s_table_of_codes_is_complete() -> None:
    table = re.findall(r"^\| (`[A-Z_`, ]+`) \|", GUIDE.read_text(), re.MULTILINE)
    told = {code for cell in table for code in re.findall(r"`([A-Z_]+)`", cell)}
    assert told == {str(code) for code in Code}
