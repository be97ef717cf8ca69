"""One SELECT, compiled: sources, columns, conditions, groups, order, page.

It may stand alone or inside another, as a value, a condition, a source or a list of child records;
`sql` writes it for whoever asked. Where ROWNUM meets an order or groups, the rows are cut to their
number first, in a SELECT of their own, as in Oracle; what the other clauses need of them is then
read from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from entities.query import dates, functions, subqueries  # noqa: F401  (what they compile is registered)
from entities.query.conditions import condition
from entities.query.expressions import Expressions
from entities.query.limits import MAX_NESTED, MAX_SQL
from entities.query.pages import Page, is_rownum, page, rows_passed
from entities.query.scope import Scope
from entities.query.shared import Query
from entities.query.sources import Source, View
from entities.query.terms import Kind, Term, bounded
from entities.schema.description import EntitySchema, fold, quote

_LONGEST_ALIAS = 128
_SERVED = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"}
    | {"distinct", "hint"}  # a hint is a comment to us
)
_CLAUSES = {
    "with_": "WITH",
    "into": "INTO",
    "locks": "FOR UPDATE",
    "connect": "CONNECT BY",
    "windows": "WINDOW",
}
_NO_SOURCE = "Anything but the name of an entity or a SELECT in parentheses after FROM"


@dataclass(frozen=True, slots=True)
class _Cut:
    """The rows as they are after ROWNUM: SELECT of theirs, by alias, what is read from it."""

    alias: str
    columns: dict[str, str]

    def reach(self, sql: str) -> str:
        """What stands for `sql` over the sources."""
        return f"{self.alias}.{self.columns.setdefault(sql, f'x{len(self.columns)}')}"


class Select:
    """Compiles one SELECT of a query: make it, `read` it, `close` it, and take its `sql`.

    outer, reach   the expressions of the SELECT around it, and how their columns are reached
    columns        name -> term of what is selected; `texts` are the items as they are written
    lists          name -> node of the columns that are lists of child records
    """

    def __init__(
        self,
        query: Query,
        node: exp.Expression,
        outer: Expressions | None = None,
        reach: Callable[[str], str] = str,
        nested: int = 1,
    ) -> None:
        self.query = query
        self.statement = query.statement
        if not isinstance(node, exp.Select):
            what = f"{node.key.upper()} in a subquery" if node.key else "This"
            self.statement.unsupported(what, node)
        if nested > MAX_NESTED:
            self.statement.invalid(
                f"At most {MAX_NESTED} SELECTs may stand inside one another.", node
            )
        self.node = node
        self.nested = nested
        self.scope = Scope(query)
        self.expressions = Expressions(self.scope, outer, reach)
        self.expressions.nested = nested
        self.columns: dict[str, Term] = {}
        self.lists: dict[str, exp.Expression] = {}
        self.groups: list[str] = []
        self._conditions: list[str] = []
        self._cut: _Cut | None = None
        self._passed: int | None = None
        self._where: list[exp.Expression] = []
        self._order: list[str] = []
        self._asked = False
        self._having = ""
        self._page = Page()

    # Reading

    def read(self) -> None:
        """FROM, ROWNUM and GROUP BY: what the columns are over."""
        self._from()
        self._rownum()
        self._groups()

    def read_columns(self, texts: Sequence[str] = (), *, lists: bool = False) -> None:
        """The select list; without texts a column that is computed needs an alias."""
        items = self.node.expressions
        if (texts and len(items) != len(texts)) or not all(texts) or not items:
            self.statement.invalid("A column is missing between SELECT and FROM.", self.node)
        for place, item in enumerate(items):
            if _starred(item):
                self._star(item)
            else:
                self._column(item, texts[place] if texts else "", lists)

    def read_terms(self) -> list[Term]:
        """The terms of a select list whose names nobody asks for; * is none of them."""
        e = self.expressions
        return [e.settled(e.scalar(_bare(n))) for n in self.node.expressions if not _starred(n)]

    def close(self, conditions: Sequence[str] = ()) -> None:
        """The other clauses; `conditions` are ours."""
        e = self.expressions
        having = self.node.args.get("having")
        if having is not None:
            e.aggregated = True
            self._having = f" HAVING {condition(e, having.this)}"
        self._sort()
        if e.aggregated and e.loose:
            node, name = e.loose[0]
            self.statement.invalid(
                f"{name} must stand in GROUP BY or inside an aggregate such as MAX({name}).", node
            )
        if self.lists and (e.aggregated or self.node.args.get("distinct")):
            self.statement.invalid(
                "A list of child records belongs to one record; it can't stand beside GROUP BY, "
                "DISTINCT or an aggregate.",
                next(iter(self.lists.values())),
            )
        self._page = page(self.statement, self.node)
        e.no_aggregates, e.no_rownum, cut, e.cut = "in WHERE", "in WHERE", e.cut, str
        tests = [condition(e, part) for part in self._where]
        e.cut = cut
        self._conditions = [*conditions, *self._conditions, *tests, *self.scope.visible_sql()]

    # Writing

    def sql(self, columns: Sequence[str], *, ordered: bool = True, most: int | None = None) -> str:
        """The SELECT of these columns; unless `ordered`, in no order that nobody asked for."""
        where = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        page = self._page
        if self._cut is not None:
            source = self._cut_sql(self._cut, where)
            where = ""
        else:
            source = self.scope.from_sql()
            if self._passed is not None:
                passed = max(self._passed - page.offset, 0)
                limit = passed if page.limit is None else min(page.limit, passed)
                page = Page(page.offset, limit)
        clauses = where
        if self.groups:
            clauses += f" GROUP BY {', '.join(self.groups)}"
        clauses += self._having
        if self._order and (ordered or self._asked or not page.whole):
            clauses += f" ORDER BY {', '.join(self._order)}"
        clauses += page.sql(most)
        text = f"SELECT {self._distinct()}{', '.join(columns)} FROM {source}{clauses}"
        if len(text) > 8 * MAX_SQL:
            self.statement.invalid("The query is too complex; send it in parts.", self.node)
        return text

    def rows_sql(self, *, ordered: bool = True, most: int | None = None, more: str = "") -> str:
        """The SELECT of all columns but lists as c0, c1 …, and of `more`."""
        named = [
            f"{term.sql} AS c{place}"
            for place, (key, term) in enumerate(self.columns.items())
            if key not in self.lists
        ]
        return self.sql([*named, *([more] if more else [])], ordered=ordered, most=most)

    def _cut_sql(self, cut: _Cut, where: str) -> str:
        read = ", ".join(f"{sql} AS {name}" for sql, name in cut.columns.items())
        order = f" ORDER BY {', '.join(self.scope.ties())}" if not self._flows() else ""
        limit = "" if self._passed is None else f" LIMIT {self._passed}"
        return f"(SELECT {read} FROM {self.scope.from_sql()}{where}{order}{limit}) {cut.alias}"

    # FROM

    def _from(self) -> None:
        for clause, value in self.node.args.items():
            if value and clause not in _SERVED:
                node = value[0] if isinstance(value, list) else value
                self.statement.unsupported(
                    _CLAUSES.get(clause, clause.strip("_").upper()),
                    node if isinstance(node, exp.Expression) else None,
                )
        source = self.node.args.get("from_")
        if source is None:
            self.statement.invalid("FROM is missing; write SELECT columns FROM entity.", self.node)
        self._source(source.this, "FROM")
        for join in self.node.args.get("joins") or ():
            self._join(join)
        self.expressions.loose.clear()

    def _source(self, node: exp.Expression, joined: str) -> Source | View:
        source: Source | View
        if isinstance(node, exp.Subquery):
            source = self._view(node)
        elif isinstance(node, exp.Table):
            source = self._table(node, joined)
        else:
            self.statement.unsupported(_NO_SOURCE, node)
        self.scope.add(source, node)
        return source

    def _table(self, node: exp.Table, joined: str) -> Source:
        alias = node.args.get("alias")
        if (
            not isinstance(node.this, exp.Identifier)
            or any(v for k, v in node.args.items() if k not in ("this", "alias", "db", "catalog"))
            or (alias is not None and alias.args.get("columns"))
        ):
            self.statement.unsupported(_NO_SOURCE, node)
        child = subqueries.child(self.query, node)
        if child is not None:
            if joined != "FROM":
                self.statement.unsupported("A relation to child records after JOIN", node)
            source, on = subqueries.related(self.scope, self.expressions, node, child)
            self._conditions.append(on)
            return source
        schema = self.scope.entity(node)
        names = {fold(schema.name), fold(node.name)} if alias is None else {fold(alias.name)}
        return self.query.table(schema, node, frozenset(names), joined)

    def _view(self, node: exp.Subquery) -> View:
        alias = node.args.get("alias")
        if any(v for k, v in node.args.items() if k not in ("this", "alias")) or (
            alias is not None and alias.args.get("columns")
        ):
            self.statement.unsupported(_NO_SOURCE, node)
        e = self.expressions
        inner = Select(self.query, node.this, e.outer, e.reach, self.nested + 1)
        inner.read()
        inner.read_columns()
        inner.close()
        return inner.as_view(frozenset({fold(alias.name)} if alias is not None else ()))

    def as_view(self, names: frozenset[str]) -> View:
        """This SELECT as a source of another one."""
        alias = self.query.alias()
        distinct = self.node.args.get("distinct")
        ties = [] if distinct else self._ties()
        hidden = ", ".join(f"{sql} AS k{place}" for place, sql in enumerate(ties))
        columns = {
            key: replace(term, sql=bounded(term, f"{alias}.c{place}"), key=key)
            for place, (key, term) in enumerate(self.columns.items())
        }
        keys = [f"{alias}.k{place}" for place in range(len(ties))]
        if distinct:
            keys = [term.sql for term in columns.values() if term.kind is not Kind.JSON]
        return View(
            alias,
            f"({self.rows_sql(ordered=False, more=hidden)}) {alias}",
            columns,
            tuple(keys),
            self._asked or not self._page.whole or self._passed is not None,
            names,
        )

    def _join(self, join: exp.Join) -> None:
        side, kind = (str(join.args.get(a) or "").upper() for a in ("side", "kind"))
        extra = [k for k, v in join.args.items() if v and k not in ("this", "side", "kind", "on")]
        if side in ("RIGHT", "FULL"):
            instead = "write the other side first and LEFT JOIN" if side == "RIGHT" else ""
            self.statement.unsupported(f"{side} JOIN", join, instead)
        if extra:
            word = str(join.args.get("method") or extra[0]).upper()
            self.statement.unsupported(f"{word} in a JOIN", join, "write JOIN … ON …")
        if kind not in ("", "INNER", "CROSS") and (kind, side) != ("OUTER", "LEFT"):
            self.statement.unsupported(f"{kind} JOIN", join)
        word = "LEFT JOIN" if side == "LEFT" else "JOIN"
        source = self._source(join.this, word)
        on = join.args.get("on")
        if on is None:
            if side == "LEFT":
                self.statement.invalid("LEFT JOIN needs ON and a condition.", join)
            tests = []
        else:
            self.expressions.no_aggregates = "in ON"
            tests = [condition(self.expressions, on)]
            self.expressions.no_aggregates = ""
            if self._finds_one(source, on):
                self.scope.single.add(source.alias)
        tests += source.visible()
        word = word if tests else "CROSS JOIN"
        self.scope.join(word, source, " AND ".join(tests))

    def _finds_one(self, source: Source | View, on: exp.Expression) -> bool:
        """Whether ON asks for the source's Id by a column of another source."""
        if not isinstance(source, Source):
            return False
        for part in _parts(on):
            if not isinstance(part, exp.EQ):
                continue
            sides = [part.this, part.expression]
            if not all(isinstance(s, exp.Column) for s in sides):
                continue
            found = [self.expressions.name(s).sql for s in sides]
            mine = f"{source.alias}.{quote('id')}"
            others = [sql for sql in found if not sql.startswith(f"{source.alias}.")]
            earlier = tuple(f"{s.alias}." for s in self.scope.sources[:-1])
            if mine in found and others and others[0].startswith(earlier):
                return True
        return False

    # ROWNUM

    def _rownum(self) -> None:
        e = self.expressions
        where = self.node.args.get("where")
        for part in _parts(where.this) if where is not None else ():
            passed = rows_passed(part)
            if passed is None:
                self._where.append(part)
            else:
                self._passed = min(passed, passed if self._passed is None else self._passed)
        e.no_rownum = ""
        numbered = [n for n in _of_level(self.node) if is_rownum(n)]
        if not numbered:
            return
        over = "" if self._flows() else f"ORDER BY {', '.join(self.scope.ties())}"
        e.rownum = f"row_number() OVER ({over})"
        arranged = any(
            self.node.args.get(a) for a in ("order", "group", "having", "distinct")
        ) or any(isinstance(n, exp.AggFunc) for n in _of_level(self.node))
        if arranged:
            self._cut = _Cut(self.query.alias(), {})
            e.cut = self._cut.reach
            e.rownum = self._cut.reach(e.rownum)

    def _flows(self) -> bool:
        """Whether the rows come in the order of the one SELECT that they come from."""
        only = self.scope.sources[0]
        return len(self.scope.sources) == 1 and isinstance(only, View) and only.ordered

    # Columns

    def _column(self, item: exp.Expression, text: str, lists: bool) -> None:
        node, alias = item, ""
        if isinstance(item, exp.Alias):
            node, alias = item.this, self._alias(item)
        table = subqueries.child_list(self.query, node) if lists else None
        if table is not None:
            term = Term("NULL", Kind.JSON, node, key=subqueries.child_name(self.query, table))
        else:
            term = self.expressions.settled(self.expressions.operand(node))
        key = alias or term.key or text
        if not key:
            self.statement.invalid("Give this column of a subquery an alias.", item)
        known = self.columns.get(key)
        if known is not None and (known.sql != term.sql or table is not None):
            self.statement.invalid(
                f"Two columns are called {key[:80]!r}; give one of them an alias.", item
            )
        self.columns[key] = term
        if table is not None:
            self.lists[key] = node

    def _alias(self, item: exp.Alias) -> str:
        name = item.alias
        if not name or len(name) > _LONGEST_ALIAS or not name.isprintable():
            self.statement.invalid(
                f"An alias has 1 to {_LONGEST_ALIAS} characters, all of them visible.",
                item.args["alias"],
            )
        return name

    def _star(self, item: exp.Expression) -> None:
        """All columns of a SELECT in FROM; an entity's are named."""
        word = fold(item.table) if isinstance(item, exp.Column) else ""
        chosen = [s for s in self.scope.sources if not word or word in s.names]
        if not chosen or any(isinstance(s, Source) for s in chosen) or _dressed(item):
            self.statement.invalid("Name the columns; * is not supported.", item)
        for source in chosen:
            assert isinstance(source, View)
            for key, term in source.columns.items():
                if key in self.columns:
                    self.statement.invalid(f"Two columns are called {key[:80]!r}.", item)
                found = replace(term, sql=self.expressions.cut(term.sql), node=item)
                if found.sql not in self.expressions.groups:
                    self.expressions.loose.append((item, key))
                self.columns[key] = found

    # Groups and order

    def _groups(self) -> None:
        group = self.node.args.get("group")
        if group is None:
            return
        extra = [v for k, v in group.args.items() if v and k != "expressions"]
        if extra:
            self.statement.unsupported("ROLLUP, CUBE and GROUPING SETS", group)
        self.expressions.no_aggregates = "in GROUP BY"
        terms: list[Term] = []
        for node in group.expressions:
            term = self.expressions.scalar(node)
            if term.literal is not None:
                self.statement.invalid("GROUP BY takes columns, not positions.", node)
            self._sortable(term)
            terms.append(term)
        self.expressions.no_aggregates = ""
        self.expressions.loose.clear()
        self.expressions.groups = frozenset(t.sql for t in terms)
        self.expressions.aggregated = True
        self.groups = [t.sql for t in terms]

    def _sort(self) -> None:
        order = self.node.args.get("order")
        keys: list[str] = []
        sorted_by: set[str] = set()
        if order is not None:
            self._asked = True
            if order.args.get("siblings"):
                self.statement.unsupported("ORDER SIBLINGS BY", order)
            for ordered in order.expressions:
                term = self._order_term(ordered.this)
                sorted_by.add(term.sql)
                keys.append(term.sql + _direction(ordered))
        if not keys and self._flows():
            self._asked = True
            return
        self._order = keys + [sql for sql in self._ties() if sql not in sorted_by]

    def _order_term(self, node: exp.Expression) -> Term:
        terms = list(self.columns.values())
        if isinstance(node, exp.Literal) and not node.is_string:
            if not node.this.isdecimal() or not 1 <= int(node.this[:9]) <= len(terms):
                self.statement.invalid(
                    f"ORDER BY {node.this[:20]}: the columns have the positions 1 to {len(terms)}.",
                    node,
                )
            term = terms[int(node.this) - 1]
        else:
            term = self._named(node) or self.expressions.settled(self.expressions.scalar(node))
        self._sortable(term)
        if self.node.args.get("distinct") and term.sql not in {t.sql for t in terms}:
            self.statement.invalid("With DISTINCT, ORDER BY takes selected columns only.", node)
        return term

    def _named(self, node: exp.Expression) -> Term | None:
        """The selected column that an ORDER BY names by its alias."""
        if not isinstance(node, exp.Column) or len(node.parts) != 1:
            return None
        by_name = {fold(key): term for key, term in self.columns.items()}
        return by_name.get(fold(node.name))

    def _sortable(self, term: Term) -> None:
        if term.place:
            self.expressions.encrypted(term)
        if term.kind is Kind.JSON:
            self.statement.invalid("A JSON document can't be sorted or grouped.", term.node)

    def _ties(self) -> list[str]:
        """What makes the order of rows complete, so that pages neither overlap nor leave gaps."""
        if self.node.args.get("distinct"):
            return [t.sql for t in self.columns.values() if t.kind is not Kind.JSON]
        if self.expressions.aggregated:
            return list(self.groups)
        return [self.expressions.cut(sql) for sql in self.scope.ties()]

    def _distinct(self) -> str:
        distinct = self.node.args.get("distinct")
        if distinct is None:
            return ""
        if distinct.args.get("on") or distinct.expressions:
            self.statement.unsupported("DISTINCT ON", distinct)
        for term in self.columns.values():
            if term.kind is Kind.JSON:
                self.statement.invalid("DISTINCT can't compare JSON documents.", term.node)
            if term.place:
                self.expressions.encrypted(term)
        return "DISTINCT "

    def entity_columns(self, schema: EntitySchema) -> Source:
        """Make `schema` the one source, without a query having named it."""
        source = self.query.table(schema, None, frozenset({fold(schema.name)}))
        self.scope.add(source, self.node)
        return source


def _direction(ordered: exp.Ordered) -> str:
    descending, first = bool(ordered.args.get("desc")), bool(ordered.args.get("nulls_first"))
    nulls = "" if descending == first else f" NULLS {'FIRST' if first else 'LAST'}"
    return f"{' DESC' if descending else ''}{nulls}"


def _parts(node: exp.Expression) -> list[exp.Expression]:
    """What a chain of ANDs joins, in order: a tree that is deep to its left only."""
    parts: list[exp.Expression] = []
    while isinstance(node, exp.And):
        parts.append(node.expression)
        node = node.this
    parts.append(node)
    return parts[::-1]


def _of_level(select: exp.Select) -> list[exp.Expr]:
    """The nodes of a SELECT, those of SELECTs inside it left out."""
    return [
        node
        for node in select.walk(prune=lambda n: isinstance(n, exp.Select) and n is not select)
        if not isinstance(node, exp.Select)
    ]


def _bare(item: exp.Expression) -> exp.Expression:
    return item.this if isinstance(item, exp.Alias) else item


def _starred(item: exp.Expression) -> bool:
    return isinstance(item, exp.Star) or (
        isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
    )


def _dressed(item: exp.Expression) -> bool:
    """Whether a star carries more than itself: EXCEPT, REPLACE."""
    star = item if isinstance(item, exp.Star) else item.this
    return any(value for value in star.args.values())
