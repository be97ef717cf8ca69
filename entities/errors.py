"""What can go wrong with a record or a request, as data.

A `Problem` is about one record and one field; the verbs collect all of a record's problems in its
outcome. A `RequestError` is about the whole request and is raised. Neither knows HTTP: the front
doors decide how a code looks to their callers. Codes are stable words; people read the message,
which says what was wrong and what would be right.
"""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Every code a caller can see, in the order of a request's life."""

    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    IDEMPOTENCY_KEY_IN_USE = "IDEMPOTENCY_KEY_IN_USE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    UNKNOWN_ADDRESS = "UNKNOWN_ADDRESS"
    UNKNOWN_ENTITY = "UNKNOWN_ENTITY"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    INVALID_SESSION_ID = "INVALID_SESSION_ID"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    NEW_PASSWORD_NEEDED = "NEW_PASSWORD_NEEDED"
    SIGN_IN_LOCKED = "SIGN_IN_LOCKED"
    INSUFFICIENT_RIGHTS = "INSUFFICIENT_RIGHTS"
    READ_ONLY_ENTITY = "READ_ONLY_ENTITY"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_AN_EXTERNAL_KEY = "NOT_AN_EXTERNAL_KEY"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    INVALID_RECORD = "INVALID_RECORD"
    INVALID_VALUE = "INVALID_VALUE"
    VALUE_TOO_LONG = "VALUE_TOO_LONG"
    NUMBER_OUT_OF_RANGE = "NUMBER_OUT_OF_RANGE"
    VALUE_NOT_IN_LIST = "VALUE_NOT_IN_LIST"
    REQUIRED_FIELD_MISSING = "REQUIRED_FIELD_MISSING"
    FIELD_NOT_CHANGEABLE = "FIELD_NOT_CHANGEABLE"
    FIELD_KEY_MISSING = "FIELD_KEY_MISSING"
    LOOKUP_NOT_FOUND = "LOOKUP_NOT_FOUND"
    LOOKUP_AMBIGUOUS = "LOOKUP_AMBIGUOUS"
    RECORD_NOT_FOUND = "RECORD_NOT_FOUND"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    DUPLICATE_IN_REQUEST = "DUPLICATE_IN_REQUEST"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    RECORD_IN_USE = "RECORD_IN_USE"
    ALL_OR_NONE = "ALL_OR_NONE"
    QUERY_INVALID = "QUERY_INVALID"
    QUERY_NOT_SUPPORTED = "QUERY_NOT_SUPPORTED"
    QUERY_TIMEOUT = "QUERY_TIMEOUT"
    NO_ROWS = "NO_ROWS"
    FILE_DAMAGED = "FILE_DAMAGED"
    SCHEMA_BUSY = "SCHEMA_BUSY"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one record: a code, the field's API name ("" for the record), text.

    `in_the_way` are Ids of the entity `of` whose records must change first, as the text says.
    """

    code: Code
    field: str
    message: str
    of: str = ""
    in_the_way: tuple[int, ...] = ()


class RequestError(Exception):
    """The request as a whole can't be served.

    `field` and `position` (0-based offset into the query text) say where, when that is known.
    """

    def __init__(
        self, code: Code, message: str, *, field: str = "", position: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.position = position


def nearest(name: str, known: "list[str]") -> str:
    """ " Did you mean X?" for the known name closest to `name`, or "" when none is close."""
    from difflib import get_close_matches

    folded = {k.casefold(): k for k in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[close[0]]}?" if close else ""
