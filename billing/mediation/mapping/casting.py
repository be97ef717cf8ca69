"""Texts as numbers and dates in SQL, NULL where they are none.

No cast yields NULL instead of an error, so a text is looked at first. From PostgreSQL 16 on the
server says itself whether a cast would succeed, which costs a fraction of a regular expression;
what it would take beyond plain numbers and ISO dates (NaN, now, 0x10) is kept out by the characters
a text may have. PostgreSQL 15 is asked by a regular expression and by the days of the month.
"""

import re

from django.db import connection

from billing.mediation.reading.layout import UnreadableError

#: A number of so many digits before the point fits into every column.
MOST_DIGITS = 18
_NUMBER = r"^[+-]?([0-9]{1,18}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9])?$"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\.[0-9]{1,9})?)?"
_DAY = r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_ISO = rf"^{_DAY}([T ]{_CLOCK} ?{_OFFSET}?)?$"
_TOKENS = {
    "YYYY": (4, "(19|20|21)[0-9]{2}"),
    "YY": (2, "[0-9]{2}"),
    "MM": (2, "(0[1-9]|1[0-2])"),
    "DD": (2, "(0[1-9]|[12][0-9]|3[01])"),
    "HH24": (2, "([01][0-9]|2[0-3])"),
    "MI": (2, "[0-5][0-9]"),
    "SS": (2, "[0-5][0-9]"),
}
_TOKEN = re.compile("YYYY|YY|MM|DD|HH24|MI|SS|[^A-Za-z%{}\\\\]|T")
#: The Unix time of the year 2200.
_LAST_SECOND = 7_258_118_400


def told() -> bool:
    """Whether the server tells if a cast would succeed."""
    return int(getattr(connection, "pg_version", 0)) >= 160_000


def number_sql(text: str) -> str:
    """A numeric of the text that the SQL `text` yields; it may be repeated at no cost."""
    if told():
        return (
            f"CASE WHEN {_only(text, '0123456789.')} OR {_only(text, '0123456789.+-eE')} "
            f"THEN CASE WHEN pg_input_is_valid({text}, 'numeric') THEN {text}::numeric END END"
        )
    return f"CASE WHEN {text} ~ '{_NUMBER}' THEN {text}::numeric END"


def _only(text: str, signs: str) -> str:
    """Whether the text has no other signs. Bytes are compared in a third of the time."""
    return f"ltrim(convert_to({text}, 'UTF8'), '{signs}'::bytea) = ''"


def flag_sql(text: str) -> str:
    return (
        f"CASE WHEN lower({text}) IN ('1', 'true', 'yes', 'y', 't') THEN true "
        f"WHEN lower({text}) IN ('0', 'false', 'no', 'n', 'f') THEN false END"
    )


def moment_sql(text: str, form: str = "") -> str:
    """A timestamptz of the text; without an offset it is of the session's time zone.

    Raises UnreadableError for a form that there is not.
    """
    wanted = form.strip()
    if not wanted or wanted.upper() in ("ISO", "ISO 8601"):
        if told():
            day = " OR ".join(f"{text} LIKE '{century}__-__-__%'" for century in (20, 19, 21))
            return (
                f"CASE WHEN ({day}) AND {_only(text, '0123456789-: T.Z+')} "
                f"AND {text} NOT LIKE '{'_' * 11}24%' "
                f"THEN CASE WHEN pg_input_is_valid({text}, 'timestamptz') "
                f"THEN {text}::timestamptz END END"
            )
        year, month, day = (f"substr({text}, {a}, {n})" for a, n in ((1, 4), (6, 2), (9, 2)))
        known = _in_month(year, month, day)
        return (
            f"CASE WHEN {text} ~ '{_ISO}' THEN CASE WHEN {known} THEN {text}::timestamptz END END"
        )
    if wanted.upper() in ("EPOCH", "EPOCH_MS"):
        divided = "" if wanted.upper() == "EPOCH" else " / 1000.0"
        number = f"{text}::numeric{divided}"
        return (
            f"CASE WHEN {text} ~ '^[0-9]{{1,14}}(\\.[0-9]{{1,9}})?$' THEN "
            f"CASE WHEN {number} < {_LAST_SECOND} THEN to_timestamp({number}) END END"
        )
    return _by_places(text, wanted)


def has_offset_sql(text: str, form: str = "") -> str:
    """Whether a text that is a moment says by itself which zone it is of."""
    if form.strip().upper().startswith("EPOCH"):
        return "true"
    if form.strip() and form.strip().upper() not in ("ISO", "ISO 8601"):
        return "false"
    end = f"substr({text}, 17)"
    return (
        f"CASE WHEN length({text}) <= 16 THEN false ELSE right({text}, 1) = 'Z' "
        f"OR strpos({end}, '+') > 0 OR strpos({end}, '-') > 0 END"
    )


def _by_places(text: str, form: str) -> str:
    """Of a form in which every part has its place, such as DD.MM.YYYY HH24:MI."""
    place, pattern = 1, ""
    parts: dict[str, str] = {}
    rest = form
    while rest:
        found = _TOKEN.match(rest)
        if found is None:
            raise UnreadableError(
                f"DateFormat is {form!r}; it is made of YYYY, YY, MM, DD, HH24, MI, SS and signs "
                f"between, or is EPOCH or EPOCH_MS."
            )
        token = found[0]
        rest = rest[len(token) :]
        if token not in _TOKENS:
            pattern += f"[{token}]" if token.isalnum() or token in " -/.:,_T" else ""
            if not pattern or pattern[-1] != "]":
                raise UnreadableError(f"DateFormat is {form!r}; {token!r} can't stand in it.")
            place += 1
            continue
        size, own = _TOKENS[token]
        pattern += own
        parts[token[:4] if token != "YY" else "YYYY"] = (
            f"'20' || substr({text}, {place}, 2)"
            if token == "YY"
            else f"substr({text}, {place}, {size})"
        )
        place += size
    if not {"YYYY", "MM", "DD"} <= parts.keys():
        raise UnreadableError(f"DateFormat is {form!r}; it has a year, MM and DD.")
    year, month, day = parts["YYYY"], parts["MM"], parts["DD"]
    clock = " || ':' || ".join(parts.get(t, "'00'") for t in ("HH24", "MI", "SS"))
    return (
        f"CASE WHEN {text} ~ '^{pattern}$' THEN "
        f"CASE WHEN {_in_month(f'({year})', month, day)} "
        f"THEN ({year} || '-' || {month} || '-' || {day} || ' ' || {clock})::timestamptz END END"
    )


def _in_month(year: str, month: str, day: str) -> str:
    """Whether the month of that year has that day; the texts are of the right form by then."""
    leap = f"({year}::int % 4 = 0 AND ({year}::int % 100 <> 0 OR {year}::int % 400 = 0))"
    return (
        f"CASE WHEN {day} COLLATE \"C\" <= '28' THEN true "
        f"WHEN {month} = '02' THEN {day} = '29' AND {leap} "
        f"WHEN {day} = '31' THEN {month} IN ('01', '03', '05', '07', '08', '10', '12') "
        f"ELSE true END"
    )
