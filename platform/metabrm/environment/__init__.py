"""The environment variables, read once and checked before anything starts.

An empty value counts as not set. Every wrong value is reported, each on its own line with the
variable, the value (never a secret) and what would be right.

    variables  the one table of them
    values     what may stand in one, and what it is read as
    kept       secrets that are made where no variable gives them, and the state directory
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from metabrm.environment.values import (
    LOCAL_HOSTS,
    RATE_LIMIT,
    MailServer,
    Network,
    RateLimit,
    rate_limit,
)
from metabrm.environment.variables import VARIABLES
from metabrm.problems import Problem


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


def default_state_dir() -> Path:
    """`.state` beside manage.py in a checkout, in the working directory for an installed wheel."""
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "manage.py").exists() else Path.cwd()) / ".state"


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
        rate_limit=values.get("BRM_RATE_LIMIT", rate_limit(RATE_LIMIT)),
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
