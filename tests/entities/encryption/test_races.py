"""Two processes in the middle of a rotation, each with another key in front."""

import threading
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.db import connection

from entities import records
from entities.records import Outcome
from entities.schema.current import current
from metabrm import sealing
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.entities.encryption.keys import key, keys

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 15


@pytest.fixture
def entity(system: Context, patient: int) -> Iterator[int]:
    yield patient
    records.delete("ENTITY", [patient], system, permanently=True)


def test_a_key_is_given_once_whoever_writes_under_which_key(
    system: Context, entity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ciphers = {n: AESSIV(key(n)) for n in ("k1", "k2")}
    mine = threading.local()
    monkeypatch.setattr(sealing, "ring", lambda: sealing.Ring(mine.first, ciphers))
    mine.first = "k1"
    current()
    barrier = threading.Barrier(2)
    outcomes: list[Outcome] = []

    def write(first: str) -> None:
        mine.first = first
        try:
            for n in range(ROUNDS):
                barrier.wait()
                outcomes.extend(records.create("PATIENT", [{"Ssn": f"{n}"}], system))
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[first]) for first in ciphers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes(outcomes)) == [[]] * ROUNDS + [["DUPLICATE_KEY"]] * ROUNDS
    with keys("k1", "k2"), connection.cursor() as cursor:
        schema = current().entity("PATIENT")
        column = schema.field("Ssn")
        cursor.execute(f"SELECT {column.column} FROM {schema.table}")
        texts = sealing.opened(column.type.place, [row[0] for row in cursor.fetchall()])
        assert sorted(map(str, texts)) == sorted(str(n) for n in range(ROUNDS))
