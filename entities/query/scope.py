"""What the names of one SELECT mean: its sources, their joins, the relations followed from them.

A relation path such as `BillingProfileObj.AccountObj.Name` adds one LEFT JOIN per distinct hop,
beside the source that it begins at. Every named field passes `_readable_field`, so no clause can
use a field that the caller may not read. What the API doesn't serve is as unknown as what doesn't
exist. A name that means nothing here may mean something in the SELECT around this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from entities.access.rights import rights
from entities.errors import Code, RequestError, nearest
from entities.query.shared import Query
from entities.query.sources import Source, View
from entities.query.terms import Term, column
from entities.schema.description import EntitySchema, FieldSchema, fold, quote

Words = Sequence[exp.Identifier]


@dataclass(frozen=True, slots=True)
class _Join:
    """A source beside those before it; `word` and `on` are SQL."""

    word: str
    source: Source | View
    on: str


class Scope:
    """The sources of one SELECT, in the order of its FROM clause."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.statement = query.statement
        self.snapshot = query.snapshot
        self.context = query.context
        self.sources: list[Source | View] = []
        #: Sources of which a row of the others finds one at most: they need not be told apart.
        self.single: set[str] = set()
        self._joins: list[_Join] = []
        #: Alias of a source -> the relations that begin at it, in order, and how they are joined.
        self._relations: dict[str, list[tuple[Source, str]]] = {}
        #: Alias of a relation's table -> the source that its path begins at.
        self._roots: dict[str, str] = {}
        self._hops: dict[tuple[str, str], Source] = {}

    # Sources

    def add(self, source: Source | View, node: exp.Expression) -> None:
        """Make the table or view a source."""
        for other in self.sources:
            twice = source.names & other.names
            if twice:
                self.statement.invalid(
                    f"Two sources are called {min(twice)}; give one of them an alias.", node
                )
        self.sources.append(source)

    def join(self, word: str, source: Source | View, on: str) -> None:
        """Say how the last source is joined to those before it: JOIN, LEFT JOIN, CROSS JOIN."""
        self._joins.append(_Join(word, source, on))

    def entity(self, table: exp.Table) -> EntitySchema:
        """The entity that a FROM clause names; RequestError with the nearest known one."""
        schema = None if table.args.get("db") else self.snapshot.find(table.name)
        if schema is None or not schema.api_enabled:
            name = ".".join(part.name for part in table.parts)
            self.statement.invalid(
                f"There is no entity {name[:80]!r}.{nearest(table.name, self._known_entities())}",
                table,
            )
        return schema

    def _known_entities(self) -> list[str]:
        return [
            e.name
            for e in self.snapshot.entities.values()
            if e.api_enabled and rights(self.snapshot, self.context, e).read
        ]

    def from_sql(self) -> str:
        """The FROM clause and what follows it up to WHERE."""
        first, *_ = self.sources
        parts = [self._with_relations(first)]
        for join in self._joins:
            table = self._with_relations(join.source)
            if self._relations.get(join.source.alias):
                table = f"({table})"
            parts.append(f"{join.word} {table}" + (f" ON {join.on}" if join.on else ""))
        return " ".join(parts)

    def visible_sql(self) -> list[str]:
        """Conditions on the first source, which belong into WHERE; others have theirs in ON."""
        return self.sources[0].visible()

    def ties(self) -> list[str]:
        """What tells the rows of all sources apart."""
        return [sql for s in self.sources if s.alias not in self.single for sql in s.ties()]

    def _with_relations(self, source: Source | View) -> str:
        relations = self._relations.get(source.alias, ())
        return " ".join([source.sql, *(f"LEFT JOIN {hop.sql} ON {on}" for hop, on in relations)])

    # Names

    def find(self, words: Words, node: exp.Expression) -> Term | None:
        """What a dotted name means among these sources, or None if it begins at none of them."""
        if len(words) == 1:
            found = [s for s in self.sources if self._has(s, words[0])]
            if len(found) > 1:
                self._ambiguous(words[0].name, "field", found, node)
            return self._in(found[0], words, node) if found else None
        first = fold(words[0].name)
        for source in self.sources:
            if first in source.names:
                return self._in(source, words[1:], node)
        begins = [s for s in self.sources if self._leads(s, words)]
        if len(begins) > 1:
            self._ambiguous(words[0].name, "relation", begins, node)
        return self._in(begins[0], words, node) if begins else None

    def complain(self, words: Words, node: exp.Expression) -> None:
        """Refuse a name that means nothing, here or around; with the nearest known name."""
        if len(self.sources) == 1:
            self._in(self.sources[0], words, node)
        of = " and ".join(self._called(s) for s in self.sources)
        what = "field" if len(words) == 1 else "alias or relation"
        known = [name for s in self.sources for name in self._offered(s, len(words) > 1)]
        if len(words) > 1:
            known += [name for s in self.sources for name in s.names]
        self.statement.invalid(
            f"{of} have no {what} {words[0].name[:80]!r}.{nearest(words[0].name, known)}", words[0]
        )

    def _in(self, source: Source | View, words: Words, node: exp.Expression) -> Term:
        if isinstance(source, View):
            return self._of_view(source, words, node)
        prefix = ""
        for word in words[:-1]:
            source, step = self.follow(source, word)
            prefix += step + "."
        field = self._readable_field(source, words[-1])
        return column(field, source.alias, node, prefix + field.name)

    def _of_view(self, view: View, words: Words, node: exp.Expression) -> Term:
        name = ".".join(word.name for word in words)
        for key, term in view.columns.items():
            if fold(key) == fold(name):
                return replace(term, node=node)
        self.statement.invalid(
            f"The SELECT in FROM has no column {name[:80]!r}.{nearest(name, list(view.columns))}",
            words[0],
        )

    def _has(self, source: Source | View, word: exp.Identifier) -> bool:
        if isinstance(source, View):
            return any(fold(key) == fold(word.name) for key in source.columns)
        field = source.schema.find(word.name)
        return field is not None and field.api_accessible

    def _leads(self, source: Source | View, words: Words) -> bool:
        if isinstance(source, View):
            name = ".".join(word.name for word in words)
            return any(fold(key) == fold(name) for key in source.columns)
        return self.relation(source.schema, words[0]) is not None

    def _ambiguous(
        self, name: str, what: str, among: Sequence[Source | View], node: exp.Expression
    ) -> None:
        of = " and of ".join(self._called(s) for s in among)
        self.statement.invalid(
            f"{name[:80]} is a {what} of {of}; put the alias of one before it.", node
        )

    @staticmethod
    def _called(source: Source | View) -> str:
        return "a SELECT in FROM" if isinstance(source, View) else source.schema.name

    def _offered(self, source: Source | View, relations: bool) -> list[str]:
        if isinstance(source, View):
            return list(source.columns)
        fields = self._readable(source)
        if relations:
            return [step for f in fields if f.lookup for step in _steps(f)]
        return [f.name for f in fields]

    # Relations

    def relation(self, schema: EntitySchema, word: exp.Identifier) -> FieldSchema | None:
        """The lookup behind `AccountObj` or `AccountIdObj`, if the API serves both its ends."""
        link = schema.relation(word.name)
        if link is None or not link.api_accessible:
            return None
        return link if self.snapshot.target(link).api_enabled else None

    def follow(self, source: Source, word: exp.Identifier) -> tuple[Source, str]:
        """Follow the relation called `word`; its target, and the relation's canonical name."""
        link = self.link(source, word)
        full, short = _steps(link)
        step = full if fold(word.name) == fold(full) else short
        hop = self._hops.get((source.alias, link.name))
        if hop is None:
            hop = self._hop(source, link, word, step)
        return hop, step

    def link(self, source: Source, word: exp.Identifier) -> FieldSchema:
        """The lookup of `source` behind the relation `word`; RequestError unless he may follow."""
        link = self.relation(source.schema, word)
        if link is None:
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
        return link

    def _hop(self, source: Source, link: FieldSchema, word: exp.Identifier, step: str) -> Source:
        target = self.snapshot.target(link)
        hop = self.query.table(target, word, joined=f"{source.alias}.{step}")
        assert link.lookup is not None
        on = [
            f"{hop.alias}.{quote(link.lookup.column)} = {link.sql(source.alias)}",
            *hop.visible(),
        ]
        root = self._roots[hop.alias] = self._roots.get(source.alias, source.alias)
        self._relations.setdefault(root, []).append((hop, " AND ".join(on)))
        self._hops[source.alias, link.name] = hop
        return hop

    # Fields

    def _readable_field(self, source: Source, word: exp.Identifier) -> FieldSchema:
        field = source.schema.find(word.name)
        if field is None or not field.api_accessible:
            if fold(word.name) in ("rowid", "level"):
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


def _steps(link: FieldSchema) -> tuple[str, str]:
    """Both names of the relation behind a lookup: AccountIdObj and AccountObj."""
    stem = link.name[:-2] if fold(link.name).endswith("id") else link.name
    return f"{link.name}Obj", f"{stem}Obj"
