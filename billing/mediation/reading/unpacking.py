"""The bytes of a source, unpacked if they are gz or zip; never more of them than is allowed."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from billing.mediation.reading.layout import UnreadableError
from metabrm import environment

#: From so many bytes on, a file that unpacks to more than so many times its size is refused.
SUSPICIOUS_FROM = 64 * 1024 * 1024
MOST_RATIO = 250
IN_PARTS = "it in parts, or raise BRM_USAGE_MEGABYTES"
_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError)


def most_bytes() -> int:
    """How large a file of usage may be once it is unpacked."""
    return environment.current().usage_megabytes * 1024 * 1024


def too_large(most: int, advice: str = IN_PARTS) -> UnreadableError:
    """What to say of a file with more bytes than that: what to send instead."""
    return UnreadableError(
        f"The file has more than {most:,} bytes once it is unpacked; send {advice}."
    )


@contextmanager
def unpacked(file: IO[bytes], most: int | None = None) -> Iterator[io.BufferedReader]:
    """The content of `file`, which can be read from anywhere, of at most so many bytes (those of
    BRM_USAGE_MEGABYTES). UnreadableError.
    """
    start = file.read(4)
    file.seek(0)
    try:
        if start[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file, mode="rb") as inner:
                yield _limited(inner, file, most)
        elif start == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive, archive.open(_only(archive)) as member:
                yield _limited(member, file, most)
        else:
            yield _limited(file, None, most)
    except _BROKEN as error:
        raise UnreadableError(f"The file is not wholly packed, or damaged: {error}.") from error


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file in an archive. Its name is never used for anything."""
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) != 1:
        raise UnreadableError(
            f"The archive holds {len(members)} files; it must hold one, so pack each by itself."
        )
    if members[0].flag_bits & 0x1:
        raise UnreadableError("The archive is encrypted; send it without a password.")
    return members[0]


def _limited(inner: Any, packed: IO[bytes] | None, most: int | None) -> io.BufferedReader:
    return io.BufferedReader(_Limited(inner, packed, most), 1 << 18)


class _Limited(io.RawIOBase):
    """A file that ends in an error where it would become too large."""

    def __init__(self, inner: Any, packed: IO[bytes] | None, most: int | None) -> None:
        self.inner = inner
        self.packed = packed
        self.most = most or most_bytes()
        self.advice = "a smaller part" if most else IN_PARTS
        self.given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.packed is None and bool(self.inner.seekable())

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self.inner.seek(offset, whence))

    def tell(self) -> int:
        return int(self.inner.tell())

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        found = self.inner.read(len(buffer))
        self.given += len(found)
        if self.given > self.most:
            raise too_large(self.most, self.advice)
        if self.packed is not None and self.given > SUSPICIOUS_FROM:
            packed = max(self.packed.tell(), 1)
            if self.given > packed * MOST_RATIO:
                raise UnreadableError(
                    f"The file unpacks to more than {MOST_RATIO} times its size, as no usage does."
                )
        buffer[: len(found)] = found
        return len(found)
