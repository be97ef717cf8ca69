"""The front doors: health and the API.

The admin's addresses come from the schema's newest snapshot, see `entities.admin.site`.
"""

from django.urls import include, path

urlpatterns = [
    path("health/", include("metabrm.web.health")),
    path("", include("entities.api.urls")),
]
