"""Reading a request's body within its limit.

A body that says it is too long is refused before it is read. It is still taken off the wire, in
small pieces that are thrown away, because a client that is cut off while sending never sees the
answer; beyond PATIENCE, in bytes or in seconds, the connection is simply closed.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest

from entities.api.envelope import MOST_BYTES, MOST_RECORDS
from entities.errors import Code, RequestError
from metabrm.web.dawdling import DawdlingError

PATIENCE = 64 * 1024 * 1024
PATIENCE_SECONDS = 10.0
PIECE = 64 * 1024


def too_large(length: int | None = None) -> RequestError:
    """What is answered to a body over the limit."""
    size = f"The body has {length:,} bytes" if length else "The body is too long"
    return RequestError(
        Code.REQUEST_TOO_LARGE,
        f"{size}; a request holds at most {MOST_BYTES:,} bytes (5 MiB) and {MOST_RECORDS:,} "
        "records. Split it into several requests.",
    )


def body_of(
    request: HttpRequest,
    most: int = MOST_BYTES,
    refusal: Callable[[int | None], RequestError] = too_large,
) -> bytes:
    """The request's whole body; RequestError MALFORMED_REQUEST, TOO_MANY_REQUESTS where too many
    are waited for, and `refusal` of its length (if that is known) when it has more than `most`
    bytes."""
    try:
        return _whole(request, most, refusal)
    except OSError as error:
        # Django puts an error of its own around what it reads; a chunked body it does not read.
        if not any(isinstance(known, DawdlingError) for known in (error, error.__cause__)):
            raise
        raise RequestError(
            Code.TOO_MANY_REQUESTS,
            "The bodies of several requests from your address are still on their way. Send this "
            "one again when they have arrived.",
        ) from error


def _whole(request: HttpRequest, most: int, refusal: Callable[[int | None], RequestError]) -> bytes:
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return _unannounced(request, most, refusal)
    length = _announced_length(request)
    if length > most:
        _drain(request, min(length, PATIENCE))
        raise refusal(length)
    body = request.read(length) if length else b""
    if len(body) < length:
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"The body ended after {len(body):,} of {length:,} bytes. Send the request again.",
        )
    return body


def _announced_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _unannounced(
    request: HttpRequest, most: int, refusal: Callable[[int | None], RequestError]
) -> bytes:
    """A chunked body. Django reads none, as WSGI foresees none; the server's own stream does."""
    stream = request.META["wsgi.input"]
    body = bytearray()
    while piece := stream.read(PIECE):
        body += piece
        if len(body) > most:
            raise refusal(None)
    return bytes(body)


def _drain(request: HttpRequest, length: int) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while length > 0 and time.monotonic() < give_up:
        piece = request.read(min(PIECE, length))
        if not piece:
            return
        length -= len(piece)
