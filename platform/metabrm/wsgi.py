"""The door for a web server that speaks WSGI; `make serve` runs granian on it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metabrm.settings")

application = get_wsgi_application()

from metabrm.observability import sampling  # noqa: E402
from metabrm.web.dawdling import Patient  # noqa: E402

application = Patient(application)
sampling.start()
