"""Every variable is checked; the README's table is the table in the code; secrets are secret."""

import base64
import hashlib
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from metabrm import environment
from metabrm.environment import kept, masked, read
from metabrm.environment.values import SECRET_KEY_LENGTH, MailServer, RateLimit
from metabrm.environment.variables import VARIABLES
from metabrm.problems import Problem

ROOT = Path(__file__).resolve().parents[2]

GOOD = [
    ("BRM_HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("BRM_HOST", "::1", "host", "::1"),
    ("BRM_HOST", "billing.example.com", "host", "billing.example.com"),
    ("BRM_PORT", "1", "port", 1),
    ("BRM_PORT", " 65535 ", "port", 65535),
    ("BRM_PORT", "", "port", 8000),
    ("BRM_ORG", "acme-2.uk", "org", "acme-2.uk"),
    ("BRM_ADMIN_USERNAME", "jo@example.com", "admin_username", "jo@example.com"),
    ("BRM_ADMIN_PASSWORD", " with spaces ", "admin_password", " with spaces "),
    ("BRM_ADMIN_PASSWORD", "", "admin_password", None),
    ("BRM_DEBUG", "On", "debug", True),
    ("BRM_DEBUG", "0", "debug", False),
    ("BRM_WEB_WORKERS", "8", "web_workers", 8),
    ("BRM_LOG_LEVEL", "warning", "log_level", "WARNING"),
    ("BRM_LOG_FORMAT", "JSON", "log_format", "json"),
    ("BRM_METRICS_TOKEN", "0123456789abcdef", "metrics_token", "0123456789abcdef"),
    (
        "BRM_METRICS_NETWORKS",
        "10.0.0.0/8, ::1",
        "metrics_networks",
        (ip_network("10.0.0.0/8"), ip_network("::1")),
    ),
    ("BRM_SLOW_QUERY_MS", "0", "slow_query_ms", 0),
    ("BRM_SLOW_QUERY_PLAN", "on", "slow_query_plan", True),
    ("BRM_ALLOWED_HOSTS", "a.example, .b.example,[::1]", "allowed_hosts",
     ("a.example", ".b.example", "[::1]")),
    ("BRM_SECRET_KEY", "k" * 32, "secret_key", "k" * 32),
    ("DATABASE_URL", "postgresql://u:p%40ss@h:5433/n?sslmode=require", "database_url",
     "postgresql://u:p%40ss@h:5433/n?sslmode=require"),
    ("DATABASE_URL", "postgres:///n?host=/run/postgresql", "database_url",
     "postgres:///n?host=/run/postgresql"),
    ("REDIS_URL", "rediss://:pw@cache:6380/3", "redis_url", "rediss://:pw@cache:6380/3"),
    ("REDIS_URL", "unix:///run/valkey.sock?db=2", "redis_url", "unix:///run/valkey.sock?db=2"),
    ("BRM_MAIL_URL", "smtp://jo%40x:p%3Aw@mail.example", "mail_server",
     MailServer("mail.example", 587, "jo@x", "p:w", "starttls")),
    ("BRM_MAIL_URL", "smtp://mail.example?tls=implicit", "mail_server",
     MailServer("mail.example", 465, "", "", "implicit")),
    ("BRM_MAIL_URL", "smtp://mail.example:2525/?tls=off", "mail_server",
     MailServer("mail.example", 2525, "", "", "off")),
    ("BRM_MAIL_URL", "", "mail_server", None),
    ("BRM_MAIL_FROM", "a@example.com", "mail_from", "a@example.com"),
    ("BRM_MAIL_FROM", "Billing <a@example.com>", "mail_from", "Billing <a@example.com>"),
    ("BRM_WEBHOOK_PRIVATE_HOSTS", "crm.internal, 10.1.0.0/16,fd00::/8,10.2.3.4",
     "webhook_private_hosts", ("crm.internal", "10.1.0.0/16", "fd00::/8", "10.2.3.4")),
    ("BRM_WEBHOOK_PRIVATE_HOSTS", "", "webhook_private_hosts", ()),
    ("BRM_RATE_LIMIT", "", "rate_limit", RateLimit(15, 150, 100_000)),
    ("BRM_RATE_LIMIT", "1:2:3", "rate_limit", RateLimit(1, 2, 3)),
    ("BRM_RATE_LIMIT", "Off", "rate_limit", None),
    ("BRM_RATE_LIMITS", "user:a.b@c=1:2:3, role:2=off", "rate_limits",
     {"user:a.b@c": RateLimit(1, 2, 3), "role:2": None}),
    ("BRM_IDEMPOTENCY_HOURS", "48", "idempotency_hours", 48),
    ("BRM_SIGNING_KEYS", f"new:{'n' * 32}, old_1:{'o:' * 16}", "signing_keys",
     (("new", "n" * 32), ("old_1", "o:" * 16))),
    ("BRM_SIGNING_KEYS", "", "signing_keys", ()),
    ("BRM_SESSION_IDLE_MINUTES", "30", "session_idle_minutes", 30),
    ("BRM_SESSION_HOURS", "", "session_hours", 24),
    ("BRM_LOCKOUT_FAILURES", "3", "lockout_failures", 3),
    ("BRM_LOCKOUT_MINUTES", "60", "lockout_minutes", 60),
    ("BRM_HTTPS", "on", "https", True),
    ("BRM_FILES_URL", "s3://bucket", "files_url", "s3://bucket"),
    ("BRM_FILES_URL", "s3://id:s%2Fx@my.bucket/a/b?endpoint=http://minio:9000&region=eu-west-1",
     "files_url", "s3://id:s%2Fx@my.bucket/a/b?endpoint=http://minio:9000&region=eu-west-1"),
    ("BRM_FILE_MEGABYTES", "7", "file_megabytes", 7),
    ("BRM_FILES_MEGABYTES", "7000", "files_megabytes", 7000),
    ("BRM_FILE_TYPES", "PDF, .png,csv", "file_types", ("pdf", "png", "csv")),
    ("BRM_CORS_ORIGINS", "https://a.example, http://localhost:3000,http://[::1]:80",
     "cors_origins", ("https://a.example", "http://localhost:3000", "http://[::1]:80")),
    ("BRM_TRUSTED_PROXIES", "10.0.0.7, fd00::/8", "trusted_proxies",
     (ip_network("10.0.0.7"), ip_network("fd00::/8"))),
]  # fmt: skip

BAD = [
    *(
        (name, text)
        for name in ("BRM_SESSION_HOURS", "BRM_LOCKOUT_FAILURES")
        for text in ("0", "x")
    ),
    *(("BRM_RATE_LIMIT", text) for text in ("15", "0:1:1", "1:1:-1", "a:b:c", "1:2:3:4", "15/s")),
    *(
        ("BRM_RATE_LIMITS", text)
        for text in ("1:2:3", "user:=off", "role:API=off", "user:a=off,user:a=off", "user:a=0:0:0")
    ),
    *(
        ("BRM_CORS_ORIGINS", text)
        for text in (
            "*",
            "a.example",
            "https://a.example/",
            "https://*.example",
            "null",
            "https://a.example,",
        )
    ),
    ("BRM_FILE_MEGABYTES", "41"),
    ("BRM_FILES_MEGABYTES", "0"),
    ("BRM_FILE_TYPES", "pdf,*"),
    ("BRM_HTTPS", "yes please"),
    ("BRM_IDEMPOTENCY_HOURS", "0"),
    ("BRM_TRUSTED_PROXIES", "proxy.example"),
    ("BRM_TRUSTED_PROXIES", "10.0.0.1/8"),
    ("BRM_STATE_DIR", "/dev/null"),
    ("BRM_STATE_DIR", "/dev/null/below"),
    ("BRM_HOST", "http://localhost"),
    ("BRM_HOST", "a b"),
    ("BRM_PORT", "0"),
    ("BRM_PORT", "65536"),
    ("BRM_PORT", "-1"),
    ("BRM_PORT", "80a"),
    ("BRM_PORT", "8000.5"),
    ("BRM_ORG", "a/b"),
    ("BRM_ORG", "x" * 65),
    ("BRM_ADMIN_USERNAME", "a b"),
    ("BRM_DEBUG", "maybe"),
    ("BRM_WEB_WORKERS", "0"),
    ("BRM_LOG_LEVEL", "LOUD"),
    ("BRM_LOG_FORMAT", "xml"),
    ("BRM_METRICS_NETWORKS", "localhost"),
    ("BRM_METRICS_NETWORKS", "10.0.0.1/8"),
    ("BRM_SLOW_QUERY_MS", "-1"),
    ("BRM_SLOW_QUERY_MS", "1s"),
    ("BRM_SLOW_QUERY_PLAN", "maybe"),
    ("BRM_ALLOWED_HOSTS", "http://a"),
    ("BRM_ALLOWED_HOSTS", "a,,b"),
    ("DATABASE_URL", "sqlite:///db.sqlite3"),
    ("DATABASE_URL", "mysql://u@h/n"),
    ("DATABASE_URL", "postgresql://u@h"),
    ("DATABASE_URL", "postgresql://u@h:port/n"),
    ("DATABASE_URL", "postgresql://u@h:99999/n"),
    ("DATABASE_URL", "postgresql://u@h/n?nonsense=1"),
    ("DATABASE_URL", "localhost"),
    ("REDIS_URL", "http://h"),
    ("REDIS_URL", "redis://h:70000/0"),
    ("REDIS_URL", "redis://h/name"),
    ("REDIS_URL", "unix://"),
    ("BRM_MAIL_FROM", "nobody"),
    ("BRM_MAIL_FROM", "a@x.org, b@x.org"),
    ("BRM_MAIL_FROM", "a@x.org\nBcc: b@x.org"),
    ("BRM_WEBHOOK_PRIVATE_HOSTS", "http://crm"),
    ("BRM_WEBHOOK_PRIVATE_HOSTS", "10.1.0.0/99"),
    ("BRM_WEBHOOK_PRIVATE_HOSTS", "a,,b"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_a_good_value_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(read({name: text}), field) == value


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_is_told_with_what_would_be_right(name: str, text: str) -> None:
    with pytest.raises(Problem) as caught:
        read({name: text})
    line = str(caught.value)
    variable = next(variable for variable in VARIABLES if variable.name == name)
    assert line == f"{name} is {text!r}; it must be {variable.right}"


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        read({"BRM_PORT": "x", "BRM_DEBUG": "x", "BRM_ORG": "fine"})
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["BRM_PORT", "BRM_DEBUG"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BRM_SECRET_KEY", "hunter2"),
        ("BRM_ADMIN_PASSWORD", "hunter2" * 20),
        ("DATABASE_URL", "mysql://u:hunter2@h/n"),
        ("DATABASE_URL", "postgresql://u:hunt@er2hunter2@h"),
        ("DATABASE_URL", "postgresql://h?password=hunter2"),
        ("REDIS_URL", "http://:hunter2@h"),
        ("BRM_FILES_URL", "https://u:hunter2@bucket"),
        ("BRM_FILES_URL", "s3://u:hunter2@"),
        ("BRM_FILES_URL", "s3://hunter2@bucket"),
        ("BRM_FILES_URL", "s3://u:hunter2@bucket?x=1"),
        ("BRM_FILES_URL", "s3://u:hunter2@bucket?endpoint=minio"),
        ("BRM_FILES_URL", "s3://u:hunter2@bucket/../x"),
        ("BRM_FILES_URL", "s3://u:hunter2@B_"),
        ("BRM_MAIL_URL", "http://u:hunter2@h"),
        ("BRM_MAIL_URL", "smtp://u:hunter2@h?tls=perhaps"),
        ("BRM_MAIL_URL", "smtp://u:hunter2@h:99999"),
        ("BRM_METRICS_TOKEN", "hunter2"),
        ("BRM_FIELD_KEYS", "hunter2"),
        ("BRM_SIGNING_KEYS", "hunter2"),
        ("BRM_SIGNING_KEYS", f"a:{'hunter2' * 3}"),
        ("BRM_SIGNING_KEYS", f"a:{'hunter2' * 9},a:{'hunter2' * 8}"),
        ("BRM_FIELD_KEYS", f"k1:{'hunter2' * 13}"),
    ],
)
def test_no_password_is_ever_shown(name: str, text: str) -> None:
    with pytest.raises(Problem) as caught:
        read({name: text})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in masked(text) or variable_is_secret(name)


def variable_is_secret(name: str) -> bool:
    return next(variable.secret for variable in VARIABLES if variable.name == name)


def test_nothing_needs_to_be_set() -> None:
    env = read({})
    assert (env.host, env.port, env.org, env.admin_username) == (
        "127.0.0.1",
        8000,
        "demogm",
        "admin",
    )
    assert env.state_dir == ROOT / ".state"
    assert env.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert env.debug is False


def test_the_readme_has_the_same_table() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", readme, re.MULTILINE)
    assert rows == [(v.name, v.default, v.meaning) for v in VARIABLES]


def test_secrets_are_made_once_and_only_their_owner_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = read({"BRM_STATE_DIR": str(tmp_path / "state")})
    monkeypatch.setattr(environment, "current", lambda: env)
    with ThreadPoolExecutor(8) as many:
        keys = {future.result() for future in [many.submit(kept.secret_key) for _ in "12345678"]}
    assert len(keys) == 1
    assert len(keys.pop()) >= SECRET_KEY_LENGTH
    assert kept.admin_password() == kept.admin_password()
    assert kept.admin_password() == env.admin_password_file.read_text().strip()
    names = sorted(path.name for path in env.state_dir.iterdir())
    assert names == ["admin-password", "secret-key"]
    for path in env.state_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(env.state_dir.stat().st_mode) == 0o700


FIELD_KEYS = [hashlib.sha512(name).digest() for name in (b"new", b"old")]
WRITTEN = [base64.b64encode(key).decode() for key in FIELD_KEYS]


@pytest.mark.parametrize(
    "text",
    [
        f"new:{WRITTEN[0]},old:{WRITTEN[1]}",
        f" new:{WRITTEN[0]} , old:{WRITTEN[1]}\n",
        f"new:{WRITTEN[0].rstrip('=')},old:{WRITTEN[1].replace('+', '-').replace('/', '_')}",
    ],
)
def test_field_keys_in_the_order_they_are_given(text: str) -> None:
    env = read({"BRM_FIELD_KEYS": text})
    assert env.field_keys == (("new", FIELD_KEYS[0]), ("old", FIELD_KEYS[1]))
    assert str(FIELD_KEYS[0]) not in repr(env)


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN[0],
        f":{WRITTEN[0]}",
        f"a b:{WRITTEN[0]}",
        f"a:b:{WRITTEN[0]}",
        f"{'k' * 33}:{WRITTEN[0]}",
        f"k:{base64.b64encode(FIELD_KEYS[0][:32]).decode()}",
        f"k:{WRITTEN[0]}A",
        f"k:{WRITTEN[0]},",
        f"k:{WRITTEN[0]},k:{WRITTEN[1]}",
        f"k:{WRITTEN[0]},j:{WRITTEN[0]}",
        "k:",
        "k:ä" + WRITTEN[0][1:],
    ],
)
def test_wrong_field_keys_are_told_without_them(text: str) -> None:
    with pytest.raises(Problem) as caught:
        read({"BRM_FIELD_KEYS": text})
    told = str(caught.value)
    assert told.startswith("BRM_FIELD_KEYS is (hidden); it must be ID:KEY or several")
    assert WRITTEN[0][:8] not in told


def test_a_field_key_is_made_beside_an_embedded_database_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"BRM_STATE_DIR": str(tmp_path / "state")}
    env = read(given)
    monkeypatch.setattr(environment, "current", lambda: env)
    ((name, key),) = kept.field_keys()
    assert (name, len(key)) == ("generated", 64)
    assert kept.field_keys() == ((name, key),)
    assert stat.S_IMODE((env.state_dir / "field-key").stat().st_mode) == 0o600
    theirs = read({**given, "DATABASE_URL": "postgresql://h/n"})
    monkeypatch.setattr(environment, "current", lambda: theirs)
    assert kept.field_keys() == ()


def test_a_given_secret_is_used_and_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"BRM_SECRET_KEY": "k" * 40, "BRM_ADMIN_PASSWORD": "given"}
    env = read({"BRM_STATE_DIR": str(tmp_path / "state"), **given})
    monkeypatch.setattr(environment, "current", lambda: env)
    assert kept.secret_key() == "k" * 40
    assert kept.admin_password() == "given"
    assert not env.state_dir.exists()
