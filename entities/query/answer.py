"""The statement of a whole answer: rows in their wire form, as one JSON text.

The innermost SELECT finds the rows, on native values so that indexes, sorting and DISTINCT work on
them. The next one gives them their wire form and their names, for the rows of the page alone. The
outermost makes the JSON text, which nobody between PostgreSQL and the caller has to read.

Lists of child records are found for the rows of the page, all together no more than
MAX_CHILD_ROWS: the page is kept, each list is one join with it that ends where the limit is passed,
and what was found is grouped by the page's rows. An answer that would pass the limit has the number
of rows TOO_MANY.
"""

from collections.abc import Callable, Container, Mapping, Sequence

import orjson

from entities.query.limits import MAX_CHILD_ROWS
from entities.query.terms import Kind, Term, bounded
from entities.schema.description import quote

#: The number of rows of an answer whose child lists are too long.
TOO_MANY = -1
_LONGEST_NAME = 63  # bytes of an identifier; PostgreSQL cuts longer ones

#: A list's SELECT of c0, c1 …, over the page `p`; and its terms by name.
ChildRows = tuple[str, Mapping[str, Term]]
Wire = Callable[[Term, str], str]


def wire(sealed: Sequence[str], mark: str) -> Wire:
    """What writes a term that is `expression`; a token of `sealed[n]` is told from any text that
    looks like one by `mark` and n before it."""

    def written(term: Term, expression: str) -> str:
        if term.place:
            return f"{mark} || '{sealed.index(term.place)}:' || {expression}"
        return bounded(term, expression) if term.made else term.wire_sql(expression)

    return written


def answer_sql(rows: str, columns: Mapping[str, Term], write: Wire) -> str:
    """The statement over `rows`, a SELECT of c0, c1 … as `columns` are."""
    values = {key: write(term, f"q.c{i}") for i, (key, term) in enumerate(columns.items())}
    return _json_sql(values, f"FROM ({rows}) q")


def answer_with_lists_sql(
    rows: str,
    columns: Mapping[str, Term],
    lists: Mapping[str, ChildRows],
    write: Wire,
) -> str:
    """The statement over `rows` where the columns in `lists` are lists of child records."""
    found = [f"page AS MATERIALIZED (SELECT row_number() OVER () AS n, r.* FROM ({rows}) r)"]
    values: dict[str, str] = {}
    joins: list[str] = []
    counts: list[str] = []
    for place, (key, term) in enumerate(columns.items()):
        if key not in lists:
            values[key] = write(term, f"q.c{place}")
            continue
        sql, terms = lists[key]
        named = ", ".join(
            f"{write(t, f'k.c{i}')} AS {quote(name)}" for i, (name, t) in enumerate(terms.items())
        )
        found.append(
            f"l{place} AS MATERIALIZED (SELECT p.n, row_number() OVER () AS m, k.* "
            f"FROM page p CROSS JOIN LATERAL ({sql}) k LIMIT {MAX_CHILD_ROWS + 1})"
        )
        joins.append(
            f"LEFT JOIN (SELECT k.n, json_agg({_row(terms)} ORDER BY k.m) AS list "
            f"FROM l{place} k CROSS JOIN LATERAL (SELECT {named}) {_row(terms)} GROUP BY k.n) "
            f"j{place} ON j{place}.n = q.n"
        )
        values[key] = f"coalesce(j{place}.list, '[]'::json)"
        counts.append(f"(SELECT count(*) FROM l{place})")
    return (
        f"WITH {', '.join(found)} "
        + _json_sql(
            values,
            f"FROM page q {' '.join(joins)} ORDER BY q.n",
            f"CASE WHEN {' + '.join(counts)} > {MAX_CHILD_ROWS} THEN {TOO_MANY} "
            "ELSE count(*) END",
        )
    )  # fmt: skip


def values_sql(rows: str, columns: Mapping[str, Term], write: Wire) -> str:
    """The statement whose rows are the values of `rows` as texts, for lines of CSV."""
    wire_forms = []
    for i, term in enumerate(columns.values()):
        form = write(term, f"q.c{i}")
        # An instant's own text is another one than that of its JSON.
        instant = term.kind is Kind.DATETIME and not term.place
        wire_forms.append(f"to_json({form}) #>> '{{}}'" if instant else form)
    return f"SELECT {', '.join(wire_forms)} FROM ({rows}) q"


def objects_sql(rows: str, columns: Mapping[str, Term], write: Wire) -> str:
    """The statement whose rows are the JSON texts of `rows`, one by one."""
    values = {key: write(term, f"q.c{i}") for i, (key, term) in enumerate(columns.items())}
    if _nameable(values):
        row = _row(values)
        return f"SELECT row_to_json({row})::text FROM ({_named_sql(values)} FROM ({rows}) q) {row}"
    return f"SELECT {_object_sql(values)} FROM ({rows}) q"


def _json_sql(values: Mapping[str, str], source: str, count: str = "count(*)") -> str:
    if _nameable(values):
        # A sorted subquery feeds the aggregate in its order: there is one, and it is not parallel.
        row = _row(values)
        return f"SELECT {count}, json_agg({row}) FROM ({_named_sql(values)} {source}) {row}"
    records = f"SELECT {_object_sql(values)} AS r {source}"
    return f"SELECT {count}, '[' || string_agg(r, ',') || ']' FROM ({records}) r"


def _nameable(values: Mapping[str, str]) -> bool:
    """Whether all names can be those of columns."""
    return all(map(longest_name, values))


def _named_sql(values: Mapping[str, str]) -> str:
    return "SELECT " + ", ".join(f"{value} AS {quote(key)}" for key, value in values.items())


def _object_sql(values: Mapping[str, str]) -> str:
    """The text of a JSON object whose names may be too long for a column."""
    members = [
        f"{_text(orjson.dumps(key).decode() + ':')} || coalesce(to_json({value})::text, 'null')"
        for key, value in values.items()
    ]
    record = " || ',' || ".join(members)
    return f"'{{' || {record} || '}}'"


def _row(names: Container[str]) -> str:
    """What the rows of these columns are called: a column of that name would be taken for them."""
    row = "r"
    while row in names:
        row += "_"
    return row


def longest_name(name: str) -> bool:
    """Whether a column may have this name: longer ones are cut."""
    return len(name.encode()) <= _LONGEST_NAME


def _text(value: str) -> str:
    """A text of ours as an SQL constant."""
    return "'" + value.replace("'", "''") + "'"
