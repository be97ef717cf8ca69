"""A stored file as an HTTP answer that no browser shows or runs: it is saved, whatever is in it."""

from typing import IO

from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header


def attachment(file_name: str, content_type: str, content: bytes) -> HttpResponse:
    """The content to save under its name; nobody between keeps it, no browser guesses its type."""
    length = {"Content-Length": str(len(content))}
    return HttpResponse(content, content_type=content_type, headers=_headers(file_name) | length)


def attachment_of(file_name: str, content_type: str, content: IO[bytes]) -> FileResponse:
    """The same of a file that is read as it is sent, and closed."""
    return FileResponse(content, content_type=content_type, headers=_headers(file_name))


def _headers(file_name: str) -> dict[str, str]:
    return {
        "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
