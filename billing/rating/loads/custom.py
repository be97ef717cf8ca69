"""Custom fields of ACTIVITY that usage fills: the columns of its lines, and what can't stand there.

Usage carries them by name (`mediation_usage.extra`); a shard that has none asks for nothing here.
A value becomes what its field stores by the rules by which stored values are cast when a field
gets another type: nothing is cut, rounded or nulled in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from billing.mediation.mapping.fields import target_of
from entities import fieldtypes
from entities.formulas.terms import text_sql
from entities.schema.current import current
from entities.schema.description import FieldSchema

NAMES = """
SELECT DISTINCT jsonb_object_keys(extra) FROM mediation_usage
WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL AND extra IS NOT NULL
"""

_REFUSE = """
UPDATE mediation_usage u
SET cause = told.cause, reason = told.reason
FROM (
    SELECT o.ctid AS place, wrong.cause, wrong.reason
    FROM mediation_usage o
    CROSS JOIN LATERAL (
        SELECT * FROM (VALUES {wrong}) rule (place, wrong, cause, reason)
        WHERE rule.wrong ORDER BY rule.place LIMIT 1
    ) wrong
    WHERE o.load_id = %(load)s AND o.shard = %(shard)s AND o.cause IS NULL AND o.extra IS NOT NULL
) told
WHERE u.ctid = told.place
"""

#: Values of a list that a reason tells.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Filled:
    """A custom field, and SQL of the text that usage `{u}` has for it."""

    field: FieldSchema
    text: str

    @property
    def source(self) -> FieldSchema:
        return replace(self.field, type=fieldtypes.get("TEXT"), length=None, list_values={})

    def value(self, usage: str) -> str:
        return fieldtypes.cast_sql(self.source, self.field, self.text.replace("{u}", usage))

    def fits(self, usage: str) -> str:
        return fieldtypes.cast_check_sql(self.source, self.field, self.text.replace("{u}", usage))


def columns(cursor: Any, given: Mapping[str, Any]) -> dict[str, str]:
    """Column of a line -> what fills it from usage `u`. Usage whose values don't fit gets its
    cause and reason."""
    cursor.execute(NAMES, given)
    snapshot = current()
    texts: dict[FieldSchema, list[str]] = {}
    unknown: list[str] = []
    for (name,) in sorted(cursor.fetchall()):
        target = target_of(snapshot, name)
        if target is None or target[2] is None:
            unknown.append(name)
        else:
            texts.setdefault(target[2], []).append(f"{{u}}.extra ->> {text_sql(name)}")
    filled = [_Filled(field, f"coalesce({', '.join(each)})") for field, each in texts.items()]
    wrong = [
        (
            f"jsonb_exists(o.extra, {text_sql(name)})",
            f"UNKNOWN_FIELD:{name}"[:100],
            f"'ACTIVITY has no custom field ' || {text_sql(repr(name)[:255])} || ' that usage "
            f"fills: none of the name, or it is a lookup, encrypted, or has no column.'",
        )
        for name in unknown
    ] + [
        (
            f"NOT {one.fits('o')}",
            f"BAD_VALUE:{one.field.name}"[:100],
            f"{text_sql(one.field.name)} || ' is ' "
            f"|| quote_literal(left({one.text.replace('{u}', 'o')}, 255)) "
            f"|| {text_sql(f', which is no {_told(one.field)}.')}",
        )
        for one in filled
    ]
    if not wrong:
        return {}
    rules = ", ".join(
        f"({place}, {condition}, {text_sql(cause)}, {reason})"
        for place, (condition, cause, reason) in enumerate(wrong)
    )
    cursor.execute(_REFUSE.replace("{wrong}", rules), given)
    return {one.field.column or "": one.value("u") for one in filled}


def _told(field: FieldSchema) -> str:
    """What the field's values are, for people: "DECIMAL of 10 digits, 2 after the point"."""
    if field.digits is not None and field.type.pg_type == "numeric":
        return f"{field.type.name} of {field.digits} digits, {field.places} after the point"
    if field.list_values:
        shown = list(field.list_values.values())
        more = ", …" if len(shown) > _SHOWN else ""
        return f"value of its list ({', '.join(shown[:_SHOWN])}{more})"
    if field.length:
        return f"{field.type.name} of at most {field.length} characters"
    return field.type.name
