"""The OpenAPI document as an HTTP answer: sent once, compressed, and then known by its tag."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from entities.api import openapi
from entities.api.errors import JSON
from entities.schema.snapshot import Snapshot
from metabrm import environment
from metabrm.identity.context import Context


def answer(
    request: HttpRequest, snapshot: Snapshot, context: Context, entity: str = ""
) -> HttpResponse:
    """The caller's document, or 304 where the request names it; of `entity` alone if named."""
    document = openapi.document(snapshot, context, environment.current().org, entity)
    # A document differs by caller: nobody in between may keep it, and each asks whether it stands.
    headers = {
        "ETag": document.etag,
        "Cache-Control": "private, no-cache",
        "Vary": "sessionid, Authorization, Cookie, Accept-Encoding",
    }
    if _takes_gzip(request):
        headers |= {"Content-Encoding": "gzip"}
        response = HttpResponse(document.gzipped, content_type=JSON, headers=headers)
    else:
        response = HttpResponse(document.body, content_type=JSON, headers=headers)
    return get_conditional_response(request, document.etag, response=response) or response


def _takes_gzip(request: HttpRequest) -> bool:
    """Whether the client says so; one that does not want it gives it no weight (q=0)."""
    for part in str(request.META.get("HTTP_ACCEPT_ENCODING", "")).split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().casefold() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
