"""The catalogue: every code a caller can meet is told everywhere it should be, and no other."""

import re
from pathlib import Path

import pytest
from django.test import Client

from entities import catalogue
from entities.catalogue import CATALOGUE, Entry
from entities.errors import Code

DOCS = Path(__file__).parents[2] / "docs"


def test_the_catalogue_has_every_code_in_order() -> None:
    assert list(CATALOGUE) == list(Code), "each Code needs an entry in entities/catalogue.py"


def test_the_guide_s_table_of_codes_is_complete() -> None:
    guide = (DOCS / "integrators.md").read_text()
    table = re.findall(r"^\| (`[A-Z_`, ]+`) \|", guide, re.MULTILINE)
    told = {code for cell in table for code in re.findall(r"`([A-Z_]+)`", cell)}
    assert told == {str(code) for code in Code}


def test_the_document_is_the_catalogue() -> None:
    again = "python -m entities.catalogue > docs/errors.md"
    assert (DOCS / "errors.md").read_text() == catalogue.as_markdown(), f"run {again}"


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=str)
def test_an_entry_says_all_there_is_to_say(entry: Entry) -> None:
    assert 400 <= entry.status < 600
    for text in (entry.what, entry.cause, entry.cure, entry.example):
        assert re.fullmatch(r"\S.{10,}[.?]", text), text


def test_the_page_has_an_anchor_for_every_code_and_needs_no_sign_in(client: Client) -> None:
    page = client.get(catalogue.PAGE)
    assert page.status_code == 200
    text = page.content.decode()
    for entry in CATALOGUE.values():
        assert text.count(f'id="{entry.code}"') == 1
        path, _, anchor = catalogue.help_for(entry.code).partition("#")
        assert (path, anchor) == (catalogue.PAGE, entry.code)
    assert "<code>brmObjects</code>" in text


def test_programs_read_the_catalogue_as_data(client: Client) -> None:
    answer = client.get("/rest/2.0/errors")
    assert answer.status_code == 200
    ((name, rows),) = answer.json().items()
    assert name == "errorsResponse"
    assert [row["code"] for row in rows] == [str(code) for code in Code]
    for row in rows:
        assert set(row) == {"code", "status", "what", "cause", "cure", "example", "help"}
        assert all(isinstance(value, str) for value in row.values())
