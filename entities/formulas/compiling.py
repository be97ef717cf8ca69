"""From a tree to one SQL expression, bottom up, without recursion."""

from typing import Protocol

from entities.errors import nearest
from entities.formulas.errors import FormulaError
from entities.formulas.functions import FUNCTIONS, Function
from entities.formulas.kinds import Kind
from entities.formulas.operators import OPERATORS
from entities.formulas.parsing import Formula
from entities.formulas.sites import Site
from entities.formulas.terms import Term, decided
from entities.formulas.tree import Call, Literal, Node, Reference, bottom_up


class Names(Protocol):
    """What the names of a formula mean."""

    def value(self, reference: Reference, *, prior: bool) -> Term:
        """The value that a reference names, of the record as it is or (`prior`) as it was.

        Raises FormulaError where it names nothing.
        """


def compiled(
    formula: Formula, names: Names, *, expect: Kind | None = None, prior: bool = False
) -> Term:
    """The SQL of a formula, over the placeholders that `names` uses for the record.

    `expect` demands a kind of result. `prior`: there is a record before the change, `{p}`.
    Raises FormulaError.
    """
    terms: dict[Node, Term] = {}
    for node in bottom_up(formula.root):
        if isinstance(node, Literal):
            terms[node] = _literal(node)
        elif isinstance(node, Reference):
            terms[node] = names.value(node, prior=False)
        elif node.operator:
            arguments = [terms[a] for a in node.arguments]
            terms[node] = OPERATORS[node.name](Site(node), arguments)
        else:
            terms[node] = _called(node, terms, names, prior)
    return decided(terms[formula.root], expect)


def _literal(node: Literal) -> Term:
    if node.kind is Kind.FLAG:
        return Term(node.text.lower(), Kind.FLAG, node.position, simple=True)
    if node.kind is Kind.NULL:
        return Term("NULL::text", Kind.NULL, node.position, simple=True)
    return Term("", node.kind, node.position, literal=node.text, quoted=node.kind is Kind.TEXT)


def _called(node: Call, terms: dict[Node, Term], names: Names, prior: bool) -> Term:
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise FormulaError(
            f"There is no function {node.name[:60]}.{nearest(node.name, list(FUNCTIONS))}",
            node.position,
        )
    if not function.takes(len(node.arguments)):
        raise FormulaError(
            f"{node.name} is written {function.signature}; it has {len(node.arguments)} "
            f"value{'s' * (len(node.arguments) != 1)} here.",
            node.position,
        )
    if function.prior and not prior:
        raise FormulaError(
            f"{node.name} is about a change; it can stand only in rules that judge one.",
            node.position,
        )
    arguments = [terms[a] for a in node.arguments]
    if function.by_name:
        arguments.append(_before(function, node, names))
    return function.compile(Site(node), arguments)


def _before(function: Function, node: Call, names: Names) -> Term:
    (argument,) = node.arguments
    if not isinstance(argument, Reference):
        raise FormulaError(
            f"{function.name} takes a field: {function.signature}.", argument.position
        )
    return names.value(argument, prior=True)
