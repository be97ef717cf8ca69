"""Columns of values in the two text forms PostgreSQL takes whole: COPY's and the array literal's.

Both are built with one join per column; escaping is paid only by a column that needs it.
"""

from collections.abc import Sequence

_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_ARRAY_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def copy_fields(texts: Sequence[str | None], free_text: bool) -> list[str]:
    """Text forms -> fields of COPY's text format."""
    if free_text:
        joined = "".join([t for t in texts if t is not None])
        if "\\" in joined or "\n" in joined or "\t" in joined or "\r" in joined:
            return ["\\N" if t is None else t.translate(_COPY_ESCAPES) for t in texts]
    return ["\\N" if t is None else t for t in texts]


def array_literal(texts: Sequence[str | None]) -> str:
    """Text forms -> one array literal, e.g. {"a","b",NULL}."""
    joined = "".join([t for t in texts if t is not None])
    if '"' in joined or "\\" in joined:
        texts = [None if t is None else t.translate(_ARRAY_ESCAPES) for t in texts]
    if None in texts:
        return "{" + ",".join(["NULL" if t is None else f'"{t}"' for t in texts]) + "}"
    return '{"' + '","'.join(texts) + '"}' if texts else "{}"  # type: ignore[arg-type]
