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

# Names as usage spells them: those of fields first, whatever else was sent.
_NAMES = """
SELECT name FROM (
    SELECT DISTINCT jsonb_object_keys(extra) AS name FROM mediation_usage
    WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL AND extra IS NOT NULL
) sent
ORDER BY name = ANY(%(fields)s) DESC, name LIMIT %(most)s
"""
_REFUSE = """
UPDATE mediation_usage u
SET cause = told.cause, reason = told.reason
FROM (
    SELECT o.ctid AS place, wrong.cause, wrong.reason
    FROM mediation_usage o
    CROSS JOIN LATERAL (
        SELECT 0 AS place, left('UNKNOWN_FIELD:' || name, 100) AS cause,
               'ACTIVITY has no custom field ' || quote_literal(left(name, 255)) || ' that usage '
               'fills: none of the name, or it is a lookup, encrypted, or has no column.' AS reason
        FROM jsonb_object_keys(o.extra) name WHERE NOT name = ANY(%(known)s)
        UNION ALL
        SELECT rule.place, rule.cause, rule.reason
        FROM (VALUES {wrong}) rule (place, wrong, cause, reason) WHERE rule.wrong
        ORDER BY place, cause LIMIT 1
    ) wrong
    WHERE o.load_id = %(load)s AND o.shard = %(shard)s AND o.cause IS NULL AND o.extra IS NOT NULL
) told
WHERE u.ctid = told.place
"""
#: Names that are looked at; no entity has more fields.
_MOST = 2000
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
    snapshot = current()
    fields = [field.name for field in snapshot.entity("ACTIVITY").fields if not field.system]
    cursor.execute(_NAMES, {**given, "fields": fields, "most": _MOST})
    texts: dict[FieldSchema, list[str]] = {}
    known: list[str] = []
    for (name,) in cursor.fetchall():
        target = target_of(snapshot, name)
        if target is not None and target[2] is not None:
            texts.setdefault(target[2], []).append(f"{{u}}.extra ->> {text_sql(name)}")
            known.append(name)
    filled = [_Filled(field, f"coalesce({', '.join(each)})") for field, each in texts.items()]
    rules = ["(0, false, '', '')"]
    for place, one in enumerate(filled, 1):
        text = one.text.replace("{u}", "o")
        rules.append(
            f"({place}, NOT {one.fits('o')}, {text_sql(f'BAD_VALUE:{one.field.name}'[:100])}, "
            f"{text_sql(one.field.name)} || ' is ' || quote_literal(left({text}, 255)) "
            f"|| {text_sql(f', which is no {_told(one.field)}.')})"
        )
    cursor.execute(_REFUSE.replace("{wrong}", ", ".join(rules)), {**given, "known": known})
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
