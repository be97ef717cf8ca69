"""The environment variables: one table, read once, checked before anything starts.

`VARIABLES` is the only list of them: the README's table is checked against it by a test. An empty
value counts as not set. Every wrong value is reported, each on its own line with the variable, the
value (never a secret) and what would be right.
"""

import base64
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from metabrm.problems import Problem

POSTGRES_SCHEMES = ("postgresql://", "postgres://")
REDIS_SCHEMES = ("redis", "rediss", "unix")
LOG_FORMATS = ("json", "console")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
RATE_LIMIT = "15:150:100000"
FLAG_ON = ("on", "true", "yes", "1")
FLAG_OFF = ("off", "false", "no", "0")
MAIL_TLS = ("starttls", "implicit", "off")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# RFC 7518, section 3.2: a key for HS256, which signs the access tokens, has at least 256 bits.
SECRET_KEY_LENGTH = 32
# AES-SIV with AES-256: one half authenticates, the other encrypts.
FIELD_KEY_BYTES = 64
#: Id of the key that is generated where none is given.
GENERATED_FIELD_KEY = "generated"
#: Id of the signing key that is the secret key, where none is given.
GENERATED_SIGNING_KEY = "secret-key"


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. `read` turns its text into the value or raises ValueError."""

    name: str
    default: str
    meaning: str
    right: str
    read: Callable[[str], Any]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over; `tls` is one of MAIL_TLS."""

    host: str
    port: int
    username: str
    password: str
    tls: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests are taken a second, at once after a pause, and a day."""

    per_second: int
    burst: int
    per_day: int


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Environment:
    """The checked values; None where a variable is not set and its default is made at need."""

    state_dir: Path
    host: str
    port: int
    org: str
    admin_username: str
    admin_password: str | None
    database_url: str | None
    redis_url: str | None
    secret_key: str | None
    allowed_hosts: tuple[str, ...]
    web_workers: int
    log_level: str
    debug: bool
    mail_server: MailServer | None = None
    mail_from: str | None = None
    webhook_private_hosts: tuple[str, ...] = ()
    files_dir: Path | None = None
    log_format: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    metrics_networks: tuple[Network, ...] = ()
    slow_query_ms: int = 1000
    slow_query_plan: bool = False
    field_keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    rate_limit: RateLimit | None = None
    rate_limits: Mapping[str, RateLimit | None] = field(default_factory=dict)
    signing_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    session_idle_minutes: int = 120
    session_hours: int = 24
    lockout_failures: int = 5
    lockout_minutes: int = 15
    files_url: str | None = field(default=None, repr=False)
    file_megabytes: int = 40
    files_megabytes: int | None = None
    file_types: tuple[str, ...] = ()
    https: bool = False
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    idempotency_hours: int = 24
    docs_role: str | None = None
    bulk_jobs_per_user: int = 2
    bulk_timeout_minutes: int = 60
    bulk_retention_days: int = 30
    activity_months_ahead: int = 3
    usage_dir: Path | None = None
    usage_megabytes: int = 10_240

    @property
    def admin_password_file(self) -> Path:
        return self.state_dir / "admin-password"


def _must(condition: object) -> None:
    if not condition:
        raise ValueError


def _matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        _must(re.fullmatch(pattern, text))
        return text

    return read


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        _must(re.fullmatch(r"[0-9]{1,9}", text))
        _must(low <= int(text) <= high)
        return int(text)

    return read


def _flag(text: str) -> bool:
    _must(text.lower() in (*FLAG_ON, *FLAG_OFF))
    return text.lower() in FLAG_ON


def _directory(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    _must("\0" not in text and _existing(path / "state").is_dir())
    return path


def _log_level(text: str) -> str:
    _must(text.upper() in LOG_LEVELS)
    return text.upper()


def _log_format(text: str) -> str:
    _must(text.lower() in LOG_FORMATS)
    return text.lower()


def _host_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    _must(all(re.fullmatch(r"\*|\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]", name) for name in names))
    return names


def _database_url(text: str) -> str:
    _must(text.startswith(POSTGRES_SCHEMES))
    # libpq's own reading of its URLs, so that everything it allows works: sockets, TLS, failover.
    parts = conninfo_to_dict(text)
    _must(parts.get("dbname"))
    _must(all(0 < int(port) < 65536 for port in str(parts.get("port", 5432)).split(",")))
    return text


def _redis_url(text: str) -> str:
    url = urlsplit(text)
    _must(url.scheme in REDIS_SCHEMES)
    if url.scheme == "unix":
        _must(url.path.startswith("/") and len(url.path) > 1)
    else:
        _must(url.hostname and re.fullmatch(r"(/[0-9]*)?", url.path))
        _must(url.port is None or url.port > 0)
    return text


def _mail_server(text: str) -> MailServer:
    url = urlsplit(text)
    query = dict(parse_qsl(url.query, strict_parsing=True)) if url.query else {}
    tls = query.pop("tls", "starttls")
    _must(url.scheme == "smtp" and url.hostname and url.path in ("", "/") and not query)
    _must(tls in MAIL_TLS and not url.fragment)
    _must(url.port is None or url.port > 0)
    port = url.port or {"starttls": 587, "implicit": 465, "off": 25}[tls]
    username, password = unquote(url.username or ""), unquote(url.password or "")
    return MailServer(url.hostname or "", port, username, password, tls)


def _private_hosts(text: str) -> tuple[str, ...]:
    entries = tuple(entry.strip() for entry in text.split(","))
    for entry in entries:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", entry) or "/" in entry:
            ipaddress.ip_network(entry)
    return entries


def _rate_limit(text: str) -> RateLimit | None:
    if text.lower() == "off":
        return None
    per_second, burst, per_day = (_whole_number(1, 10**9 - 1)(n) for n in text.split(":"))
    _must(per_second <= 1_000_000 and burst <= 1_000_000)
    return RateLimit(per_second, burst, per_day)


def _rate_limits(text: str) -> dict[str, RateLimit | None]:
    limits: dict[str, RateLimit | None] = {}
    for entry in text.split(","):
        whose, _, limit = (part.strip() for part in entry.rpartition("="))
        _must(re.fullmatch(r"user:[^,]{1,150}|role:[0-9]{1,18}", whose) and whose not in limits)
        limits[whose] = _rate_limit(limit)
    return limits


def _files_url(text: str) -> str:
    url = urlsplit(text)
    query = dict(parse_qsl(url.query, strict_parsing=True)) if url.query else {}
    endpoint = query.pop("endpoint", "")
    _must(not endpoint or re.fullmatch(r"https?://[^/?#\s]+/?", endpoint))
    region = query.pop("region", "")
    _must(not region or re.fullmatch(r"[a-z0-9-]+", region))
    _must(url.scheme == "s3" and not query and not url.fragment and not url.port)
    _must(re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", url.hostname or ""))
    _must(bool(url.username) == bool(url.password) and ".." not in url.path)
    return text


def _endings(text: str) -> tuple[str, ...]:
    endings = tuple(entry.strip().lower().removeprefix(".") for entry in text.split(","))
    _must(all(re.fullmatch(r"[a-z0-9_+-]{1,16}", ending) for ending in endings))
    return endings


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(entry.strip() for entry in text.split(","))
    right = r"https?://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    _must(all(re.fullmatch(right, origin) for origin in origins))
    return origins


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(entry.strip()) for entry in text.split(","))


def _signing_keys(text: str) -> tuple[tuple[str, str], ...]:
    keys: dict[str, str] = {}
    for entry in text.split(","):
        name, _, key = entry.strip().partition(":")
        _must(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) and name not in keys)
        _must(len(key) >= SECRET_KEY_LENGTH)
        keys[name] = key
    return tuple(keys.items())


def _field_keys(text: str) -> tuple[tuple[str, bytes], ...]:
    keys: dict[str, bytes] = {}
    for entry in text.split(","):
        name, _, written = entry.strip().partition(":")
        _must(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) and name not in keys)
        keys[name] = _field_key(written)
    _must(len(set(keys.values())) == len(keys))
    return tuple(keys.items())


def _field_key(written: str) -> bytes:
    """A key from its base64, of either alphabet and with or without padding."""
    plain = written.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    _must(len(key) == FIELD_KEY_BYTES)
    return key


def default_state_dir() -> Path:
    """`.state` beside manage.py in a checkout, in the working directory for an installed wheel."""
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "manage.py").exists() else Path.cwd()) / ".state"


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "BRM_STATE_DIR",
        "`.state` beside `manage.py`",
        "Where the embedded servers keep their data and generated secrets are stored.",
        "the path of a directory (it is created if it is not there)",
        _directory,
    ),
    Variable(
        "BRM_FILES_DIR",
        "`files` in the state directory",
        "Where the files are kept that records hold; one for all machines of an installation.",
        "the path of a directory (it is created if it is not there)",
        _directory,
    ),
    Variable(
        "BRM_HOST",
        "`127.0.0.1`",
        "The address the web server listens on.",
        "an IP address or host name of this machine, such as 127.0.0.1 or 0.0.0.0",
        _matching(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"),
    ),
    Variable(
        "BRM_PORT",
        "`8000`",
        "The port the web server listens on.",
        "a whole number from 1 to 65535",
        _whole_number(1, 65535),
    ),
    Variable(
        "BRM_ORG",
        "`demogm`",
        "The name of the organisation, which API users sign in to.",
        "1 to 64 letters, digits, '_', '.' or '-'",
        _matching(r"[A-Za-z0-9_.-]{1,64}"),
    ),
    Variable(
        "BRM_ADMIN_USERNAME",
        "`admin`",
        "The administrator who is created at the first start.",
        "1 to 150 letters, digits or '@', '.', '+', '-', '_'",
        _matching(r"[\w.@+-]{1,150}"),
    ),
    Variable(
        "BRM_ADMIN_PASSWORD",
        "generated once into `.state/admin-password`",
        "The administrator's password.",
        "any text of at most 128 characters",
        _matching(r"(?s).{1,128}"),
        secret=True,
    ),
    Variable(
        "DATABASE_URL",
        "an embedded PostgreSQL 18 in `.state/postgres`",
        "An external PostgreSQL, 15 or newer.",
        "postgresql://USER:PASSWORD@HOST:PORT/NAME",
        _database_url,
    ),
    Variable(
        "REDIS_URL",
        "an embedded Valkey in `.state/valkey`",
        "An external Valkey or Redis, 6.2 or newer.",
        "redis://HOST:PORT/NUMBER, rediss://HOST:PORT/NUMBER or unix:///PATH?db=NUMBER",
        _redis_url,
    ),
    Variable(
        "BRM_SECRET_KEY",
        "generated once into `.state/secret-key`",
        "Signs sessions and access tokens; the same on every machine of one installation.",
        f"at least {SECRET_KEY_LENGTH} characters that nobody can guess",
        _matching(rf"(?s).{{{SECRET_KEY_LENGTH},}}"),
        secret=True,
    ),
    Variable(
        "BRM_FIELD_KEYS",
        "generated once into `.state/field-key`; with DATABASE_URL: none",
        "Encrypts the fields that are encrypted at rest; the first key writes, all of them read.",
        f"ID:KEY or several of them separated by commas, the one that writes first: each ID another"
        f" one of 1 to 32 letters, digits, '_' or '-', each KEY the base64 of {FIELD_KEY_BYTES}"
        f" random bytes",
        _field_keys,
        secret=True,
    ),
    Variable(
        "BRM_SIGNING_KEYS",
        "made from BRM_SECRET_KEY",
        "Sign access tokens; the first key signs, all of them verify.",
        f"ID:KEY or several of them separated by commas, the one that signs first: each ID another"
        f" one of 1 to 32 letters, digits, '_' or '-', each KEY at least {SECRET_KEY_LENGTH}"
        f" characters without a comma that nobody can guess",
        _signing_keys,
        secret=True,
    ),
    Variable(
        "BRM_SESSION_IDLE_MINUTES",
        "`120`",
        "How long a session lives unused, of a program or a browser.",
        "a whole number from 1 to 10080",
        _whole_number(1, 10_080),
    ),
    Variable(
        "BRM_SESSION_HOURS",
        "`24`",
        "How long a session lives at most.",
        "a whole number from 1 to 720",
        _whole_number(1, 720),
    ),
    Variable(
        "BRM_LOCKOUT_FAILURES",
        "`5`",
        "How many failed sign-ins lock a user out at an address.",
        "a whole number from 1 to 1000",
        _whole_number(1, 1_000),
    ),
    Variable(
        "BRM_LOCKOUT_MINUTES",
        "`15`",
        "How long nobody can sign in who was locked out.",
        "a whole number from 1 to 1440",
        _whole_number(1, 1_440),
    ),
    Variable(
        "BRM_ALLOWED_HOSTS",
        "`localhost`, `127.0.0.1`, `[::1]` and BRM_HOST",
        "The host names browsers may use, separated by commas.",
        "host names separated by commas, such as billing.example.com,localhost",
        _host_names,
    ),
    Variable(
        "BRM_WEB_WORKERS",
        "`2`",
        "How many web server processes run.",
        "a whole number from 1 to 64",
        _whole_number(1, 64),
    ),
    Variable(
        "BRM_LOG_LEVEL",
        "`INFO`",
        "How much is logged to the standard error stream.",
        "one of " + ", ".join(LOG_LEVELS),
        _log_level,
    ),
    Variable(
        "BRM_LOG_FORMAT",
        "`console` where that is a terminal, else `json`",
        "How log lines are written: one JSON object per line, or for reading.",
        "one of " + ", ".join(LOG_FORMATS),
        _log_format,
    ),
    Variable(
        "BRM_METRICS_TOKEN",
        "none: only BRM_METRICS_NETWORKS",
        "The bearer token with which `/metrics` is read.",
        "at least 16 characters that nobody can guess",
        _matching(r"[\x21-\x7e]{16,}"),
        secret=True,
    ),
    Variable(
        "BRM_METRICS_NETWORKS",
        "none",
        "Networks from which `/metrics` is read without a token.",
        "addresses or networks separated by commas, such as 10.1.0.0/16,127.0.0.1",
        _networks,
    ),
    Variable(
        "BRM_SLOW_QUERY_MS",
        "`1000`",
        "Queries that take longer are logged as slow, in milliseconds; 0 logs none.",
        "a whole number from 0 to 600000",
        _whole_number(0, 600_000),
    ),
    Variable(
        "BRM_SLOW_QUERY_PLAN",
        "`off`",
        "Whether the plan of a slow query is asked for and logged with it.",
        "on or off",
        _flag,
    ),
    Variable(
        "BRM_DEBUG",
        "`off`",
        "Django's debug pages; never on where others can reach the server.",
        "on or off",
        _flag,
    ),
    Variable(
        "BRM_MAIL_URL",
        "none: mail waits",
        "The server that mail is sent through, and how the way to it is encrypted.",
        "smtp://USER:PASSWORD@HOST:PORT?tls=MODE, where MODE is one of " + ", ".join(MAIL_TLS),
        _mail_server,
        secret=True,
    ),
    Variable(
        "BRM_MAIL_FROM",
        "none: mail waits",
        "The address that mail comes from.",
        "a mail address, such as billing@example.com or Billing <billing@example.com>",
        _matching(r"[^<>@,\x00-\x1f]+@[^<>@,\s]+|[^<>@,\x00-\x1f]* ?<[^<>@,\s]+@[^<>@,\s]+>"),
    ),
    Variable(
        "BRM_WEBHOOK_PRIVATE_HOSTS",
        "none",
        "Hosts inside your own network that webhooks may call.",
        "host names, addresses or networks separated by commas, such as erp.local,10.1.0.0/16",
        _private_hosts,
    ),
    Variable(
        "BRM_RATE_LIMIT",
        f"`{RATE_LIMIT}`",
        "How many API requests one credential may send, or one address without any.",
        f"PER_SECOND:BURST:PER_DAY, each a whole number from 1, such as {RATE_LIMIT}, or off",
        _rate_limit,
    ),
    Variable(
        "BRM_RATE_LIMITS",
        "none",
        "Other limits for single users, or for the users of a role, by its Id.",
        f"user:NAME=LIMIT or role:ID=LIMIT, several separated by commas, each LIMIT like"
        f" {RATE_LIMIT} or off, such as user:nightly=50:500:1000000,role:2=off",
        _rate_limits,
    ),
    Variable(
        "BRM_IDEMPOTENCY_HOURS",
        "`24`",
        "For how long the answer to a request with an Idempotency-Key is given again.",
        "a whole number from 1 to 8760",
        _whole_number(1, 8760),
    ),
    Variable(
        "BRM_FILES_URL",
        "none: BRM_FILES_DIR",
        "A bucket that speaks S3, where the files are kept instead; needs the extra `s3`.",
        "s3://ID:SECRET@BUCKET/PREFIX?endpoint=URL&region=NAME; all but the bucket may be left out",
        _files_url,
        secret=True,
    ),
    Variable(
        "BRM_FILE_MEGABYTES",
        "`40`",
        "The size of the largest file, in MiB.",
        "a whole number from 1 to 40",
        _whole_number(1, 40),
    ),
    Variable(
        "BRM_FILES_MEGABYTES",
        "none",
        "What all files together may have, in MiB.",
        "a whole number from 1",
        _whole_number(1, 10**9 - 1),
    ),
    Variable(
        "BRM_FILE_TYPES",
        "none: all",
        "The endings of the names of files that are taken, separated by commas.",
        "endings separated by commas, such as pdf,png,csv",
        _endings,
    ),
    Variable(
        "BRM_HTTPS",
        "`off`",
        "All requests come by https, which a proxy ends: browsers are held to it.",
        "on or off",
        _flag,
    ),
    Variable(
        "BRM_CORS_ORIGINS",
        "none",
        "Web sites whose scripts may call the API from a browser.",
        "origins separated by commas, such as https://portal.example.com,http://localhost:3000",
        _origins,
    ),
    Variable(
        "BRM_TRUSTED_PROXIES",
        "none",
        "Proxies whose X-Forwarded-For is believed.",
        "addresses or networks separated by commas, such as 10.0.0.7,10.1.0.0/16",
        _networks,
    ),
    Variable(
        "BRM_DOCS_ROLE",
        "none: a sign-in is needed",
        "The role whose API documentation everybody reads at /docs/ without signing in.",
        "the name of a role, such as Partners",
        _matching(r"[^\x00-\x1f]{1,255}"),
    ),
    Variable(
        "BRM_BULK_JOBS_PER_USER",
        "`2`",
        "How many bulk jobs of one user run at once; the others wait.",
        "a whole number from 1 to 64",
        _whole_number(1, 64),
    ),
    Variable(
        "BRM_BULK_TIMEOUT_MINUTES",
        "`60`",
        "How long the query of a bulk extract may take.",
        "a whole number from 1 to 1440",
        _whole_number(1, 1440),
    ),
    Variable(
        "BRM_BULK_RETENTION_DAYS",
        "`30`",
        "How long the files of bulk jobs are kept.",
        "a whole number from 1 to 3650",
        _whole_number(1, 3650),
    ),
    Variable(
        "BRM_ACTIVITY_MONTHS_AHEAD",
        "`3`",
        "How many months of ACTIVITY are made ahead.",
        "a whole number from 1 to 24",
        _whole_number(1, 24),
    ),
    Variable(
        "BRM_USAGE_DIR",
        "none",
        "The directory below which collectors may watch directories and put away files.",
        "the path of a directory",
        _directory,
    ),
    Variable(
        "BRM_USAGE_MEGABYTES",
        "`10240`",
        "The largest file of usage, once it is unpacked.",
        "a whole number from 1 to 1048576",
        _whole_number(1, 1_048_576),
    ),
)


def masked(url: str) -> str:
    """The URL as it may be shown: without its password, wherever it stands."""
    url = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", url)


def read(variables: Mapping[str, str]) -> Environment:
    """The checked values of `variables`; raises Problem with a line for each wrong one."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for variable in VARIABLES:
        text = variables.get(variable.name, "")
        if not text.strip():
            continue
        try:
            values[variable.name] = variable.read(text if variable.secret else text.strip())
        except (ValueError, OSError, RuntimeError, psycopg.Error):
            shown = "(hidden)" if variable.secret else repr(masked(text))
            wrong.append(f"{variable.name} is {shown}; it must be {variable.right}")
    if wrong:
        raise Problem("\n".join(wrong))

    host = values.get("BRM_HOST", "127.0.0.1")
    own_names = (*LOCAL_HOSTS, f"[{host}]" if ":" in host else host)
    return Environment(
        state_dir=values.get("BRM_STATE_DIR") or default_state_dir(),
        host=host,
        port=values.get("BRM_PORT", 8000),
        org=values.get("BRM_ORG", "demogm"),
        admin_username=values.get("BRM_ADMIN_USERNAME", "admin"),
        admin_password=values.get("BRM_ADMIN_PASSWORD"),
        database_url=values.get("DATABASE_URL"),
        redis_url=values.get("REDIS_URL"),
        secret_key=values.get("BRM_SECRET_KEY"),
        allowed_hosts=values.get("BRM_ALLOWED_HOSTS") or tuple(dict.fromkeys(own_names)),
        web_workers=values.get("BRM_WEB_WORKERS", 2),
        log_level=values.get("BRM_LOG_LEVEL", "INFO"),
        debug=values.get("BRM_DEBUG", False),
        mail_server=values.get("BRM_MAIL_URL"),
        mail_from=values.get("BRM_MAIL_FROM"),
        webhook_private_hosts=values.get("BRM_WEBHOOK_PRIVATE_HOSTS", ()),
        files_dir=values.get("BRM_FILES_DIR"),
        log_format=values.get("BRM_LOG_FORMAT"),
        metrics_token=values.get("BRM_METRICS_TOKEN"),
        metrics_networks=values.get("BRM_METRICS_NETWORKS", ()),
        slow_query_ms=values.get("BRM_SLOW_QUERY_MS", 1000),
        slow_query_plan=values.get("BRM_SLOW_QUERY_PLAN", False),
        field_keys=values.get("BRM_FIELD_KEYS", ()),
        rate_limit=values.get("BRM_RATE_LIMIT", _rate_limit(RATE_LIMIT)),
        rate_limits=values.get("BRM_RATE_LIMITS", {}),
        idempotency_hours=values.get("BRM_IDEMPOTENCY_HOURS", 24),
        signing_keys=values.get("BRM_SIGNING_KEYS", ()),
        session_idle_minutes=values.get("BRM_SESSION_IDLE_MINUTES", 120),
        session_hours=values.get("BRM_SESSION_HOURS", 24),
        lockout_failures=values.get("BRM_LOCKOUT_FAILURES", 5),
        lockout_minutes=values.get("BRM_LOCKOUT_MINUTES", 15),
        files_url=values.get("BRM_FILES_URL"),
        file_megabytes=values.get("BRM_FILE_MEGABYTES", 40),
        files_megabytes=values.get("BRM_FILES_MEGABYTES"),
        file_types=values.get("BRM_FILE_TYPES", ()),
        https=values.get("BRM_HTTPS", False),
        cors_origins=values.get("BRM_CORS_ORIGINS", ()),
        trusted_proxies=values.get("BRM_TRUSTED_PROXIES", ()),
        docs_role=values.get("BRM_DOCS_ROLE"),
        bulk_jobs_per_user=values.get("BRM_BULK_JOBS_PER_USER", 2),
        bulk_timeout_minutes=values.get("BRM_BULK_TIMEOUT_MINUTES", 60),
        bulk_retention_days=values.get("BRM_BULK_RETENTION_DAYS", 30),
        activity_months_ahead=values.get("BRM_ACTIVITY_MONTHS_AHEAD", 3),
        usage_dir=values.get("BRM_USAGE_DIR"),
        usage_megabytes=values.get("BRM_USAGE_MEGABYTES", 10_240),
    )


@cache
def current() -> Environment:
    """The environment of this process, read once."""
    return read(os.environ)


def secret_key() -> str:
    """BRM_SECRET_KEY, or the one generated at the first start and kept in the state directory."""
    return current().secret_key or _kept(current().state_dir / "secret-key", 64)


def signing_keys() -> tuple[tuple[str, str], ...]:
    """Id and key of all in BRM_SIGNING_KEYS, the one that signs first; else the secret key."""
    return current().signing_keys or ((GENERATED_SIGNING_KEY, secret_key()),)


def field_keys() -> tuple[tuple[str, bytes], ...]:
    """Id and key of all in BRM_FIELD_KEYS, the one that writes first.

    Without the variable, the one generated at the first start and kept in the state directory; but
    none where the database is somebody else's: its backups would need what lies in a directory of
    this machine.
    """
    env = current()
    if env.field_keys or env.database_url is not None:
        return env.field_keys
    kept = _kept(env.state_dir / "field-key", FIELD_KEY_BYTES)
    return ((GENERATED_FIELD_KEY, _field_key(kept)),)


def admin_password() -> str:
    """BRM_ADMIN_PASSWORD, or the one generated at the first start; see `admin_password_file`."""
    return current().admin_password or _kept(current().admin_password_file, 18)


def _kept(path: Path, size: int) -> str:
    """The secret stored at `path`, made of `size` random bytes if there is none yet."""
    state_directory(path.parent)
    if not path.exists():
        # Written whole under another name and then linked: whoever comes second (two commands at
        # once), or after a crash in the middle, never sees half a secret and never replaces one.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(size) + "\n")
                file.flush()
                os.fsync(file.fileno())
            give_to_owner(draft)
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    try:
        return path.read_text().strip()
    except PermissionError:
        raise Problem(f"{path} belongs to another user; run as that user") from None


def state_directory(path: Path) -> int:
    """Create `path` if need be; returns the user id that owns it and everything in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Problem(f"BRM_STATE_DIR {path} is not a directory") from None
    except PermissionError:
        raise Problem(
            f"BRM_STATE_DIR {path} cannot be created: no right to write in {_existing(path)};"
            " set BRM_STATE_DIR to a directory of your own"
        ) from None
    owner = path.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise Problem(
            f"BRM_STATE_DIR {path} belongs to user {owner}, you are user {os.geteuid()};"
            " run as its owner or set BRM_STATE_DIR to a directory of your own"
        )
    return owner


def give_to_owner(path: Path) -> None:
    """What root makes in an ordinary user's state directory must be of use to that user after."""
    if os.geteuid() == 0:
        os.chown(path, path.parent.stat().st_uid, -1)


def _existing(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())
