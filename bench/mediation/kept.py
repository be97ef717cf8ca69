"""mediation.kept: hot questions about charge lines of two years, among a tenth and among all.

A question finds as many lines either way, so it should touch about as many pages: only indexes get
deeper. The time grows besides with what no longer lies in memory. Each is asked about another
account, product or load every time. The plans are told on the standard error output, as far as they
were carried out.
"""

import random
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import Any

import psycopg

from bench.installation import Installation
from bench.measure import Figures, at_most
from bench.mediation.lines import FIRST, MONTHS, TABLE, Lines, made, month

#: So often each question is asked in a round.
TIMES = 20
#: Milliseconds that the slowest may take where its pages come from the disk, and how many times the
#: pages of a tenth it may touch.
MOST, GROWTH = 500, 2

_NEWEST = f"SELECT id, rated_amount FROM {TABLE} WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 51"
# As a collector looks for repeats of a thousand records.
_REPEATS = f"""
SELECT count(*) FROM unnest(%s::uuid[]) u(signature) WHERE EXISTS (SELECT FROM {TABLE} a
WHERE a.signature = u.signature AND a.activity_date >= %s AND a.activity_date < %s)
"""
_SIGNATURES = "SELECT array_agg(md5(i::text)::uuid) FROM generate_series(%s, %s) i"


@dataclass(frozen=True)
class Question:
    """A name, and a function that gives the next statement with its parameters."""

    name: str
    statement: Callable[[], tuple[str, Any]]


def questions(database: Any, lines: Lines, chance: random.Random) -> Iterator[Question]:
    """The hot questions; those of the query language as it compiles them."""
    from entities import query
    from entities.schema.current import current
    from metabrm.identity.context import Context

    snapshot, context = current(), Context.system("bench")

    def asked(name: str, condition: Callable[[], str]) -> Question:
        def statement() -> tuple[str, Any]:
            text = f"SELECT Id, ActivityDate, RatedAmount FROM ACTIVITY WHERE {condition()}"
            compiled = query.compile(text, snapshot, context)
            return compiled.sql, compiled.parameters

        return Question(name, statement)

    def some(count: int) -> int:
        return chance.randrange(count)

    def of_month(number: int) -> str:
        return f"ActivityDate >= '{month(number)}' AND ActivityDate < '{month(number + 1)}'"

    def repeats() -> tuple[str, Any]:
        number = some(MONTHS - 1)
        begin = lines.first(number) + some(lines.count)
        ((signatures,),) = database.execute(_SIGNATURES, [begin, begin + 999]).fetchall()
        return _REPEATS, [signatures, month(number), month(number + 2)]

    yield asked("one_by_id", lambda: f"Id = {FIRST + some(MONTHS * lines.count)}")
    yield asked(
        "account_in_a_month",
        lambda: f"AccountId = {FIRST + some(lines.accounts)} AND {of_month(some(MONTHS))}",
    )
    yield asked("account_in_all", lambda: f"AccountId = {FIRST + some(lines.accounts)}")
    yield asked(
        "last_of_account",
        lambda: (
            f"AccountId = {FIRST + some(lines.accounts)} "
            "ORDER BY ActivityDate DESC FETCH NEXT 50 ROWS ONLY"
        ),
    )
    yield asked(
        "invoice", lambda: f"InvoiceId = {lines.invoices(some(MONTHS)) + some(lines.accounts)}"
    )
    yield asked(
        "product_in_a_month",
        lambda: f"ProductId = {FIRST + some(lines.products)} AND {of_month(some(MONTHS))}",
    )
    yield asked("account_product", lambda: f"AccountProductId = {FIRST + some(lines.accounts)}")
    yield asked(
        "load",
        lambda: f"ActivityCollectorHistoryId = {lines.arrivals(some(MONTHS)) + some(lines.loads)}",
    )
    yield Question("newest", lambda: (_NEWEST, None))
    yield Question("a_thousand_repeats", repeats)


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """Milliseconds of each question among all lines, and how many times the pages of a tenth."""
    before = _ask(installation, made(installation, n // 10), rounds)
    after = _ask(installation, made(installation, n), rounds)
    taken = {name: found.milliseconds for name, found in after.items()}
    growth = {name: found.pages / before[name].pages for name, found in after.items()}
    return {
        "slowest_ms": max(taken.values()),
        "most_growth": max(growth.values()),
        **{f"{name}_ms": milliseconds for name, milliseconds in taken.items()},
        **{f"{name}_growth": times for name, times in growth.items()},
    }


@dataclass(frozen=True)
class Found:
    """Median milliseconds until a question's rows are there, and the pages that one touched."""

    milliseconds: float
    pages: int


def _ask(installation: Installation, lines: Lines, rounds: int) -> dict[str, Found]:
    database = installation.database
    database.execute("SET plan_cache_mode = force_custom_plan")
    found: dict[str, Found] = {}
    for question in questions(database, lines, random.Random(5)):
        taken = []
        for _ in range(rounds * TIMES):
            sql, parameters = question.statement()
            begun = perf_counter()
            _cursor(database, sql).execute(sql, parameters).fetchall()
            taken.append((perf_counter() - begun) * 1000)
        plan, pages = _plan(database, *question.statement())
        found[question.name] = Found(statistics.median(taken), pages)
        print(
            f"  {lines.count * MONTHS:,} lines, {question.name}: {plan}; {pages:,} pages",
            file=sys.stderr,
        )
    database.rollback()
    return found


def _cursor(database: Any, sql: str) -> Any:
    """Questions of the query language number their parameters as the server does."""
    return psycopg.RawCursor(database) if "$1" in sql else database.cursor()


def _plan(database: Any, sql: str, parameters: Any) -> tuple[str, int]:
    """The scans that the statement carried out, and how many pages it touched."""
    text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
    ((plan,),) = _cursor(database, sql).execute(text, parameters).fetchall()
    nodes = [plan[0]["Plan"]]
    pages = nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"]
    scans = []
    for node in nodes:
        nodes += node.get("Plans", [])
        if node["Actual Loops"] and ("Relation Name" in node or "Index Name" in node):
            scans.append(_scan(node))
    told = [f"{name} x {len(list(same))}" for name, same in groupby(sorted(scans))]
    return ", ".join(told), pages


def _scan(node: dict[str, Any]) -> str:
    """The kind of a scan and the columns of its index, without the month."""
    index = node.get("Index Name", "")
    return f"{node['Node Type']} {index.split('_', 3)[-1]}".strip()


BENCH = Figures(
    about="hot questions about charge lines of two years; --rows says how many lines: ten million "
    "or more, for few are read whole",
    figures=figures,
    targets=(at_most("slowest_ms", MOST), at_most("most_growth", GROWTH)),
)
