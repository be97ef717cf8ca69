"""Whose usage is, and what it is charged as: the joins of the statement that maps it.

    t        the records with their values
    b        the token of a record, on the day of the usage
    own      the account product of the token
    named    the label that a record says
    raised   the labels of a record one by one, where there may be several
    charged  the account products that the label reaches

Whether a token or an account product is there on that day is judged in the days of the account.
Mostly they are those of the session, and then nobody asks for them (`Load.apart`).
"""

from dataclasses import dataclass

from billing.customers.paying import LIVES
from billing.mediation.mapping.fields import Plan, over

# What the token belongs to on the day of the usage.
_TOKEN = """
    LEFT JOIN {identifiers} ON b.billing_identifier = t.token
        AND b.deleted_at IS NULL AND b.status = 'ACTIVE'
        AND {day} >= coalesce(b.start_date, '-infinity')
        AND {day} <= coalesce(b.end_date, 'infinity')
"""
_OWN_PRODUCT = """
    LEFT JOIN customers_accountproduct own ON own.id = b.account_product_id
        AND own.deleted_at IS NULL AND own.status = 'ACTIVE'
"""
_IS_THERE = "{day} >= own.start_date AND {day} <= coalesce(own.end_date, 'infinity')"
# Both at once: a record finds them by one look.
_WITH_PRODUCT = f"(customers_billingidentifier b {_OWN_PRODUCT})"
# Every account product that carries the label, or whose product or place in a package does. A
# token of an account product reaches it and what is part of it.
_LABELLED = """
    LEFT JOIN (
        SELECT ap.id, ap.account_id, ap.product_id, ap.parent_customer_product_id AS parent,
               ap.start_date, coalesce(ap.end_date, 'infinity') AS end_date,
               ap.usage_identifier_id AS own, pp.usage_identifier_id AS packaged,
               p.usage_identifier_id AS general
        FROM customers_accountproduct ap
        JOIN catalog_product p ON p.id = ap.product_id
        LEFT JOIN catalog_packageproduct pp ON pp.id = ap.package_product_id
        WHERE ap.deleted_at IS NULL AND ap.status = 'ACTIVE'
          AND coalesce(ap.usage_identifier_id, pp.usage_identifier_id, p.usage_identifier_id)
              IS NOT NULL
    ) charged ON charged.account_id = {account}
        AND {label} IN (charged.own, charged.packaged, charged.general)
        AND {day} >= charged.start_date AND {day} <= charged.end_date
        AND (b.account_product_id IS NULL
             OR b.account_product_id IN (charged.id, charged.parent))
"""
_ZONED = """
    (SELECT identifier.*, lives.zone FROM customers_billingidentifier identifier
     LEFT JOIN lives ON lives.account_id = identifier.account_id) b
"""
# The accounts of the tokens, and the one that the collector brings the usage of.
_USED = """
WITH RECURSIVE used AS (
    SELECT account_id FROM customers_billingidentifier
    WHERE deleted_at IS NULL AND billing_identifier IN ({of_tokens})
    UNION SELECT id FROM customers_account WHERE id = {account}
), """


@dataclass(frozen=True, slots=True)
class Load:
    """What a statement is for: `zone` of the collector, "" for each account's own; `apart`: some
    accounts have other days than the session."""

    id: int
    collector: int
    account: int | None
    shards: int
    signed: bool
    zone: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Charged:
    """SQL of whose usage is and what it is charged as.

    begin            the named queries that stand before the statement
    joins            what is joined to the records
    account          the account, found by the token where `by_token` says so
    account_product  what it is charged as
    product          the product of that
    label            the usage identifier that is charged; "" where no record raises any
    moment, day      of the usage, the day as the account has it
    """

    begin: str
    joins: tuple[str, ...]
    account: str
    by_token: bool
    account_product: str
    product: str
    label: str
    moment: str
    day: str


def charged(load: Load, plan: Plan, where: str, *, only: bool) -> Charged:
    """The SQL over the records of `where`; `only`: they may say the one account product that they
    are still to be charged to."""
    by_token = "token" in plan.values or not plan.values
    account = "b.account_id" if by_token else _number(load.account)
    if load.account is not None and by_token:
        # The token may be left out where all is one account's.
        account = f"coalesce(b.account_id, CASE WHEN t.token IS NULL THEN {load.account} END)"
    joins, day = _whose(load, account)
    label = _label(plan)
    if label:
        joins.append(
            "LEFT JOIN catalog_usageidentifier named ON named.usage_identifier = t.label "
            "AND named.deleted_at IS NULL"
        )
        if len(plan.labels) > 1:
            joins.append(f"LEFT JOIN LATERAL unnest({label}) AS raised (id) ON true")
            label = "raised.id"
        joins.append(_LABELLED.format(account=account, label=label, day=day))
        if only:
            joins.append("AND (t.only IS NULL OR charged.id = t.only)")
    # A type of usage that needs nobody's label goes to the account product of the token.
    there = _IS_THERE.format(day=day)
    account_product, product = (
        f"coalesce(charged.{key}, CASE WHEN {label} IS NULL AND t.label IS NULL THEN {own} END)"
        if label
        else own
        for key in ("id", "product_id")
        for own in [f"own.{key}" if load.apart else f"CASE WHEN {there} THEN own.{key} END"]
    )
    moment, begin = "t.activity_date", ""
    if load.apart:
        begin = _USED.format(of_tokens=_tokens(plan, where), account=_number(load.account)) + LIVES
        if not load.zone:
            moment = (
                "CASE WHEN t.exact OR lives.zone IS NULL THEN t.activity_date "
                "ELSE (t.activity_date AT TIME ZONE 'UTC') AT TIME ZONE lives.zone END"
            )
    return Charged(
        begin, tuple(joins), account, by_token, account_product, product, label, moment, day
    )


def _whose(load: Load, account: str) -> tuple[list[str], str]:
    """The joins that find whose usage it is and the account product of its token, and SQL of its
    day where they are. That account product may not be there on the day where none is apart."""
    if not load.apart:
        return [_TOKEN.format(identifiers=_WITH_PRODUCT, day="t.day")], "t.day"
    # A text without an offset has the day that it says, where it is of the account's days.
    as_told = "" if load.zone else "NOT t.exact OR "
    there, here = (
        f"CASE WHEN {as_told}{alias}.zone IS NULL THEN t.day "
        f"ELSE (t.activity_date AT TIME ZONE {alias}.zone)::date END"
        for alias in ("b", "lives")
    )
    joins = [
        _TOKEN.format(identifiers=_ZONED, day=there),
        f"LEFT JOIN lives ON lives.account_id = {account}",
        # Days that are reckoned for each record are compared once, where it is looked up.
        f"{_OWN_PRODUCT} AND {_IS_THERE.format(day=here)}",
    ]
    return joins, here


def _tokens(plan: Plan, where: str) -> str:
    """SQL of the tokens of all records."""
    if not plan.values:
        return f"SELECT nullif(btrim(c.billing_identifier), '') FROM {where}"
    token = plan.values.get("token")
    if token is None:
        return "SELECT NULL::text"
    return f"SELECT {over(token.text or token.typed, 'r')} FROM {where}"


def _number(value: int | None) -> str:
    return "NULL::bigint" if value is None else f"{int(value)}::bigint"


def _label(plan: Plan) -> str:
    """SQL of the usage identifier that a record raises, or of their array where it may be several;
    "" where no record raises any."""
    named = "label" in plan.values or not plan.values
    raised = [
        f"CASE WHEN t.raised{number} THEN {one.id}::bigint END" if one.met else f"{one.id}::bigint"
        for number, one in enumerate(plan.labels)
    ]
    if len(raised) > 1:
        several = f"array_remove(ARRAY[{', '.join(raised)}], NULL)"
        return f"CASE WHEN t.label IS NULL THEN {several} ELSE ARRAY[named.id] END"
    if raised:
        return (
            f"CASE WHEN t.label IS NULL THEN {raised[0]} ELSE named.id END" if named else raised[0]
        )
    return "named.id" if named else ""
