"""Moving configuration between systems: one document says what administrators made or changed.

    export(context)                      -> the document
    examine(text, context)               -> what importing it would do; nothing is written
    carry_out(text, context, ...)        -> the same, done: all of it or nothing

Document and system are both read as a tree of rows (`items`) of a few kinds (`kinds`); the
difference between the trees is what an import does, through the verbs, in one transaction.
"""

from entities.transfer.importing import Report, carry_out, examine, export
from entities.transfer.parsing import DocumentError, Fault

__all__ = ["DocumentError", "Fault", "Report", "carry_out", "examine", "export"]
