"""An entity with encrypted fields of every type that has them, under one key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.context import Context

FIELDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Name", "TEXT", {}),
    ("Ssn", "TEXT", {"EncryptedFlag": "1", "ExternalKeyFlag": "1", "DataLength": "40"}),
    ("Notes", "LONG_TEXT", {"EncryptedFlag": "1"}),
    ("Mail", "EMAIL", {"EncryptedFlag": "1", "PIIFlag": "1"}),
    ("Site", "URL", {"EncryptedFlag": "1"}),
    ("Memo", "LONG_TEXT", {}),
)


@pytest.fixture(autouse=True)
def _one_key() -> Iterator[None]:
    from tests.entities.encryption.keys import keys

    with keys("k1"):
        yield


@pytest.fixture
def patient(db: None, system: Context) -> int:
    """PATIENT with the encrypted fields Ssn (a key), Notes, Mail and Site, and plain ones."""
    from tests.entities.acting import create_one

    entity = create_one("ENTITY", system, EntityName="PATIENT")
    for name, kind, more in FIELDS:
        create_one("ENTITY_FIELD", system, EntityId=entity, FieldName=name, DataType=kind, **more)
    create_one(
        "ENTITY_FIELD",
        system,
        EntityId=entity,
        FieldName="ParentId",
        DataType="LOOKUP",
        ReferencedEntityId=entity,
    )
    return entity
