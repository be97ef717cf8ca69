"""The addresses under `/docs/`."""

from django.urls import path

from entities.api.docs import pages

app_name = "docs"

urlpatterns = [
    path("", pages.home, name="home"),
    path("swagger/", pages.swagger, name="swagger"),
    path("redoc/", pages.redoc, name="redoc"),
    path("openapi.json", pages.document, name="document"),
    path("session", pages.session, name="session"),
    path("<str:name>/", pages.entity, name="entity"),
]
