"""Field keys as an operator would give them, for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from entities.schema import current
from metabrm import sealing


def key(name: str) -> bytes:
    """Always the same 64 bytes for the same name."""
    return (name.encode() * 64)[:64]


@contextmanager
def keys(*names: str) -> Iterator[None]:
    """BRM_FIELD_KEYS has these keys, the first of them writes; a process that has just begun."""
    before = sealing.ring
    ring = sealing.Ring(names[0] if names else "", {n: AESSIV(key(n)) for n in names})
    sealing.ring = lambda: ring  # type: ignore[assignment]
    current.forget()
    try:
        yield
    finally:
        sealing.ring = before
        current.forget()
