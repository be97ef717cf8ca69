"""What may stand in an environment variable, and what it is read as: else ValueError."""

import base64
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

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


def _must(condition: object) -> None:
    if not condition:
        raise ValueError


def matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        _must(re.fullmatch(pattern, text))
        return text

    return read


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        _must(re.fullmatch(r"[0-9]{1,9}", text))
        _must(low <= int(text) <= high)
        return int(text)

    return read


def flag(text: str) -> bool:
    _must(text.lower() in (*FLAG_ON, *FLAG_OFF))
    return text.lower() in FLAG_ON


def directory(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    _must("\0" not in text and existing(path / "state").is_dir())
    return path


def existing(path: Path) -> Path:
    """The lowest directory above a path that is there."""
    return next(parent for parent in path.parents if parent.exists())


def log_level(text: str) -> str:
    _must(text.upper() in LOG_LEVELS)
    return text.upper()


def log_format(text: str) -> str:
    _must(text.lower() in LOG_FORMATS)
    return text.lower()


def host_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    _must(all(re.fullmatch(r"\*|\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]", name) for name in names))
    return names


def database_url(text: str) -> str:
    _must(text.startswith(POSTGRES_SCHEMES))
    # libpq's own reading of its URLs, so that everything it allows works: sockets, TLS, failover.
    parts = conninfo_to_dict(text)
    _must(parts.get("dbname"))
    _must(all(0 < int(port) < 65536 for port in str(parts.get("port", 5432)).split(",")))
    return text


def redis_url(text: str) -> str:
    url = urlsplit(text)
    _must(url.scheme in REDIS_SCHEMES)
    if url.scheme == "unix":
        _must(url.path.startswith("/") and len(url.path) > 1)
    else:
        _must(url.hostname and re.fullmatch(r"(/[0-9]*)?", url.path))
        _must(url.port is None or url.port > 0)
    return text


def mail_server(text: str) -> MailServer:
    url = urlsplit(text)
    query = dict(parse_qsl(url.query, strict_parsing=True)) if url.query else {}
    tls = query.pop("tls", "starttls")
    _must(url.scheme == "smtp" and url.hostname and url.path in ("", "/") and not query)
    _must(tls in MAIL_TLS and not url.fragment)
    _must(url.port is None or url.port > 0)
    port = url.port or {"starttls": 587, "implicit": 465, "off": 25}[tls]
    username, password = unquote(url.username or ""), unquote(url.password or "")
    return MailServer(url.hostname or "", port, username, password, tls)


def private_hosts(text: str) -> tuple[str, ...]:
    entries = tuple(entry.strip() for entry in text.split(","))
    for entry in entries:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", entry) or "/" in entry:
            ipaddress.ip_network(entry)
    return entries


def rate_limit(text: str) -> RateLimit | None:
    if text.lower() == "off":
        return None
    per_second, burst, per_day = (whole_number(1, 10**9 - 1)(n) for n in text.split(":"))
    _must(per_second <= 1_000_000 and burst <= 1_000_000)
    return RateLimit(per_second, burst, per_day)


def rate_limits(text: str) -> dict[str, RateLimit | None]:
    limits: dict[str, RateLimit | None] = {}
    for entry in text.split(","):
        whose, _, limit = (part.strip() for part in entry.rpartition("="))
        _must(re.fullmatch(r"user:[^,]{1,150}|role:[0-9]{1,18}", whose) and whose not in limits)
        limits[whose] = rate_limit(limit)
    return limits


def files_url(text: str) -> str:
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


def endings(text: str) -> tuple[str, ...]:
    endings = tuple(entry.strip().lower().removeprefix(".") for entry in text.split(","))
    _must(all(re.fullmatch(r"[a-z0-9_+-]{1,16}", ending) for ending in endings))
    return endings


def origins(text: str) -> tuple[str, ...]:
    origins = tuple(entry.strip() for entry in text.split(","))
    right = r"https?://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    _must(all(re.fullmatch(right, origin) for origin in origins))
    return origins


def networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(entry.strip()) for entry in text.split(","))


def signing_keys(text: str) -> tuple[tuple[str, str], ...]:
    keys: dict[str, str] = {}
    for entry in text.split(","):
        name, _, key = entry.strip().partition(":")
        _must(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) and name not in keys)
        _must(len(key) >= SECRET_KEY_LENGTH)
        keys[name] = key
    return tuple(keys.items())


def field_keys(text: str) -> tuple[tuple[str, bytes], ...]:
    keys: dict[str, bytes] = {}
    for entry in text.split(","):
        name, _, written = entry.strip().partition(":")
        _must(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) and name not in keys)
        keys[name] = field_key(written)
    _must(len(set(keys.values())) == len(keys))
    return tuple(keys.items())


def field_key(written: str) -> bytes:
    """A key from its base64, of either alphabet and with or without padding."""
    plain = written.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    _must(len(key) == FIELD_KEY_BYTES)
    return key
