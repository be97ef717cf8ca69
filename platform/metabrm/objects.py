"""Files in object storage that speaks S3, in the form Django's storage API has.

Nobody but the platform reaches the objects: they have no public address, and none is ever signed.
Whatever the storage has to say against a call is an OSError, as it is of a disk, so that whoever
stores and reads needs to know nothing of S3.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from storages.backends.s3 import S3Storage

#: Seconds to reach the storage, and to wait for what it says next; it is asked twice.
CONNECT_SECONDS = 3
READ_SECONDS = 15
ATTEMPTS = 2
_MISSING = ("404", "NoSuchKey", "NotFound")


class StorageTrouble(OSError):
    """The object storage can't be reached, or refuses."""


def options(url: str) -> dict[str, Any]:
    """The storage's options for s3://ID:SECRET@BUCKET/PREFIX?endpoint=URL&region=NAME."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    endpoint = query.get("endpoint")
    return {
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        # Without them boto3 looks where it always does, such as the machine's own role.
        "access_key": unquote(parts.username) if parts.username else None,
        "secret_key": unquote(parts.password) if parts.password else None,
        "endpoint_url": endpoint,
        "region_name": query.get("region"),
        # A bucket's own rule says who may read; the default is nobody else.
        "default_acl": None,
        "querystring_auth": True,
        # Keys are random and never used again: there is nothing to look for before writing.
        "file_overwrite": True,
        "client_config": Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            s3={"addressing_style": "path" if endpoint else "auto"},
            signature_version="s3v4",
        ),
    }


@contextmanager
def _as_a_disk() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        if said.get("Code") in _MISSING:
            raise FileNotFoundError(str(error)) from error
        raise StorageTrouble(str(error)) from error
    except (BotoCoreError, HTTPClientError, Boto3Error) as error:
        raise StorageTrouble(str(error)) from error


def _told_as_a_disk(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*arguments: Any, **more: Any) -> Any:
        with _as_a_disk():
            return method(*arguments, **more)

    return call


class ObjectStorage(S3Storage):  # type: ignore[misc]
    """A bucket, or a part of one, as a storage of Django's."""

    _open = _told_as_a_disk(S3Storage._open)
    _save = _told_as_a_disk(S3Storage._save)
    delete = _told_as_a_disk(S3Storage.delete)
    size = _told_as_a_disk(S3Storage.size)
    listdir = _told_as_a_disk(S3Storage.listdir)

    @_told_as_a_disk
    def exists(self, name: str) -> bool:
        # The top is there as soon as anything is.
        return not name or bool(super().exists(name))

    @_told_as_a_disk
    def get_modified_time(self, name: str) -> datetime:
        modified: datetime = super().get_modified_time(name)
        return modified

    def whole(self, name: str) -> bytes:
        """The whole content of an object."""
        with _as_a_disk():
            key = self._normalize_name(name)
            return bytes(self.bucket.Object(key).get()["Body"].read())

    def url(self, name: str, *_: Any, **__: Any) -> str:
        raise ValueError("Files have no address but that of the record that holds them.")
