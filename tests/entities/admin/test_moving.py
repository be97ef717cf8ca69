"""Configuration moves in the browser: what is applied is what was reviewed."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from entities import records
from entities.models import Entity, SchemaChange
from entities.schema.current import current
from metabrm.identity.context import Context

ROOT = "/admin/designer/configuration/"
PROMO = (
    "metabrm: {format: 1}\nentities:\n  PROMO:\n    EntityLabel: Promotion\n"
    "    fields: {Code: {DataType: TEXT}}\n"
)
EMPTY = "metabrm: {format: 1, complete: [entities]}\n"


def review(browser: Client, text: str | bytes, name: str = "promo.yaml") -> Any:
    sent = text.encode() if isinstance(text, str) else text
    return browser.post(f"{ROOT}review/", {"file": SimpleUploadedFile(name, sent)})


def apply(browser: Client, shown: Any, **more: str) -> Any:
    """Press the button of a page that shows a difference."""
    about = shown.context
    sent = {"document": about["document"].replace("\n", "\r\n"), "name": about["name"]}
    return browser.post(f"{ROOT}apply/", {**sent, "digest": about["report"].digest, **more})


def test_the_document_is_downloaded(browser: Client) -> None:
    apply(browser, review(browser, PROMO))
    answer = browser.get(f"{ROOT}download/")
    assert answer.headers["Content-Type"] == "application/yaml"
    assert "configuration.yaml" in answer.headers["Content-Disposition"]
    assert "  PROMO:\n    EntityLabel: Promotion\n" in answer.text
    assert "entities:" not in browser.get(f"{ROOT}download/?entities=ACCOUNT").text
    again = browser.get(f"{ROOT}download/?entities=PROM", follow=True)
    assert "Did you mean PROMO?" in again.text


def test_a_difference_is_reviewed_then_applied(browser: Client) -> None:
    shown = review(browser, PROMO)
    assert "2 to create, 0 to change, 0 to remove." in shown.text
    assert "Make the entity PROMO (Promotion) with its table." in shown.text
    assert not Entity.objects.filter(entity_name="PROMO").exists()
    done = apply(browser, shown)
    assert (done.status_code, done.headers["Location"]) == (302, "/admin/designer/changes/")
    assert current().entity("PROMO").find("Code") is not None
    assert SchemaChange.objects.filter(reason="import of promo.yaml").exists()
    assert "Nothing to do" in review(browser, PROMO).text


def test_what_has_changed_since_is_shown_again(browser: Client) -> None:
    shown = review(browser, PROMO)
    made = records.create("ENTITY", [{"EntityName": "PROMO"}], Context.system("test"))
    assert made[0].ok
    again = apply(browser, shown)
    assert again.status_code == 200
    assert "The system has changed since you looked" in again.text
    assert "1 to create, 1 to change, 0 to remove." in again.text
    assert current().entity("PROMO").find("Code") is None
    assert apply(browser, again).status_code == 302
    assert current().entity("PROMO").find("Code") is not None


def test_nothing_is_applied_that_was_not_reviewed(browser: Client) -> None:
    for digest in ({}, {"digest": ""}, {"digest": "0" * 64}):
        answer = browser.post(f"{ROOT}apply/", {"document": PROMO, "name": "x", **digest})
        assert answer.status_code == 200
    other = PROMO.replace("Promotion", "Something else")
    answer = apply(browser, review(browser, PROMO), document=other)
    assert "The system has changed since you looked" in answer.text
    assert not Entity.objects.filter(entity_name="PROMO").exists()


def test_destroying_takes_a_tick(browser: Client) -> None:
    apply(browser, review(browser, PROMO))
    shown = review(browser, EMPTY)
    assert "it is deleted with its records; 0 affected" in shown.text
    assert "Also do what is destructive (1)" in shown.text
    refused = apply(browser, shown)
    assert refused.status_code == 200
    assert "only done when destructive changes are allowed" in refused.text
    assert current().find("PROMO") is not None
    assert apply(browser, refused, destructive="1").status_code == 302
    assert current().find("PROMO") is None


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ("metabrm: {format: 7}", "line 1, column 19: the format is"),
        (b"\xff\xfe", "is no text in UTF-8"),
        ("metabrm: {format: 1}\nentities: {P: {fields: {X: {}}}}", "DataType is required"),
    ],
)
def test_what_is_wrong_is_told(browser: Client, sent: str | bytes, says: str) -> None:
    shown = review(browser, sent)
    assert says in shown.text
    assert "Apply all of it" not in shown.text


def test_a_file_has_to_be_chosen(browser: Client) -> None:
    assert "Choose a file first" in browser.post(f"{ROOT}review/").text


def test_markup_in_a_document_is_text(browser: Client) -> None:
    evil = "<script>alert(1)</script>"
    shown = review(browser, PROMO.replace("Promotion", f'"{evil}"'), name=f"{evil}.yaml")
    assert evil not in shown.text
    assert "&lt;script&gt;" in shown.text


def test_only_administrators_move_anything(limited: Any) -> None:
    client = limited({"ENTITY": "crud", "ENTITY_FIELD": "crud", "ROLE": "crud"})
    assert "designer/configuration/" not in client.get("/admin/designer/").text
    assert client.get(ROOT).status_code == 403
    assert client.get(f"{ROOT}download/").status_code == 403
    assert review(client, PROMO).status_code == 403
    assert client.post(f"{ROOT}apply/", {"document": PROMO}).status_code == 403


def test_a_stranger_signs_in_first(db: None) -> None:
    for tail in ("", "download/"):
        assert Client().get(f"{ROOT}{tail}").status_code == 302
