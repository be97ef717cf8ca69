"""Formulas over a snapshot: what their names mean, and the SQL of the fields they make.

A lookup is followed by a subquery that finds nothing in the recycle bin. A formula field that a
formula refers to is written out in its place, so what is computed is always computed from stored
values. Formulas are the administrator's: they read whatever the entities hold, whoever is asking,
unless they are told what is seen, but never what is encrypted.
"""

from collections.abc import Callable
from dataclasses import dataclass

from entities import fieldtypes, formulas
from entities.errors import nearest
from entities.fieldtypes import FieldType
from entities.formulas import FormulaError, Kind, Reference, Term, Word
from entities.formulas.kinds import OF_COLUMNS
from entities.schema.description import EntitySchema, FieldSchema, fold, quote
from entities.schema.snapshot import Snapshot

#: Most lookups that one reference may follow.
MAX_HOPS = 8

#: The data type of a formula field for which none is named.
_TYPES = {
    Kind.TEXT: "TEXT",
    Kind.NUMBER: "DECIMAL",
    Kind.DATE: "DATE",
    Kind.DATETIME: "DATETIME",
    Kind.FLAG: "FLAG",
}
#: Characters that a text without DataLength is taken to have at most.
_LONG = 1_000_000
#: Digits that a number without DataLength has at most, before and after the point.
_WIDE = (400, 400)
_INT8 = 2**63


@dataclass(frozen=True, slots=True)
class CompiledFormula:
    """A formula as SQL over the record's alias, written `{t}`, and (`{p}`) the record before.

    references   (entity name, field name) of all it reads, through other formulas too
    term         the SQL with what is known of its size
    """

    sql: str
    kind: Kind
    references: frozenset[tuple[str, str]]
    term: Term


def compile_formula(
    snapshot: Snapshot,
    schema: EntitySchema,
    text: str,
    *,
    expect: str | None = None,
    prior: bool = False,
) -> CompiledFormula:
    """The SQL of a formula over a record of `schema`, which may be one that is still to come.

    `expect` is the kind that the result must be of, such as "FLAG" for a condition. `prior`: the
    formula may ask how the record was before. Raises FormulaError.
    """
    names = _Names(snapshot, schema)
    term = formulas.compiled(
        formulas.parse(text),
        names.of(schema),
        expect=Kind(expect) if expect else None,
        prior=prior,
    )
    return CompiledFormula(term.sql, term.kind, frozenset(names.read), term)


def compile_value(
    snapshot: Snapshot,
    schema: EntitySchema,
    field: FieldSchema,
    text: str,
    *,
    prior: bool = False,
    only_live: bool = True,
) -> CompiledFormula:
    """The SQL of a formula whose result `field` is to take: of its kind, rounded to its places.

    `only_live`: for a lookup, null instead of the key of a record that is not there.
    Raises FormulaError for a type of field that no formula can fill.
    """
    kind = _kind(field)
    if field.encrypted:
        raise FormulaError(f"{field.name} is encrypted; no formula can fill it.", 0)
    if kind is None:
        raise FormulaError(f"A field of this kind ({_told(field)}) takes no formula's result.", 0)
    found = compile_formula(snapshot, schema, text, expect=kind, prior=prior)
    term = found.term
    if kind is Kind.NUMBER:
        term = _rounded(term, field, field.type.name)
    if field.lookup is not None and only_live:
        term = _live_target(snapshot, field, term)
    return CompiledFormula(_stored(term, field.type), kind, found.references, term)


def references_of(
    snapshot: Snapshot, schema: EntitySchema, text: str
) -> frozenset[tuple[str, str]]:
    """(entity name, field name) of every name that stands in the formula itself.

    What can't be resolved is left out. Raises FormulaError for what is no formula.
    """
    names = _Names(snapshot, schema)
    return frozenset(
        (entity.name, field.name)
        for reference in formulas.parse(text).references
        for entity, field, _ in names.steps(schema, reference)
    )


def rename_in_formula(
    snapshot: Snapshot, schema: EntitySchema, text: str, entity_name: str, old: str, new: str
) -> str:
    """The formula of an entity `schema` after field `old` of `entity_name` is called `new`.

    The snapshot is that before the change. A relation keeps the form in which it was written:
    PartnerObj or PartnerIdObj. Raises FormulaError for what is no formula.
    """
    names = _Names(snapshot, schema)
    edits: dict[int, tuple[str, str]] = {}
    for reference in formulas.parse(text).references:
        for entity, field, word in names.steps(schema, reference):
            if fold(entity.name) == fold(entity_name) and fold(field.name) == fold(old):
                edits[word.position] = (word.text, _renamed(word, field, new))
    return formulas.replaced(text, edits)


def _renamed(word: Word, field: FieldSchema, new: str) -> str:
    if fold(word.text) == fold(field.name):
        return new
    short = fold(word.text) != fold(field.name) + "obj"
    stem = new[:-2] if short and fold(new).endswith("id") else new
    return f"{stem.rstrip('_')}Obj"


# Formula fields


def complete(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema) -> None:
    """Give a FORMULA field of a snapshot in the making the type and the SQL of its result.

    Raises FormulaError.
    """
    found = compile_field(snapshot, schema, field)
    read = [snapshot.entity(e).field(f) for e, f in found.references]
    for name, value in (
        ("type", fieldtypes.get(result_type(field, found.kind))),
        ("expression", found.sql),
        ("reads", found.references),
        # Who may not see a person's data may not see what is made of them.
        ("pii", field.pii or any(f.pii for f in read)),
    ):
        object.__setattr__(field, name, value)


def compile_field(
    snapshot: Snapshot,
    schema: EntitySchema,
    field: FieldSchema,
    seen: Callable[[EntitySchema], str] | None = None,
) -> CompiledFormula:
    """The SQL of a FORMULA field, as its own data type. Raises FormulaError.

    `seen` gives SQL over `{t}` of the records of an entity that exist for a caller, "" for all: the
    lookups that the formula follows lead to no others.
    """
    names = _Names(snapshot, schema, seen)
    term = names.of(schema).computed(field, "{t}")
    sql = _stored(term, fieldtypes.get(result_type(field, term.kind)))
    return CompiledFormula(sql, term.kind, frozenset(names.read), term)


def result_type(field: FieldSchema, kind: Kind) -> str:
    """Name of the data type of a FORMULA field whose formula yields `kind`."""
    return field.formula_type or _TYPES[kind]


def _converted(term: Term, field: FieldSchema) -> Term:
    """A formula's result as the data type that its field asks for."""
    name = field.formula_type
    if not name:
        return term
    if name == "TEXT":
        return formulas.as_text(term)
    kind = OF_COLUMNS[fieldtypes.get(name).pg_type]
    if kind is Kind.DATE and term.kind is Kind.DATETIME:
        return Term(
            f"({term.sql} AT TIME ZONE 'UTC')::date", kind, term.position, depth=term.depth + 1
        )
    if term.kind is not kind and not (kind is Kind.DATETIME and term.kind is Kind.DATE):
        raise FormulaError(
            f"The formula yields a {term.kind.noun}, which is no {name}; change the formula, or "
            f"make FormulaDataType {_TYPES[term.kind]}.",
            term.position,
        )
    term = formulas.decided(term, kind)
    return _rounded(term, field, name) if kind is Kind.NUMBER else term


def _rounded(term: Term, field: FieldSchema, data_type: str) -> Term:
    """A number as the data type holds it; null if it is too large for a whole number."""
    if fieldtypes.get(data_type).pg_type == "bigint":
        sql = formulas.once(
            [term],
            lambda x: (
                f"CASE WHEN round({x}) >= {-_INT8} AND round({x}) < {_INT8} THEN round({x}) END"
            ),
        )
        return _sized(term, sql, digits=(19, 0))
    if field.digits is None:
        return term
    return _sized(
        term, f"round({term.sql}, {field.places})", digits=(term.digits[0] + 1, field.places)
    )


def _stored(term: Term, kind: FieldType) -> str:
    """SQL of the value in the type that a column of the data type has."""
    whole = term.kind is Kind.NUMBER and kind.pg_type == "bigint"
    return f"({term.sql})::bigint" if whole else term.sql


def _live_target(snapshot: Snapshot, field: FieldSchema, term: Term) -> Term:
    """The key of a lookup's target, if there is such a record outside the recycle bin."""
    assert field.lookup is not None
    target = snapshot.target(field)
    key = f"target_.{quote(field.lookup.column)}"
    live = " AND target_.deleted_at IS NULL" if target.authored else ""
    sql = (
        f"(SELECT {key} FROM {quote(target.table)} target_ WHERE {key} = {term.sql}{live} LIMIT 1)"
    )
    return _sized(term, sql)


def _sized(term: Term, sql: str, digits: tuple[int, int] | None = None) -> Term:
    return Term(sql, term.kind, term.position, digits=digits or term.digits, depth=term.depth + 1)


# Names


class _CircleError(FormulaError):
    """A formula field is computed from itself."""


class _Names:
    """The names of one formula and of those it refers to."""

    def __init__(
        self,
        snapshot: Snapshot,
        schema: EntitySchema,
        seen: Callable[[EntitySchema], str] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.seen = seen
        #: The entity as it is to be stands in for the one that the snapshot knows.
        self.own = schema
        self.read: set[tuple[str, str]] = set()
        self.aliases = 0
        self.circle: list[tuple[str, str]] = []

    def of(self, schema: EntitySchema, alias: str = "{t}") -> "_Record":
        return _Record(self, schema, alias)

    def target(self, link: FieldSchema) -> EntitySchema:
        assert link.lookup is not None
        if fold(link.lookup.entity) == fold(self.own.name):
            return self.own
        return self.snapshot.target(link)

    def steps(
        self, schema: EntitySchema, reference: Reference
    ) -> list[tuple[EntitySchema, FieldSchema, Word]]:
        """The fields that a reference passes through, as far as they exist."""
        found: list[tuple[EntitySchema, FieldSchema, Word]] = []
        *links, last = reference.words
        for word in links:
            link = schema.relation(word.text)
            if link is None:
                return found
            found.append((schema, link, word))
            schema = self.target(link)
        field = schema.find(last.text)
        if field is not None:
            found.append((schema, field, last))
        return found


class _Record:
    """The names of a formula over the record that statements call `alias`."""

    def __init__(self, names: _Names, schema: EntitySchema, alias: str) -> None:
        self.names = names
        self.schema = schema
        self.alias = alias

    def value(self, reference: Reference, *, prior: bool) -> Term:
        alias = self.alias
        if prior:
            # A formula field is written out in the place of its name, so it never has a `{p}`.
            alias = "{p}"
        *links, last = reference.words
        if not links:
            return self._field(self.schema, alias, last, reference)
        if len(links) > MAX_HOPS:
            raise FormulaError(
                f"{reference} follows {len(links)} lookups; {MAX_HOPS} are the most.",
                reference.position,
            )
        return self._follow(links, last, alias, reference)

    def computed(self, field: FieldSchema, alias: str, position: int = 0) -> Term:
        """A formula field over `alias`, as its own data type."""
        names, schema = self.names, self.schema
        place = (schema.name, field.name)
        if place in names.circle:
            circle = [*names.circle[names.circle.index(place) :], place]
            shown = " -> ".join(f"{entity}.{name}" for entity, name in circle)
            raise _CircleError(f"The formulas go in a circle: {shown}.", position)
        names.circle.append(place)
        term = formulas.compiled(formulas.parse(field.formula), names.of(schema, alias))
        names.circle.pop()
        return _converted(term, field)

    def _follow(self, links: list[Word], last: Word, alias: str, reference: Reference) -> Term:
        """One subquery for the whole path."""
        schema, sources, conditions = self.schema, [], []
        for word in links:
            link = self._relation(schema, word)
            assert link.lookup is not None
            self.names.read.add((schema.name, link.name))
            target = self.names.target(link)
            self.names.aliases += 1
            # What limits a hop may have hops of its own, called otherwise.
            hop = f"{'way' if self.names.seen else 'hop'}{self.names.aliases}_"
            sources.append(f"{quote(target.table)} {hop}")
            conditions.append(f"{hop}.{quote(link.lookup.column)} = {link.sql(alias)}")
            if target.authored:
                conditions.append(f"{hop}.deleted_at IS NULL")
            limit = self.names.seen(target) if self.names.seen else ""
            if limit:
                conditions.append(limit.replace("{t}", hop))
            schema, alias = target, hop
        term = self._field(schema, alias, last, reference)
        sql = (
            f"(SELECT {term.sql} FROM {', '.join(sources)} "
            f"WHERE {' AND '.join(conditions)} LIMIT 1)"
        )
        return Term(
            sql,
            term.kind,
            reference.position,
            str(reference),
            digits=term.digits,
            length=term.length,
            depth=term.depth + 1,
        )

    def _relation(self, schema: EntitySchema, word: Word) -> FieldSchema:
        link = schema.relation(word.text)
        if link is None:
            steps = [step for f in schema.lookups for step in _relations(f)]
            if schema.find(word.text) is not None:
                hint = f" {word.text} is a field; only lookups lead on, as {{!…Obj.Field}}."
            else:
                hint = nearest(word.text, steps)
            raise FormulaError(
                f"{schema.name} has no relation {word.text[:80]!r}.{hint}", word.position
            )
        if link.encrypted:
            raise _secret(schema, link, word)
        return link

    def _field(self, schema: EntitySchema, alias: str, word: Word, reference: Reference) -> Term:
        field = schema.find(word.text)
        if field is None:
            known = [f.name for f in schema.fields]
            raise FormulaError(
                f"{schema.name} has no field {word.text[:80]!r}.{nearest(word.text, known)}",
                word.position,
            )
        if field.encrypted:
            raise _secret(schema, field, word)
        self.names.read.add((schema.name, field.name))
        if field.formula:
            return self._written_out(schema, field, alias, word, reference)
        if field.column is None and field.expression is None:
            raise FormulaError(
                f"{schema.name}.{field.name} holds nothing that could be computed with.",
                word.position,
            )
        kind, sql = _native(field, alias)
        whole = field.type.pg_type == "bigint"
        return Term(
            sql,
            kind,
            reference.position,
            str(reference),
            digits=_digits(field),
            length=field.length or _LONG,
            simple=field.column is not None and field.type.pg_type in OF_COLUMNS,
            bigint=field.sql(alias) if field.column and kind is Kind.NUMBER and whole else "",
        )

    def _written_out(
        self,
        schema: EntitySchema,
        field: FieldSchema,
        alias: str,
        word: Word,
        reference: Reference,
    ) -> Term:
        """The formula of a formula field in the place of its name."""
        try:
            term = _Record(self.names, schema, alias).computed(field, alias, word.position)
        except _CircleError as error:
            raise _CircleError(error.message, word.position) from None
        except FormulaError as error:
            raise FormulaError(
                f"The formula of {schema.name}.{field.name} is wrong: {error.message}",
                word.position,
            ) from None
        return Term(
            term.sql,
            term.kind,
            reference.position,
            str(reference),
            digits=term.digits,
            length=term.length,
            depth=term.depth,
        )


def _relations(link: FieldSchema) -> tuple[str, str]:
    """Both names of the relation behind a lookup."""
    stem = link.name[:-2] if fold(link.name).endswith("id") else link.name
    return f"{link.name}Obj", f"{stem}Obj"


def _secret(schema: EntitySchema, field: FieldSchema, word: Word) -> FormulaError:
    return FormulaError(
        f"{schema.name}.{field.name} is encrypted; no formula can read it.", word.position
    )


def _told(field: FieldSchema) -> str:
    return "encrypted" if field.encrypted else field.type.name


def _kind(field: FieldSchema) -> Kind | None:
    """What kind of values a formula may give the field; None for none."""
    if field.type.name in ("ID", "FILE", "JSON", "FORMULA"):
        return None
    if field.lookup is not None and field.lookup.by_key:
        return Kind.TEXT
    if field.type.name == "MULTI_LIST":
        return Kind.TEXT
    return OF_COLUMNS.get(field.type.pg_type)


def _native(field: FieldSchema, alias: str) -> tuple[Kind, str]:
    """The field's value as one of the kinds that formulas know."""
    sql = field.sql(alias)
    if field.lookup is not None and field.lookup.by_key:
        return Kind.TEXT, sql
    kind = OF_COLUMNS.get(field.type.pg_type)
    if kind is None or field.type.name == "FILE":
        # Several values, a document, a file: as text, as they are in answers.
        return Kind.TEXT, f"({field.type.wire_sql(sql)})::text"
    if field.type.pg_type == "bigint":
        return kind, f"{sql}::numeric"
    return kind, sql


def _digits(field: FieldSchema) -> tuple[int, int]:
    if field.type.pg_type == "bigint":
        return 19, 0
    if field.digits is None:
        return _WIDE
    return max(field.digits - field.places, 1), field.places


def told(error: FormulaError, name: str) -> str:
    """The error for whoever sent the formula as field `name`."""
    return f"{name}: {error.told()}"
