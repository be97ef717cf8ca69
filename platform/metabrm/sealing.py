"""Values that are encrypted at rest: sealed before they reach a column, opened after they leave it.

The cipher is AES-SIV (RFC 5297) with keys of 512 bits. It is deterministic: the same text in the
same column under the same key is the same token, so an index finds it and a key guards it. It is
authenticated, and the column's name goes in as associated data: a token that was changed, or copied
to another column, does not open. A token is text, `sealed.<key id>:<base64url>`; whoever reads the
database learns which records of a column hold the same text, and about how long it is.

The keys come from `kept.field_keys`: the first one writes, all of them read.
"""

import logging
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from metabrm.environment import kept

log = logging.getLogger(__name__)

PREFIX = "sealed."
#: Seconds between two lines of the log about values of one column that do not open.
LOG_SECONDS = 60.0

_UNOPENED = re.compile(
    r"(FIELD_KEY_MISSING|VALUE_DAMAGED): this value (is sealed under|does not) .*"
)
_logged: dict[tuple[str, str], float] = {}


class NoFieldKeyError(RuntimeError):
    """A value is to be sealed, and there is no key; the message says which variable is missing."""

    def __init__(self) -> None:
        super().__init__("there is no key in the environment variable BRM_FIELD_KEYS")


class Unopened(str):
    """What is read in the place of a value that does not open: a code, and why.

    key   id of the key that is missing, "" where the value is damaged
    """

    __slots__ = ("key",)
    key: str

    @classmethod
    def missing(cls, key: str) -> "Unopened":
        text = cls(
            f"FIELD_KEY_MISSING: this value is sealed under key {key!r}, which BRM_FIELD_KEYS does "
            f"not have"
        )
        text.key = key
        return text

    @classmethod
    def damaged(cls) -> "Unopened":
        text = cls(
            "VALUE_DAMAGED: this value does not open: it was changed in the database, or copied "
            "from another column"
        )
        text.key = ""
        return text


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys by their id; `first` is the one that writes, "" without any."""

    first: str
    ciphers: Mapping[str, AESSIV]


def place(table: str, column: str) -> str:
    """What the values of a physical column are sealed for."""
    return f"{table}.{column}"


@cache
def ring() -> Ring:
    """The keys of this process."""
    keys = kept.field_keys()
    return Ring(keys[0][0] if keys else "", {name: AESSIV(key) for name, key in keys})


def may_seal() -> bool:
    """Whether there is a key to write with."""
    return bool(ring().first)


def rotating() -> bool:
    """Whether the same text may stand in a column under more than one key."""
    return len(ring().ciphers) > 1


def seal(place: str, texts: Sequence[str | None]) -> list[str | None]:
    """Texts -> tokens under the first key, None for None. Raises NoFieldKeyError."""
    keys = ring()
    if not keys.first:
        if any(text is not None for text in texts):
            raise NoFieldKeyError
        return [None] * len(texts)
    start, encrypt, data = _start(keys.first), keys.ciphers[keys.first].encrypt, [place.encode()]
    return [
        None if text is None else start + _written(encrypt(text.encode(), data)) for text in texts
    ]


def tokens(place: str, text: str) -> list[str]:
    """All tokens that the text may have in the column, that of the first key first."""
    # What UTF-8 can't say is in no column; it is looked for all the same.
    plain, data = text.encode("utf-8", "surrogatepass"), [place.encode()]
    return [
        _start(name) + _written(cipher.encrypt(plain, data))
        for name, cipher in ring().ciphers.items()
    ]


def opened(place: str, tokens: Sequence[str | None]) -> list[str | None]:
    """Tokens of a column -> texts, None for None, and an `Unopened` for what does not open."""
    return [None if token is None else opened_one(place, token) for token in tokens]


def opened_one(place: str, token: str) -> str:
    """The text of one token, or an `Unopened`."""
    key = key_of(token)
    cipher = ring().ciphers.get(key)
    if cipher is None:
        return _told(place, Unopened.missing(key) if key else Unopened.damaged())
    written = token[len(PREFIX) + len(key) + 1 :]
    try:
        sealed = urlsafe_b64decode(written + "=" * (-len(written) % 4))
        return cipher.decrypt(sealed, [place.encode()]).decode()
    except (InvalidTag, ValueError):
        return _told(place, Unopened.damaged())


def key_of(token: str) -> str:
    """Id of the key that a token is sealed under, "" for a text that is no token."""
    name, colon, _ = token.removeprefix(PREFIX).partition(":")
    return name if colon and token.startswith(PREFIX) else ""


def current_prefix() -> str:
    """How the tokens under the first key begin. Raises NoFieldKeyError."""
    if not ring().first:
        raise NoFieldKeyError
    return _start(ring().first)


def is_unopened(value: object) -> bool:
    """Whether a value that was sent is what was read in the place of one that did not open."""
    return isinstance(value, str) and _UNOPENED.fullmatch(value) is not None


def _start(name: str) -> str:
    return f"{PREFIX}{name}:"


def _written(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _told(place: str, unopened: Unopened) -> Unopened:
    """Log it for the operator, but not for each of a thousand records."""
    now = time.monotonic()
    if now - _logged.get((place, unopened.key), -LOG_SECONDS) >= LOG_SECONDS:
        _logged[place, unopened.key] = now
        log.error("values of %s can't be read: %s", place, unopened)
    return unopened
