"""Upserts whose keys somebody else creates at the same moment."""

import threading

import pytest
from django.db import connection, transaction

from billing.catalog.models import Product
from entities import records
from entities.records import statements, writing
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.patience import STUCK

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_record_deleted_while_it_is_upserted_is_made_anew(system: Context) -> None:
    first = create_one("PRODUCT", system, Name="first", ExternalKey="contested")
    deleted = threading.Event()

    def delete() -> None:
        try:
            with transaction.atomic():
                assert records.delete("PRODUCT", [first], system)[0].ok
                deleted.set()
                threading.Event().wait(0.5)
        finally:
            connection.close()

    thread = threading.Thread(target=delete)
    thread.start()
    deleted.wait(STUCK)
    row = {"ExternalKey": "contested", "Name": "second"}
    (outcome,) = records.upsert("PRODUCT", [row], system, key="ExternalKey")
    thread.join()
    assert codes([outcome]) == [[]]
    assert outcome.created and outcome.id != first
    assert Product.objects.get(external_key="contested", deleted_at=None).name == "second"


def test_a_key_that_is_always_taken_is_refused(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overtaken in the last round as well, the record has failed: nothing was written for it."""
    create_one("PRODUCT", system, Name="first", ExternalKey="contested")
    monkeypatch.setattr(writing, "_ids_of", lambda *_: ({}, []))
    row = {"ExternalKey": "contested", "Name": "second"}
    outcomes = records.upsert("PRODUCT", [row], system, key="ExternalKey")
    assert codes(outcomes) == [["DUPLICATE_KEY"]]


def test_a_record_that_vanishes_every_time_is_refused(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_one("PRODUCT", system, Name="first", ExternalKey="contested")
    monkeypatch.setattr(statements, "lock", lambda *_, **__: {})
    row = {"ExternalKey": "contested", "Name": "second"}
    outcomes = records.upsert("PRODUCT", [row], system, key="ExternalKey")
    assert codes(outcomes) == [["RECORD_NOT_FOUND"]]
