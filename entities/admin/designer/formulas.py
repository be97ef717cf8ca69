"""The check of a formula while it is typed: what it yields and reads, or what is wrong where."""

from typing import Any

from entities.formulas import FormulaError
from entities.schema.description import EntitySchema
from entities.schema.formulating import compile_formula
from entities.schema.snapshot import Snapshot

#: A longer text is no formula that anybody typed.
MOST = 10_000


def check(snapshot: Snapshot, schema: EntitySchema, text: str) -> dict[str, Any]:
    """The answer to the panel: `ok`, what it `says` and, of an error, its 0-based `position`."""
    if len(text) > MOST:
        return {"ok": False, "says": f"A formula has at most {MOST:,} characters.", "position": 0}
    try:
        compiled = compile_formula(snapshot, schema, text)
    except FormulaError as error:
        return {"ok": False, "says": error.message, "position": error.position}
    read = ", ".join(sorted({f"{entity}.{field}" for entity, field in compiled.references}))
    says = f"Yields {compiled.kind}."
    return {"ok": True, "says": f"{says} Reads {read}." if read else says}
