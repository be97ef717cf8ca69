"""Where the cycles of a charge that recurs begin.

A calendar counts its cycles from one day, its base: cycle n begins n lengths after it. Months are
always counted from the base, so 31 January is followed by 28 February and then by 31 March; where
the cycles are those of the billing profile, what is counted is the day on which it closes, and the
cycle begins the day after. Semi-monthly cycles begin on the 1st and the 16th.

A charge for part of a cycle takes its days over the days of that very cycle. Days are counted as
they are in the calendar (Actual), or by 30/360: a month has 30 days, of which a 31st is the same as
the 30th, so from one date to another there are

    360 x years + 30 x months + days between them, neither day of the month over 30

The count of two spans that follow each other is that of both together, so what is charged and what
is credited of a cycle always come to the whole of it. From the 15th to the 23rd of any month there
are 8 days, from the 23rd to the 15th of the next 22, and a cycle that begins on a day up to the
28th has 30 a month; from 28 February to 1 March there are 3, from the 30th to the 31st none.

Sources: BillingPlatform, "How To Create A Subscription Product"; 30E/360 of the 2006 ISDA
Definitions, section 4.16(g), which Kill Bill's `proration.fixed.days` of 30 (TestInvoiceFixed-
Proration) and Zuora's proration by 30 days a month agree with wherever their examples reach.
"""

# A calendar is a row with
#   base          the day that cycles are counted from
#   month         the first day of its month
#   day_of_month  the day of the month that they count to, cut off at shorter months' ends
#   shift         1 where that is the day on which a cycle ends, else 0
#   months, days  the length of a cycle; both 0 = semi-monthly


def begin(n: str, calendar: str) -> str:
    """SQL of the first day of cycle n."""
    c = calendar
    return f"""CASE
    WHEN {c}.months > 0 THEN least(
        {c}.month + make_interval(months => ({n}) * {c}.months, days => {c}.day_of_month - 1),
        {c}.month + make_interval(months => ({n}) * {c}.months + 1) - interval '1 day'
    )::date + {c}.shift
    WHEN {c}.days > 0 THEN {c}.base + ({n}) * {c}.days
    ELSE ({c}.month + make_interval(months => ({n}) >> 1))::date + (({n}) & 1) * 15 END"""


def about(day: str, calendar: str) -> str:
    """SQL of the number of the cycle that holds the day, or of the one after it."""
    c = calendar
    months = (
        f"(extract(year FROM {day}) - extract(year FROM {c}.month)) * 12"
        f" + extract(month FROM {day}) - extract(month FROM {c}.month)"
    )
    return f"""CASE
    WHEN {c}.months > 0 THEN floor(({months}) / {c}.months)::int
    WHEN {c}.days > 0 THEN floor(({day} - {c}.base)::numeric / {c}.days)::int
    ELSE (({months}) * 2)::int + (extract(day FROM {day}) > 15)::int END"""


def cycles(first: str, last: str, calendar: str) -> str:
    """SQL of the cycles from the one that holds a day to the one that holds another, and perhaps
    one more at either end: n, from_day and until_day, the first day of the next."""
    return f"""SELECT n, {begin("n", calendar)} AS from_day, {begin("n + 1", calendar)} AS until_day
    FROM (
        SELECT {about(first, calendar)} - 1 AS low, {about(last, calendar)} + 1 AS high
    ) numbers
    CROSS JOIN LATERAL generate_series(numbers.low, numbers.high) n"""  # noqa: S608 - of statements


def _thirties(day: str) -> str:
    """SQL of a number for a day; two of them are as far apart as their days by 30/360."""
    return (
        f"(extract(year FROM {day}) * 360 + extract(month FROM {day}) * 30"
        f" + least(extract(day FROM {day}), 30))::int"
    )


def days(first: str, until: str, day_count: str) -> str:
    """SQL of how many days there are from one up to another, which is not counted itself."""
    return (
        f"CASE WHEN {day_count} = '30/360' THEN {_thirties(until)} - {_thirties(first)}"
        f" ELSE {until} - {first} END"
    )


def part(span: tuple[str, str], of: tuple[str, str], day_count: str) -> str:
    """SQL of the part that one span of days, from a day until before another, is of another span.

    A span without days, as the 30th of a long month is by 30/360, is nothing of any other, and has
    no other part than itself.
    """
    return (
        f"CASE WHEN {span[0]} = {of[0]} AND {span[1]} = {of[1]} THEN 1"
        f" ELSE coalesce(({days(*span, day_count)})::numeric"
        f" / nullif({days(*of, day_count)}, 0), 0) END"
    )


# The lengths of a rating method `m`.
LENGTH = """
    SELECT CASE upper(m.subscription_cycle) WHEN 'MONTHLY' THEN 1 WHEN 'QUARTERLY' THEN 3
                WHEN 'SEMI-ANNUAL' THEN 6 WHEN 'YEARLY' THEN 12 ELSE 0 END
           * (m.rating_method_type <> 'Variable Interval Subscription')::int AS months,
           CASE WHEN m.rating_method_type = 'Variable Interval Subscription'
                THEN coalesce(m.interval_days, 0)
                ELSE CASE upper(m.subscription_cycle) WHEN 'DAILY' THEN 1 WHEN 'WEEKLY' THEN 7
                          WHEN 'BIWEEKLY' THEN 14 ELSE 0 END END AS days
"""

# The calendar of an account product `ap` with the rating method `m`, the billing profile `profile`
# and the `length` above, whose paid service begins on `paid.from_day`.
CALENDAR = """
    SELECT base, date_trunc('month', base)::date AS month,
           CASE WHEN closes THEN profile.monthly_billing_date
                ELSE extract(day FROM base)::int END AS day_of_month,
           closes::int AS shift, length.months, length.days
    FROM (
        SELECT CASE WHEN closes THEN billed.from_day - 1
                    WHEN synced THEN billed.from_day
                    ELSE coalesce(ap.billing_cycle_start_date, paid.from_day) END AS base, closes
        FROM (
            SELECT billed.from_day, billed.from_day > '-infinity' AS synced,
                   coalesce(billed.from_day > '-infinity' AND length.months > 0
                            AND upper(profile.billing_cycle) IN
                                ('MONTHLY', 'QUARTERLY', 'SEMI-ANNUAL', 'YEARLY'), false) AS closes
            FROM (
                SELECT CASE WHEN m.cycle_type = 'Sync with Billing Cycle' AND profile.id IS NOT NULL
                            THEN rating_billing_begin(profile, paid.from_day) END AS from_day
            ) billed
        ) billed
    ) based
"""


def span(count: str, unit: str) -> str:
    """SQL of so many units of time: a rating method's charge in advance or afterwards."""
    return f"""coalesce({count}, 0) * CASE {unit} WHEN 'Week' THEN interval '7 days'
        WHEN 'Month' THEN interval '1 month' WHEN 'Quarter' THEN interval '3 months'
        WHEN 'Year' THEN interval '1 year' ELSE interval '1 day' END"""


def served(held: str, first: str, until: str) -> str:
    """SQL of the part of a period on whose days the account product of an alias is there."""
    return (
        f"greatest(0, least({until}, {held}.end_date + 1)"
        f" - greatest({first}, {held}.start_date))::numeric / ({until} - {first})"
    )


def step(cycle: str) -> str:
    """SQL of a number of days that leads from the first of a period into the one after it."""
    return f"""CASE upper({cycle}) WHEN 'DAILY' THEN 1 WHEN 'WEEKLY' THEN 7 WHEN 'BIWEEKLY' THEN 14
        WHEN 'SEMI-MONTHLY' THEN 16 WHEN 'QUARTERLY' THEN 92 WHEN 'SEMI-ANNUAL' THEN 184
        WHEN 'YEARLY' THEN 366 ELSE 31 END"""
