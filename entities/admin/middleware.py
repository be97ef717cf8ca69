"""Gives requests under /admin/ the site of the newest snapshot, and the user's time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from entities.admin.reader import reading
from entities.admin.site import ROOT, urls_of
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import User


class AdminOfTheSnapshot:
    """Middleware; stands behind authentication, because times are shown in the user's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not f"{request.path_info}/".startswith(ROOT):
            return self.get_response(request)
        request.urlconf = urls_of(current())  # type: ignore[assignment]
        user = request.user
        context = Context.of(user) if isinstance(user, User) else None
        with timezone.override(context.time_zone if context else "UTC"), reading(context):
            return self.get_response(request)
