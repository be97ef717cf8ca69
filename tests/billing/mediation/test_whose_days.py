"""In whose days usage is, whose invoice makes it late, and what is known of a record at all."""

import pytest

from billing.mediation.loads.reversing import reverse
from tests.billing.mediation.standing import Standing, asked, changed
from tests.factories import BillingProfileFactory, InvoiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


def zone(name: str) -> str:
    return str(asked("SELECT id FROM localization_timezone WHERE name = %s", name)[0][0])


def below_a_payer(standing: Standing, name: str) -> int:
    """The account's charges are paid by one above it, in its zone; the profile of that one."""
    above = Standing().account
    assert changed("ACCOUNT", standing.account, ParentAccountId=str(above)) == []
    return int(BillingProfileFactory(AccountId=above, TimeZoneId=zone(name)))


def test_a_service_is_there_until_the_last_midnight_of_its_account() -> None:
    standing = Standing().usual()
    below_a_payer(standing, "America/New_York")
    product = standing.account_product
    assert changed("ACCOUNT_PRODUCT", product, StartDate="2026-07-01", EndDate="2026-07-10") == []
    times = ("07-01 03:59", "07-01 04:00", "07-11 03:59", "07-11 04:00")
    standing.file(
        "who,at,much\n" + "".join(f"{standing.token},2026-{time}:00Z,1\n" for time in times)
    )
    assert standing.lines("line_number") == [(3,), (4,)]
    assert [(w.file_line, w.cause) for w in standing.suspense()] == [
        (2, "NO_PRODUCT"),
        (5, "NO_PRODUCT"),
    ]
    assert "on 2026-06-30." in (standing.suspense()[0].reason or "")


def test_times_without_an_offset_are_of_whoever_pays() -> None:
    standing = Standing().usual()
    below_a_payer(standing, "America/New_York")
    standing.file(f"who,at,much\n{standing.token},2026-07-01 10:00,1\n")
    assert standing.lines("activity_date::text") == [("2026-07-01 14:00:00+00",)]


def test_usage_is_late_when_the_invoice_of_whoever_pays_is_closed() -> None:
    standing = Standing(LateUsagePolicy="SUSPENSE").usual()
    InvoiceFactory(
        BillingProfileId=below_a_payer(standing, "America/New_York"),
        BillingCycleStartDate="2026-06-01",
        BillingCycleEndDate="2026-06-30",
        Status="CLOSED",
    )
    standing.file(
        f"who,at,much\n{standing.token},2026-07-01T03:59:00Z,1\n"
        f"{standing.token},2026-07-01T04:00:00Z,1\n"
    )
    assert standing.lines("line_number") == [(3,)]
    (late,) = standing.suspense()
    assert late.reason == "The invoice of 2026-06-30 is closed, up to 2026-06-30."


def test_a_record_in_order_is_not_dropped_for_one_that_is_not() -> None:
    standing = Standing(ConsolidationMode="Deduplication").maps(
        {
            "BillingIdentifier": {"Source": "who", "SignatureFlag": "1"},
            "ACTIVITY_DATE": {"Source": "at", "SignatureFlag": "1"},
            "Quantity": "much",
        }
    )
    load = standing.file(
        "who,at,much\n"
        + "".join(f"{standing.token},2026-07-01,{much}\n" for much in ("much", "3", "4"))
    )
    assert standing.lines("line_number", "quantity") == [(3, 3)]
    assert (load.duplicate_count, load.suspended_count) == (2, 0)


def test_of_what_cannot_be_read_nothing_is_a_repeat() -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    load = standing.file("who,at,much\na,b\nc\nd,e\n")
    assert (load.duplicate_count, load.suspended_count) == (0, 3)


def test_a_label_that_nobody_knows_is_no_leave_to_charge_something_else() -> None:
    standing = Standing().maps(
        {
            "BillingIdentifier": "who",
            "ACTIVITY_DATE": "at",
            "UsageIdentifier": "label",
        }
    )
    standing.file(
        f"who,at,label\n{standing.token},2026-07-01,BOGUS\n{standing.token},2026-07-01,\n"
    )
    assert standing.lines("line_number") == [(3,)]
    (waiting,) = standing.suspense()
    assert "that carries the label 'BOGUS'" in (waiting.reason or "")


def test_records_that_name_their_values_stand_below_no_header() -> None:
    standing = Standing(RecordFormat="JSON").usual()
    load = standing.file(
        f'{{"who": "{standing.token}", "at": "2026-07-01", "much": 1}}\n'
        f'{{"who": "{standing.token}", "at": "2026-07-02", "much": 2}}\n'
    )
    assert (load.record_count, load.processed_count) == (2, 2)


def test_what_stays_on_a_closed_invoice_is_known_when_its_load_is_taken_back() -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    content = "who,at,much\n" + "".join(f"{standing.token},2026-07-0{n},1\n" for n in (1, 2))
    load = standing.file(content, "a.csv")
    asked(
        "UPDATE mediation_activity SET invoice_id = %s WHERE line_number = 2 RETURNING 1",
        InvoiceFactory(Status="CLOSED"),
    )
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="REVERSED") == []
    assert reverse(load.pk)
    again = standing.file(content, "b.csv")
    assert (again.duplicate_count, again.processed_count) == (1, 1)


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Tokyo"])
def test_repeats_are_known_at_every_hour_of_the_collectors_zone(name: str) -> None:
    standing = Standing(ConsolidationMode="Deduplication", TimeZoneId=zone(name)).usual()
    content = "who,at,much\n" + "".join(
        f"{standing.token},2026-07-{day} {hour:02}:30,1\n"
        for day in ("01", "02")
        for hour in (0, 23)
    )
    standing.file(content, "a.csv")
    again = standing.file(content + f"{standing.token},2026-07-01 12:00,1\n", "b.csv")
    assert (again.duplicate_count, again.processed_count) == (4, 1)
