"""How commands print what they did, for people and programs: as JSON."""

from typing import Any

import orjson


def told(done: Any) -> str:
    """A dictionary or a list as indented JSON."""
    return orjson.dumps(done, option=orjson.OPT_INDENT_2).decode()
