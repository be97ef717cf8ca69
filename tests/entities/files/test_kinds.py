"""What a file may be called and be: kinds, names, room for all of them, and damage that is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metabrm import environment
from metabrm.environment import read
from tests.entities.files.conftest import Person

PDF = b"%PDF-1.7\n..."
ZIP = b"PK\x03\x04rest"


@pytest.mark.parametrize(
    ("name", "content", "right"),
    [
        ("a.pdf", PDF, True),
        ("a.pdf", b"\xef\xbb\xbf\n" + PDF, True),
        ("a.PDF", b"<script>alert(1)</script>", False),
        ("a.pdf", b"", False),
        ("a.png", b"\x89PNG\r\n\x1a\nrest", True),
        ("a.png", b"\xff\xd8\xff\xe0", False),
        ("a.jpg", b"\xff\xd8\xff\xe0", True),
        ("a.jpeg", b"GIF89a", False),
        ("a.gif", b"GIF89a", True),
        ("a.xlsx", ZIP, True),
        ("a.docx", b"MZ\x90\0", False),
        ("a.csv", b"a;b\r\n1;2\r\n", True),
        ("a.csv", "Ä;ö".encode("latin-1"), True),
        ("a.csv", "a;b".encode("utf-16"), True),
        ("a.csv", b"MZ\x90\0\x03", False),
        ("a.txt", b"", True),
        ("a.json", b"\0", False),
        # Nothing is promised by these names.
        ("a.exe", b"MZ\x90\0", True),
        ("a", b"\0\1\2", True),
        ("pdf", b"x", True),
        (".pdf", b"x", True),
    ],
)
def test_a_content_looks_like_its_name(name: str, content: bytes, right: bool) -> None:
    from entities.files.looks import looks_wrong

    assert (looks_wrong(name, content) == "") is right


def test_the_wrong_content_is_refused_and_nothing_kept(
    ada: Person, product: int, storage: Path
) -> None:
    refused = ada.upload(f"PRODUCT/{product}/Leaflet", "terms.pdf", b"MZ\x90 a program")
    assert refused.status_code == 400
    assert refused.json()["error"] == "INVALID_VALUE"
    assert "By its name terms.pdf is a PDF file" in refused.json()["message"]
    assert not [path for path in storage.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200b\ufeffb\r\n.txt", "ab.txt"),
        ("report.txt. . ", "report.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("console.txt", "console.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("...", ""),
    ],
)
def test_what_is_kept_of_a_name(sent: str, kept: str) -> None:
    from entities.files.contents import clean_name

    assert clean_name(sent) == kept


def test_only_the_kinds_that_are_taken(
    ada: Person, product: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = read({"BRM_FILE_TYPES": "pdf,csv", "BRM_RATE_LIMIT": "off"})
    monkeypatch.setattr(environment, "current", lambda: env)
    path = f"PRODUCT/{product}/Leaflet"
    assert ada.upload(path, "a.PDF", PDF).status_code == 200
    for name in ("a.exe", "a", "a.pdf.exe", "a.svg"):
        refused = ada.upload(path, name, b"x")
        assert refused.status_code == 400, name
        assert "the endings taken are pdf, csv" in refused.json()["message"]


def test_all_files_together_have_so_much_room(
    ada: Person, product: int, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = read({"BRM_FILES_MEGABYTES": "1", "BRM_RATE_LIMIT": "off"})
    monkeypatch.setattr(environment, "current", lambda: env)
    path = f"PRODUCT/{product}/Leaflet"
    assert ada.upload(path, "a", b"a" * 700_000).status_code == 200
    refused = ada.upload("PRODUCT/Leaflet", "b", b"b" * 400_000)
    assert refused.status_code == 503
    assert "all files together may have 1 MiB" in refused.json()["message"]
    assert ada.download(path) == ("a", b"a" * 700_000)
    assert len([p for p in storage.rglob("*") if p.is_file()]) == 1
    assert ada.upload("PRODUCT/Leaflet", "b", b"b" * 300_000).status_code == 200


@pytest.mark.parametrize("damage", [b"", b"hell", b"hellO", b"hello!"])
def test_a_damaged_file_is_told_and_not_answered(
    ada: Person, product: int, storage: Path, damage: bytes, caplog: Any
) -> None:
    path = f"PRODUCT/{product}/Leaflet"
    ada.upload(path, "note.txt", b"hello")
    (file,) = (p for p in storage.rglob("*") if p.is_file())
    file.chmod(0o600)
    file.write_bytes(damage)
    for address in (path, f"{path}/content"):
        answer = ada.send("GET", f"files/{address}")
        assert (answer.status_code, answer.json()["error"]) == (500, "FILE_DAMAGED")
        assert "note.txt is not what was stored" in answer.json()["message"]
    assert "is damaged in the storage" in caplog.text
    file.unlink()
    assert ada.send("GET", f"files/{path}").status_code == 404
    assert "is not in the storage" in caplog.text
