"""The files of records over HTTP: `/files/ENTITY/ID/FIELD`, their contents in base64, and as they
are at `/files/ENTITY/ID/FIELD/content`. A file for a new record goes to `/files/ENTITY/FIELD`.
"""

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from entities import files
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import caller, is_id, served
from entities.api.errors import JSON
from entities.api.once import once
from entities.errors import Code, RequestError
from metabrm.web.attachments import attachment

#: A file of the largest size in base64 with line breaks, its name, and what stands around them.
MOST_BYTES = files.MOST_BYTES // 3 * 4 + 2 * 1024 * 1024

LARGEST_ID = 2**63 - 1

_HOW_TO_SEND = 'Send {"FileName": "invoice.pdf", "Data": "<the content in base64>"}.'
_BREAKS = str.maketrans("", "", " \t\r\n")


def methods(
    entity: str, record_id: str, field: str
) -> dict[str, Callable[[HttpRequest], HttpResponse]]:
    """What the address of a file does, by method."""
    return {
        "GET": partial(download, entity=entity, record_id=record_id, field=field),
        "POST": partial(upload, entity=entity, record_id=record_id, field=field),
    }


def download(request: HttpRequest, entity: str, record_id: str, field: str) -> HttpResponse:
    """GET /files/E/ID/FIELD"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    file = files.fetch(name, _id(name, record_id), field, context, snapshot=snapshot)
    element = {"Data": base64.b64encode(file.content).decode(), "FileName": file.file_name}
    return HttpResponse(orjson.dumps({"fileDownloadResponse": [element]}), content_type=JSON)


def upload(request: HttpRequest, entity: str, record_id: str, field: str) -> HttpResponse:
    """POST /files/E/ID/FIELD with {"FileName", "Data"}"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    number = _id(name, record_id)
    body = _body(request)

    def work() -> HttpResponse:
        file_name, content = _sent(body)
        outcome = files.attach(name, number, field, file_name, content, context, snapshot=snapshot)
        return HttpResponse(envelope.write("fileUploadResponse", [outcome]), content_type=JSON)

    return once(request, context, body, work)


def receive(request: HttpRequest, entity: str, field: str) -> HttpResponse:
    """POST /files/E/FIELD with {"FileName", "Data"}: a file for a record that is not there yet"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    body = _body(request)

    def work() -> HttpResponse:
        file_name, content = _sent(body)
        file = files.receive(name, field, file_name, content, context, snapshot=snapshot)
        element = {
            "Key": file.key,
            "FileName": file.file_name,
            "ContentType": file.content_type,
            "Size": str(file.size),
            "ErrorCode": "0",
            "ErrorText": " ",
            "ErrorElementField": " ",
            "success": True,
        }
        return HttpResponse(orjson.dumps({"fileUploadResponse": [element]}), content_type=JSON)

    return once(request, context, body, work)


def deliver(request: HttpRequest, entity: str, record_id: str, field: str) -> HttpResponse:
    """GET /files/E/ID/FIELD/content: the file as it is, to be saved"""
    context, snapshot = caller(request)
    name = served(snapshot, entity)
    file = files.fetch(name, _id(name, record_id), field, context, snapshot=snapshot)
    return attachment(file.file_name, file.content_type, file.content)


def _body(request: HttpRequest) -> bytes:
    return body_of(request, MOST_BYTES, _too_large)


def _sent(body: bytes) -> tuple[str, bytes]:
    sent = envelope.read_object(body, _HOW_TO_SEND)
    return _text(sent, "FileName"), _decoded(_text(sent, "Data", empty=True))


def _id(entity: str, text: str) -> int:
    if not is_id(text) or int(text) > LARGEST_ID:
        raise RequestError(Code.RECORD_NOT_FOUND, f"{entity} has no record with Id {text!r}.")
    return int(text)


def _text(sent: dict[str, Any], name: str, *, empty: bool = False) -> str:
    value = sent.get(name.casefold())
    if value is None or (value == "" and not empty):
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING, f"{name} is required. {_HOW_TO_SEND}", field=name
        )
    if not isinstance(value, str):
        raise RequestError(
            Code.INVALID_VALUE, f"{name} must be a string. {_HOW_TO_SEND}", field=name
        )
    return value


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(_BREAKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(
            Code.INVALID_VALUE,
            f"Data is not base64 ({error}). Encode the content with the standard alphabet "
            "(RFC 4648, section 4), padded.",
            field="Data",
        ) from None


def _too_large(length: int | None) -> RequestError:
    size = f"The body has {length:,} bytes" if length else "The body is too long"
    return RequestError(
        Code.REQUEST_TOO_LARGE,
        f"{size}; a file holds at most {files.MOST_BYTES:,} bytes "
        f"({files.MOST_BYTES // 2**20} MiB).",
        field="Data",
    )
