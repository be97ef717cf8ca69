"""The language of formulas: text -> tree -> one SQL expression, typed, for a whole batch at once.

The language knows no schema: what `{!AccountObj.Name}` means is answered by whoever asks for SQL
(`Names`). What it yields is total: whatever the values of the record, the SQL returns a value or
null and never raises, because one bad record must not fail the thousand beside it.
"""

from entities.formulas.compiling import Names, compiled
from entities.formulas.errors import FormulaError
from entities.formulas.functions import FUNCTIONS
from entities.formulas.kinds import Kind
from entities.formulas.operators import as_text
from entities.formulas.parsing import Formula, parse, replaced
from entities.formulas.sites import once
from entities.formulas.terms import Term, decided
from entities.formulas.tokens import PLACEHOLDER
from entities.formulas.tree import Reference, Word

__all__ = [
    "FUNCTIONS",
    "PLACEHOLDER",
    "Formula",
    "FormulaError",
    "Kind",
    "Names",
    "Reference",
    "Term",
    "Word",
    "as_text",
    "compiled",
    "decided",
    "once",
    "parse",
    "replaced",
]
