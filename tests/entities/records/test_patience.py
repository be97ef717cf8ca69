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
                done.wait(5)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
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
