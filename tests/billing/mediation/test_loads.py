"""From a file to lines: what is mapped, what goes to suspense, what is dropped and why."""

from decimal import Decimal

import pytest

from billing.mediation.loads import reversing, running
from billing.mediation.mapping import casting
from tests.billing.mediation.standing import Standing, asked, changed, drive, rate, refused
from tests.factories import (
    AccountProductFactory,
    ActivityCollectorControlFactory,
    ActivityCollectorFilterFactory,
    ActivityCollectorLabelFactory,
    BillingProfileFactory,
    CountryCodeFactory,
    InvoiceFactory,
    ProductFactory,
    UsageIdentifierFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


@pytest.fixture
def standing() -> Standing:
    return Standing().usual()


def test_a_file_becomes_lines_and_counts(standing: Standing) -> None:
    load = standing.file(
        f"who,at,much\n{standing.token},2026-11-01 10:00:00,1.5\n"
        f"{standing.token},2026-11-02T10:00:00+02:00,2\nnobody,2026-11-02,1\n"
    )
    assert load.status == "COMPLETED"
    assert (load.record_count, load.processed_count, load.suspended_count) == (3, 2, 1)
    assert (load.rated_count, load.total_quantity) == (2, Decimal("3.5"))
    assert standing.lines("line_number", "quantity", "activity_date::text", "product_id") == [
        (2, Decimal("1.5"), "2026-11-01 10:00:00+00", standing.product),
        (3, Decimal(2), "2026-11-02 08:00:00+00", standing.product),
    ]
    (waiting,) = standing.suspense()
    assert waiting.cause == "UNKNOWN_TOKEN"
    assert waiting.reason == "No active billing identifier is called 'nobody' on 2026-11-02."
    assert (waiting.file_line, waiting.billing_identifier) == (4, "nobody")
    assert waiting.raw_record == '{"at": "2026-11-02", "who": "nobody", "much": "1"}'
    assert asked("SELECT count(*) FROM mediation_usage WHERE load_id = %s", load.pk) == [(0,)]


@pytest.mark.parametrize(
    ("record", "cause", "told"),
    [
        ("T,2026-02-30,1", "BAD_DATE:ACTIVITY_DATE", "ACTIVITY_DATE is '2026-02-30', which is no"),
        ("T,2025-02-29,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,2026-11-31,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,yesterday,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,2026-11-01 24:00,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,2026-11-01 allballs,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,2026-11-01 10:00 PST,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,infinity,1", "BAD_DATE:ACTIVITY_DATE", ""),
        ("T,,1", "NO_DATE", "no date"),
        ("T,2026-11-01,", "NO_QUANTITY", "no quantity"),
        ("T,2026-11-01,one", "BAD_NUMBER:Quantity", "Quantity is 'one', which is no number."),
        ("T,2026-11-01,NaN", "BAD_NUMBER:Quantity", ""),
        ("T,2026-11-01,0x10", "BAD_NUMBER:Quantity", ""),
        ("T,2026-11-01,1_000", "BAD_NUMBER:Quantity", ""),
        ("T,2026-11-01,1.2.3", "BAD_NUMBER:Quantity", ""),
        ("T,2026-11-01,-", "BAD_NUMBER:Quantity", ""),
        ("T,2026-11-01,999999999999999999e9", "TOO_LARGE", "more than 18 digits"),
        (",2026-11-01,1", "NO_TOKEN", "no billing identifier"),
        ("'; DROP TABLE x; --,2026-11-01,1", "UNKNOWN_TOKEN", "'''; DROP TABLE x; --'"),
        ("T,2025-12-31,1", "NO_PRODUCT", "no active account product for its billing identifier"),
        ("T,2026-11-01,1,more", "UNREADABLE", "It has 4 values; the others have 3."),
    ],
)
@pytest.mark.parametrize("tells", [True, False])
def test_what_cannot_be_mapped_waits_with_its_reason(
    standing: Standing,
    record: str,
    cause: str,
    told: str,
    tells: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # PostgreSQL 15 can't be asked whether a cast would succeed.
    # A server before PostgreSQL 16 never tells.
    can = casting.told()
    monkeypatch.setattr(casting, "told", lambda: tells and can)
    content = record.replace("T,", f"{standing.token},", 1) if record[0] == "T" else record
    load = standing.file(f"who,at,much\n{content}\n{standing.token},2026-11-01,1\n")
    assert load.processed_count == 1
    assert [w.cause for w in standing.suspense()] == [cause]
    assert told in (standing.suspense()[0].reason or "")


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("DD.MM.YYYY HH24:MI", "29.02.2024 23:59", "2024-02-29 22:59:00+00"),
        ("YYMMDDHH24MISS", "261101100500", "2026-11-01 09:05:00+00"),
        ("MM/DD/YYYY", "07/04/2026", "2026-07-03 22:00:00+00"),
        ("EPOCH", "1793527200", "2026-11-01 10:00:00+00"),
        ("EPOCH_MS", "1793527200500", "2026-11-01 10:00:00.5+00"),
        (None, "2026-07-01T12:00:00Z", "2026-07-01 12:00:00+00"),
        (None, "2026-07-01 12:00", "2026-07-01 10:00:00+00"),
    ],
)
def test_dates_are_read_in_their_form_and_zone(form: str, text: str, moment: str) -> None:
    zone = asked("SELECT id FROM localization_timezone WHERE name = 'Europe/Berlin'")[0][0]
    standing = Standing(TimeZoneId=str(zone)).maps(
        {
            "BillingIdentifier": "who",
            "ACTIVITY_DATE": {"Source": "at", **({"DateFormat": form} if form else {})},
        }
    )
    asked("UPDATE customers_accountproduct SET start_date = '2020-01-01' RETURNING 1")
    standing.file(f"who,at\n{standing.token},{text}\n")
    assert [w.reason for w in standing.suspense()] == []
    assert standing.lines("activity_date::text") == [(moment,)]


def test_without_a_zone_of_the_collector_the_accounts_counts(standing: Standing) -> None:
    zone = asked("SELECT id FROM localization_timezone WHERE name = 'America/New_York'")[0][0]
    assert changed("ACCOUNT", standing.account, ActivityTimeZone=str(zone)) == []
    standing.file(
        f"who,at,much\n{standing.token},2026-07-01 10:00,1\n"
        f"{standing.token},2026-07-01 10:00:00Z,1\n"
    )
    assert standing.lines("activity_date::text") == [
        ("2026-07-01 14:00:00+00",),
        ("2026-07-01 10:00:00+00",),
    ]


def test_values_are_made_by_formula_default_and_multiplier(standing: Standing) -> None:
    made = Standing().maps(
        {
            "BillingIdentifier": {"Formula": "CONCAT('4915', {!Number})"},
            "ACTIVITY_DATE": "at",
            "Quantity": {
                "Formula": "NUMBER({!Up}) + NUMBER({!Down})",
                "Multiplier": "0.5",
            },
            "ChargeType": {"Source": "kind", "DefaultValue": "it's %s {t} DATA"},
        }
    )
    made.file(f"number,at,up,down,kind\n{made.token[4:]},2026-11-01,3,4,\n")
    assert [w.reason for w in made.suspense()] == []
    assert made.lines("quantity") == [(Decimal("3.5"),)]


def test_only_records_that_the_filters_take_are_usage(standing: Standing) -> None:
    ActivityCollectorFilterFactory(
        ActivityCollectorId=standing.collector, Formula="NUMBER({!much}) > 1"
    )
    load = standing.file(
        f"who,at,much\n{standing.token},2026-11-01,1\n{standing.token},2026-11-01,2\nx\n"
    )
    assert (load.record_count, load.filtered_count, load.processed_count) == (3, 1, 1)
    assert load.suspended_count == 1


def test_a_label_charges_every_product_that_carries_it() -> None:
    standing = Standing().usual()
    other = AccountProductFactory(
        AccountId=standing.account,
        ProductId=ProductFactory(),
        StartDate="2026-11-02",
        UsageIdentifierId=standing.label,
    )
    asked("UPDATE customers_billingidentifier SET account_product_id = NULL RETURNING 1")
    ActivityCollectorLabelFactory(
        ActivityCollectorId=standing.collector,
        UsageIdentifierId=standing.label,
        Formula="{!much} <> '9'",
    )
    load = standing.file(
        f"who,at,much\n{standing.token},2026-11-01,1\n{standing.token},2026-11-02,2\n"
        f"{standing.token},2026-11-02,9\n"
    )
    assert standing.lines("line_number", "account_product_id") == [
        (2, standing.account_product),
        (3, standing.account_product),
        (3, other),
    ]
    assert (load.processed_count, load.rated_count) == (2, 3)
    assert [w.cause for w in standing.suspense()] == ["NO_PRODUCT"]


def test_each_record_raises_the_labels_whose_formulas_it_meets() -> None:
    standing = Standing().usual()
    second = UsageIdentifierFactory()
    other = AccountProductFactory(
        AccountId=standing.account,
        ProductId=ProductFactory(UsageIdentifierId=second),
        StartDate="2026-01-01",
    )
    asked("UPDATE customers_billingidentifier SET account_product_id = NULL RETURNING 1")
    for label, formula in (
        (standing.label, "NUMBER({!much}) < 3"),
        (second, "NUMBER({!much}) > 1"),
    ):
        ActivityCollectorLabelFactory(
            ActivityCollectorId=standing.collector, UsageIdentifierId=label, Formula=formula
        )
    standing.file(
        "who,at,much\n" + "".join(f"{standing.token},2026-11-0{n},{n}\n" for n in (1, 2, 3))
    )
    assert standing.lines("line_number", "account_product_id") == [
        (2, standing.account_product),
        (3, standing.account_product),
        (3, other),
        (4, other),
    ]


def test_locations_are_found_by_their_longest_beginning() -> None:
    CountryCodeFactory(Name="49")
    mobile = CountryCodeFactory(Name="4915")
    standing = Standing().maps(
        {
            "BillingIdentifier": "who",
            "ACTIVITY_DATE": "at",
            "DESTINATION_COUNTRY_CODE": "to",
        }
    )
    load = standing.sent(f"who,at,to\n{standing.token},2026-11-01,491512\nx,2026-11-01,33\n")
    running.run(load.pk)
    assert asked(
        "SELECT destination_id, cause FROM mediation_usage WHERE load_id = %s ORDER BY line",
        load.pk,
    ) == [(mobile, None), (None, "UNKNOWN_TOKEN")]


REPEATED = """who,at,much
T,2026-11-01 10:00,1
T,2026-11-01 11:00,2
T,2026-11-01 10:00,1
"""


def test_repeats_are_dropped_within_a_load_and_of_earlier_ones() -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    content = REPEATED.replace("T,", f"{standing.token},")
    first = standing.file(content, "a.csv")
    assert (first.duplicate_count, first.processed_count) == (1, 2)
    second = standing.file(f"{content}{standing.token},2026-11-01 12:00,3\n", "b.csv")
    assert (second.duplicate_count, second.processed_count) == (3, 1)


def test_of_two_loads_at_once_one_is_dropped() -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    content = REPEATED.replace("T,", f"{standing.token},")
    one, two = standing.sent(content, "a.csv"), standing.sent(content, "b.csv")
    running.run(one.pk)
    running.run(two.pk)
    drive(two.pk)
    drive(one.pk)
    assert standing.lines("line_number") == [(2,), (3,)]
    two.refresh_from_db()
    assert (two.duplicate_count, two.processed_count) == (3, 0)


@pytest.mark.parametrize(
    ("mode", "quantities"),
    [("SUM", [Decimal(11), Decimal(5), Decimal(4)]), ("HIGH-WATER MARK", [Decimal(8), Decimal(5)])],
)
def test_records_of_one_signature_are_consolidated(mode: str, quantities: list[Decimal]) -> None:
    standing = Standing(ConsolidationMode="Consolidation").maps(
        {
            "BillingIdentifier": {"Source": "who", "SignatureFlag": "1"},
            "ACTIVITY_DATE": {"Source": "at", "SignatureFlag": "1"},
            "Quantity": {"Source": "much", "Consolidation": mode},
        }
    )
    token = standing.token
    load = standing.file(
        f"who,at,much\n{token},2026-11-01,3\n{token},2026-11-02,5\n{token},2026-11-01,8\n", "a.csv"
    )
    assert (load.consolidated_count, load.processed_count) == (1, 2)
    standing.file(f"who,at,much\n{token},2026-11-01,4\n", "b.csv")
    assert sorted(q for (q,) in standing.lines("quantity")) == sorted(quantities)


def test_a_file_is_not_taken_twice(standing: Standing) -> None:
    content = f"who,at,much\n{standing.token},2026-11-01,1\n"
    load = standing.file(content)
    with pytest.raises(AssertionError, match=f"taken already, as load {load.pk}"):
        standing.sent(content)
    assert not running.run(load.pk)
    assert len(standing.lines()) == 1


def test_a_file_that_was_taken_back_can_come_again(standing: Standing) -> None:
    content = f"who,at,much\n{standing.token},2026-11-01,1\n"
    load = standing.file(content)
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="REVERSED") == []
    with pytest.raises(AssertionError, match="REVERSING"):
        standing.sent(content)
    assert reversing.reverse(load.pk)
    again = standing.file(content)
    assert (again.status, again.processed_count) == ("COMPLETED", 1)
    with pytest.raises(AssertionError, match=f"taken already, as load {again.pk}"):
        standing.sent(content)


def test_header_and_trailer_are_reconciled() -> None:
    standing = Standing(SkipRows="1", OmitEnd="1").usual()
    ActivityCollectorControlFactory(ActivityCollectorId=standing.collector, Position="2")
    ActivityCollectorControlFactory(
        ActivityCollectorId=standing.collector, Position="3", Kind="SUM", Source="much"
    )
    ActivityCollectorControlFactory(
        ActivityCollectorId=standing.collector,
        Place="HEADER",
        Position="1",
        Kind="TEXT",
        Expected="HDR",
    )
    body = f"HDR,x\nwho,at,much\n{standing.token},2026-11-01,1\n{standing.token},2026-11-01,2.5\n"
    assert standing.file(f"{body}TRL,2,3.50\n").status == "COMPLETED"
    wrong = standing.file(f"{body}TRL,3,3.4\n".replace("HDR", "HXR"))
    assert wrong.status == "PARKED"
    assert wrong.error_text == (
        "The trailer's line 1 says 3, and there are 2 records. The trailer's line 1 says 3.4, and "
        "there are 3.5 as the sum of much. The header's line 1 has 'HXR' in place of 'HDR'."
    )
    assert len(standing.lines()) == 2


def test_numbers_that_are_left_out_are_told(standing: Standing) -> None:
    changed("ACTIVITY_COLLECTOR", standing.collector, SequencePattern="u_{sequence}_*.csv")
    told = []
    for number in (7, 8, 11, 9):
        load = standing.file(
            f"who,at,much\n{standing.token},2026-11-01,1\n", f"u_{number:04}_x.csv"
        )
        told.append((load.sequence_number, load.notice))
    assert told == [
        (7, None),
        (8, None),
        (11, "Number 11 follows 8: 9 to 10 did not come."),
        (9, "Number 9 comes after 11: out of order, or again."),
    ]


@pytest.mark.parametrize(
    ("settings", "late", "waits"),
    [
        ({}, "CURRENT PERIOD", False),
        ({"LateUsagePolicy": "SUSPENSE"}, None, True),
        ({"RejectClosedFlag": "1"}, None, True),
    ],
)
def test_late_usage_is_never_dropped(
    settings: dict[str, str], late: str | None, waits: bool
) -> None:
    standing = Standing(**settings).usual()
    InvoiceFactory(
        BillingProfileId=BillingProfileFactory(AccountId=standing.account),
        BillingCycleStartDate="2026-10-01",
        BillingCycleEndDate="2026-10-31",
        Status="CLOSED",
    )
    load = standing.sent(
        f"who,at,much\n{standing.token},2026-10-31 23:00,1\n{standing.token},2026-11-01,1\n"
    )
    running.run(load.pk)
    assert asked(
        "SELECT late, cause FROM mediation_usage WHERE load_id = %s ORDER BY line", load.pk
    ) == [
        ("CURRENT PERIOD", "LATE" if waits else None),
        (None, None),
    ]
    rate(load.pk)
    running.finish(load.pk)
    assert len(standing.lines()) == 2 - waits
    assert [w.cause for w in standing.suspense()] == ["LATE"] * waits


def test_a_collector_in_test_mode_charges_nothing() -> None:
    standing = Standing(Status="Test Mode").usual()
    load = standing.file(f"who,at,much\n{standing.token},2026-11-01,1\nx,2026-11-01,1\n")
    assert (load.status, load.record_count, load.suspended_count) == ("COMPLETED", 2, 1)
    assert standing.lines() == standing.suspense() == []


@pytest.mark.parametrize(
    ("entity", "values", "told"),
    [
        ("ACTIVITY_COLLECTOR_MAP", {"Target": "Quantiti"}, "no field that usage fills"),
        ("ACTIVITY_COLLECTOR_MAP", {"Target": "AccountId"}, "no field that usage fills"),
        ("ACTIVITY_COLLECTOR_MAP", {"Target": "Quantity", "Formula": "{!a"}, "Formula"),
        (
            "ACTIVITY_COLLECTOR_MAP",
            {"Target": "ACTIVITY_DATE", "Source": "a", "DateFormat": "DD Mon YYYY"},
            "DateFormat",
        ),
        ("ACTIVITY_COLLECTOR_FILTER", {"Formula": "1 + 1"}, "Formula"),
        ("ACTIVITY_COLLECTOR_FILTER", {"Formula": "pg_sleep(9)"}, "no function"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    standing: Standing, entity: str, values: dict[str, str], told: str
) -> None:
    (said,) = refused(entity, ActivityCollectorId=standing.collector, **values)
    assert told in said


def test_records_with_prices_of_their_own_are_not_added_to_those_without() -> None:
    standing = Standing(ConsolidationMode="Consolidation").maps(
        {
            "BillingIdentifier": {"Source": "who", "SignatureFlag": "1"},
            "ACTIVITY_DATE": "at",
            "Quantity": {"Source": "much", "Consolidation": "SUM"},
            "OVERRIDE_RATE": "rate",
            "OVERRIDE_COST": "cost",
        }
    )
    who = f"{standing.token},2026-11-01"
    load = standing.sent(
        f"who,at,much,rate,cost\n{who},10,,\n{who},5,,9\n{who},3,2,\n{who},2,2,\n{who},1,,4\n"
        f"{who},7,,\n{who},1,3,\n"
    )
    running.run(load.pk)
    what = "line, quantity, override_rate, override_cost"
    assert asked(f"SELECT {what} FROM mediation_usage WHERE load_id = %s ORDER BY 1", load.pk) == [
        (2, 17, None, None), (3, 6, None, 13), (4, 5, 2, None), (8, 1, 3, None)
    ]  # fmt: skip
