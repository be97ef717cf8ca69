"""Django's settings. What differs between installations comes from `metabrm.environment`."""

import secrets
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from metabrm import embedded, environment, storing
from metabrm.environment import kept
from metabrm.observability import logs
from metabrm.observability.connections import MeasuredConnection

env = environment.current()

# Security

SECRET_KEY = kept.secret_key()
DEBUG = env.debug
ALLOWED_HOSTS = list(env.allowed_hosts)
PASSWORD_HASHERS = [
    "metabrm.identity.hashing.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTH_USER_MODEL = "identity.User"
# Where a sign-in leads that was not on its way to a page.
LOGIN_REDIRECT_URL = "/admin/"
AUTHENTICATION_BACKENDS = [
    # Counts and locks out; must be asked before anybody looks at a password.
    "axes.backends.AxesStandaloneBackend",
    "metabrm.identity.authentication.PasswordBackend",
]
AXES_HANDLER = "metabrm.identity.lockout.Handler"
AXES_CLIENT_IP_CALLABLE = "metabrm.web.addresses.client_address"
AXES_COOLOFF_TIME = timedelta(minutes=env.lockout_minutes)
# Whoever tries on while he is locked out does not stay so for longer.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Its middleware would answer programs by a page; the front doors say it themselves.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]
# How long a session of a program lives unused, and any session at most.
API_SESSION_IDLE = timedelta(minutes=env.session_idle_minutes)
API_SESSION_LIFETIME = timedelta(hours=env.session_hours)
SESSION_ENGINE = "metabrm.identity.browser"
SESSION_COOKIE_AGE = env.session_idle_minutes * 60
# API sessions travel in a header named sessionid; the browser's cookie has a name of its own.
SESSION_COOKIE_NAME = "metabrm_session"
CSRF_COOKIE_NAME = "metabrm_csrf"
CSRF_FAILURE_VIEW = "entities.api.outside.without_token"
# Seconds for which browsers come by https only; `metabrm.web.security` tells them.
HTTPS_SECONDS = 365 * 24 * 3600 if env.https else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# Rooms

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "axes",
    "drf_spectacular_sidecar",
    "metabrm.identity",
    "metabrm.localization",
    "metabrm.web",
    "metabrm.observability",
    "entities",
    "billing.catalog",
    "billing.customers",
    "billing.mediation",
    "billing.rating",
    "billing.invoicing",
    "billing.receivables",
    "billing.tax",
    "billing.quoting",
    "revrec.ledger",
    "revrec.recognition",
    "collections_mgmt",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The way of a request

ROOT_URLCONF = "metabrm.urls"
WSGI_APPLICATION = "metabrm.wsgi.application"
MIDDLEWARE = [
    "metabrm.web.middleware.RequestId",
    "metabrm.observability.middleware.Observed",
    "metabrm.web.security.BrowserSecurity",
    *(["corsheaders.middleware.CorsMiddleware"] if env.cors_origins else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "entities.admin.middleware.AdminOfTheSnapshot",
]
# The API alone, and never with cookies, which are the admin's: a program proves by headers who it
# is.
CORS_ALLOWED_ORIGINS = list(env.cors_origins)
CORS_URLS_REGEX = r"^/*(?:[^/]+/+)?(?:rest|auth|hostedPayments)/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "if-none-match"),
    *("sessionid", "x-api-key", "idempotency-key", "x-request-id"),
    # What existing clients send, and nobody reads.
    *("bpkey", "client_id", "x-transaction-id"),
]
CORS_EXPOSE_HEADERS = [
    *("RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("Retry-After", "Idempotency-Replayed", "X-Request-Id", "ETag", "Content-Disposition"),
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
# Served from the packages themselves: nothing to collect, and a wheel works as a checkout does.
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ALGORITHM": "HS256",
    # Our tokens are signed by the keys of `metabrm.identity.tokens`; simplejwt's own by nobody's.
    "SIGNING_KEY": secrets.token_urlsafe(64),
}
UNFOLD = {
    "SITE_TITLE": "metabrm",
    "SITE_HEADER": "metabrm",
    "SITE_SUBHEADER": "Billing and revenue",
    "SITE_SYMBOL": "receipt_long",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/metabrm/icon.svg"}],
    "STYLES": ["/static/metabrm/admin.css"],
    "SIDEBAR": {"show_search": True, "command_search": False},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        },
    },
}

# Database and cache

WEB_THREADS = 4  # per web worker; `metabrm.serve` starts the web server with as many
DATABASES = {"default": embedded.database(env)}
# One pool per process. A connection is tried before use, so a restarted database heals itself.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": WEB_THREADS + 4,
    # The pool waits a second, then two, then four for each connection it finds broken: less would
    # fail requests after a restart of the database that could be served.
    "timeout": 10,
    "connection_class": MeasuredConnection,
}
# Statements that ask to be prepared are; none is only because it came often, as most texts differ.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 1_000_000_000
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.cache_url(env),
        "KEY_PREFIX": "metabrm",
    }
}

# Files that records hold

STORAGES = {
    "default": storing.bucket(env.files_url)
    if env.files_url
    else storing.disk(str(env.files_dir or env.state_dir / "files")),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Time and language

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = True

# Work in the background


def _celery_url(url: str) -> str:
    """Celery writes a Unix socket as redis+socket:///PATH?virtual_host=NUMBER."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    query["virtual_host"] = query.pop("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}"


CELERY_BROKER_URL = CELERY_RESULT_BACKEND = _celery_url(embedded.cache_url(env))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_EXPIRES = timedelta(hours=6)
CELERY_TIMEZONE = "UTC"
# A task may be killed at any line: it is acknowledged when done, and given to another if not.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Jobs that take minutes have a worker of their own, so that nothing waits behind them.
CELERY_TASK_ROUTES = {
    "entities.tasks.run_bulk_job": {"queue": "bulk"},
    "entities.tasks.resume_bulk_jobs": {"queue": "bulk"},
    "metabrm.run_load": {"queue": "mediation"},
    "metabrm.rate_load": {"queue": "mediation"},
    "metabrm.finish_load": {"queue": "mediation"},
    "metabrm.resume_loads": {"queue": "mediation"},
    "metabrm.rerate": {"queue": "mediation"},
    "metabrm.resume_rerates": {"queue": "mediation"},
    "metabrm.run_collectors": {"queue": "mediation"},
    "metabrm.collect": {"queue": "mediation"},
}
CELERY_BEAT_SCHEDULE = {
    "remove files that no record holds": {
        "task": "entities.tasks.sweep_files",
        "schedule": timedelta(days=1),
    },
    "purge expired API sessions": {
        "task": "metabrm.identity.tasks.purge_expired_sessions",
        "schedule": timedelta(hours=1),
    },
    "remove answers that are no longer given again": {
        "task": "metabrm.web.tasks.trim_kept_answers",
        "schedule": timedelta(hours=1),
    },
    "make the coming months of ACTIVITY": {
        "task": "billing.mediation.tasks.keep_activity_months",
        "schedule": timedelta(hours=12),
    },
    "charge what recurs or comes once": {
        "task": "metabrm.charge_recurring",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "settle discounts, minimums and commitments": {
        "task": "metabrm.settle",
        "schedule": timedelta(days=1),
        "options": {"expires": 86400},
    },
    "purge the recycle bin and old history": {
        "task": "entities.tasks.apply_retention",
        "schedule": timedelta(days=1),
    },
    "resume schema jobs": {
        "task": "entities.tasks.resume_schema_jobs",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "run the workflow rules that are due": {
        "task": "entities.tasks.run_scheduled_rules",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "take up loads of usage": {
        "task": "metabrm.resume_loads",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
    "rate again what waits for it": {
        "task": "metabrm.resume_rerates",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "look for usage": {
        "task": "metabrm.run_collectors",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "resume bulk jobs": {
        "task": "entities.tasks.resume_bulk_jobs",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "send what waits in the outbox": {
        "task": "entities.tasks.deliver_outbound",
        "schedule": timedelta(seconds=10),
        # What nobody took in time is not sent for twice.
        "options": {"expires": 10},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(env.state_dir / "celerybeat-schedule")

# Logs

LOGGING = logs.configuration(env.log_level, env.log_format or logs.default_format())
