"""The same files in a bucket: a server of S3's protocol on a socket, and one that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from metabrm import clock, storing
from tests.entities.files.conftest import Person

DENIED = (
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
_numbers = count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def url(endpoint: str) -> str:
    """A new bucket, in which we have a part."""
    name = f"bucket-{next(_numbers)}"
    client(endpoint).create_bucket(Bucket=name)
    return f"s3://id:s%2Fcret@{name}/files/of-ours?endpoint={endpoint}&region=us-east-1"


@pytest.fixture
def bucket(url: str, endpoint: str, settings: Any, storage: Path) -> Any:
    """The bucket, in use."""
    settings.STORAGES = settings.STORAGES | {"default": storing.bucket(url)}
    name = url.partition("@")[2].partition("/")[0]
    return boto3.resource("s3", **keys(endpoint)).Bucket(name)


def keys(endpoint: str) -> dict[str, str]:
    return {
        "endpoint_url": endpoint,
        "aws_access_key_id": "id",
        "aws_secret_access_key": "s/cret",
        "region_name": "us-east-1",
    }


def client(endpoint: str) -> Any:
    return boto3.client("s3", **keys(endpoint))


def contents_of(bucket: Any) -> list[bytes]:
    return sorted(o.get()["Body"].read() for o in bucket.objects.all())


@pytest.fixture
def failing(settings: Any, storage: Path) -> Iterator[Callable[..., None]]:
    """Puts a storage in use that refuses all, or answers too late, or is not there."""
    servers: list[ThreadingHTTPServer] = []

    def use(seconds: float = 0.0, *, there: bool = True) -> None:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                time.sleep(seconds)
                self.send_response(403)
                self.send_header("Content-Length", str(len(DENIED)))
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(DENIED)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = server.server_address[1]
        if there:
            Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
        else:
            server.server_close()
        url = f"s3://a:b@bucket?endpoint=http://127.0.0.1:{port}&region=us-east-1"
        settings.STORAGES = settings.STORAGES | {"default": storing.bucket(url)}

    yield use
    for server in servers:
        server.shutdown()
        server.server_close()


def test_files_come_and_go_as_on_a_disk(
    ada: Person, product: int, bucket: Any, django_capture_on_commit_callbacks: Any
) -> None:
    path = f"PRODUCT/{product}/Leaflet"
    content = bytes(range(256)) * 3000
    assert ada.upload(path, "one.dat", content).status_code == 200
    assert ada.download(path) == ("one.dat", content)
    assert ada.send("GET", f"files/{path}/content").content == content
    (held,) = bucket.objects.all()
    assert held.key.startswith("files/of-ours/")
    with django_capture_on_commit_callbacks(execute=True):
        ada.upload(path, "two.dat", b"two")
    assert contents_of(bucket) == [b"two"]
    assert ada.download(path) == ("two.dat", b"two")
    for file in bucket.objects.all():
        file.put(Body=b"changed")
    assert ada.send("GET", f"files/{path}").json()["error"] == "FILE_DAMAGED"
    for file in bucket.objects.all():
        file.delete()
    assert ada.send("GET", f"files/{path}").status_code == 404


def test_nobody_else_reads_them_and_no_address_is_given(
    ada: Person, product: int, bucket: Any
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"a")
    (held,) = bucket.objects.all()
    grants = held.Acl().grants
    assert [g["Grantee"]["Type"] for g in grants] == ["CanonicalUser"]
    with pytest.raises(ValueError, match="no address"):
        storages["default"].url(held.key)


def test_what_nobody_holds_is_swept(
    ada: Person, product: int, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entities.files import sweeping

    ada.upload(f"PRODUCT/{product}/Leaflet", "held", b"held")
    ada.upload("PRODUCT/Leaflet", "waiting", b"waiting")
    bucket.put_object(Key="files/of-ours/ab/ab" + "0" * 30, Body=b"unknown")
    bucket.put_object(Key="of-somebody-else/ab/x", Body=b"theirs")
    assert sweeping.sweep() == 0
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sweeping.sweep() == 2
    assert contents_of(bucket) == [b"held", b"theirs"]


@pytest.mark.parametrize("how", ["away", "denied", "slow"])
def test_a_storage_that_fails_is_told_soon_and_changes_nothing(
    ada: Person, product: int, how: str, failing: Callable[..., None], monkeypatch: Any, caplog: Any
) -> None:
    from entities.models import StoredFile
    from metabrm import objects

    path = f"PRODUCT/{product}/Leaflet"
    ada.upload(path, "old", b"old")
    monkeypatch.setattr(objects, "READ_SECONDS", 0.2)
    failing(5.0 if how == "slow" else 0.0, there=how != "away")
    begun = time.monotonic()
    refused = ada.upload(path, "new", b"new")
    read = ada.send("GET", f"files/{path}")
    assert time.monotonic() - begun < 15
    for answer in (refused, read):
        assert (answer.status_code, answer.json()["error"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "could not be stored, and nothing is changed" in refused.json()["message"]
    assert ada.send("GET", f"PRODUCT/{product}").json()["retrieveResponse"][0]["Leaflet"] == "old"
    assert "The storage of files" in caplog.text
    assert "old" in set(StoredFile.objects.values_list("file_name", flat=True))


def test_a_record_changes_though_its_old_file_can_t_be_removed(
    ada: Person,
    product: int,
    failing: Callable[..., None],
    django_capture_on_commit_callbacks: Any,
    caplog: Any,
) -> None:
    from entities.models import StoredFile

    ada.upload(f"PRODUCT/{product}/Leaflet", "old", b"old")
    failing()
    body = {"brmObjects": [{"Id": product, "fieldsToNull": ["Leaflet"]}]}
    with django_capture_on_commit_callbacks(execute=True):
        answer = ada.send("PUT", "PRODUCT", body)
    assert answer.json()["updateResponse"][0]["ErrorCode"] == "0"
    assert "is removed later" in caplog.text
    # Its row is what the sweep finds it by.
    assert StoredFile.objects.count() == 1


def moved(*arguments: str) -> str:
    said = StringIO()
    call_command("move_files", *arguments, stdout=said)
    return said.getvalue()


def test_files_move_to_a_bucket_and_back_and_a_run_can_be_broken_off(
    ada: Person, product: int, storage: Path, url: str, endpoint: str, settings: Any,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from entities.files import moving

    ada.upload(f"PRODUCT/{product}/Leaflet", "held", b"held")
    for number in range(4):
        ada.upload("PRODUCT/Leaflet", f"{number}", b"%d" % number * 1000)
    monkeypatch.setattr(moving, "PORTION", 2)
    target = storages.create_storage(storing.bucket(url))
    run = moving.move(storages["default"], target)
    next(run)
    run.close()
    # One that was half written when its run was killed.
    half = next(
        iter(boto3.resource("s3", **keys(endpoint)).Bucket(target.bucket_name).objects.all())
    )
    half.put(Body=b"ha")
    told = moved("--to", url)
    assert "4 copied" in told and "1 there already" in told and "All files are there" in told
    assert "0 copied (0 bytes), 5 there already" in moved("--to", url)
    settings.STORAGES = settings.STORAGES | {"default": storing.bucket(url)}
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("held", b"held")
    back = tmp_path / "back"
    back.mkdir()
    assert "5 copied" in moved("--to", str(back), "--remove")
    settings.STORAGES = settings.STORAGES | {"default": storing.disk(str(back))}
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("held", b"held")
    assert target.listdir("") == ([], [])


def test_what_can_t_be_moved_is_named(ada: Person, product: int, storage: Path, url: str) -> None:
    for name in ("good", "damaged", "lost"):
        ada.upload("PRODUCT/Leaflet", name, name.encode())
    for file in storage.rglob("*"):
        if file.is_file() and file.read_bytes() == b"damaged":
            file.write_bytes(b"damageD")
        elif file.is_file() and file.read_bytes() == b"lost":
            file.unlink()
    said = StringIO()
    with pytest.raises(CommandError, match="2 files could not be copied"):
        call_command("move_files", "--to", url, stdout=said)
    assert "is damaged where it lies" in said.getvalue()
    assert "is in neither storage" in said.getvalue()
    with pytest.raises(CommandError, match="either --from or --to"):
        moved()
    with pytest.raises(CommandError, match="is no directory"):
        moved("--from", "/nowhere/at/all")
