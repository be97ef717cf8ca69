"""The front doors: health, the admin, the API."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("health/", include("metabrm.web.health")),
    path("admin/", admin.site.urls),
    path("", include("entities.api.urls")),
]
