"""Why usage goes to suspense: conditions of the statement that maps it, codes, and sentences."""

from billing.mediation.mapping.fields import Plan, Value
from entities.formulas import Kind
from entities.formulas.terms import text_sql

#: Condition over the joined rows, code, and SQL of the sentence over the mapped row `j`.
Cause = tuple[str, str, str]

_NUMBERS = ("quantity", "override_rate", "override_cost", "buy_cost")


def of_usage(
    whose: int | None,
    wrong: list[Cause],
    places: dict[str, tuple[str, str]],
    account: str,
    tokens: bool,
    product: str,
) -> list[Cause]:
    """What can be wrong with usage, the first first. `whose`: the account that the collector brings
    the usage of, if it is one's."""
    day = "to_char(j.local_day, 'YYYY-MM-DD')"
    causes: list[Cause] = [("t.problem <> ''", "UNREADABLE", "j.problem"), *wrong]
    causes.append(
        (
            "t.activity_date IS NULL",
            "NO_DATE",
            "'The record has no date; map a source to ACTIVITY_DATE.'",
        )
    )
    if tokens:
        needed = "" if whose is None else " AND false"
        causes += [
            (f"t.token IS NULL{needed}", "NO_TOKEN", "'The record has no billing identifier.'"),
            (
                "b.id IS NULL AND t.token IS NOT NULL",
                "UNKNOWN_TOKEN",
                f"'No active billing identifier is called ' || quote_literal(left(j.token, 255)) "
                f"|| ' on ' || {day} || '.'",
            ),
        ]
        if whose is not None:
            causes.append(
                (
                    f"b.account_id <> {whose}",
                    "OTHER_ACCOUNT",
                    f"'The billing identifier belongs to account ' || j.account_id || ', and the "
                    f"collector brings usage of account {whose}.'",
                )
            )
    causes.append(
        (
            f"{account} IS NULL",
            "NO_ACCOUNT",
            "'Nothing says whose usage it is; map a source to BillingIdentifier.'",
        )
    )
    causes.append(
        (
            f"{product} IS NULL",
            "NO_PRODUCT",
            f"'Account ' || j.account_id || ' has no active account product ' "
            f"|| coalesce('that carries the label ' || quote_literal(j.raised), "
            f"'for its billing identifier') || ' on ' || {day} || '.'",
        )
    )
    causes += [
        (
            f"t.{key} IS NOT NULL AND {key}.id IS NULL",
            f"UNKNOWN_{key.upper()}",
            f"'No active location begins ' || quote_literal(left(j.{key}, 255)) || '.'",
        )
        for key in places
    ]
    return causes


def of_values(plan: Plan) -> list[Cause]:
    """What of the texts is no number or date."""
    found: list[Cause] = []
    for value in plan.values.values():
        where = f"j.{value.key}_v"
        if value.kind is Kind.TEXT:
            continue
        if value.text:
            found.append((_bad(value), _code(value), _said(value, where)))
        if value.key == "quantity":
            found.append(("t.quantity IS NULL", "NO_QUANTITY", "'The record has no quantity.'"))
    numbers = [v for v in plan.values.values() if v.key in _NUMBERS]
    if numbers:
        large = " OR ".join(f"abs(t.{v.key}) >= 1e18" for v in numbers)
        found.append((large, "TOO_LARGE", "'A number of the record has more than 18 digits.'"))
    return found


def _bad(value: Value) -> str:
    return f"t.{value.key}_v IS NOT NULL AND t.{value.key} IS NULL"


def _code(value: Value) -> str:
    kind = {Kind.NUMBER: "NUMBER", Kind.FLAG: "FLAG"}.get(value.kind, "DATE")
    return f"BAD_{kind}:{value.name}"[:100]


def _said(value: Value, where: str) -> str:
    what = {Kind.NUMBER: "no number", Kind.FLAG: "neither true nor false"}.get(
        value.kind, f"no date written {value.form or 'YYYY-MM-DD HH:MI:SS'}"
    )
    return (
        f"{text_sql(value.name)} || ' is ' || quote_literal(left({where}, 255)) "
        f"|| {text_sql(f', which is {what}.')}"
    )
