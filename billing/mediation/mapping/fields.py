"""What a collector's mappings, filters and labels come to: SQL over the table of a load.

A name in a formula is a column of the source, or what a mapping calls one. All that is read is
text; NUMBER({!Bytes}) makes a number of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from billing.mediation.mapping import casting
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorFilter,
    ActivityCollectorLabel,
    ActivityCollectorMap,
)
from billing.mediation.reading.layout import Layout, UnreadableError, value_sql
from entities import formulas
from entities.errors import nearest
from entities.formulas import FormulaError, Kind, Reference, Term
from entities.formulas.kinds import OF_COLUMNS
from entities.formulas.terms import text_sql
from entities.schema.description import FieldSchema, fold
from entities.schema.snapshot import Snapshot

#: Field of COLLECTOR_FIELDS, folded -> what it is in usage, and of which kind.
TARGETS = {
    fold(name): (key, kind)
    for name, key, kind in (
        ("BillingIdentifier", "token", Kind.TEXT),
        ("ACTIVITY_DATE", "activity_date", Kind.DATETIME),
        ("ActivityDateTS", "activity_date", Kind.DATETIME),
        ("Quantity", "quantity", Kind.NUMBER),
        ("ChargeType", "charge_type", Kind.TEXT),
        ("ORIGINATION_COUNTRY_CODE", "origin", Kind.TEXT),
        ("DESTINATION_COUNTRY_CODE", "destination", Kind.TEXT),
        ("OVERRIDE_RATE", "override_rate", Kind.NUMBER),
        ("OVERRIDE_COST", "override_cost", Kind.NUMBER),
        ("OVERRIDE_BUY_COST", "buy_cost", Kind.NUMBER),
        ("UsageIdentifier", "label", Kind.TEXT),
        ("ConsolidationExempt", "exempt", Kind.FLAG),
    )
}
#: What mappings call the fields, for messages.
NAMES = ["BillingIdentifier", "ACTIVITY_DATE", "Quantity", "ChargeType", "UsageIdentifier"]


@dataclass(frozen=True, slots=True)
class Value:
    """One field of usage.

    name     of the field, for messages
    key      its column: one of TARGETS, or x1 and so on of a custom field
    text     SQL of the text it is made of, over `{t}`; "" of a formula
    typed    SQL of the value: over `v.<key>_v` of a text, over `{t}` of a formula
    """

    name: str
    key: str
    kind: Kind
    text: str
    typed: str
    form: str = ""
    custom: FieldSchema | None = None
    signature: bool = False
    consolidation: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A usage identifier, and the condition under which it is raised; "" for always."""

    id: int
    name: str
    met: str


@dataclass(slots=True)
class Plan:
    """All that is to be known of a collector to map its records."""

    values: dict[str, Value] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


def target_of(snapshot: Snapshot, name: str) -> tuple[str, Kind, FieldSchema | None] | None:
    """Key, kind and custom field of ACTIVITY that a Target names; None if it names nothing."""
    known = TARGETS.get(fold(name.strip()))
    if known is not None:
        return (*known, None)
    custom = snapshot.entity("ACTIVITY").find(name.strip())
    if custom is None or custom.system or custom.column is None or custom.encrypted:
        return None
    kind = OF_COLUMNS.get(custom.type.pg_type)
    return None if kind is None or custom.lookup is not None else (custom.column, kind, custom)


def sources_of(
    maps: Sequence[ActivityCollectorMap], texts: Sequence[str | None]
) -> tuple[str, ...]:
    """The paths of the values that mappings and formulas name, each once."""
    named = {fold(m.name) for m in maps if m.name}
    found = [m.source.strip() for m in maps if m.source]
    for text in texts:
        for reference in formulas.parse(text).references if text else ():
            path = ".".join(word.text for word in reference.words)
            if fold(path) not in named:
                found.append(path)
    return tuple(dict.fromkeys(found))


class _Names:
    """What the names of a formula mean: columns of the source."""

    def __init__(
        self, layout: Layout, columns: list[str] | None, maps: Sequence[ActivityCollectorMap]
    ) -> None:
        self.layout = layout
        self.columns = columns
        self.named = {fold(m.name): m.source for m in maps if m.name and m.source}

    def value(self, reference: Reference, *, prior: bool) -> Term:
        path = ".".join(word.text for word in reference.words)
        source = self.named.get(fold(path), path)
        if self.columns is None:
            sql: str | None = "{t}.raw"
        else:
            sql = value_sql(self.layout, self.columns, source)
        if sql is None:
            known = [*self.named, *(self.columns or ())]
            raise FormulaError(
                f"The source has no column {path[:80]!r}.{nearest(path, known)}",
                reference.position,
            )
        return Term(sql, Kind.TEXT, reference.position, str(reference), length=1_000_000)


def plan_of(
    collector: ActivityCollector,
    layout: Layout,
    columns: list[str] | None,
    snapshot: Snapshot,
) -> Plan:
    """The collector's rows as SQL. `columns` are those of the source; None where they are not known
    yet, to check what can be checked. UnreadableError."""
    own = {"activity_collector": collector, "deleted_at": None}
    maps = list(ActivityCollectorMap.objects.filter(**own).order_by("sort_order", "id"))
    names = _Names(layout, columns, maps)
    plan = Plan()
    for one in maps:
        if one.target:
            value = value_of(one, names, snapshot, len(plan.values))
            plan.values[value.key] = value
    for chosen in ActivityCollectorFilter.objects.filter(**own).order_by("sort_order", "id"):
        plan.filters.append(condition(chosen.formula, names, "Formula of a filter"))
    if collector.precollector_validation:
        plan.filters.append(
            condition(collector.precollector_validation, names, "PrecollectorValidation")
        )
    raised = ActivityCollectorLabel.objects.filter(**own).select_related("usage_identifier")
    for label in raised.order_by("sort_order", "id"):
        met = condition(label.formula, names, "Formula of a label") if label.formula else ""
        name = label.usage_identifier.usage_identifier
        plan.labels.append(Label(label.usage_identifier_id, name, met))
    return plan


def names_for(layout: Layout, maps: Sequence[ActivityCollectorMap]) -> _Names:
    """The names of a source whose columns are not known yet."""
    return _Names(layout, None, maps)


def over(sql: str, alias: str) -> str:
    """SQL over `{t}`, over the table of that alias."""
    return sql.replace("{t}", alias)


def condition(text: str, names: _Names, what: str) -> str:
    """SQL of a condition over `{t}`."""
    try:
        return formulas.compiled(formulas.parse(text), names, expect=Kind.FLAG).sql
    except FormulaError as error:
        raise UnreadableError(f"{what}: {error.message}") from error


def value_of(one: ActivityCollectorMap, names: _Names, snapshot: Snapshot, number: int) -> Value:
    """A mapping as SQL. UnreadableError for one that can't be carried out."""
    target = target_of(snapshot, one.target or "")
    if target is None:
        raise UnreadableError(
            f"Target {one.target!r} is no field that usage fills."
            f"{nearest(one.target or '', NAMES)} It is one of COLLECTOR_FIELDS, UsageIdentifier, "
            f"or a custom field of ACTIVITY that is no lookup."
        )
    key, kind, custom = target
    if custom is not None:
        key = f"x{number}"
    about = {
        "name": custom.name if custom else (one.target or "").strip(),
        "key": key,
        "kind": kind,
        "form": one.date_format or "",
        "custom": custom,
        "signature": one.signature_flag,
        "consolidation": one.consolidation or "",
    }
    if one.formula:
        try:
            term = formulas.compiled(formulas.parse(one.formula), names, expect=kind)
        except FormulaError as error:
            raise UnreadableError(f"Formula of {one.target}: {error.message}") from error
        return Value(text="", typed=_times(term.sql, one), **about)  # type: ignore[arg-type]
    text = "NULL::text"
    if one.source:
        found: str | None = "{t}.raw"
        if names.columns is not None:
            found = value_sql(names.layout, names.columns, one.source)
        if found is None:
            raise UnreadableError(
                f"Source {one.source!r} of {one.target} is nowhere in the records."
                f"{nearest(one.source, names.columns or [])}"
            )
        text = found
    if one.default_value:
        text = f"coalesce({text}, {text_sql(one.default_value)})"
    return Value(text=text, typed=_times(_cast(kind, f"v.{key}_v", one), one), **about)  # type: ignore[arg-type]


def _cast(kind: Kind, text: str, one: ActivityCollectorMap) -> str:
    if kind is Kind.NUMBER:
        return casting.number_sql(text)
    if kind is Kind.DATETIME:
        return casting.moment_sql(text, one.date_format or "")
    if kind is Kind.DATE:
        return f"({casting.moment_sql(text, one.date_format or '')})::date"
    if kind is Kind.FLAG:
        return casting.flag_sql(text)
    return text


def _times(sql: str, one: ActivityCollectorMap) -> str:
    if one.multiplier is None or one.multiplier == 1:
        return sql
    return f"({sql}) * '{one.multiplier:f}'::numeric"
