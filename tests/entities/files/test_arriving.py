"""A file uploaded before its record: whose key it is, for what, how long, and how often."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from entities import files, query, records
from entities.errors import Code, RequestError
from entities.files import sweeping
from entities.models import EntityField, StoredFile
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.entities.files.conftest import Person, add_file_field
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def receive(context: Context, field: str = "Leaflet") -> str:
    return files.receive("PRODUCT", field, "a.txt", b"a", context).key


def made_with(key: str, context: Context) -> list[list[str]]:
    return codes(records.create("PRODUCT", [{"Name": "n", "Leaflet": key}], context))


def aged(key: str, hours: float) -> None:
    at = clock.now() - timedelta(hours=hours)
    StoredFile.objects.filter(pk=key).update(stored_at=at)


def test_a_key_is_for_its_uploader_its_field_half_a_day_and_once(
    leaflet: EntityField, admin: Context, clerk: Callable[..., Context]
) -> None:
    add_file_field("Manual")
    other = clerk(PRODUCT="CRU")
    assert made_with(receive(other), admin) == [["INVALID_VALUE"]]
    assert made_with(receive(admin), other) == [["INVALID_VALUE"]]
    assert made_with(receive(admin, "Manual"), admin) == [["INVALID_VALUE"]]
    late, timely = receive(admin), receive(admin)
    aged(late, 12.1)
    aged(timely, 11.9)
    assert made_with(late, admin) == [["INVALID_VALUE"]]
    assert made_with(timely, admin) == [[]]
    assert made_with(timely, admin) == [["INVALID_VALUE"]]
    file = StoredFile.objects.get(pk=timely)
    assert (file.field_id, file.uploader_id) == (None, None)


@pytest.mark.parametrize("all_or_none", [False, True])
def test_a_record_that_is_not_made_leaves_its_key_usable(
    leaflet: EntityField, admin: Context, all_or_none: bool
) -> None:
    key = receive(admin)
    rows: list[Any] = [{"Name": "n", "Leaflet": key, "Status": "NONSENSE"}]
    if all_or_none:
        rows = [{"Name": "n", "Leaflet": key}, {"Name": "n", "Status": "NONSENSE"}]
    outcomes = records.create("PRODUCT", rows, admin, all_or_none=all_or_none)
    assert not any(o.ok for o in outcomes)
    assert made_with(key, admin) == [[]]


def test_a_thousand_records_with_their_files_and_a_bad_key_at_seven(
    leaflet: EntityField, admin: Context
) -> None:
    keys = [receive(admin) for _ in range(40)]
    rows: list[Any] = [{"Name": f"n{n}"} for n in range(1000)]
    for n, key in enumerate(keys):
        rows[n]["Leaflet"] = key
    rows[7]["Leaflet"] = "f" * 32
    outcomes = records.create("PRODUCT", rows, admin)
    assert [n for n, o in enumerate(outcomes) if not o.ok] == [7]
    ids = [o.id for o in outcomes[:40] if o.ok]
    assert all(files.fetch("PRODUCT", i or 0, "Leaflet", admin).content == b"a" for i in ids)


@pytest.mark.parametrize(
    ("rights", "code"), [("R", "INSUFFICIENT_RIGHTS"), ("D", "INSUFFICIENT_RIGHTS")]
)
def test_who_can_write_no_record_fills_no_storage(
    leaflet: EntityField, clerk: Callable[..., Context], storage: Path, rights: str, code: str
) -> None:
    with pytest.raises(RequestError) as raised:
        receive(clerk(PRODUCT=rights))
    assert raised.value.code == Code(code)
    assert not StoredFile.objects.exists() and not storage.exists()


def test_a_key_that_nobody_used_is_swept_a_day_later(
    leaflet: EntityField, admin: Context, storage: Path
) -> None:
    unused, fresh, used = receive(admin), receive(admin), receive(admin)
    assert made_with(used, admin) == [[]]
    for key in (unused, used):
        aged(key, 25)
    assert sweeping.sweep() == 1
    assert set(StoredFile.objects.values_list("pk", flat=True)) == {fresh, used}
    assert {p.name for p in storage.rglob("*") if p.is_file()} == {fresh, used}


def test_a_full_disk_is_told_and_leaves_nothing(
    ada: Person, product: int, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = FileSystemStorage._save

    def full(self: Any, name: str, content: Any) -> str:
        saved(self, name, content)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    for path in (f"PRODUCT/{product}/Leaflet", "PRODUCT/Leaflet"):
        answer = ada.upload(path, "a.txt", b"a")
        assert (answer.status_code, answer.json()["error"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert "full or can't be written" in answer.json()["message"]
    assert not StoredFile.objects.exists()
    assert not [p for p in storage.rglob("*") if p.is_file()]


def test_a_key_is_no_way_to_read_or_to_find_a_file(
    leaflet: EntityField, admin: Context, ada: Person
) -> None:
    key = receive(admin)
    product = ProductFactory()
    assert ada.send("GET", f"files/PRODUCT/{product}/Leaflet/content").status_code == 404
    made = records.update("PRODUCT", [{"Id": product, "Leaflet": key}], admin)
    assert codes(made) == [[]]
    page = query.query(f"SELECT Leaflet FROM PRODUCT WHERE Id = {product}", admin)
    assert page.json == b'[{"Leaflet":"a.txt"}]'
