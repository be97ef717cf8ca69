"""How CSV is written and read (RFC 4180), as a request may have it."""

import string
from dataclasses import dataclass

#: What a line may end with.
LINE_ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r"}
_MARKS = frozenset(string.punctuation) - {"\\"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The characters between and around values, and what ends a line."""

    delimiter: str = ","
    qualifier: str = '"'
    line_end: bytes = b"\r\n"

    def line(self, values: "list[str | None]") -> bytes:
        """The values as one line; None and "" are both nothing."""
        return self.delimiter.join(map(self._value, values)).encode() + self.line_end

    def _value(self, value: str | None) -> str:
        if value is None:
            return ""
        mark = self.qualifier
        if not any(c in value for c in (self.delimiter, mark, "\n", "\r")):
            return value
        return f"{mark}{value.replace(mark, mark * 2)}{mark}"


def wrong(delimiter: str, qualifier: str) -> tuple[str, str] | None:
    """The field of BULK_API_REQUEST that can't be so, and why; None where both are good."""
    for field, mark, more in (
        ("CSVDelimiter", delimiter, {"\t"}),
        ("CSVQualifier", qualifier, set()),
    ):
        if mark not in _MARKS | more:
            allowed = "a punctuation mark of ASCII" + (" or a tab" if more else "")
            return field, f"{field} is {mark!r}; it must be {allowed}, and not the backslash."
    if delimiter == qualifier:
        return "CSVQualifier", "CSVQualifier must be another character than CSVDelimiter."
    return None
