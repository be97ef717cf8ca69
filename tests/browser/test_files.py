"""Somebody designs a field for files and keeps one in it, as a browser sends and saves it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def _swept(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[None]:
    """The table goes with the rows that describe it, the files with their directory."""
    default = settings.STORAGES["default"]
    options = default["OPTIONS"] | {"location": str(tmp_path / "files")}
    settings.STORAGES = settings.STORAGES | {"default": default | {"OPTIONS": options}}
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{table}" CASCADE')


def test_a_file_is_designed_chosen_saved_replaced_and_removed(tab: Any, tmp_path: Path) -> None:
    system = Context.system("test")
    (made,) = records.create("ENTITY", [{"EntityName": "PAPER"}], system)
    tab.goto("/admin/designer/PAPER/")
    tab.click("button:has-text('New field')")
    tab.fill("[name=FieldLabel]", "Signed scan")
    tab.select_option("[name=DataType]", "FILE")
    tab.wait_for_selector("[data-preview] input[type=file]")
    tab.click("button[value=review]")
    tab.wait_for_selector("[data-plan]")
    tab.click("button[value=apply]")
    tab.wait_for_selector("tr:has-text('SignedScan')")

    tab.goto(f"/admin/custom/{current().entity('PAPER').model._meta.model_name}/add/")
    first = tmp_path / "Vertrag Ö.html"
    first.write_text("<script>document.title = 'run'</script>")
    tab.set_input_files("input[type=file]", str(first))
    tab.click("button[name=_continue]")
    tab.wait_for_selector("a:has-text('Vertrag Ö.html')")
    with tab.expect_download() as saving:
        tab.click(".brm-file a")
    assert saving.value.suggested_filename == "Vertrag Ö.html"
    assert Path(saving.value.path()).read_bytes() == first.read_bytes()

    second = tmp_path / "second.txt"
    second.write_text("second")
    tab.set_input_files("input[type=file]", str(second))
    tab.click("button[name=_continue]")
    tab.wait_for_selector(".brm-file a:has-text('second.txt')")
    tab.check("input[name=SignedScan-clear]")
    tab.click("button[name=_continue]")
    tab.wait_for_selector(".brm-file:not(:has(a))")
    assert made.ok
