"""Files in the admin: chosen in the form, shown with a way to save them, replaced, taken away."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from entities import files, records
from entities.errors import RequestError
from entities.models import AuditLog, StoredFile
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import create_one
from tests.entities.admin.conftest import Page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Path:
    place = tmp_path / "files"
    default = settings.STORAGES["default"]
    options = default["OPTIONS"] | {"location": str(place)}
    settings.STORAGES = settings.STORAGES | {"default": default | {"OPTIONS": options}}
    assert default_storage.path("x") == str(place / "x")
    return place


@pytest.fixture
def paper(system: Context) -> int:
    entity = create_one("ENTITY", system, EntityName="PAPER")
    for name, kind, more in (
        ("Name", "TEXT", {}),
        ("Scan", "FILE", {}),
        ("Proof", "FILE", {"RequiredFlag": "1"}),
    ):
        create_one("ENTITY_FIELD", system, EntityId=entity, FieldName=name, DataType=kind, **more)
    return entity


def chosen(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def added(browser: Client, page: Page, **sent: Any) -> int:
    sent = {"Name": "x", "Proof": chosen("proof.pdf", b"%PDF-1.7"), **sent}
    answer = browser.post(page("PAPER", "add"), sent)
    assert answer.status_code == 302, answer.text
    return max(_ids())


def _ids() -> list[int]:
    return list(current().entity("PAPER").model._default_manager.values_list("pk", flat=True))


def held(record: int, field: str, context: Context) -> tuple[str, bytes]:
    file = files.fetch("PAPER", record, field, context)
    return file.file_name, file.content


def test_a_file_is_added_shown_saved_replaced_and_removed(
    browser: Client, page: Page, paper: int, system: Context
) -> None:
    form = browser.get(page("PAPER", "add")).text
    assert 'enctype="multipart/form-data"' in form
    assert re.search(r'<input type="file" name="Scan"', form)

    name = 'Vertrag "Ö" <b>.html'
    record = added(browser, page, Scan=chosen(name, b"<script>x</script>" * 100))
    assert held(record, "Scan", system) == (name, b"<script>x</script>" * 100)
    change = page("PAPER", record, "change")
    shown = browser.get(change).text
    where = page("PAPER", record, "file", "Scan")
    assert f'<a href="{where}" class="text-link">Vertrag &quot;Ö&quot; &lt;b&gt;.html</a>' in shown
    assert "1.8\xa0KB, text/html" in shown

    saved = browser.get(where)
    assert saved.content == b"<script>x</script>" * 100
    assert saved["Content-Disposition"].startswith("attachment; filename*=utf-8''Vertrag%20%22")
    assert saved["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in saved["Content-Security-Policy"]
    assert browser.head(where)["Content-Length"] == "1800"

    assert browser.post(change, {"Name": "y"}).status_code == 302
    assert held(record, "Scan", system)[0] == name
    assert browser.post(change, {"Name": "y", "Scan": chosen("b.txt", b"b")}).status_code == 302
    assert held(record, "Scan", system) == ("b.txt", b"b")
    sent = {"Name": "y", "Scan-clear": "on", "Proof-clear": "on"}
    assert browser.post(change, sent).status_code == 302
    with pytest.raises(RequestError, match="has no file in Scan"):
        held(record, "Scan", system)
    assert held(record, "Proof", system) == ("proof.pdf", b"%PDF-1.7")
    assert AuditLog.objects.filter(entity_id=paper, record_id=record).count() == 4


def test_a_required_file_is_asked_for(browser: Client, page: Page, paper: int) -> None:
    answer = browser.post(page("PAPER", "add"), {"Name": "x"})
    assert answer.status_code == 200 and "Proof is required." in answer.text
    assert not _ids()


def test_lists_and_history_show_the_name_and_never_the_key(
    browser: Client, page: Page, paper: int
) -> None:
    record = added(browser, page)
    key = StoredFile.objects.get().key
    for address in (page("PAPER"), page("PAPER", record, "history")):
        html = browser.get(address).text
        assert key not in html
        assert "proof.pdf" in html
    assert key not in browser.get(page("PAPER", record, "change")).text


def test_what_is_too_large_is_refused_by_its_length(
    browser: Client,
    page: Page,
    paper: int,
    storage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1000)

    def send() -> Any:
        return browser.post(page("PAPER", "add"), {"Proof": chosen("a", b"x" * 1001)})

    answer = send()
    assert answer.status_code == 200
    assert "The file has 1,001 bytes; a file holds at most" in answer.text
    monkeypatch.setattr("entities.admin.middleware.MOST_BYTES", 500)
    answer = send()
    assert answer.status_code == 413
    assert "Nothing is saved." in answer.text
    assert not _ids() and not storage.exists()


def test_a_record_that_is_refused_keeps_nothing(
    browser: Client, page: Page, paper: int, storage: Path
) -> None:
    sent = {"Name": "x" * 300, "Proof": chosen("a", b"x")}
    assert browser.post(page("PAPER", "add"), sent).status_code == 200
    assert not [p for p in storage.rglob("*") if p.is_file()]


def test_a_file_needs_the_rights_of_its_record_and_of_its_field(
    browser: Client,
    page: Page,
    paper: int,
    limited: Callable[..., Client],
) -> None:
    record = added(browser, page, Scan=chosen("s", b"s"))
    clerk = limited({"PAPER": "r"}, {"PAPER": ["Scan"]})
    assert clerk.get(page("PAPER", record, "file", "Proof")).content == b"%PDF-1.7"
    assert clerk.get(page("PAPER", record, "file", "Scan")).status_code == 403
    assert "file/Scan" not in clerk.get(page("PAPER", record, "change")).text
    assert clerk.get(page("PAPER", record + 1, "file", "Proof")).status_code == 404
    assert clerk.get(page("PAPER", record, "file", "Name")).status_code == 404
    assert clerk.get(page("PAPER", record, "file", "Nothing")).status_code == 404
    stranger = Client().get(page("PAPER", record, "file", "Proof"))
    assert stranger.status_code == 302 and "login" in stranger["Location"]


def test_a_deleted_record_s_file_is_not_served(
    browser: Client, page: Page, paper: int, system: Context
) -> None:
    record = added(browser, page)
    assert records.delete("PAPER", [record], system)[0].ok
    assert browser.get(page("PAPER", record, "file", "Proof")).status_code == 404
