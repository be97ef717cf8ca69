"""A stored file as an HTTP answer that no browser shows or runs: it is saved, whatever is in it."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def attachment(file_name: str, content_type: str, content: bytes) -> HttpResponse:
    """The content to save under its name; nobody between keeps it, no browser guesses its type."""
    return HttpResponse(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
            "Content-Length": str(len(content)),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )
