"""The OpenAPI description of REST 2.0, as one caller may use it.

It is made from the snapshot and from the caller's rights on every entity, and from nothing else, so
callers with the same rights share one document for as long as the snapshot lives. What somebody may
not use is not in his document: no path, no schema, no name.
"""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from functools import cached_property
from weakref import WeakKeyDictionary, WeakValueDictionary

import orjson

from entities.access import EntityRights, rights
from entities.access.rights import viewer
from entities.api import endpoints
from entities.api.openapi import examples, explaining, resources, shared, signing
from entities.api.openapi.viewing import View
from entities.schema.description import EntitySchema, fold
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: Bytes of documents kept per snapshot; that of a large installation has some five million.
MOST_BYTES = 64 * 1024 * 1024
#: Callers and entities asked for whose document is known without looking at rights again.
MOST_CALLERS = 10_000


class Document:
    """The description as it is sent."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    @cached_property
    def etag(self) -> str:
        """The entity tag, quoted: the same for the same bytes, whoever made them."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    @cached_property
    def gzipped(self) -> bytes:
        """The body as most clients take it, a tenth of the bytes."""
        return gzip.compress(self.body, mtime=0)


class _Kept:
    """The documents of one snapshot by the rights that they show, and which caller's is which."""

    def __init__(self) -> None:
        self.documents: OrderedDict[Hashable, Document] = OrderedDict()
        self.callers: WeakValueDictionary[Hashable, Document] = WeakValueDictionary()
        self.size = 0

    def find(self, rights: Hashable) -> Document | None:
        found = self.documents.get(rights)
        if found is not None:
            self.documents.move_to_end(rights)
        return found

    def keep(self, rights: Hashable, made: Document) -> None:
        if rights in self.documents:
            return
        self.documents[rights] = made
        self.size += len(made.body)
        while self.size > MOST_BYTES and len(self.documents) > 1:
            _, oldest = self.documents.popitem(last=False)
            self.size -= len(oldest.body)

    def remember(self, who: Hashable, theirs: Document) -> None:
        if len(self.callers) >= MOST_CALLERS:
            self.callers.clear()
        self.callers[who] = theirs


_kept: WeakKeyDictionary[Snapshot, _Kept] = WeakKeyDictionary()
_lock = threading.Lock()


def document(snapshot: Snapshot, context: Context, org: str, entity: str = "") -> Document:
    """The description of what the caller may do, with `org` as the first part of addresses.

    With `entity`, of that one alone; RequestError UNKNOWN_ENTITY where he may do nothing with it.
    """
    who = (org, fold(entity), viewer(snapshot, context))
    with _lock:
        kept = _kept.setdefault(snapshot, _Kept())
        found = kept.callers.get(who)
    if found is not None:
        return found
    view = view_of(snapshot, context)
    served = [view.one(entity)] if entity else view.served
    # Of one entity's lookups the document tells what the caller may do with their targets.
    each = ((name, _distinct(granted)) for name, granted in view.granted.items())
    shown = (org, fold(entity), view.administrator, *each)
    with _lock:
        found = kept.find(shown)
    if found is None:
        found = Document(orjson.dumps(_describe(view, served, org, alone=bool(entity))))
    with _lock:
        kept.keep(shown, found)
        kept.remember(who, found)
    return found


def view_of(snapshot: Snapshot, context: Context) -> View:
    """The snapshot under the caller's rights."""
    granted = {e.name: rights(snapshot, context, e) for e in snapshot.entities.values()}
    return View(snapshot, granted, context.administrator)


def _distinct(granted: EntityRights) -> Hashable:
    """All of the rights that shows in the document; which rows somebody sees does not."""
    verbs = (granted.create, granted.read, granted.update, granted.delete)
    return (*verbs, granted.readable, granted.writable, granted.masked)


def _describe(
    view: View, served: list[EntitySchema], org: str, *, alone: bool
) -> dict[str, object]:
    sql, row = examples.query(view)
    paths = signing.paths() | shared.paths()
    parameters = shared.parameters(sql)
    if view.administrator:
        paths |= explaining.paths()
        parameters |= {"Username": explaining.PARAMETER}
    schemas = shared.schemas()
    bodies = {name: {"value": said} for name, said in signing.EXAMPLES.items()}
    bodies |= shared.examples(sql, row)
    tags = []
    for endpoint in endpoints.offered():
        if endpoint.usable(view):
            paths[f"{shared.REST}/{endpoint.address}"] = endpoint.describe()
    if not alone:
        paths |= {door.path: door.describe() for door in endpoints.doors() if door.usable(view)}
    for schema in served:
        resource = resources.Resource(view, schema)
        paths |= resource.paths()
        schemas |= resource.schemas()
        bodies |= resource.examples()
        tags.append(resource.tag())
    return {
        "openapi": "3.1.1",
        "info": shared.INFO,
        "servers": [{"url": f"/{org}", "description": "This installation's organisation"}],
        "security": signing.ANY_CREDENTIAL,
        "tags": [*tags, *shared.TAGS] if alone else [*shared.TAGS, *tags],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "responses": shared.responses(),
            "examples": bodies,
            "securitySchemes": signing.SECURITY,
        },
    }
