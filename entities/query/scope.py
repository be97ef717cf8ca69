"""What the names of a query mean: its sources, the relations followed from them, and who may see.

A source is one table of the query under an alias of ours (`t0`, `t1` …). A relation path such as
`BillingProfileObj.AccountObj.Name` adds one LEFT JOIN per distinct hop. Whatever becomes a source
passes `_source`: there the caller's right to read the entity is checked, and `_visible` yields the
conditions that hide rows from him. Every named field passes `_field`, so no clause can use a field
that the caller may not read. What the API doesn't serve is as unknown as what doesn't exist.
"""

from dataclasses import dataclass
from typing import NoReturn

from sqlglot import exp

from entities.access.rights import EntityRights, require, rights
from entities.errors import Code, RequestError, nearest
from entities.query.parse import Statement
from entities.schema.description import EntitySchema, FieldSchema, fold, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One table of the query. `names` are the folded words by which columns may be qualified."""

    schema: EntitySchema
    alias: str
    rights: EntityRights
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """A resolved column name; `key` is its canonical spelling in the answer."""

    field: FieldSchema
    source: Source
    key: str


class Scope:
    """The sources of one SELECT, in the order of its FROM clause."""

    def __init__(self, snapshot: Snapshot, context: Context, statement: Statement) -> None:
        self.snapshot = snapshot
        self.context = context
        self.statement = statement
        self.sources: list[Source] = []
        self._tables = 0
        self._joins: list[tuple[Source, str]] = []
        self._hops: dict[tuple[str, str], Source] = {}

    def add(self, table: exp.Expression) -> Source:
        """Make the table of a FROM clause a source."""
        alias = table.args.get("alias") if isinstance(table, exp.Table) else None
        if (
            not isinstance(table, exp.Table)
            or not isinstance(table.this, exp.Identifier)
            or any(v for k, v in table.args.items() if k not in ("this", "alias", "db", "catalog"))
            or (alias is not None and alias.args.get("columns"))
        ):
            self.statement.unsupported("Anything but the name of an entity after FROM", table)
        schema = None if table.args.get("db") else self.snapshot.find(table.name)
        if schema is None or not schema.api_enabled:
            self._unknown_entity(table)
        names = {fold(schema.name), fold(table.name)}
        if alias is not None:
            names = {fold(alias.name)}
        return self._source(schema, frozenset(names))

    def entity(self, schema: EntitySchema) -> Source:
        """Make `schema` a source, without a query having named it."""
        return self._source(schema, frozenset({fold(schema.name)}))

    def column(self, parts: list[exp.Identifier], node: exp.Expression) -> Column:
        """The column that a dotted name means. `parts` are its words."""
        source, words = self._start(parts)
        if source is None:
            return self._search(words[0], node)
        prefix = ""
        for word in words[:-1]:
            source, step = self._hop(source, word)
            prefix += step + "."
        field = self._field(source, words[-1])
        return Column(field, source, prefix + field.name)

    def from_sql(self, *, apart: bool = False) -> str:
        """The FROM clause and what follows it up to WHERE.

        `apart`: rows that the caller's rights hide are sorted out before anything else is asked of
        them. That is slower: no index serves what the query asks for.
        """
        joins = [
            f"LEFT JOIN {_table_sql(hop, apart)} ON {condition}" for hop, condition in self._joins
        ]
        return " ".join([_table_sql(self.sources[0], apart), *joins])

    def hides_rows(self) -> bool:
        """Whether there may be rows that do not exist for the caller."""
        return any(s.rights.condition for s in [*self.sources, *(hop for hop, _ in self._joins)])

    def visible_sql(self) -> list[str]:
        """Conditions on the sources of FROM that belong into WHERE."""
        return [condition for source in self.sources for condition in _visible(source)]

    def _source(self, schema: EntitySchema, names: frozenset[str]) -> Source:
        allowed = rights(self.snapshot, self.context, schema)
        require(allowed.read, self.context, "read", schema)
        source = self._table(schema, allowed, names)
        self.sources.append(source)
        return source

    def _table(
        self, schema: EntitySchema, allowed: EntityRights, names: frozenset[str] = frozenset()
    ) -> Source:
        alias = f"t{self._tables}"
        self._tables += 1
        return Source(schema, alias, allowed, names)

    def _start(self, parts: list[exp.Identifier]) -> tuple[Source | None, list[exp.Identifier]]:
        """The source a name begins at, None where only the column tells; the rest of the name."""
        if len(parts) > 1:
            first = fold(parts[0].name)
            for source in self.sources:
                if first in source.names:
                    return source, parts[1:]
            for source in self.sources:
                if source.schema.relation(parts[0].name) is not None:
                    return source, parts
        if len(self.sources) == 1:
            return self.sources[0], parts
        return None, parts

    def _search(self, word: exp.Identifier, node: exp.Expression) -> Column:
        found = [s for s in self.sources if s.schema.find(word.name) is not None]
        if len(found) > 1:
            self.statement.invalid(
                f"{word.name} is a field of {' and of '.join(s.schema.name for s in found)}; "
                "put the alias of one before it.",
                node,
            )
        source = (found or self.sources)[0]
        field = self._field(source, word)
        return Column(field, source, field.name)

    def _hop(self, source: Source, word: exp.Identifier) -> tuple[Source, str]:
        """Follow the relation called `word`; its target, and the relation's canonical name."""
        link = source.schema.relation(word.name)
        if link is None or not link.api_accessible or not self._target(link).api_enabled:
            known = [step for f in self._readable(source) if f.lookup for step in _steps(f)]
            self.statement.invalid(
                f"{source.schema.name} has no relation {word.name[:80]!r}."
                f"{nearest(word.name, known)}",
                word,
            )
        self._may_read(source, link, word)
        if link.name in source.rights.masked:
            raise RequestError(
                Code.INSUFFICIENT_RIGHTS,
                f"User {self.context.username} sees {source.schema.name}.{link.name} masked and "
                f"can't follow it.",
                field=link.name,
                position=self.statement.at(word),
            )
        full, short = _steps(link)
        step = full if fold(word.name) == fold(full) else short
        hop = self._hops.get((source.alias, link.name))
        if hop is None:
            hop = self._join(source, link)
        return hop, step

    def _join(self, source: Source, link: FieldSchema) -> Source:
        target = self._target(link)
        allowed = rights(self.snapshot, self.context, target)
        require(allowed.read, self.context, "read", target)
        hop = self._table(target, allowed)
        assert link.lookup is not None
        conditions = [
            f"{hop.alias}.{quote(link.lookup.column)} = {link.sql(source.alias)}",
            *_visible(hop),
        ]
        self._joins.append((hop, " AND ".join(conditions)))
        self._hops[source.alias, link.name] = hop
        return hop

    def _target(self, link: FieldSchema) -> EntitySchema:
        return self.snapshot.target(link)

    def _field(self, source: Source, word: exp.Identifier) -> FieldSchema:
        field = source.schema.find(word.name)
        if field is None or not field.api_accessible:
            if fold(word.name) in ("rownum", "rowid", "level"):
                self.statement.unsupported(word.name.upper(), word)
            known = [f.name for f in self._readable(source)]
            quoted = " A text stands in single quotes." if word.args.get("quoted") else ""
            self.statement.invalid(
                f"{source.schema.name} has no field {word.name[:80]!r}."
                f"{nearest(word.name, known) or quoted}",
                word,
            )
        self._may_read(source, field, word)
        return source.rights.seen(field)

    def _may_read(self, source: Source, field: FieldSchema, word: exp.Identifier) -> None:
        if not source.rights.may_read(field):
            raise RequestError(
                Code.INSUFFICIENT_RIGHTS,
                f"User {self.context.username} may not read {source.schema.name}.{field.name}.",
                field=field.name,
                position=self.statement.at(word),
            )

    @staticmethod
    def _readable(source: Source) -> list[FieldSchema]:
        return [f for f in source.schema.fields if f.api_accessible and source.rights.may_read(f)]

    def _unknown_entity(self, table: exp.Table) -> NoReturn:
        known = [
            e.name
            for e in self.snapshot.entities.values()
            if e.api_enabled and rights(self.snapshot, self.context, e).read
        ]
        name = ".".join(part.name for part in table.parts)
        self.statement.invalid(
            f"There is no entity {name[:80]!r}.{nearest(table.name, known)}", table
        )


def _table_sql(source: Source, apart: bool) -> str:
    table = f"{quote(source.schema.table)} {source.alias}"
    if not apart or not source.rights.condition:
        return table
    # OFFSET keeps the planner from asking the query's conditions first.
    return f"(SELECT * FROM {table} WHERE {' AND '.join(_visible(source))} OFFSET 0) {source.alias}"


def _visible(source: Source) -> list[str]:
    """SQL conditions under which a row of `source` exists for the caller.

    The recycle bin hides deleted rows, the caller's rights may hide others.
    """
    conditions = [f"{source.alias}.deleted_at IS NULL"] if source.schema.authored else []
    if source.rights.condition:
        conditions.append(source.rights.condition.replace("{t}", source.alias))
    return conditions


def _steps(link: FieldSchema) -> tuple[str, str]:
    """Both names of the relation behind a lookup: AccountIdObj and AccountObj."""
    stem = link.name[:-2] if fold(link.name).endswith("id") else link.name
    return f"{link.name}Obj", f"{stem}Obj"
