"""The one statement that maps all records of a load into usage in flight.

    v    the texts, and what formulas make, of the records that the filters take
    t    the same as numbers and dates
    j    whose they are and what they are charged as, and what is wrong with them

The usage of a shard is written side by side, so that who rates it reads little of the others'; and
that of an account, so that its lines go to the same places of the indexes one after the other.

The session's time zone is the collector's, so that dates without an offset are of its days; where
it has none they are of the account's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.mediation.mapping import casting, causes
from billing.mediation.mapping.fields import Plan, over
from billing.mediation.mapping.whose import Load, charged
from billing.mediation.reading import TABLE
from entities.formulas import Kind
from entities.formulas.terms import text_sql

#: In the extra fields of usage in suspense: the one account product that it is still to be charged
#: to.
ONLY = "AccountProductId"
#: Records of a part of a load that is rated by itself, and the most parts.
SHARD = 100_000
MOST_SHARDS = 64
# So many accounts whose Ids follow each other are in the same shard: their lines go to the same
# places of the indexes, which stay at hand while it is rated, and no other shard writes there.
_SIDE_BY_SIDE = 16
# More accounts than there are: one number tells shard and account, and is sorted by in less time.
_APART = 1 << 48
_TYPES = {
    "token": "text",
    "activity_date": "timestamptz",
    "quantity": "numeric",
    "charge_type": "text",
    "origin": "text",
    "destination": "text",
    "override_rate": "numeric",
    "override_cost": "numeric",
    "buy_cost": "numeric",
    "label": "text",
    "exempt": "boolean",
}
_ENDS: tuple[str, ...] = ("origin", "destination")
_COLUMNS = """
    load_id, line, shard, collector_id, account_id, account_product_id, product_id,
    billing_identifier_id, usage_identifier, token, activity_date, quantity, charge_type,
    origin_id, destination_id, override_rate, override_cost, buy_cost, signature,
    cause, reason, collector_fields_id, extra, raw
"""
# The location whose name is the longest beginning of the text.
_PLACE = """
    LEFT JOIN (
        SELECT named.place, (
            SELECT c.id FROM catalog_countrycode c
            WHERE c.deleted_at IS NULL AND c.status = 'ACTIVE' AND c.name = ANY (ARRAY(
                SELECT left(named.place, n) FROM generate_series(1, length(named.place)) n
            ))
            ORDER BY length(c.name) DESC, c.id LIMIT 1
        ) AS id
        FROM (SELECT DISTINCT {text} AS place FROM {source}) named
        WHERE length(named.place) <= 255
    ) {alias} ON {alias}.place = t.{alias}
"""


# Where a statement over the records that were read says which of their table it takes.
_BLOCKS = "/* of blocks */"


@dataclass(frozen=True, slots=True)
class Statement:
    """What maps a load: `mapped` inserts usage, `taken` counts the records that filters take; ""
    where they take all. `typed` are the values of the records that they take, as texts and as what
    the texts were read as."""

    mapped: str
    taken: str
    typed: str = ""

    def of_blocks(self, first: int, end: int) -> str:
        """What maps the records in these blocks of the table."""
        chosen = f"AND r.ctid >= '({first},0)' AND r.ctid < '({end},0)'"
        return self.mapped.replace(_BLOCKS, chosen)


def of_records(
    load: Load, plan: Plan, names: Sequence[str], known_by: Sequence[str] = ()
) -> Statement:
    """The statement over the table of records that were read.

    `names`: of the columns, as a record in suspense tells them; none where it is told as a whole.
    `known_by`: SQL of the texts that make records one, in place of what the mappings say.
    """
    values = plan.values.values()
    kept = ["r.line", "r.problem", "r.ctid AS place"]
    typed = ["v.line", "v.problem", "v.place", "NULL::bigint AS collector_fields_id"]
    for value in values:
        if value.text:
            kept.append(f"{over(value.text, 'r')} AS {value.key}_v")
            typed.append(f"v.{value.key}_v")
            if value.kind is Kind.TEXT:
                typed.append(f"v.{value.key}_v AS {value.key}")
            else:
                typed.append(f"{value.typed} AS {value.key}")
        else:
            kept.append(f"{over(value.typed, 'r')} AS {value.key}_f")
            typed.append(f"v.{value.key}_f AS {value.key}")
    for key, kind in _TYPES.items():
        if key not in plan.values:
            typed.append(f"{'1' if key == 'quantity' else 'NULL'}::{kind} AS {key}")
    signature = _signature(plan)
    if known_by:
        texts = ", ".join(f"coalesce({over(text, 'r')}, '')" for text in known_by)
        kept.append(f"md5(concat_ws(E'\\x1f', {texts})) AS key")
        typed.append("v.key")
        signature = "t.key::uuid"
    for number, one in enumerate(plan.labels):
        if one.met:
            kept.append(f"{over(one.met, 'r')} AS raised{number}")
            typed.append(f"v.raised{number}")
    dated = plan.values.get("activity_date")
    asked = load.apart and not load.zone and dated is not None and dated.text
    offset = casting.has_offset_sql("v.activity_date_v", dated.form) if dated and asked else "true"
    typed.append(f"{offset} AS exact")
    filters = " AND ".join(f"coalesce({over(one, 'r')}, false)" for one in plan.filters)
    taken = f"r.problem <> '' OR {filters}" if filters else "true"
    # From COPY an empty text arrives as NULL where the column was not given.
    source = f"""
        SELECT {", ".join(typed)}
        FROM (SELECT {", ".join(kept)} FROM {TABLE} r WHERE ({taken}) {_BLOCKS} OFFSET 0) v
        OFFSET 0
    """
    places = {
        key: (over(plan.values[key].text, "r"), f"{TABLE} r")
        for key in _ENDS
        if key in plan.values and plan.values[key].text
    }
    mapped = _mapped(
        load, plan, source, signature, places, causes.of_values(plan), _raw(names), f"{TABLE} r"
    )
    return Statement(
        mapped,
        f"SELECT count(*) FROM {TABLE} r WHERE {taken}" if filters else "",
        source.replace(_BLOCKS, ""),
    )


def _raw(names: Sequence[str]) -> str:
    """What goes to suspense as the source has it, as JSON; it is looked up, for there is little."""
    whole = "to_jsonb(o.c1)"
    if names:
        told = ", ".join(text_sql(name) for name in names)
        values = ", ".join(f"o.c{number}" for number in range(1, len(names) + 1))
        whole = f"jsonb_strip_nulls(jsonb_object(ARRAY[{told}]::text[], ARRAY[{values}]::text[]))"
    return (
        f"CASE WHEN j.cause IS NOT NULL THEN ("
        f"SELECT CASE WHEN o.raw <> '' THEN to_jsonb(o.raw) ELSE {whole} END "
        f"FROM {TABLE} o WHERE o.ctid = j.place) END"
    )


def of_collected(load: Load, plan: Plan, where: str) -> Statement:
    """The statement over COLLECTOR_FIELDS rows, which are typed already."""
    source = f"""
        SELECT coalesce(c.file_line, c.record_number, c.id) AS line, NULL::text AS problem,
               c.id AS collector_fields_id, nullif(btrim(c.billing_identifier), '') AS token,
               coalesce(c.activity_date_ts, c.activity_date) AS activity_date,
               coalesce(c.quantity, 1) AS quantity, c.charge_type,
               c.origination_country_code AS origin,
               c.destination_country_code AS destination, c.override_rate, c.override_cost,
               c.override_buy_cost AS buy_cost, c.usage_identifier AS label,
               c.consolidation_exempt AS exempt, c.signature AS given,
               c.extra_fields - '{ONLY}' AS extra, true AS exact,
               CASE WHEN c.extra_fields ->> '{ONLY}' ~ '^[0-9]{{1,18}}$'
                    THEN (c.extra_fields ->> '{ONLY}')::bigint END AS only
        FROM mediation_collectorfields c WHERE {where} OFFSET 0
    """
    rows = f"mediation_collectorfields c WHERE {where}"
    places: dict[str, tuple[str, str]] = {
        "origin": ("c.origination_country_code", rows),
        "destination": ("c.destination_country_code", rows),
    }
    # A condition can't be judged any more: its label is what the row says.
    labels = [one for one in plan.labels if not one.met]
    own = Plan(values={}, labels=labels)
    signed = (
        "coalesce(t.given, md5(concat_ws(E'\\x1f', t.token, t.activity_date::text, "
        "t.quantity::text, coalesce(t.charge_type, E'\\x02'), coalesce(t.label, E'\\x02')))::uuid)"
    )
    mapped = _mapped(load, own, source, signed, places, [], "NULL::jsonb", rows, extra="t.extra")
    return Statement(mapped, "")


def _mapped(
    load: Load,
    plan: Plan,
    source: str,
    signature: str,
    places: dict[str, tuple[str, str]],
    wrong: list[causes.Cause],
    raw: str,
    where: str,
    extra: str | None = None,
) -> str:
    found = charged(load, plan, where, only=bool(extra))
    joins = list(found.joins)
    for key, (text, rows) in places.items():
        joins.append(_PLACE.format(text=text, source=rows, alias=key))
    raised = _raised_sql(plan, found.label)
    known_causes = causes.of_usage(
        load.account, wrong, places, found.account, found.by_token, found.product
    )
    cause = "\n".join(
        f"WHEN {condition} THEN {text_sql(code)}" for condition, code, _ in known_causes
    )
    reason = "\n".join(
        f"WHEN {text_sql(code)} THEN {said}"
        for code, said in {code: said for _, code, said in known_causes}.items()
    )
    located = {key: f"{key}.id" if key in places else "NULL::bigint" for key in _ENDS}
    # Of what can't be read nobody knows whether it is the same.
    known = "coalesce(t.problem, '') = '' AND NOT coalesce(t.exempt, false)"
    signed = f"CASE WHEN {known} THEN {signature} END"
    shard = f"coalesce(j.account_id, 0) / {_SIDE_BY_SIDE} % {load.shards}"
    return f"""
{found.begin}
INSERT INTO mediation_usage ({_COLUMNS})
SELECT {load.id}, j.line, {shard}, {load.collector}, j.account_id, j.account_product_id,
       j.product_id, j.billing_identifier_id, j.raised, j.token, j.moment, j.quantity,
       left(j.charge_type, 100), j.origin_id, j.destination_id, j.override_rate, j.override_cost,
       j.buy_cost, j.signature, j.cause, CASE j.cause {reason} END, j.collector_fields_id,
       {_kept(places)}, {raw}
FROM (
    SELECT t.*, {found.account} AS account_id, {found.account_product} AS account_product_id,
           {found.product} AS product_id, b.id AS billing_identifier_id,
           {raised} AS raised, {found.moment} AS moment, {found.day} AS local_day,
           {located["origin"]} AS origin_id, {located["destination"]} AS destination_id,
           {signed if load.signed else "NULL::uuid"} AS signature,
           CASE {cause} END AS cause
           {"" if extra else f", {_extra(plan)} AS extra"}
    FROM (SELECT s.*, s.activity_date::date AS day FROM ({source}) s OFFSET 0) t
    {" ".join(joins)}
    OFFSET 0
) j
ORDER BY ({shard}) * {_APART} + coalesce(j.account_id, 0)
"""


def _kept(places: dict[str, tuple[str, str]]) -> str:
    """The custom fields; with a record that goes to suspense also what named its locations."""
    if not places:
        return "j.extra"
    named = ", ".join(
        f"'{key.upper().replace('ORIGIN', 'ORIGINATION')}_COUNTRY_CODE', j.{key}" for key in places
    )
    return (
        f"CASE WHEN j.cause IS NULL THEN j.extra ELSE "
        f"jsonb_strip_nulls(coalesce(j.extra, '{{}}') || jsonb_build_object({named})) END"
    )


def _raised_sql(plan: Plan, label: str) -> str:
    """SQL of the name of the label that was raised."""
    if not plan.labels:
        return "t.label"
    names = " ".join(f"WHEN {one.id} THEN {text_sql(one.name)}" for one in plan.labels)
    return f"coalesce(t.label, CASE {label} {names} END)"


def _signature(plan: Plan) -> str:
    """A hash of the fields that make records one. It begins with that of the token, if this is one
    of them, so that the records of a token lie side by side in an index; or with the date, so that
    an index grows at its end."""
    chosen = [v for v in plan.values.values() if v.signature] or list(plan.values.values())
    texts = {v.key: f"coalesce(t.{v.key}{'_v' if v.text else ''}::text, E'\\x02')" for v in chosen}
    if not texts:
        return "NULL::uuid"
    between = " || E'\\x1f' || "
    digest = f"md5({between.join(texts.values())})"
    if "token" in texts:
        begin = f"left(md5({texts['token']}), 8)"
    elif "activity_date" in texts:
        begin = "lpad(to_hex((date_part('epoch', t.activity_date) / 60)::int), 8, '0')"
    else:
        return f"{digest}::uuid"
    signature = f"({begin} || substr({digest}, 9))::uuid"
    if "activity_date" in texts:
        return f"CASE WHEN t.activity_date IS NOT NULL THEN {signature} END"
    return signature


def _extra(plan: Plan) -> str:
    """The custom fields of ACTIVITY, by their names, as JSON."""
    custom = [v for v in plan.values.values() if v.custom is not None]
    if not custom:
        return "NULL::jsonb"
    pairs = ", ".join(f"{text_sql(v.name)}, t.{v.key}" for v in custom)
    return f"nullif(jsonb_strip_nulls(jsonb_build_object({pairs})), '{{}}'::jsonb)"
