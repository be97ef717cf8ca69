"""A caller's rights on an entity, compiled once per role and snapshot.

Denied by default: without an ENTITY_FIELD_ROLE row about the entity a role sees nothing of it. The
entity row says which verbs are open; a field row can only take away. Administrators, and the
platform itself, may do everything but read what is only ever written. Where records of some entity
are PRIVATE, rights are those of one user: two of the same role see different records
(`entities.access.sharing`). So they are for a role that may do something with personal records.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from django.db import connection

from entities.access import sharing, trail
from entities.access.masking import masked, masks
from entities.errors import Code, RequestError
from entities.formulas import FormulaError
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.formulating import compile_field
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context


@dataclass(frozen=True, slots=True)
class EntityRights:
    """What a caller may do with one entity; fields are API names.

    condition   SQL over the alias `{t}` of the rows that exist for him, "" for all
    changeable  SQL of those of them that he may change and delete, "" for all that exist
    instead     fields that read otherwise for him: name -> the field as he sees it
    masked      those of them whose value he sees nothing of
    """

    create: bool
    read: bool
    update: bool
    delete: bool
    readable: frozenset[str]
    writable: frozenset[str]
    condition: str = ""
    changeable: str = ""
    instead: Mapping[str, FieldSchema] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()

    def may_read(self, field: FieldSchema) -> bool:
        """Whether the field may be selected, filtered and sorted by."""
        return field.name in self.readable

    @property
    def known(self) -> frozenset[str]:
        """The fields whose values he may learn: those he may read that are not masked."""
        return self.readable - self.masked

    def may_probe(self, field: FieldSchema) -> bool:
        """Whether he may ask which record has a value: where he may read, what he may read."""
        return field.name not in self.masked and (not self.read or field.name in self.readable)

    def where(self, alias: str) -> str:
        """ "AND …" of the rows over `alias` that exist for him, "" for all; beside a condition."""
        return f"AND {self.condition.replace('{t}', alias)}" if self.condition else ""

    def sees(self, alias: str) -> str:
        """SQL that is true, never null, for the rows over `alias` that exist for him."""
        return f"({self.condition.replace('{t}', alias)}) IS TRUE" if self.condition else "TRUE"

    def may_change(self, alias: str) -> str:
        """SQL that is true, never null, for the rows over `alias` that he may change."""
        return f"({self.changeable.replace('{t}', alias)}) IS TRUE" if self.changeable else "TRUE"

    def seen(self, field: FieldSchema) -> FieldSchema:
        """The field as the caller sees it."""
        return self.instead.get(field.name, field)


_NOTHING = EntityRights(False, False, False, False, frozenset(), frozenset())

_RIGHTS = """
SELECT entity_id, entity_field_id, create_flag, read_flag, update_flag, delete_flag
FROM entities_entityfieldrole
WHERE role_id = %s AND deleted_at IS NULL
"""

_ROLES = """
SELECT DISTINCT role_id FROM entities_entityfieldrole
WHERE entity_id = ANY(%s) AND deleted_at IS NULL
"""

#: Who share their rights: a role, whether it sees personal data, and the user where he alone has
#: them; None for administrators.
Viewer = tuple[int | None, bool, int | None] | None
#: Name of an entity -> a viewer's rights on it.
_Compiled = dict[str, EntityRights]
#: Viewers whose rights are kept; the one who was not seen longest makes room.
MOST_VIEWERS = 512
_cache: WeakKeyDictionary[Snapshot, OrderedDict[Viewer, _Compiled]] = WeakKeyDictionary()
_with_own: WeakKeyDictionary[Snapshot, frozenset[int]] = WeakKeyDictionary()
_lock = threading.Lock()


def rights(snapshot: Snapshot, context: Context, schema: EntitySchema) -> EntityRights:
    """The caller's rights on `schema`. Rows that grant rights bump the schema version, so what was
    compiled for a snapshot holds as long as the snapshot does."""
    who = viewer(snapshot, context)
    with _lock:
        kept = _cache.setdefault(snapshot, OrderedDict())
        compiled = kept.get(who)
        if compiled is not None:
            kept.move_to_end(who)
    if compiled is None:
        # Nobody else sees rights before they are limited to what exists for the viewer.
        compiled = {} if context.administrator else _compile(snapshot, context)
        with _lock:
            kept[who] = compiled
            if len(kept) > MOST_VIEWERS:
                kept.popitem(last=False)
    found = compiled.get(schema.name)
    if found is None:
        found = _everything(schema) if context.administrator else _nothing(schema)
        compiled[schema.name] = found
    return found


def viewer(snapshot: Snapshot, context: Context) -> Viewer:
    """Callers with the same viewer have the same rights."""
    if context.administrator:
        return None
    alone = bool(snapshot.private) or context.role_id in _roles_with_own(snapshot)
    return (context.role_id, context.views_pii, context.user_id if alone else None)


def _roles_with_own(snapshot: Snapshot) -> frozenset[int]:
    """The roles with rights on entities whose records are personal."""
    found = _with_own.get(snapshot)
    if found is None:
        personal = [e.id for e in snapshot.limited if e.personal]
        with connection.cursor() as cursor:
            cursor.execute(_ROLES, [personal])
            found = frozenset(row[0] for row in cursor.fetchall())
        _with_own[snapshot] = found
    return found


def require(allowed: bool, context: Context, action: str, schema: EntitySchema) -> None:
    """Raise INSUFFICIENT_RIGHTS unless `allowed`; `action` completes "may not … ACCOUNT"."""
    if not allowed:
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not {action} {schema.name}. An administrator can grant "
            f"it with an ENTITY_FIELD_ROLE record for the user's role.",
        )


def require_administrator(context: Context, action: str) -> None:
    """Raise INSUFFICIENT_RIGHTS unless he is one; `action` completes "may …"."""
    if not context.administrator:
        raise RequestError(Code.INSUFFICIENT_RIGHTS, f"Only an administrator may {action}.")


def _nothing(schema: EntitySchema) -> EntityRights:
    hidden = schema.private or schema.personal
    return replace(_NOTHING, condition="FALSE", changeable="FALSE") if hidden else _NOTHING


def _everything(schema: EntitySchema) -> EntityRights:
    names = frozenset(f.name for f in schema.fields)
    readable = frozenset(f.name for f in schema.fields if not f.write_only)
    return EntityRights(True, True, True, True, readable, names)


def _compile(snapshot: Snapshot, context: Context) -> _Compiled:
    """Compile a caller's rights on every entity: one statement, and one more for what is shared."""
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS, [context.role_id])
        rows = cursor.fetchall()
    compiled: _Compiled = {}
    entity_rows = {row[0]: row[2:] for row in rows if row[1] is None}
    field_rows: dict[int, dict[int, tuple[bool, bool]]] = defaultdict(dict)
    for entity_id, field_id, _, read, update, _ in rows:
        if field_id is not None:
            field_rows[entity_id][field_id] = (read, update)
    for schema in snapshot.entities.values():
        flags = entity_rows.get(schema.id)
        if flags is None:
            continue
        create, read, update, delete = flags
        limits = field_rows[schema.id]
        readable = frozenset(
            f.name
            for f in schema.fields
            if read and limits.get(f.id, (True, True))[0] and not f.write_only
        )
        writable = frozenset(
            f.name
            for f in schema.fields
            if (create or update) and limits.get(f.id, (True, True))[1]
        )
        hidden = {} if context.views_pii else masks(schema)
        compiled[schema.name] = EntityRights(
            create,
            read,
            update,
            delete,
            readable,
            writable,
            instead=hidden,
            masked=frozenset(hidden),
        )
    if snapshot.private:
        _limit_records(snapshot, context, compiled)
        _limit_views(snapshot, compiled)
    _limit_to_own(snapshot, context, compiled)
    _limit_formulas(snapshot, compiled)
    if snapshot.limited:
        _limit_lookups(snapshot, compiled)
    _limit_history(snapshot, compiled)
    return compiled


def _limit_records(snapshot: Snapshot, context: Context, compiled: _Compiled) -> None:
    for name, shared in sharing.shared_with(snapshot, context.user_id).items():
        own = compiled.get(name)
        if own is not None:
            compiled[name] = replace(own, condition=shared.seen, changeable=shared.changeable)


def _limit_views(snapshot: Snapshot, compiled: _Compiled) -> None:
    """A record of a view exists for whoever sees the records that it is made of."""
    for schema in snapshot.entities.values():
        own = compiled.get(schema.name)
        if own is None or not schema.seen_with:
            continue
        conditions = [own.condition] if own.condition else []
        for link in schema.seen_with:
            target = snapshot.target(link)
            seen = compiled.get(target.name, _nothing(target)).condition
            if seen and link.lookup is not None:
                value, key = link.sql("{t}"), quote(link.lookup.column)
                conditions.append(
                    f"({value} IS NULL OR EXISTS (SELECT FROM {quote(target.table)} part_ "
                    f"WHERE part_.{key} = {value} AND {seen.replace('{t}', 'part_')}))"
                )
        if conditions:
            compiled[schema.name] = replace(own, condition=f"({' AND '.join(conditions)})")


def _limit_to_own(snapshot: Snapshot, context: Context, compiled: _Compiled) -> None:
    """Personal records are seen by who made them. Where they are PRIVATE, by others too with whom
    they are shared."""
    user = context.user_id
    own = "FALSE" if user is None else f"{{t}}.created_user_id = {user:d}"
    for schema in snapshot.limited:
        granted = compiled.get(schema.name)
        if granted is not None and not schema.private:
            compiled[schema.name] = replace(granted, condition=own, changeable=own)


def _limit_formulas(snapshot: Snapshot, compiled: _Compiled) -> None:
    """What is made of fields that the role may not read, it may not read either."""
    for schema in snapshot.entities.values():
        own = compiled.get(schema.name)
        if own is None:
            continue
        unread = {
            f.name
            for f in schema.fields
            if any(name not in compiled.get(entity, _NOTHING).readable for entity, name in f.reads)
        }
        if unread:
            compiled[schema.name] = replace(own, readable=own.readable - unread)


def _limit_lookups(snapshot: Snapshot, compiled: _Compiled) -> None:
    """Formulas that follow lookups lead a caller to no record that does not exist for him."""

    def seen(schema: EntitySchema) -> str:
        return compiled.get(schema.name, _nothing(schema)).condition

    limited_entities = {schema.name for schema in snapshot.limited}
    for schema in snapshot.entities.values():
        own = compiled.get(schema.name)
        if own is None:
            continue
        limited = {}
        for formula in [f for f in schema.fields if f.formula]:
            if limited_entities.isdisjoint(entity for entity, _ in formula.reads):
                continue
            try:
                expression = compile_field(snapshot, schema, formula, seen).sql
            except FormulaError:
                # As for everybody: what no longer holds reads as empty.
                continue
            found = replace(formula, expression=expression)
            limited[formula.name] = masked(found) if formula.name in own.masked else found
        if limited:
            compiled[schema.name] = replace(own, instead={**own.instead, **limited})


def _limit_history(snapshot: Snapshot, compiled: _Compiled) -> None:
    def on(schema: EntitySchema) -> EntityRights:
        return compiled.get(schema.name, _nothing(schema))

    def seen(schema: EntitySchema) -> str:
        return on(schema).condition if on(schema).read else "FALSE"

    log = compiled.get(trail.ENTITY)
    if log is not None:
        documents = trail.documents(
            snapshot, snapshot.entity(trail.ENTITY), lambda schema: on(schema).known
        )
        compiled[trail.ENTITY] = replace(
            log,
            condition=trail.condition(snapshot, lambda schema: bool(on(schema).readable), seen),
            instead={**documents, **log.instead},
        )
    if not snapshot.private:
        return
    condition = trail.condition_of_others(snapshot, seen)
    others = [
        schema
        for schema in snapshot.entities.values()
        if schema.name != trail.ENTITY and trail.tells_of_records(schema)
    ]
    for schema in others:
        compiled[schema.name] = replace(on(schema), condition=condition)
        for child, link in snapshot.references(schema):
            # What is kept of the tries to send a message tells of its record too.
            if link.required and not sharing.is_owned(child):
                compiled[child.name] = replace(
                    on(child),
                    condition=f"EXISTS (SELECT FROM {quote(schema.table)} entry_ WHERE "
                    f"entry_.id = {link.sql('{t}')} AND {condition.replace('{t}', 'entry_')})",
                )
