"""A FILE field on PRODUCT, somebody signed in, and a storage that is empty."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from entities.models import EntityField
    from metabrm.identity.context import Context


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Path:
    """The directory of an empty storage."""
    place = tmp_path / "files"
    default = settings.STORAGES["default"]
    options = default["OPTIONS"] | {"location": str(place)}
    settings.STORAGES = settings.STORAGES | {"default": default | {"OPTIONS": options}}
    assert default_storage.path("x") == str(place / "x")
    return place


def add_file_field(name: str, **more: Any) -> EntityField:
    """A FILE field of PRODUCT with a column of its own."""
    from entities.models import Entity, EntityField

    entity = Entity.objects.get(entity_name="PRODUCT")
    column = f"f_{name.lower()}"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"ALTER TABLE {entity.table_name} ADD COLUMN {column} text")
    return EntityField.objects.create(
        entity=entity,
        field_name=name,
        external_key=f"PRODUCT.{name}",
        data_type="FILE",
        column_name=column,
        item_position=800,
        **more,
    )


@pytest.fixture
def leaflet(db: None) -> EntityField:
    return add_file_field("Leaflet")


@pytest.fixture
def product(leaflet: EntityField) -> int:
    from tests.factories import ProductFactory

    return ProductFactory()


@dataclass
class Person:
    """Somebody who calls the API, through Django's test client."""

    session: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = b"" if body is None else body
        return Client().generic(
            method,
            f"/rest/2.0/{path}",
            data if isinstance(data, bytes) else _json(data),
            content_type="application/json",
            headers={"sessionid": self.session},
        )

    def upload(self, path: str, name: str, content: bytes) -> Any:
        data = base64.b64encode(content).decode()
        return self.send("POST", f"files/{path}", {"FileName": name, "Data": data})

    def download(self, path: str) -> tuple[str, bytes]:
        answer = self.send("GET", f"files/{path}")
        assert answer.status_code == 200, answer.content
        (element,) = answer.json()["fileDownloadResponse"]
        return element["FileName"], base64.b64decode(element["Data"])


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


@pytest.fixture
def signed_in(db: None) -> Callable[[Context], Person]:
    """Makes a session for the user of a context."""
    from metabrm.identity.models import User
    from metabrm.identity.sessions import open_session

    def make(context: Context) -> Person:
        return Person(open_session(User.objects.get(pk=context.user_id)))

    return make


@pytest.fixture
def ada(admin: Context, signed_in: Callable[[Context], Person]) -> Person:
    """The administrator, signed in."""
    return signed_in(admin)
