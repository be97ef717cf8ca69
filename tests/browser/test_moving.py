"""An administrator brings a configuration document in the browser, reviews it, and applies it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

# Playwright's own loop runs in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

DOCUMENT = """\
metabrm: {format: 1, complete: [fields]}
entities:
  VOYAGE:
    EntityLabel: Voyage
    fields:
      Code: {DataType: TEXT}
      Port: {DataType: LIST, values: [Bergen, Riga]}
"""


@pytest.fixture(autouse=True)
def _swept(transactional_db: None) -> Iterator[None]:
    yield
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{table}" CASCADE')


def bring(tab: Any, text: str) -> None:
    tab.goto("/admin/designer/configuration/")
    file = {"name": "voyage.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    tab.set_input_files("input[name=file]", file)
    tab.click("button:has-text('Show the difference')")


def test_a_document_is_reviewed_and_applied(tab: Any) -> None:
    tab.goto("/admin/designer/")
    tab.click("a:has-text('Configuration')")
    bring(tab, DOCUMENT)
    tab.wait_for_selector("[data-summary]:has-text('5 to create')")
    assert tab.locator("tr[data-action=create]").count() == 5
    tab.click(".brmd-difference summary:has-text('entity VOYAGE')")
    assert not tab.is_visible("tr[data-action=create]")
    tab.click("button:has-text('Apply all of it')")
    tab.wait_for_selector("text=voyage.yaml is imported")
    tab.goto("/admin/designer/VOYAGE/")
    assert tab.is_visible("#designer-fields >> text='Port'")

    bring(tab, DOCUMENT.replace("      Code: {DataType: TEXT}\n", ""))
    tab.wait_for_selector("[data-danger]:has-text('it is deleted with its values')")
    with tab.expect_download() as download:
        tab.click(".brmd-bar a:has-text('Download')")
    assert b"VOYAGE" in download.value.path().read_bytes()
    tab.check("input[name=destructive]")
    tab.click("button:has-text('Apply all of it')")
    tab.wait_for_selector("text=voyage.yaml is imported")
    tab.goto("/admin/designer/VOYAGE/")
    assert not tab.is_visible("#designer-fields tbody >> text='Code'")


@pytest.mark.parametrize("dark", [False, True])
def test_the_difference_can_be_read_in_the_dark(tab: Any, dark: bool, tmp_path: Any) -> None:
    tab.emulate_media(color_scheme="dark" if dark else "light")
    bring(tab, DOCUMENT)
    tab.wait_for_selector("[data-summary]")
    if dark:
        tab.evaluate("document.documentElement.classList.add('dark')")
    shades = tab.evaluate(
        """() => ['.brm-after', '.brm-badge'].map(s => {
            const e = document.querySelector('.brmd-difference ' + s), of = getComputedStyle(e);
            let back = e, color = 'rgba(0, 0, 0, 0)';
            while (back && color === 'rgba(0, 0, 0, 0)') {
                color = getComputedStyle(back).backgroundColor; back = back.parentElement;
            }
            return [of.color, color];
        })"""
    )
    for text, ground in shades:
        assert _contrast(text, ground) >= 4.5, (text, ground)
    kept = os.environ.get("BRM_TEST_SCREENSHOTS")
    tab.screenshot(path=f"{kept or tmp_path}/moving-{'dark' if dark else 'light'}.png")


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two CSS colours, by WCAG 2."""

    def luminance(color: str) -> float:
        numbers = color[color.index("(") + 1 : -1].replace(",", " ").split()
        if color.startswith("oklch"):
            lightness = numbers[0]
            return float(lightness.rstrip("%")) ** 3 / (1e6 if "%" in lightness else 1)
        parts = [float(n) / 255 for n in numbers[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
