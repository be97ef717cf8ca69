"""SELECTs inside a SELECT: as a value, in IN and EXISTS, and from the child records of a record.

`FROM ACTIVITY.InvoiceObj` reads the activities whose relation InvoiceObj leads to the record of the
SELECT around it. Names mean something in the inner SELECT first and then in those around it.
"""

from sqlglot import exp

from entities.query.conditions import condition_of
from entities.query.expressions import Expressions, scalar_of
from entities.query.scope import Scope
from entities.query.shared import Query
from entities.query.sources import Source
from entities.query.terms import Term
from entities.schema.description import EntitySchema, fold, quote


def child(query: Query, table: exp.Table) -> EntitySchema | None:
    """The entity of the child records that a FROM clause names by a relation, or None."""
    if not table.args.get("db") or table.args.get("catalog"):
        return None
    schema = query.snapshot.find(table.db)
    return schema if schema is not None and schema.api_enabled else None


def child_list(query: Query, node: exp.Expression) -> exp.Table | None:
    """The table of a SELECT from child records that stands alone as a column, or None."""
    while isinstance(node, exp.Paren | exp.Subquery):
        node = node.this
    source = node.args.get("from_") if isinstance(node, exp.Select) else None
    table = source.this if source is not None else None
    return table if isinstance(table, exp.Table) and child(query, table) is not None else None


def child_name(query: Query, table: exp.Table) -> str:
    """How a list of child records is called that has no alias."""
    return query.snapshot.entity(table.db).name


def related(
    scope: Scope, e: Expressions, table: exp.Table, schema: EntitySchema
) -> tuple[Source, str]:
    """The child records as a source, and SQL of what ties them to the record around them."""
    alias = table.args.get("alias")
    names = {fold(schema.name)} if alias is None else {fold(alias.name)}
    source = scope.query.table(schema, table, frozenset(names), "child records")
    link = scope.link(source, table.this)
    assert link.lookup is not None
    around = e.outer
    target = scope.snapshot.target(link)
    parents = [] if around is None else around.scope.sources
    found = [s for s in parents if isinstance(s, Source) and s.schema.name == target.name]
    if around is None or len(found) != 1:
        wanted = "once, so that it is clear whose child records are meant" if found else ""
        scope.statement.invalid(
            f"{schema.name}.{table.name[:80]} leads to {target.name}; it can stand in a subquery "
            f"of a SELECT from {target.name}{wanted and f' {wanted}'}.",
            table,
        )
    key = f"{found[0].alias}.{quote(link.lookup.column)}"
    parent = e.reach(around.lend(key, link.lookup.column_label, table))
    return source, f"{link.sql(source.alias)} = {parent}"


@scalar_of(exp.Subquery)
def _value(e: Expressions, node: exp.Expression) -> Term:
    sql, term = _one_column(e, node)
    return Term(f"({sql})", term.kind, node, term.field, whole=term.whole)


@condition_of(exp.Exists)
def _exists(e: Expressions, node: exp.Expression) -> str:
    from entities.query.select import Select

    inner = Select(e.scope.query, _select(node.this), e, nested=e.nested + 1)
    inner.read()
    terms = inner.read_terms()
    inner.close()
    return f"(EXISTS ({inner.sql([t.sql for t in terms] or ['1'], ordered=False)}))"


def within(e: Expressions, left: Term, node: exp.Expression) -> str:
    """SQL of `left IN (SELECT …)`."""
    sql, _ = _one_column(e, node, left)
    return sql


def _one_column(e: Expressions, node: exp.Expression, left: Term | None = None) -> tuple[str, Term]:
    """SQL of a subquery's one column, or of `left IN` it; and the column."""
    from entities.query.select import Select

    if any(v for k, v in node.args.items() if k != "this"):
        e.statement.unsupported("This form of a subquery", node)
    select = _select(node)
    inner = Select(e.scope.query, select, e, nested=e.nested + 1)
    inner.read()
    terms = inner.read_terms()
    if len(terms) != 1 or len(select.expressions) != 1:
        e.statement.invalid("A subquery in this place selects one column.", node)
    inner.close()
    if left is None:
        return inner.sql([terms[0].sql], ordered=False), terms[0]
    _, (one, other) = e.unified([left, terms[0]])
    return f"({one} IN ({inner.sql([other], ordered=False)}))", terms[0]


def _select(node: exp.Expression) -> exp.Expression:
    while isinstance(node, exp.Subquery):
        node = node.this
    return node
