"""What an answer tells browsers that they may not do with it, and whether it came by https.

A page may load and call nothing but what is served here. Its scripts may stand in it and be made
from text, since the admin's theme is written that way. What is no page may do nothing at all.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = "Content-Security-Policy"
HSTS = "Strict-Transport-Security"
_PAGE = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
_DATA = "default-src 'none'; frame-ancestors 'none'"


class BrowserSecurity:
    """Middleware: sets the headers that are not there yet; with BRM_HTTPS every request is https.

    A proxy ends https before us, so that nothing in the request itself could tell.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.hsts = f"max-age={settings.HTTPS_SECONDS}" if settings.HTTPS_SECONDS else ""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.hsts:
            request.META["wsgi.url_scheme"] = "https"
        response = self.get_response(request)
        if POLICY not in response.headers:
            page = response.headers.get("Content-Type", "").startswith("text/html")
            response.headers[POLICY] = _PAGE if page else _DATA
        if self.hsts:
            response.headers[HSTS] = self.hsts
        return response
