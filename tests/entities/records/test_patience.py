"""A write waits for records that somebody else holds, but not for ever."""

import threading
import time

import pytest
from django.db import connection, transaction

from billing.catalog.models import Product
from entities import records
from entities.errors import Code, RequestError
from entities.schema import gate
from metabrm.identity.context import Context
from tests.entities.acting import create_one
from tests.patience import STUCK


@pytest.mark.django_db(transaction=True)
def test_a_held_record_is_waited_for_within_reason(
    admin: Context, system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.2, raising=False)
    product = create_one("PRODUCT", system, Name="before")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Product.objects.select_for_update().get(pk=product)
                held.set()
                done.wait(STUCK)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(STUCK)
    began = time.monotonic()
    acts = (
        lambda: records.update("PRODUCT", [{"Id": product, "Name": "after"}], admin),
        lambda: records.delete("PRODUCT", [product], admin),
    )
    try:
        for act in acts:
            with pytest.raises(RequestError) as refused:
                act()
            assert refused.value.code == Code.SCHEMA_BUSY
        assert time.monotonic() - began < 3
    finally:
        done.set()
        thread.join()
    assert records.update("PRODUCT", [{"Id": product, "Name": "after"}], admin)[0].ok


def _lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_whoever_changes_the_schema_stays_in_a_hurry_to_the_end(transactional_db: None) -> None:
    person, itself = Context(1, 1, True, "ada"), Context.system("test")
    with transaction.atomic():
        gate.enter(person)
        assert _lock_timeout() == "5s"
        gate.enter(itself, exclusive=True)
        assert _lock_timeout() == "400ms"
        gate.enter(person)
        assert _lock_timeout() == "400ms"
    with transaction.atomic():
        gate.enter(itself)
        assert _lock_timeout() == "1min"
        try:
            with transaction.atomic():
                gate.enter(itself, exclusive=True)
                raise ValueError
        except ValueError:
            # The lock is gone with what was undone, and so is the hurry.
            gate.enter(person)
        assert _lock_timeout() == "5s"
