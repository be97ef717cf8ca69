"""The events of a request, as the HTTP binding of CloudEvents 1.0 has them, in three modes.

structured   the body is an event in JSON (application/cloudevents+json)
batched      the body is a list of them (application/cloudevents-batch+json)
binary       the body is the event's data, of any type; its attributes are headers: ce-id, ce-source

An event of any mode becomes JSON of one line, with its numbers as they were sent.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from entities.api.envelope import MOST_RECORDS
from entities.errors import Code, RequestError

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
_NEEDED = ("id", "source", "specversion", "type")
_PREFIX = "ce-"
#: What an attribute may be called; so no header is taken for the data.
_NAME = re.compile(r"[a-z0-9]{1,40}")
_OF_BODY = ("data", "datacontenttype")


def events_in(content_type: str, headers: Mapping[str, str], body: bytes) -> list[str]:
    """The events of a request, each as JSON of one line; `content_type` is without parameters.

    RequestError MALFORMED_REQUEST, REQUEST_TOO_LARGE.
    """
    if content_type == ONE:
        _check(0, _read(body))
        return [_line(body)]
    if content_type == MANY:
        return _batched(body)
    attributes = {
        name.lower()[len(_PREFIX) :]: value
        for name, value in headers.items()
        if name.lower().startswith(_PREFIX)
    }
    if not attributes or content_type.startswith("application/cloudevents"):
        raise _malformed(
            f"Content-Type is {content_type[:80]!r}; send {ONE}, or {MANY} for a list, or the "
            f"event's data with its attributes as headers ce-id, ce-source, ce-type and "
            f"ce-specversion."
        )
    return [_binary(content_type, attributes, body)]


def _malformed(message: str, field: str = "") -> RequestError:
    return RequestError(Code.MALFORMED_REQUEST, message, field=field)


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"The body is no JSON: {error}.") from None


def _batched(body: bytes) -> list[str]:
    found = _read(body)
    if not isinstance(found, list) or not found:
        raise _malformed("The body is no list of events.")
    if len(found) > MOST_RECORDS:
        raise RequestError(
            Code.REQUEST_TOO_LARGE,
            f"{len(found):,} events in one request; at most {MOST_RECORDS:,} are taken.",
        )
    for place, event in enumerate(found):
        _check(place, event)
    return [_line(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]


def _binary(content_type: str, headers: Mapping[str, str], body: bytes) -> str:
    event = {name: _value(name, text) for name, text in headers.items()}
    _check(0, event)
    if content_type:
        event["datacontenttype"] = content_type
    if not body:
        return msgspec.json.encode(event).decode()
    data, of = "data", content_type.partition("/")[2]
    if not content_type or of in ("json", "x-json") or of.endswith("+json"):
        _read(body)
        said = _line(body)
    elif content_type.startswith("text/") or of == "xml" or of.endswith("+xml"):
        try:
            said = msgspec.json.encode(body.decode()).decode()
        except UnicodeDecodeError:
            raise _malformed(
                f"The body is {content_type[:80]}, but no UTF-8; send it in UTF-8, or as "
                f"application/octet-stream."
            ) from None
    else:
        data, said = "data_base64", f'"{base64.b64encode(body).decode()}"'
    # The data as they were sent, behind the attributes.
    return f'{msgspec.json.encode(event).decode()[:-1]},"{data}":{said}}}'


def _value(name: str, text: str) -> str:
    """An attribute's value: a header can hold signs of ASCII, the others are percent-encoded."""
    if not _NAME.fullmatch(name) or name in _OF_BODY:
        raise _malformed(
            f"{_PREFIX}{name[:80]} is no attribute: its name has letters and digits alone, and "
            f"data and their type are the body and its Content-Type.",
            _PREFIX + name[:80],
        )
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text.encode("ascii")).decode()
    except UnicodeError:
        raise _malformed(
            f"{_PREFIX}{name} is no text: other signs than those of ASCII are sent as "
            f"percent-encoded UTF-8, é as %C3%A9.",
            _PREFIX + name,
        ) from None


def _line(raw: Any) -> str:
    """JSON as it was sent, its numbers as they are, on one line."""
    return msgspec.json.format(bytes(raw), indent=-1).decode().replace("\n", " ")


def _check(place: int, event: object) -> None:
    if not isinstance(event, dict):
        raise _malformed(f"Event {place} is no JSON object.")
    for name in _NEEDED:
        value = event.get(name)
        if not isinstance(value, str) or not value or "\0" in value:
            raise _malformed(
                f"Event {place} has no {name}, which CloudEvents asks for: a text that is not "
                f"empty.",
                name,
            )
    if event["specversion"] != "1.0":
        raise _malformed(
            f"Event {place} is of specversion {event['specversion'][:20]!r}; 1.0 is taken.",
            "specversion",
        )
