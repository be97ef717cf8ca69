"""The front doors: health and the API.

The admin's addresses come from the schema's newest snapshot, see `entities.admin.site`.
"""

from django.urls import include, path

urlpatterns = [
    path("health/", include("metabrm.web.health")),
    path("", include("entities.api.urls")),
]

handler400 = "entities.api.outside.bad_request"
handler403 = "entities.api.outside.forbidden"
handler404 = "entities.api.outside.not_found"
handler500 = "entities.api.outside.failed"
