"""The guide of formulas as a page: docs/formulas.md, with as much of Markdown as it uses."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_GUIDE = Path(__file__).parents[3] / "docs" / "formulas.md"
_PIPE = re.compile(r"(?<!\\)\|")
#: What is made of a run of characters, after it was escaped; code first, in which nothing else is.
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*")


@cache
def guide() -> SafeString:
    """HTML of the guide, without its title."""
    text = _GUIDE.read_text()
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return mark_safe("\n".join(_block(block.splitlines()) for block in blocks[1:]))


def _block(lines: list[str]) -> str:
    first = lines[0]
    if first.startswith("## "):
        return f"<h2>{_inline(first[3:])}</h2>"
    if first.startswith("    "):
        code = "\n".join(line[4:] for line in lines)
        return f"<pre><code>{escape(code)}</code></pre>"
    if first.startswith("|"):
        head, _, *rows = ([c.strip() for c in _PIPE.split(line)[1:-1]] for line in lines)
        return (
            f'<table class="brm-table"><thead>{_row("th", head)}</thead>'
            f"<tbody>{''.join(_row('td', row) for row in rows)}</tbody></table>"
        )
    if first.startswith("- "):
        listed = "\n".join(lines).replace("\n  ", " ").splitlines()
        items = "".join(f"<li>{_inline(item[2:])}</li>" for item in listed)
        return f"<ul>{items}</ul>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_inline(cell)}</{tag}>' for cell in cells)}</tr>"


def _inline(text: str) -> str:
    def marked(match: re.Match[str]) -> str:
        code, strong, emphasis = match.groups()
        if code is not None:
            return f"<code>{code}</code>"
        return f"<strong>{strong}</strong>" if strong else f"<em>{emphasis}</em>"

    return _INLINE.sub(marked, str(escape(text.replace("\\|", "|"))))
