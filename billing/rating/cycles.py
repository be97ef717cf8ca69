"""Where the cycles of a charge that recurs begin.

A calendar counts its cycles from one day, its base: cycle n begins n lengths after it. Months are
always counted from the base, so 31 January is followed by 28 February and then by 31 March; where
the cycles are those of the billing profile, what is counted is the day on which it closes, and the
cycle begins the day after. Semi-monthly cycles begin on the 1st and the 16th.

A charge for part of a cycle takes its days over the days of that very cycle (actual/actual).

Sources: BillingPlatform, "How To Create A Subscription Product".
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
