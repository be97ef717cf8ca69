"""The overview, and the site that follows the schema."""

import gc
import time
from weakref import WeakSet

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from entities import records
from entities.admin.addresses import Addresses
from entities.admin.site import RecordSite, site_of
from entities.models import Entity, EntityField
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context


def test_the_overview_says_what_there_is_and_what_to_do(browser: Client, make) -> None:
    text = browser.get("/admin/").text
    assert "There are no products yet." in text
    assert "Empty. Deleted records wait here" in text
    record_id = make("PRODUCT", Name="Plan Monthly")
    records.delete("PRODUCT", [make("PRODUCT", Name="Old plan")], Context.system("too old"))
    shown = browser.get("/admin/")
    assert "There are no products yet." not in shown.text
    assert "Plan Monthly" in shown.text
    assert "too old" in shown.text
    assert shown.context["recycled"][0]["count"] == 1
    assert f"/admin/catalog/product/{record_id}/change/" in shown.text


def test_the_overview_takes_a_fixed_number_of_queries(browser: Client, make) -> None:
    make("PRODUCT", Name="Plan 0")
    browser.get("/admin/")
    with CaptureQueriesContext(connection) as taken:
        browser.get("/admin/")
    # Of which one per entity among the recent changes, for the titles of the records.
    assert len(taken) <= 24


def test_what_runs_is_told(browser: Client) -> None:
    shown = browser.get("/admin/running/")
    parts = {part["name"]: part for part in shown.context["parts"]}
    assert parts["PostgreSQL"]["ok"]
    assert parts["Valkey"]["ok"]
    assert parts["Workers"]["says"] == "no worker answers"


def test_the_audit_log_can_be_read_and_not_written(browser: Client, page, make) -> None:
    make("ACCOUNT", Name="Blue Harbor Ltd")
    listed = browser.get(page("AUDIT_LOG"), {"action": "CREATE"})
    assert "Blue Harbor Ltd" in listed.text
    entry = listed.context["cl"].result_list[0]
    shown = browser.get(page("AUDIT_LOG", entry.pk, "change"))
    assert "Blue Harbor Ltd" in shown.text
    assert browser.get(page("AUDIT_LOG", "add")).status_code == 403
    assert browser.post(page("AUDIT_LOG", entry.pk, "change"), {}).status_code == 403


def test_a_site_is_built_fast(db: None) -> None:
    snapshot = current()
    fastest = 1.0
    for _ in range(5):
        begun = time.process_time()
        Addresses(RecordSite(snapshot))
        fastest = min(fastest, time.process_time() - begun)
    assert fastest < 0.05


def test_addresses_are_kept_until_there_is_an_entity_that_they_do_not_know(
    browser: Client, make
) -> None:
    entity = make("ENTITY", EntityName="PARCEL")
    before = site_of(current())
    make("ENTITY_FIELD", EntityId=entity, FieldName="Weight", DataType="DECIMAL")
    site = site_of(current())
    assert site is not before
    assert site.addresses is before.addresses
    assert records.delete("ENTITY", [entity], Context.system("test"))[0].ok
    assert site_of(current()).addresses is before.addresses
    make("ENTITY", EntityName="CRATE")
    assert site_of(current()).addresses is not before.addresses


def test_addresses_lead_to_what_the_schema_is_now(browser: Client, make) -> None:
    """A list is asked for by an administrator and by somebody outside."""

    def asked(name: str) -> tuple[str, int]:
        shown = browser.get(f"/admin/custom/{name}/")
        if shown.status_code == 404:
            return "", Client().get(f"/admin/custom/{name}/").status_code
        schema = shown.context["cl"].model_admin.schema
        assert schema is current().entity(name)
        return schema.name, Client().get(f"/admin/custom/{name}/").status_code

    def changed(verb, *rows) -> None:
        assert verb(*rows, Context.system("test"))[0].ok

    # Whoever has not signed in is asked to, whatever there is.
    there, gone = ("PARCEL", 302), ("", 302)
    assert asked("parcel") == gone
    entity = make("ENTITY", EntityName="PARCEL")
    assert asked("parcel") == there
    changed(records.delete, "ENTITY", [entity])
    assert asked("parcel") == gone
    changed(records.undelete, "ENTITY", [entity])
    assert asked("parcel") == there
    make("ENTITY_FIELD", EntityId=entity, FieldName="Weight", DataType="DECIMAL")
    assert "Weight" in browser.get("/admin/custom/parcel/add/").text
    changed(records.update, "ENTITY", [{"Id": str(entity), "EntityName": "CRATE"}])
    assert (asked("parcel"), asked("crate")) == (gone, ("CRATE", 302))
    changed(records.update, "ENTITY", [{"Id": str(entity), "VisibleFlag": "0"}])
    assert asked("crate") == gone


def test_a_new_label_shows_with_the_next_request(browser: Client, page) -> None:
    field = current().entity("ACCOUNT").field("Name")
    row = {"Id": str(field.id), "FieldLabel": "Customer's name"}
    assert records.update("ENTITY_FIELD", [row], Context.system("test"))[0].ok
    assert "Customer&#x27;s name" in browser.get(page("ACCOUNT")).text


def test_sites_of_old_snapshots_are_let_go(browser: Client) -> None:
    newest = current()
    made: WeakSet[RecordSite] = WeakSet()
    for _ in range(20):
        site = site_of(Snapshot(newest.version, newest.entities.values(), newest.apps))
        made.add(site)
        # Resolving and reversing addresses fills Django's caches.
        found = resolve("/admin/customers/account/", site.addresses)
        assert found.url_name == "customers_account_changelist"
        assert reverse("admin:index", site.addresses) == "/admin/"
        del site, found
        assert Client().get("/admin/login/").status_code == 200
    gc.collect()
    assert not made


def test_no_text_of_an_entity_is_taken_for_html(browser: Client, page, make) -> None:
    """The theme prints titles of its menu, and help, as they are."""
    hostile = "<img src=x onerror=alert(1)>"
    entity = Entity.objects.get(entity_name="PRODUCT")
    texts = ("entity_label", "node", "short_help_label", "long_help_description")
    Entity.objects.filter(pk=entity.pk).update(**dict.fromkeys(texts, hostile))
    texts = ("field_label", "description", "help_content_short", "help_content_long")
    EntityField.objects.filter(entity=entity).update(**dict.fromkeys(texts, hostile))
    record = make("PRODUCT", Name=hostile)
    pages = [
        "/admin/",
        "/admin/designer/",
        "/admin/designer/PRODUCT/",
        page("PRODUCT"),
        page("PRODUCT", "add"),
        *(page("PRODUCT", record, tail) for tail in ("change", "history", "delete")),
    ]
    for address in pages:
        answer = browser.get(address, follow=True)
        assert answer.status_code == 200, address
        assert "<img src=x" not in answer.text, address
        assert "&lt;img src=x onerror=alert(1)&gt;s</span>" in answer.text, address


def test_who_signs_in_without_a_way_gets_to_the_overview(browser: Client) -> None:
    """Also where somebody else's address was to follow."""
    for way in ("", "?next=//evil.example/", "?next=javascript:alert(1)"):
        assert browser.get(f"/admin/login/{way}").headers["Location"] == "/admin/"
    assert settings.LOGIN_REDIRECT_URL == "/admin/"
