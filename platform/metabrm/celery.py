"""The Celery application: work that takes longer than a request, and what runs on a schedule.

Its settings are the CELERY_* ones of `metabrm.settings`; tasks live in each room's `tasks.py`.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metabrm.settings")

app = Celery("metabrm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
