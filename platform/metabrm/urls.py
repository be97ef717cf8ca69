"""The front doors: health, metrics and the API.

The admin's addresses come from the schema's newest snapshot, see `entities.admin.site`.
"""

from django.urls import include, path

from metabrm.observability.exposing import expose

urlpatterns = [
    path("health/", include("metabrm.web.health")),
    path("metrics", expose, name="metrics"),
    path("", include("billing.mediation.urls")),
    path("", include("entities.api.urls")),
]

handler400 = "entities.api.outside.bad_request"
handler403 = "entities.api.outside.forbidden"
handler404 = "entities.api.outside.not_found"
handler500 = "entities.api.outside.failed"
