"""The one table of the environment variables: the README's is checked against it by a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metabrm.environment import values


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. `read` turns its text into the value or raises ValueError."""

    name: str
    default: str
    meaning: str
    right: str
    read: Callable[[str], Any]
    secret: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "BRM_STATE_DIR",
        "`.state` beside `manage.py`",
        "Where the embedded servers keep their data and generated secrets are stored.",
        "the path of a directory (it is created if it is not there)",
        values.directory,
    ),
    Variable(
        "BRM_FILES_DIR",
        "`files` in the state directory",
        "Where the files are kept that records hold; one for all machines of an installation.",
        "the path of a directory (it is created if it is not there)",
        values.directory,
    ),
    Variable(
        "BRM_HOST",
        "`127.0.0.1`",
        "The address the web server listens on.",
        "an IP address or host name of this machine, such as 127.0.0.1 or 0.0.0.0",
        values.matching(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"),
    ),
    Variable(
        "BRM_PORT",
        "`8000`",
        "The port the web server listens on.",
        "a whole number from 1 to 65535",
        values.whole_number(1, 65535),
    ),
    Variable(
        "BRM_ORG",
        "`demogm`",
        "The name of the organisation, which API users sign in to.",
        "1 to 64 letters, digits, '_', '.' or '-'",
        values.matching(r"[A-Za-z0-9_.-]{1,64}"),
    ),
    Variable(
        "BRM_ADMIN_USERNAME",
        "`admin`",
        "The administrator who is created at the first start.",
        "1 to 150 letters, digits or '@', '.', '+', '-', '_'",
        values.matching(r"[\w.@+-]{1,150}"),
    ),
    Variable(
        "BRM_ADMIN_PASSWORD",
        "generated once into `.state/admin-password`",
        "The administrator's password.",
        "any text of at most 128 characters",
        values.matching(r"(?s).{1,128}"),
        secret=True,
    ),
    Variable(
        "DATABASE_URL",
        "an embedded PostgreSQL 18 in `.state/postgres`",
        "An external PostgreSQL, 15 or newer.",
        "postgresql://USER:PASSWORD@HOST:PORT/NAME",
        values.database_url,
    ),
    Variable(
        "REDIS_URL",
        "an embedded Valkey in `.state/valkey`",
        "An external Valkey or Redis, 6.2 or newer.",
        "redis://HOST:PORT/NUMBER, rediss://HOST:PORT/NUMBER or unix:///PATH?db=NUMBER",
        values.redis_url,
    ),
    Variable(
        "BRM_SECRET_KEY",
        "generated once into `.state/secret-key`",
        "Signs sessions and access tokens; the same on every machine of one installation.",
        f"at least {values.SECRET_KEY_LENGTH} characters that nobody can guess",
        values.matching(rf"(?s).{{{values.SECRET_KEY_LENGTH},}}"),
        secret=True,
    ),
    Variable(
        "BRM_FIELD_KEYS",
        "generated once into `.state/field-key`; with DATABASE_URL: none",
        "Encrypts the fields that are encrypted at rest; the first key writes, all of them read.",
        f"ID:KEY or several of them separated by commas, the one that writes first: each ID another"
        f" one of 1 to 32 letters, digits, '_' or '-', each KEY the base64 of"
        f" {values.FIELD_KEY_BYTES} random bytes",
        values.field_keys,
        secret=True,
    ),
    Variable(
        "BRM_SIGNING_KEYS",
        "made from BRM_SECRET_KEY",
        "Sign access tokens; the first key signs, all of them verify.",
        f"ID:KEY or several of them separated by commas, the one that signs first: each ID another"
        f" one of 1 to 32 letters, digits, '_' or '-', each KEY at least {values.SECRET_KEY_LENGTH}"
        f" characters without a comma that nobody can guess",
        values.signing_keys,
        secret=True,
    ),
    Variable(
        "BRM_SESSION_IDLE_MINUTES",
        "`120`",
        "How long a session lives unused, of a program or a browser.",
        "a whole number from 1 to 10080",
        values.whole_number(1, 10_080),
    ),
    Variable(
        "BRM_SESSION_HOURS",
        "`24`",
        "How long a session lives at most.",
        "a whole number from 1 to 720",
        values.whole_number(1, 720),
    ),
    Variable(
        "BRM_LOCKOUT_FAILURES",
        "`5`",
        "How many failed sign-ins lock a user out at an address.",
        "a whole number from 1 to 1000",
        values.whole_number(1, 1_000),
    ),
    Variable(
        "BRM_LOCKOUT_MINUTES",
        "`15`",
        "How long nobody can sign in who was locked out.",
        "a whole number from 1 to 1440",
        values.whole_number(1, 1_440),
    ),
    Variable(
        "BRM_ALLOWED_HOSTS",
        "`localhost`, `127.0.0.1`, `[::1]` and BRM_HOST",
        "The host names browsers may use, separated by commas.",
        "host names separated by commas, such as billing.example.com,localhost",
        values.host_names,
    ),
    Variable(
        "BRM_WEB_WORKERS",
        "`2`",
        "How many web server processes run.",
        "a whole number from 1 to 64",
        values.whole_number(1, 64),
    ),
    Variable(
        "BRM_LOG_LEVEL",
        "`INFO`",
        "How much is logged to the standard error stream.",
        "one of " + ", ".join(values.LOG_LEVELS),
        values.log_level,
    ),
    Variable(
        "BRM_LOG_FORMAT",
        "`console` where that is a terminal, else `json`",
        "How log lines are written: one JSON object per line, or for reading.",
        "one of " + ", ".join(values.LOG_FORMATS),
        values.log_format,
    ),
    Variable(
        "BRM_METRICS_TOKEN",
        "none: only BRM_METRICS_NETWORKS",
        "The bearer token with which `/metrics` is read.",
        "at least 16 characters that nobody can guess",
        values.matching(r"[\x21-\x7e]{16,}"),
        secret=True,
    ),
    Variable(
        "BRM_METRICS_NETWORKS",
        "none",
        "Networks from which `/metrics` is read without a token.",
        "addresses or networks separated by commas, such as 10.1.0.0/16,127.0.0.1",
        values.networks,
    ),
    Variable(
        "BRM_SLOW_QUERY_MS",
        "`1000`",
        "Queries that take longer are logged as slow, in milliseconds; 0 logs none.",
        "a whole number from 0 to 600000",
        values.whole_number(0, 600_000),
    ),
    Variable(
        "BRM_SLOW_QUERY_PLAN",
        "`off`",
        "Whether the plan of a slow query is asked for and logged with it.",
        "on or off",
        values.flag,
    ),
    Variable(
        "BRM_DEBUG",
        "`off`",
        "Django's debug pages; never on where others can reach the server.",
        "on or off",
        values.flag,
    ),
    Variable(
        "BRM_MAIL_URL",
        "none: mail waits",
        "The server that mail is sent through, and how the way to it is encrypted.",
        "smtp://USER:PASSWORD@HOST:PORT?tls=MODE, where MODE is one of "
        + ", ".join(values.MAIL_TLS),
        values.mail_server,
        secret=True,
    ),
    Variable(
        "BRM_MAIL_FROM",
        "none: mail waits",
        "The address that mail comes from.",
        "a mail address, such as billing@example.com or Billing <billing@example.com>",
        values.matching(r"[^<>@,\x00-\x1f]+@[^<>@,\s]+|[^<>@,\x00-\x1f]* ?<[^<>@,\s]+@[^<>@,\s]+>"),
    ),
    Variable(
        "BRM_WEBHOOK_PRIVATE_HOSTS",
        "none",
        "Hosts inside your own network that webhooks may call.",
        "host names, addresses or networks separated by commas, such as erp.local,10.1.0.0/16",
        values.private_hosts,
    ),
    Variable(
        "BRM_RATE_LIMIT",
        f"`{values.RATE_LIMIT}`",
        "How many API requests one credential may send, or one address without any.",
        f"PER_SECOND:BURST:PER_DAY, each a whole number from 1, such as {values.RATE_LIMIT},"
        " or off",
        values.rate_limit,
    ),
    Variable(
        "BRM_RATE_LIMITS",
        "none",
        "Other limits for single users, or for the users of a role, by its Id.",
        f"user:NAME=LIMIT or role:ID=LIMIT, several separated by commas, each LIMIT like"
        f" {values.RATE_LIMIT} or off, such as user:nightly=50:500:1000000,role:2=off",
        values.rate_limits,
    ),
    Variable(
        "BRM_IDEMPOTENCY_HOURS",
        "`24`",
        "For how long the answer to a request with an Idempotency-Key is given again.",
        "a whole number from 1 to 8760",
        values.whole_number(1, 8760),
    ),
    Variable(
        "BRM_FILES_URL",
        "none: BRM_FILES_DIR",
        "A bucket that speaks S3, where the files are kept instead; needs the extra `s3`.",
        "s3://ID:SECRET@BUCKET/PREFIX?endpoint=URL&region=NAME; all but the bucket may be left out",
        values.files_url,
        secret=True,
    ),
    Variable(
        "BRM_FILE_MEGABYTES",
        "`40`",
        "The size of the largest file, in MiB.",
        "a whole number from 1 to 40",
        values.whole_number(1, 40),
    ),
    Variable(
        "BRM_FILES_MEGABYTES",
        "none",
        "What all files together may have, in MiB.",
        "a whole number from 1",
        values.whole_number(1, 10**9 - 1),
    ),
    Variable(
        "BRM_FILE_TYPES",
        "none: all",
        "The endings of the names of files that are taken, separated by commas.",
        "endings separated by commas, such as pdf,png,csv",
        values.endings,
    ),
    Variable(
        "BRM_HTTPS",
        "`off`",
        "All requests come by https, which a proxy ends: browsers are held to it.",
        "on or off",
        values.flag,
    ),
    Variable(
        "BRM_CORS_ORIGINS",
        "none",
        "Web sites whose scripts may call the API from a browser.",
        "origins separated by commas, such as https://portal.example.com,http://localhost:3000",
        values.origins,
    ),
    Variable(
        "BRM_TRUSTED_PROXIES",
        "none",
        "Proxies whose X-Forwarded-For is believed.",
        "addresses or networks separated by commas, such as 10.0.0.7,10.1.0.0/16",
        values.networks,
    ),
    Variable(
        "BRM_DOCS_ROLE",
        "none: a sign-in is needed",
        "The role whose API documentation everybody reads at /docs/ without signing in.",
        "the name of a role, such as Partners",
        values.matching(r"[^\x00-\x1f]{1,255}"),
    ),
    Variable(
        "BRM_BULK_JOBS_PER_USER",
        "`2`",
        "How many bulk jobs of one user run at once; the others wait.",
        "a whole number from 1 to 64",
        values.whole_number(1, 64),
    ),
    Variable(
        "BRM_BULK_TIMEOUT_MINUTES",
        "`60`",
        "How long the query of a bulk extract may take.",
        "a whole number from 1 to 1440",
        values.whole_number(1, 1440),
    ),
    Variable(
        "BRM_BULK_RETENTION_DAYS",
        "`30`",
        "How long the files of bulk jobs are kept.",
        "a whole number from 1 to 3650",
        values.whole_number(1, 3650),
    ),
    Variable(
        "BRM_ACTIVITY_MONTHS_AHEAD",
        "`3`",
        "How many months of ACTIVITY are made ahead.",
        "a whole number from 1 to 24",
        values.whole_number(1, 24),
    ),
    Variable(
        "BRM_USAGE_DIR",
        "none",
        "The directory below which collectors may watch directories and put away files.",
        "the path of a directory",
        values.directory,
    ),
    Variable(
        "BRM_USAGE_MEGABYTES",
        "`10240`",
        "The largest file of usage, once it is unpacked.",
        "a whole number from 1 to 1048576",
        values.whole_number(1, 1_048_576),
    ),
)
