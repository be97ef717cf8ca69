"""Which of the rows: OFFSET, FETCH, LIMIT, and Oracle's ROWNUM.

ROWNUM numbers rows as they pass WHERE, before they are grouped or sorted, and a row that it refuses
takes no number. So each comparison with a number comes to one thing: how many rows pass at most.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

from sqlglot import exp

from entities.query.limits import MAX_ROWS
from entities.query.parse import Statement

_MAX_OFFSET = 2**63 - 1 - 10 * MAX_ROWS
#: `5 > ROWNUM` is `ROWNUM < 5`.
_TURNED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows to leave out, and how many to take then; None for all."""

    offset: int = 0
    limit: int | None = None

    def sql(self, most: int | None = None) -> str:
        """LIMIT and OFFSET, taking no more than `most`."""
        bounds = [n for n in (self.limit, most) if n is not None]
        limit = f" LIMIT {min(bounds)}" if bounds else ""
        return limit + (f" OFFSET {self.offset}" if self.offset else "")

    @property
    def whole(self) -> bool:
        """Whether it is all rows."""
        return self.limit is None and not self.offset


def page(statement: Statement, select: exp.Select) -> Page:
    """The page that the clauses after ORDER BY ask for."""
    limit, offset = select.args.get("limit"), select.args.get("offset")
    most: int | None = None
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
            statement.unsupported("FETCH with PERCENT or WITH TIES", limit)
        count = limit.args.get("count")
        most = 1 if count is None else _rows(statement, count)
    elif limit is not None:
        if limit.args.get("expressions") or limit.args.get("limit_options"):
            statement.unsupported("This form of LIMIT", limit)
        most = _rows(statement, limit.expression)
    return Page(_rows(statement, offset.expression) if offset is not None else 0, most)


def _rows(statement: Statement, node: exp.Expression) -> int:
    text = node.this if isinstance(node, exp.Literal) and not node.is_string else ""
    if not isinstance(text, str) or not text.isdecimal() or len(text) > 19:
        statement.invalid("A number of rows belongs here, such as 100.", node)
    return min(int(text), _MAX_OFFSET)


def is_rownum(node: exp.Expr | None) -> bool:
    """Whether the node is the word ROWNUM."""
    return (
        isinstance(node, exp.Column)
        and len(node.parts) == 1
        and node.name.upper() == "ROWNUM"
        and not node.this.args.get("quoted")
    )


def rows_passed(node: exp.Expression) -> int | None:
    """How many rows a comparison of ROWNUM with a number lets pass; None if it is none."""
    if isinstance(node, exp.Paren):
        return rows_passed(node.this)
    if isinstance(node, exp.Between) and is_rownum(node.this):
        low, high = _number(node.args["low"]), _number(node.args["high"])
        if low is None or high is None:
            return None
        return _floor(high) if low <= 1 else 0
    operator = type(node)
    if operator not in _TURNED:
        return None
    one, other = node.this, node.expression
    if is_rownum(other):
        one, other, operator = other, one, _TURNED[operator]
    number = _number(other) if is_rownum(one) else None
    return None if number is None else _passed(operator, number)


def _passed(operator: type[exp.Expression], number: Decimal) -> int:
    if operator is exp.LTE:
        return _floor(number)
    if operator is exp.LT:
        return max(int(number.to_integral_value(ROUND_CEILING)) - 1, 0)
    if operator is exp.EQ:
        return 1 if number == 1 else 0
    if operator is exp.NEQ:
        whole = number == number.to_integral_value() and number >= 1
        return int(number) - 1 if whole else _MAX_OFFSET
    first = number < 1 if operator is exp.GT else number <= 1
    return _MAX_OFFSET if first else 0


def _floor(number: Decimal) -> int:
    return min(max(int(number.to_integral_value(ROUND_FLOOR)), 0), _MAX_OFFSET)


def _number(node: exp.Expression) -> Decimal | None:
    sign = -1 if isinstance(node, exp.Neg) else 1
    literal = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(literal, exp.Literal) or len(literal.this) > 19:
        return None
    try:
        number = sign * Decimal(literal.this)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < _MAX_OFFSET else None
