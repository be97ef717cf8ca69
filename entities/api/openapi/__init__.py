"""The OpenAPI description of REST 2.0, as one caller may use it.

It is made from the snapshot and from the caller's rights on every entity, and from nothing else, so
callers with the same rights share one document for as long as the snapshot lives. What somebody may
not use is not in his document: no path, no schema, no name.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import orjson

from entities.access import EntityRights, rights
from entities.api.openapi import resources, shared
from entities.api.openapi.viewing import View
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: Documents kept per snapshot; one is a megabyte or so, and callers differ by role.
MOST_DOCUMENTS = 32


@dataclass(frozen=True)
class Document:
    """The description as it is sent."""

    body: bytes

    @cached_property
    def etag(self) -> str:
        """The entity tag, quoted: the same for the same bytes, whoever made them."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


_documents: WeakKeyDictionary[Snapshot, OrderedDict[Hashable, Document]] = WeakKeyDictionary()
_lock = threading.Lock()


def document(snapshot: Snapshot, context: Context, org: str) -> Document:
    """The description of what the caller may do, with `org` as the first part of addresses."""
    view = View(
        snapshot, {e.name: rights(snapshot, context, e) for e in snapshot.entities.values()}
    )
    key = (org, *((name, _distinct(granted)) for name, granted in view.granted.items()))
    with _lock:
        kept = _documents.setdefault(snapshot, OrderedDict())
        found = kept.get(key)
        if found is not None:
            kept.move_to_end(key)
            return found
    made = Document(orjson.dumps(_describe(view, org)))
    with _lock:
        kept[key] = made
        if len(kept) > MOST_DOCUMENTS:
            kept.popitem(last=False)
    return made


def _distinct(granted: EntityRights) -> Hashable:
    """All of the rights that shows in the document; which rows somebody sees does not."""
    verbs = (granted.create, granted.read, granted.update, granted.delete)
    return (*verbs, granted.readable, granted.writable, granted.masked)


def _describe(view: View, org: str) -> dict[str, object]:
    paths = shared.paths(org)
    schemas = shared.schemas()
    tags = list(shared.TAGS)
    for schema in view.served:
        resource = resources.Resource(view, schema)
        paths |= resource.paths()
        schemas |= resource.schemas()
        tags.append(resource.tag())
    return {
        "openapi": "3.1.1",
        "info": shared.INFO,
        "servers": [{"url": f"/{org}", "description": "This installation's organisation"}],
        "security": [{"session": []}, {"bearer": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": shared.PARAMETERS,
            "responses": shared.responses(),
            "securitySchemes": shared.SECURITY,
        },
    }
