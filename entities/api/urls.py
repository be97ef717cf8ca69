"""The addresses of REST 2.0: with or without the organisation, with any number of slashes.

Version 2.1 is another name for 2.0.
"""

from django.urls import include, path, re_path

from entities.api import catalogue, signin, views

_ORG = r"^[/]*(?:(?P<org>[^/]+)/+)?"

urlpatterns = [
    path(catalogue.PAGE.lstrip("/"), catalogue.page, name="errors"),
    path("docs/", include("entities.api.docs.urls")),
    re_path(_ORG + r"rest/+2\.[01](?:/+(?P<path>.*))?$", views.rest, name="rest"),
    re_path(_ORG + r"auth/+1\.0(?:/+(?P<path>.*))?$", signin.auth, name="auth"),
    re_path(
        _ORG + r"hostedPayments/+1\.0(?:/+(?P<path>.*))?$",
        signin.hosted_payments,
        name="hosted_payments",
    ),
    # Programs that come to another version, or to a service that is not offered, read JSON too.
    re_path(_ORG + r"(?:rest|auth|hostedPayments)(?:/.*)?$", views.nowhere),
]
