"""The samples that people give: lines that they paste, a file that they send."""

from billing.mediation.models import ActivityCollector
from billing.mediation.reading.layout import CODECS
from entities import files
from entities.errors import Code, RequestError

#: Name and content.
Given = tuple[str, bytes]


def pasted(text: str, collector: ActivityCollector) -> Given:
    """Lines as a file of the collector's encoding would have them."""
    lines = text.replace("\r\n", "\n")
    return "pasted", lines.encode(CODECS[collector.encoding], "replace")


def file(name: str | None, content: bytes, field: str = "") -> Given:
    """A file. RequestError REQUEST_TOO_LARGE."""
    check_size(len(content), field)
    return name or "sample", content


def check_size(size: int, field: str = "") -> None:
    """RequestError REQUEST_TOO_LARGE of a file over the limit."""
    if size > files.MOST_BYTES:
        raise RequestError(Code.REQUEST_TOO_LARGE, files.too_large(size), field=field)
