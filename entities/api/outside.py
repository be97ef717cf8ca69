"""Errors that no view answers: Django's own, before a view is found or after one has failed.

Programs get the body that every error of the API has, people a page that says what they can do. A
program is who comes to an address of the API, or accepts JSON and no HTML.
"""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from entities.api.errors import rendered
from entities.errors import Code, RequestError
from metabrm.web.middleware import request_id_of

#: Addresses of programs, with or without the organisation.
_OURS = re.compile(r"/*(?:[^/]+/+)?(?:rest|auth|hostedPayments)(?:/|$)")

_TITLES = {
    400: "This request can't be understood",
    403: "You may not do this",
    404: "There is no such page",
    413: "This is too large",
    500: "Something went wrong on our side",
    503: "Not available at the moment",
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a host name that is not served, a form with a thousand fields, and the like."""
    if type(exception).__name__ == "DisallowedHost":
        said = (
            "The request names a host that is not served here. Use the address that the operator "
            "gave you; BRM_ALLOWED_HOSTS lists the names that are served."
        )
    else:
        said = f"The request can't be read ({type(exception).__name__}). Mend it and send it again."
    return trouble(request, RequestError(Code.MALFORMED_REQUEST, said), 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403"""
    said = str(exception) or "Your role does not allow this."
    return trouble(request, RequestError(Code.INSUFFICIENT_RIGHTS, said), 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404"""
    said = f"There is nothing at {request.path}. The address may be misspelt."
    return trouble(request, RequestError(Code.UNKNOWN_ADDRESS, said), 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500"""
    said = (
        f"Tell the administrator the request id {request_id_of(request)}; the server's log has the "
        "details."
    )
    return trouble(request, RequestError(Code.INTERNAL_ERROR, said), 500)


def without_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without the token that proves that it is ours, or with an old one."""
    said = "The form has become too old, or came from elsewhere. Load its page again and repeat it."
    return trouble(request, RequestError(Code.INSUFFICIENT_RIGHTS, said), 403)


def trouble(request: HttpRequest, error: RequestError, status: int) -> HttpResponse:
    """The error for whoever asked, a program or a person."""
    if is_program(request):
        return rendered(error)
    context = {
        "title": _TITLES[status],
        "message": error.message,
        "code": error.code,
        "request_id": request_id_of(request),
    }
    return render(request, "docs/trouble.html", context, status=status)


def is_program(request: HttpRequest) -> bool:
    """Whether the answer is to be JSON."""
    accepts = request.META.get("HTTP_ACCEPT", "")
    return bool(_OURS.match(request.path)) or (
        "application/json" in accepts and "text/html" not in accepts
    )
