"""The check of a formula while it is typed: what it yields and reads, or what is wrong where."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot

#: A longer text is no formula that anybody typed.
MOST = 10_000


def check(snapshot: Snapshot, schema: EntitySchema, text: str) -> dict[str, Any]:
    """The answer to the panel: `ok`, what it `says` and, of an error, its 0-based `position`."""
    if len(text) > MOST:
        return {"ok": False, "says": f"A formula has at most {MOST:,} characters.", "position": 0}
    if find_spec("entities.schema.formulating") is None:
        return {"ok": True, "says": ""}
    wrong = import_module("entities.formulas").FormulaError
    compile_formula = import_module("entities.schema.formulating").compile_formula
    try:
        compiled = compile_formula(snapshot, schema, text)
    except wrong as error:
        return {"ok": False, "says": error.message, "position": error.position}
    read = ", ".join(sorted({f"{entity}.{field}" for entity, field in compiled.references}))
    kind = getattr(compiled.kind, "value", compiled.kind)
    return {"ok": True, "says": f"Yields {kind}." + (f" Reads {read}." if read else "")}
