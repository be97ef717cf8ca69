"""The Django project of metabrm: its settings, front doors and the services all rooms share."""

from metabrm.celery import app as celery_app

__all__ = ["__version__", "celery_app"]

#: The same as in pyproject.toml.
__version__ = "0.1.0"
