"""Reading a request's body and writing an answer, without a thought for HTTP.

`read` turns bytes into an Envelope: the rows of `brmObjects` as decoded, in order, and what stood
beside them. `write` turns outcomes into bytes; it formats text rather than building dicts, since a
thousand successes are the usual case and all look alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from entities.catalogue import help_for
from entities.errors import Code, RequestError
from entities.records.outcome import Outcome

MOST_RECORDS = 1_000
MOST_BYTES = 5 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
# No float ever: a number with a point or an exponent is a Decimal from the first moment.
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_TRUE = ("1", "true")
_FALSE = ("0", "false", "")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a write request says.

    rows           the records as decoded, in order; what is no object fails in the verbs
    key            externalIDFieldName, "" when not given
    all_or_none    store everything or nothing
    null_clears    treatNullAsReset: null empties a field instead of leaving it alone
    permanently    EmptyRecycleBin: delete past recovery
    """

    rows: list[Any]
    key: str = ""
    all_or_none: bool = False
    null_clears: bool = False
    permanently: bool = False


def read(body: bytes) -> Envelope:
    """The envelope in `body`; RequestError MALFORMED_REQUEST or REQUEST_TOO_LARGE."""
    beside = read_object(body, 'Send {"brmObjects": [...]}.')
    if "brmobjects" not in beside:
        raise _malformed(
            'The body has no "brmObjects". Put the record, or the list of records, there: '
            '{"brmObjects": [...]}.'
        )
    rows = beside["brmobjects"]
    if isinstance(rows, dict):
        rows = [rows]
    elif not isinstance(rows, list):
        raise _malformed('"brmObjects" must be one record (an object) or a list of records.')
    if len(rows) > MOST_RECORDS:
        raise RequestError(
            Code.REQUEST_TOO_LARGE,
            f"{len(rows):,} records in one request; at most {MOST_RECORDS:,} are taken. "
            "Send the rest in further requests.",
        )
    key = beside.get("externalidfieldname")
    if key is not None and not isinstance(key, str):
        raise _malformed('"externalIDFieldName" must be the name of a field, as a string.')
    return Envelope(
        rows,
        (key or "").strip(),
        _flag(beside, "allOrNone"),
        _flag(beside, "treatNullAsReset"),
        _flag(beside, "EmptyRecycleBin"),
    )


def read_object(body: bytes, right: str) -> dict[str, Any]:
    """The JSON object in `body`, its keys in lower case; `right` says what should be sent."""
    if not body.strip():
        raise _malformed(f"The body is empty. {right}")
    decoded = decode(body)
    if not isinstance(decoded, dict):
        raise _malformed(f"The body must be a JSON object. {right}")
    return {key.casefold(): value for key, value in decoded.items()}


def decode(body: bytes) -> Any:
    """The JSON value in `body`, numbers as int or Decimal; RequestError says line and column."""
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise _malformed("The JSON is nested too deep.") from None
    except msgspec.ValidationError:
        # Only a whole number too long for Python's own limit ends here; msgspec gives no place.
        raise _malformed("The JSON has a number with thousands of digits.") from None
    except ValueError as error:
        raise _malformed(_not_json(body, error)) from None


def write(name: str, outcomes: Iterable[Outcome], *, with_created: bool = False) -> bytes:
    """`{name: [...]}` with one element per outcome; `with_created` for upserts."""
    if with_created:
        elements = [_upserted(o) if o.ok else failed(o) for o in outcomes]
    else:
        elements = [_SUCCESS % o.id if o.ok else failed(o) for o in outcomes]
    return b'{"%s":[%s]}' % (name.encode(), b",".join(elements))


_SUCCESS = b'{"Id":"%d","ErrorCode":"0","ErrorText":" ","ErrorElementField":" ","success":true}'
_CREATED = _SUCCESS[:-1] + b',"created":"true"}'
_UPDATED = _SUCCESS[:-1] + b',"created":"false"}'


def _upserted(outcome: Outcome) -> bytes:
    return (_CREATED if outcome.created else _UPDATED) % outcome.id


def failed(outcome: Outcome) -> bytes:
    """The element of a record that failed: the first problem's code, and all problems."""
    problems = outcome.problems
    fields = dict.fromkeys(p.field for p in problems if p.field)
    return orjson.dumps(
        {
            "Id": " " if outcome.id is None else str(outcome.id),
            "ErrorCode": problems[0].code,
            "ErrorText": " ".join(p.message for p in problems),
            "ErrorElementField": ",".join(fields) or " ",
            "success": False,
            "help": help_for(problems[0].code),
            "errors": [{"code": p.code, "field": p.field, "message": p.message} for p in problems],
        }
    )


def _flag(beside: dict[str, Any], name: str) -> bool:
    value = beside.get(name.casefold())
    if value is None:
        return False
    if isinstance(value, str | int):
        text = str(value).strip().casefold()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
    raise _malformed(f'"{name}" must be "1" or "0".')


def _not_json(body: bytes, error: ValueError) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as bad:
        line, column = _place(body, bad.start)
        return (
            f"The body is not valid UTF-8: line {line}, column {column} has the byte "
            f"0x{body[bad.start]:02X}. Encode it as UTF-8."
        )
    message = str(error).removeprefix("JSON is malformed: ")
    what, _, where = message.partition(" (byte ")
    if where:
        line, column = _place(body, int(where.rstrip(")")))
        return f"The body is not valid JSON: {what} at line {line}, column {column}."
    if "truncated" in what:
        line, column = _place(body, len(body))
        return f"The body is not valid JSON: it ends unfinished at line {line}, column {column}."
    return f"The body is not valid JSON: {what}."


def _place(body: bytes, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of a byte of the body; the column counts characters."""
    before = body[:offset]
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode(errors="replace")) + 1
    return before.count(b"\n") + 1, column


def _malformed(message: str) -> RequestError:
    return RequestError(Code.MALFORMED_REQUEST, message)
