"""What becomes of stored values when their field gets another type or another length.

`cast_sql` yields what the new field stores, `cast_check_sql` whether a value can be cast without
loss: nothing is nulled, rounded or cut in silence. Both are SQL over one expression, without
subqueries, and the check never raises whatever the value is; a cast is meant for values that
passed it. A value takes the way it would take over the wire: it is written as people read it, and
read as if they had sent it.
"""

from typing import TYPE_CHECKING

from django.db import connection

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, get
from entities.fieldtypes.numbers import INT4_DIGITS

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema

_TEXTS = frozenset({"TEXT", "LONG_TEXT", "EMAIL", "URL", "LIST"})
_NUMBERS = frozenset({"INTEGER", "DECIMAL", "MONEY", "PERCENT", "ID"})

_D = "[0-9]"
_DAY = f"{_D}{_D}{_D}{_D}-{_D}{_D}-{_D}{_D}"
_NUMBER_FORM = rf"^[+-]?({_D}+(\.{_D}*)?|\.{_D}+)([eE][+-]?{_D}{_D}?{_D}?)?$"
_DATE_FORM = rf"^{_DAY}([T ]00:00(:00(\.0+)?)?Z?)?$"
_ZONE = f"(Z|[+-](0{_D}|1[0-4]):?[0-5]{_D})"
_SECONDS = rf"(:[0-5]{_D}(\.{_D}{_D}?{_D}?{_D}?{_D}?{_D}?)?)?"
_INSTANT_FORM = rf"^{_DAY}([T ]([01]{_D}|2[0-3]):[0-5]{_D}{_SECONDS}{_ZONE}?)?$"
_ZONED = f":.*{_ZONE}$"

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"({_LABEL}\.)+[A-Za-z][A-Za-z-]*[A-Za-z]"
# Escapes, because the SQL must be free of the signs of parameters and placeholders.
_ATOM = r"[A-Za-z0-9!#$\u0025&'*+/=?^_`\u007b|\u007d~-]+"
_ADDRESS = rf" *{_ATOM}(\.{_ATOM})*@{_DOMAIN} *"
_EMAIL_FORM = f"^{_ADDRESS}([;,]{_ADDRESS})*$"
_OCTET = f"(25[0-5]|2[0-4]{_D}|1{_D}{_D}|[1-9]?{_D})"
_HOST = rf"(localhost|{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}|{_DOMAIN})"
_USER = "([^[:space:]:@/]+(:[^[:space:]:@/]*)?@)?"
_URL_FORM = (
    f"^[Hh][Tt][Tt][Pp][Ss]?://{_USER}{_HOST}(:{_D}{_D}?{_D}?{_D}?{_D}?)?([/?#][^[:space:]]*)?$"
)

_LONGEST_NUMBER = 1000
_FIRST = "timestamptz '0001-01-01 00:00:00+00'"
_LAST = "timestamptz '9999-12-31 23:59:59.999999+00'"


def cast_sql(source: "FieldSchema", target: "FieldSchema", expression: str) -> str:
    """SQL that makes of `expression`, a stored value of `source`, what `target` stores."""
    was, becomes = _kinds(source, target)
    value = f"({expression})"
    if becomes == "TEXT":
        text = _written(source, was, value)
        return _spelled(target, text) if target.type.name == "LIST" else text
    if was == becomes:
        return f"{value}::bigint" if target.type.pg_type == "bigint" else value
    match becomes:
        case "NUMBER":
            number = f"{value}::int" if was == "FLAG" else f"btrim({value})::numeric"
            return f"({number})::bigint" if target.type.pg_type == "bigint" else number
        case "FLAG":
            return (
                f"({value} = 1)" if was == "NUMBER" else f"(lower(btrim({value})) IN ('1', 'true'))"
            )
        case "DATE":
            if was == "DATETIME":
                return f"({value} AT TIME ZONE 'UTC')::date"
            return f"left(btrim({value}), 10)::date"
        case "DATETIME":
            if was == "DATE":
                return f"({value}::timestamp AT TIME ZONE 'UTC')"
            return _instant(value)
        case "SEVERAL":
            return (
                f"CASE WHEN {value} IS NOT NULL THEN ARRAY[{_spelled(target, value)}]::text[] END"
            )
        case _:
            return f"{value}::jsonb"


def cast_check_sql(source: "FieldSchema", target: "FieldSchema", expression: str) -> str:
    """SQL that is true where `expression`, a stored value of `source`, can be cast to `target`."""
    was, becomes = _kinds(source, target)
    value = f"({expression})"
    check = _check(source, target, was, becomes, value)
    return f"CASE WHEN {value} IS NULL THEN true ELSE {check} END"


def _check(source: "FieldSchema", target: "FieldSchema", was: str, becomes: str, value: str) -> str:
    match becomes:
        case "TEXT":
            return _check_text(target, was, value, _written(source, was, value))
        case "NUMBER":
            if was == "FLAG":
                return "true"
            if was == "NUMBER":
                return _fits(target, f"{value}::numeric")
            text = f"btrim({value})"
            return (
                f"CASE WHEN length({text}) <= {_LONGEST_NUMBER} "
                f"AND {text} ~ {_quoted(_NUMBER_FORM)} "
                f"THEN {_fits(target, f'{text}::numeric')} ELSE false END"
            )
        case "FLAG" if was == "NUMBER":
            return f"{value} IN (0, 1)"
        case "FLAG" if was == "TEXT":
            return f"lower(btrim({value})) IN ('1', 'true', '0', 'false')"
        case "DATE" if was == "DATETIME":
            day = f"date_trunc('day', {value} AT TIME ZONE 'UTC')"
            return f"({value} AT TIME ZONE 'UTC') = {day}"
        case "DATE" if was == "TEXT":
            return _is_day(value, _DATE_FORM, "true")
        case "DATETIME" if was == "TEXT":
            instant = _instant(value)
            return _is_day(value, _INSTANT_FORM, f"{instant} BETWEEN {_FIRST} AND {_LAST}")
        case "SEVERAL" if was == "TEXT":
            return f"(position(';' in {value}) = 0 AND {_in_list(target, value)})"
        case "JSON" if was == "TEXT":
            return _is_json(value)
        case _:
            return "true"


def _kinds(source: "FieldSchema", target: "FieldSchema") -> tuple[str, str]:
    """How both fields keep their values; refuses what is no cast."""
    was, becomes = source.type, target.type
    if was.name != becomes.name and was.name not in becomes.casts_from:
        possible = [name for name in sorted(becomes.casts_from) if get(name).label]
        raise Refused(
            Code.INVALID_VALUE,
            f"is {becomes.name}, which no {was.name} can become; "
            + (f"one can be made of {', '.join(possible)}" if possible else "keep the type"),
        )
    return _kind(was, source), _kind(becomes, target)


def _kind(kind: FieldType, field: "FieldSchema") -> str:
    if kind.name == "LOOKUP":
        return "TEXT" if field.lookup and field.lookup.by_key else "NUMBER"
    if kind.name in _TEXTS or kind.pg_type == "text":
        return "TEXT"
    if kind.name in _NUMBERS:
        return "NUMBER"
    return "SEVERAL" if kind.name == "MULTI_LIST" else kind.name


def _written(source: "FieldSchema", was: str, value: str) -> str:
    """The text that people know the value by."""
    match was:
        case "FLAG":
            return f"{value}::int::text"
        case "NUMBER":
            return f"trim_scale({value}::numeric)::text"
        case "DATE":
            return f"to_char({value}, 'YYYY-MM-DD')"
        case "DATETIME":
            form = "'YYYY-MM-DD\"T\"HH24:MI:SS.US'"
            full = f"to_char({value} AT TIME ZONE 'UTC', {form})"
            return f"(rtrim(rtrim({full}, '0'), '.') || 'Z')"
        case "JSON":
            return f"{value}::text"
        case _:
            return f"{value}::text"


def _check_text(target: "FieldSchema", was: str, value: str, text: str) -> str:
    checks = []
    length = target.length or (100 if target.type.name == "LIST" else None)
    if length:
        checks.append(f"length({text}) <= {length}")
    if was == "DATE":
        checks.append(f"{value} BETWEEN date '0001-01-01' AND date '9999-12-31'")
    elif was == "DATETIME":
        checks.append(f"{value} BETWEEN {_FIRST} AND {_LAST}")
    match target.type.name:
        case "LIST":
            checks.append(_in_list(target, text))
        case "EMAIL":
            checks.append(f"{text} ~ {_quoted(_EMAIL_FORM)}")
            checks.append(f"{text} !~ repeat('[^.@;,]', 64)")
            checks.append(f"{text} !~ (repeat('[^;,]', 160) || repeat('[^;,]', 161))")
        case "URL":
            host = f"substring({text} FROM '//([^/?#]*)')"
            checks.append(f"length({text}) <= 2048 AND {text} ~ {_quoted(_URL_FORM)}")
            checks.append(f"length({host}) <= 253 AND {host} !~ repeat('[^.]', 64)")
    return f"({' AND '.join(checks)})" if checks else "true"


def _fits(target: "FieldSchema", number: str) -> str:
    """Whether the number needs neither more digits nor more places than the field has."""
    if target.type.pg_type == "bigint":
        most = 2**31 - 1 if target.digits == INT4_DIGITS else 2**63 - 1
        return f"({number} = trunc({number}) AND {number} BETWEEN {-most - 1} AND {most})"
    if target.digits is None:
        return "true"
    return f"(abs({number}) < {target.bound:f} AND {number} = round({number}, {target.places}))"


def _is_day(value: str, form: str, then: str) -> str:
    """Whether the text has the form, which begins with a day, and that day exists."""
    text = f"btrim({value})"
    year, month, day = (
        f"substr({text}, {start}, {length})::int" for start, length in ((1, 4), (6, 2), (9, 2))
    )
    last = f"extract(day FROM make_date({year}, {month}, 1) + interval '1 month - 1 day')"
    return (
        f"CASE WHEN {text} ~ {_quoted(form)} "
        f"THEN CASE WHEN {year} >= 1 AND {month} BETWEEN 1 AND 12 "
        f"THEN CASE WHEN {day} BETWEEN 1 AND {last} THEN {then} ELSE false END "
        f"ELSE false END ELSE false END"
    )


def _instant(value: str) -> str:
    """A text read as an instant; one without a zone is UTC."""
    text = f"btrim({value})"
    return (
        f"CASE WHEN {text} ~ {_quoted(_ZONED)} THEN {text}::timestamptz "
        f"ELSE rtrim({text}, 'Z')::timestamp AT TIME ZONE 'UTC' END"
    )


def _spelled(target: "FieldSchema", text: str) -> str:
    """The list's own spelling of the text."""
    if not target.list_values:
        return text
    cases = " ".join(
        f"WHEN lower({_quoted(v)}) THEN {_quoted(v)}" for v in target.list_values.values()
    )
    return f"CASE lower({text}) {cases} END"


def _in_list(target: "FieldSchema", text: str) -> str:
    if not target.list_values:
        return "true"
    values = ", ".join(f"lower({_quoted(v)})" for v in target.list_values.values())
    return f"lower({text}) IN ({values})"


#: How deep a document may be nested where the database can't say whether it is one.
_DEPTH = 16
_HEX = "[0-9a-fA-F]"
_STRING = rf'"([^"\\\u0001-\u001f]|\\(["\\/bfnrt]|u{_HEX}{_HEX}{_HEX}{_HEX}))*"'
_SCALAR = rf"true|false|null|-?(0|[1-9]{_D}*)(\.{_D}+)?([eE][+-]?{_D}{_D}?{_D}?)?"
_CONTAINER = r'\[((""|0)(,(""|0))*)?\]|\u007b("":(""|0)(,"":(""|0))*)?\u007d'


def _is_json(value: str) -> str:
    """Whether the text is a document that a jsonb column takes."""
    if connection.pg_version >= 160000:  # type: ignore[attr-defined]
        return f"pg_input_is_valid({value}, 'jsonb')"
    return json_form_sql(value)


def json_form_sql(value: str) -> str:
    """The same by form alone: strings become "", all else 0, from the inside out.

    A document nested deeper than `_DEPTH`, or with escapes that not every text can hold, counts as
    none.
    """
    form = value
    for pattern, instead in ((_STRING, '""'), (_SCALAR, "0"), (r"[ \t\n\r]+", "")):
        form = f"regexp_replace({form}, {_quoted(pattern)}, '{instead}', 'g')"
    for _ in range(_DEPTH):
        form = f"regexp_replace({form}, {_quoted(_CONTAINER)}, '0', 'g')"
    unsure = _quoted(r"\\u(0000|[dD][89a-fA-F])")
    return f"""({value} !~ {unsure} AND {form} ~ '^(""|0)$')"""


_ESCAPED = str.maketrans({"'": "''", "\\": "\\\\", "%": "\\u0025", "{": "\\u007b", "}": "\\u007d"})


def _quoted(text: str) -> str:
    """A text as an SQL literal without the signs of parameters and placeholders."""
    return f"E'{text.translate(_ESCAPED)}'"
