"""The Django project of metabrm: its settings, front doors and the services all rooms share."""

from metabrm.celery import app as celery_app

__all__ = ["celery_app"]
