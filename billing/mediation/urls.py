"""The address of usage that is sent as events."""

from django.urls import re_path

from billing.mediation.receiving import receive

urlpatterns = [
    re_path(
        r"^[/]*(?:(?P<org>[^/]+)/+)?events/+1\.0/+(?P<collector>[^/]+)/*$", receive, name="events"
    ),
]
