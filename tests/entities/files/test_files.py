"""Files over HTTP: who gives and reads them, what is refused, and what becomes of the contents."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from entities import files, query, records
from entities.fieldtypes.structured import HeldFile
from entities.files import contents, sweeping
from entities.models import Entity, EntityField, EntityFieldRole, StoredFile
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.entities.files.conftest import Person, add_file_field
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

Commits = Callable[..., Any]
HTML = b"<script>alert(document.cookie)</script>"


def kept(storage: Path) -> list[bytes]:
    """All contents in the storage."""
    return sorted(p.read_bytes() for p in storage.rglob("*") if p.is_file())


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("note.txt", b"hello"),
        ("page.html", HTML),
        ("empty", b""),
        ("Rechnung für Ö.dat", bytes(range(256)) * 999),
    ],
)
def test_what_was_uploaded_is_downloaded(
    ada: Person, product: int, name: str, content: bytes
) -> None:
    answer = ada.upload(f"PRODUCT/{product}/Leaflet", name, content)
    (element,) = answer.json()["fileUploadResponse"]
    assert element["success"] is True and element["Id"] == str(product)
    assert ada.download(f"product/{product}/LEAFLET") == (name, content)
    file = StoredFile.objects.get()
    assert (file.file_name, file.size) == (name, len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_queries_show_the_name_and_never_the_key(ada: Person, product: int, admin: Context) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "note.txt", b"hello")
    row = ada.send("GET", f"PRODUCT/{product}").json()["retrieveResponse"][0]
    assert row["Leaflet"] == "note.txt"
    page = query.query(f"SELECT Leaflet FROM PRODUCT WHERE Id = {product}", admin)
    assert page.json == b'[{"Leaflet":"note.txt"}]'
    key = StoredFile.objects.get().key
    assert key.encode() not in ada.send("GET", f"PRODUCT/{product}").content


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.bat", "x.bat"),
        ("/abs", "abs"),
        ("a\0b\r\nX: y.txt", "abX: y.txt"),
        ("gpj\u202eexe.txt", "gpjexe.txt"),
        (" note.txt ", "note.txt"),
        ("..a", "..a"),
        ("n" * 400 + ".sig", "n" * 251 + ".sig"),
        ("n" * 400, "n" * 255),
        (".bashrc", ".bashrc"),
    ],
)
def test_of_a_name_only_the_name_is_kept(
    ada: Person, product: int, storage: Path, sent: str, name: str
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", sent, b"x")
    assert ada.download(f"PRODUCT/{product}/Leaflet") == (name, b"x")
    (path,) = [p for p in storage.rglob("*") if p.is_file()]
    key = StoredFile.objects.get().key
    assert path.relative_to(storage).as_posix() == f"{key[:2]}/{key}"
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("body", "expected", "told"),
    [
        ({"Data": "aGk="}, (400, "REQUIRED_FIELD_MISSING"), "FileName is required"),
        ({"FileName": "", "Data": "aGk="}, (400, "REQUIRED_FIELD_MISSING"), "FileName"),
        ({"FileName": "..", "Data": "aGk="}, (400, "REQUIRED_FIELD_MISSING"), "FileName"),
        ({"FileName": "a/", "Data": "aGk="}, (400, "REQUIRED_FIELD_MISSING"), "FileName"),
        ({"FileName": "\x01", "Data": "aGk="}, (400, "REQUIRED_FIELD_MISSING"), "FileName"),
        ({"FileName": 7, "Data": "aGk="}, (400, "INVALID_VALUE"), "FileName must be a string"),
        ({"FileName": "a"}, (400, "REQUIRED_FIELD_MISSING"), "Data is required"),
        ({"FileName": "a", "Data": "aGk"}, (400, "INVALID_VALUE"), "not base64"),
        ({"FileName": "a", "Data": "a-_="}, (400, "INVALID_VALUE"), "not base64"),
        ({"FileName": "a", "Data": "ü"}, (400, "INVALID_VALUE"), "not base64"),
        ({"FileName": "a", "Data": ["aGk="]}, (400, "INVALID_VALUE"), "must be a string"),
        ([], (400, "MALFORMED_REQUEST"), "must be a JSON object"),
        (b"{", (400, "MALFORMED_REQUEST"), "not valid JSON"),
        (b"", (400, "MALFORMED_REQUEST"), "body is empty"),
    ],
)
def test_what_is_no_file_is_refused_and_nothing_kept(
    ada: Person, product: int, storage: Path, body: Any, expected: Any, told: str
) -> None:
    answer = ada.send("POST", f"files/PRODUCT/{product}/Leaflet", body)
    assert error_of(answer) == expected
    assert told in answer.json()["message"]
    assert not StoredFile.objects.exists() and not kept(storage)


def test_base64_may_have_breaks_and_further_keys_beside_it(ada: Person, product: int) -> None:
    body = {"filename": "n", "DATA": "aGVs\r\nbG8=\n", "EntityName": "PRODUCT"}
    answer = ada.send("POST", f"files/PRODUCT/{product}/Leaflet", body)
    assert answer.status_code == 200
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("n", b"hello")


def test_too_large_a_file_is_413_with_the_limit(
    ada: Person, product: int, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 4)
    answer = ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"12345")
    assert error_of(answer) == (413, "REQUEST_TOO_LARGE")
    assert "5 bytes" in answer.json()["message"] and "at most 4 bytes" in answer.json()["message"]
    assert ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"1234").status_code == 200
    assert kept(storage) == [b"1234"]


def test_a_huge_body_is_413_before_it_is_decoded(
    ada: Person, product: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entities.api.files.MOST_BYTES", 100)
    answer = ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"x" * 200)
    assert error_of(answer) == (413, "REQUEST_TOO_LARGE")
    assert "40 MiB" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("PRODUCT/{id}/Name", (400, "INVALID_VALUE")),
        ("PRODUCT/{id}/Nothing", (400, "UNKNOWN_FIELD")),
        ("NOTHING/{id}/Leaflet", (404, "UNKNOWN_ENTITY")),
        ("PRODUCT/x/Leaflet", (404, "RECORD_NOT_FOUND")),
        (f"PRODUCT/{2**63}/Leaflet", (404, "RECORD_NOT_FOUND")),
        ("PRODUCT/-1/Leaflet", (404, "RECORD_NOT_FOUND")),
        ("PRODUCT/" + "9" * 500 + "/Leaflet", (404, "RECORD_NOT_FOUND")),
        ("PRODUCT/{id}/Leaflet/x", (404, "UNKNOWN_ADDRESS")),
        ("PRODUCT/{id}", (404, "UNKNOWN_ADDRESS")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_file_can_be_is_told(
    ada: Person, product: int, storage: Path, method: str, path: str, expected: Any
) -> None:
    body = {"FileName": "a", "Data": "aGk="} if method == "POST" else None
    answer = ada.send(method, f"files/{path.format(id=product)}", body)
    assert error_of(answer) == expected
    assert not kept(storage)


def test_a_record_that_is_not_there_keeps_nothing(ada: Person, product: int, storage: Path) -> None:
    path = f"PRODUCT/{product + 1000}/Leaflet"
    (element,) = ada.upload(path, "a", b"x").json()["fileUploadResponse"]
    assert (element["success"], element["ErrorCode"]) == (False, "RECORD_NOT_FOUND")
    assert ada.send("GET", f"files/{path}").status_code == 404
    assert not StoredFile.objects.exists() and not kept(storage)


def test_a_record_without_a_file_is_404(ada: Person, product: int) -> None:
    answer = ada.send("GET", f"files/PRODUCT/{product}/Leaflet")
    assert error_of(answer) == (404, "RECORD_NOT_FOUND")
    assert "has no file in Leaflet" in answer.json()["message"]


def test_without_a_session_nothing_is_said(product: int) -> None:
    for method in ("GET", "POST"):
        answer = Person("").send(method, f"files/PRODUCT/{product}/Leaflet")
        assert error_of(answer) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(
    ("letters", "reads", "writes"),
    [("", False, False), ("R", True, False), ("U", False, True), ("RU", True, True)],
)
def test_files_need_the_rights_of_their_record(
    ada: Person,
    clerk: Callable[..., Context],
    signed_in: Callable[[Context], Person],
    product: int,
    storage: Path,
    letters: str,
    reads: bool,
    writes: bool,
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a.txt", b"old")
    person = signed_in(clerk(PRODUCT=letters))
    read = person.send("GET", f"files/PRODUCT/{product}/Leaflet")
    assert read.status_code == (200 if reads else 403)
    written = person.upload(f"PRODUCT/{product}/Leaflet", "b.txt", b"new")
    assert written.status_code == (200 if writes else 403)
    name, content = ada.download(f"PRODUCT/{product}/Leaflet")
    assert (name, content) == (("b.txt", b"new") if writes else ("a.txt", b"old"))
    assert (b"new" in kept(storage)) == writes


def test_who_may_nothing_with_the_records_learns_no_field(
    clerk: Callable[..., Context], signed_in: Callable[[Context], Person], product: int
) -> None:
    person = signed_in(clerk(ACCOUNT="CRUD"))
    for field in ("Leaflet", "Name", "Nowhere"):
        for answer in (
            person.send("GET", f"files/PRODUCT/{product}/{field}"),
            person.upload(f"PRODUCT/{product}/{field}", "b.txt", b"new"),
            person.upload(f"PRODUCT/{field}", "b.txt", b"new"),
        ):
            assert error_of(answer) == (403, "INSUFFICIENT_RIGHTS")
            assert field not in answer.json()["message"]


def test_files_need_the_rights_of_their_field(
    ada: Person,
    clerk: Callable[..., Context],
    signed_in: Callable[[Context], Person],
    product: int,
    leaflet: EntityField,
    storage: Path,
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a.txt", b"old")
    context = clerk(PRODUCT="CRU")
    EntityFieldRole.objects.create(
        role_id=context.role_id,
        entity=Entity.objects.get(entity_name="PRODUCT"),
        entity_field=leaflet,
        read_flag=False,
        update_flag=False,
    )
    person = signed_in(context)
    for answer in (
        person.send("GET", f"files/PRODUCT/{product}/Leaflet"),
        person.upload(f"PRODUCT/{product}/Leaflet", "b.txt", b"new"),
    ):
        assert error_of(answer) == (403, "INSUFFICIENT_RIGHTS")
        assert "PRODUCT.Leaflet" in answer.json()["message"]
    assert kept(storage) == [b"old"]


def test_personal_files_are_not_read_without_the_right_to_personal_data(
    ada: Person,
    clerk: Callable[..., Context],
    signed_in: Callable[[Context], Person],
    product: int,
    leaflet: EntityField,
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a.txt", b"old")
    leaflet.pii_flag = True
    leaflet.save()
    person = signed_in(clerk(PRODUCT="R"))
    assert error_of(person.send("GET", f"files/PRODUCT/{product}/Leaflet")) == (
        403,
        "INSUFFICIENT_RIGHTS",
    )
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("a.txt", b"old")


def test_a_file_that_the_platform_fills_is_only_read(ada: Person, product: int) -> None:
    add_file_field("Report", read_only_flag=True)
    answer = ada.upload(f"PRODUCT/{product}/Report", "a", b"x")
    assert error_of(answer) == (400, "FIELD_NOT_CHANGEABLE")


def test_nobody_can_point_a_record_to_another_s_file(
    ada: Person, product: int, admin: Context
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a.txt", b"theirs")
    held = f"{StoredFile.objects.get().key}/a.txt"
    mine = ProductFactory()
    attempts: list[Any] = [held, {"text": held}, [held], 17, True, "a.txt"]
    for value in attempts:
        rows = [{"Id": mine, "Leaflet": value}]
        assert codes(records.update("PRODUCT", rows, admin)) == [["INVALID_VALUE"]], value
        (element,) = ada.send(
            "POST", "PRODUCT", {"brmObjects": {"Name": "n", "Leaflet": value}}
        ).json()["createResponse"]
        assert element["ErrorCode"] == "INVALID_VALUE", value
    assert ada.send("GET", f"files/PRODUCT/{mine}/Leaflet").status_code == 404
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("a.txt", b"theirs")


def test_the_content_replaced_is_discarded_once_the_change_is_through(
    ada: Person, product: int, storage: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"old")
    with django_capture_on_commit_callbacks() as callbacks:
        ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"new")
    assert kept(storage) == [b"new", b"old"]
    for callback in callbacks:
        callback()
    assert kept(storage) == [b"new"] and StoredFile.objects.get().size == 3
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("a", b"new")


def test_clearing_discards_the_content_and_other_changes_do_not(
    ada: Person, product: int, storage: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"x")
    with django_capture_on_commit_callbacks(execute=True):
        row: dict[str, Any] = {"Id": product, "Name": "other", "Leaflet": None}
        ada.send("PUT", "PRODUCT", {"brmObjects": row})
    assert kept(storage) == [b"x"]
    with django_capture_on_commit_callbacks(execute=True):
        row = {"Id": product, "fieldsToNull": ["Leaflet"]}
        ada.send("PUT", "PRODUCT", {"brmObjects": row})
    assert not kept(storage) and not StoredFile.objects.exists()
    assert ada.send("GET", f"files/PRODUCT/{product}/Leaflet").status_code == 404


def test_a_deleted_record_keeps_its_file_until_it_is_purged(
    ada: Person,
    product: int,
    storage: Path,
    admin: Context,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"x")
    with django_capture_on_commit_callbacks(execute=True):
        assert records.delete("PRODUCT", [product], admin)[0].ok
    assert ada.send("GET", f"files/PRODUCT/{product}/Leaflet").status_code == 404
    assert records.undelete("PRODUCT", [product], admin)[0].ok
    assert ada.download(f"PRODUCT/{product}/Leaflet") == ("a", b"x")
    with django_capture_on_commit_callbacks(execute=True):
        assert records.delete("PRODUCT", [product], admin, permanently=True)[0].ok
    assert not kept(storage) and not StoredFile.objects.exists()


def test_the_sweep_removes_what_nobody_holds_a_day_later(
    ada: Person, product: int, storage: Path, leaflet: EntityField, admin: Context
) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"held")
    binned = ProductFactory()
    ada.upload(f"PRODUCT/{binned}/Leaflet", "a", b"in the bin")
    records.delete("PRODUCT", [binned], admin)
    contents.put("a", b"orphan")
    young = contents.put("a", b"young")
    StoredFile.objects.exclude(pk=young.pk).update(stored_at=clock.now() - timedelta(days=2))
    assert sweeping.sweep() == 1
    assert kept(storage) == [b"held", b"in the bin", b"young"]
    # A deleted field may come back: its files stay as long as its column.
    EntityField.objects.filter(pk=leaflet.pk).update(deleted_at=clock.now())
    assert sweeping.sweep() == 0
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE catalog_product DROP COLUMN f_leaflet")
    assert sweeping.sweep() == 2
    assert kept(storage) == [b"young"]


def test_the_sweep_removes_contents_whose_row_was_undone(
    storage: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    undone, known = contents.put("a", b"undone"), contents.put("a", b"known")
    undone.delete()
    (storage / "ab").mkdir(exist_ok=True)
    (storage / "ab" / "README").write_bytes(b"not ours")
    assert sweeping.sweep() == 0
    monkeypatch.setattr(sweeping, "GRACE", timedelta(seconds=-5))
    monkeypatch.setattr(sweeping, "_unheld", lambda: 0)
    assert sweeping.sweep() == 1
    assert kept(storage) == [b"known", b"not ours"]
    assert contents.read(known) == b"known"


def test_what_dies_before_the_record_holds_it_is_left_to_the_sweep(
    product: int, storage: Path, admin: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(contents, "discard", die)
    monkeypatch.setattr(records, "update", die)
    with pytest.raises(Killed):
        files.attach("PRODUCT", product, "Leaflet", "a", b"x", admin)
    monkeypatch.undo()
    assert b'"Leaflet":null' in query.retrieve_ids("PRODUCT", [product], admin).json
    StoredFile.objects.update(stored_at=clock.now() - timedelta(days=2))
    assert sweeping.sweep() == 1
    assert not StoredFile.objects.exists()


def test_a_content_that_is_lost_is_told(ada: Person, product: int, storage: Path) -> None:
    ada.upload(f"PRODUCT/{product}/Leaflet", "a", b"x")
    for path in storage.rglob("*"):
        if path.is_file():
            path.unlink()
    answer = ada.send("GET", f"files/PRODUCT/{product}/Leaflet")
    assert answer.status_code == 404 and "backup" in answer.json()["message"]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.html", HTML, "text/html"),
        ("a.tar.gz", b"\x1f\x8b", "application/octet-stream"),
        ("a", HTML, "application/octet-stream"),
    ],
)
def test_the_type_comes_from_the_name_alone(db: None, name: str, content: bytes, kind: str) -> None:
    assert contents.put(name, content).content_type == kind


def test_a_write_that_says_it_failed_keeps_nothing(db: None, storage: Path) -> None:
    with files.held({"Leaflet": ("a", b"x")}) as values:
        assert isinstance(values["Leaflet"], HeldFile)
        assert base64.b64encode(kept(storage)[0]) == b"eA=="
        values.clear()
    assert not kept(storage)
