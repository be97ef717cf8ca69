"""Every request has an id, which its answer, its log lines and the history of its writes carry."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-Id"
# What a caller may choose as the id: nothing that could break a log line or a header.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:/=+-]{1,64}")


class RequestId:
    """Middleware: `request.request_id` is the caller's X-Request-Id, else a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = chosen if _ACCEPTABLE.fullmatch(chosen) else secrets.token_hex(12)
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response


def request_id_of(request: HttpRequest) -> str:
    """The id of a request, "" where the middleware did not run (a test's request factory)."""
    return getattr(request, "request_id", "")
