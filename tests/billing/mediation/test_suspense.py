"""What waits in suspense is taken up again; a whole load is taken back."""

from decimal import Decimal
from typing import Any

import pytest

from billing.mediation.loads import reversing, running
from billing.mediation.models import ActivityCollectorHistory, CollectorFields
from entities import records
from tests.billing.mediation.standing import SYSTEM, Standing, asked, changed, drive
from tests.factories import (
    AccountProductFactory,
    ActivityCollectorLabelFactory,
    BillingIdentifierFactory,
    InvoiceFactory,
    ProductFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


@pytest.fixture
def standing() -> Standing:
    made = Standing(ConsolidationMode="Deduplication").usual()
    made.file(
        f"who,at,much\nx,2026-11-01,1\nx,2026-11-02,2\n{made.token},never,3\n"
        f"{made.token},2026-11-04,4\n"
    )
    return made


def resubmitted(standing: Standing) -> ActivityCollectorHistory:
    load = ActivityCollectorHistory.objects.filter(
        activity_collector_id=standing.collector, source="SUSPENSE"
    ).latest("id")
    drive(load.pk)
    load.refresh_from_db()
    return load


def known(standing: Standing) -> None:
    BillingIdentifierFactory(
        AccountId=standing.account,
        AccountProductId=standing.account_product,
        BillingIdentifier="x",
    )


def test_a_record_is_corrected_and_taken_up(standing: Standing) -> None:
    bad = next(w for w in standing.suspense() if w.cause == "BAD_DATE:ACTIVITY_DATE")
    values = {"ACTIVITY_DATE": "2026-11-03T00:00:00Z", "Reprocess_Status": "RESUBMIT"}
    assert changed("COLLECTOR_FIELDS", bad.pk, **values) == []
    load = resubmitted(standing)
    assert (load.record_count, load.processed_count, load.suspended_count) == (1, 1, 0)
    assert (Decimal(3),) in standing.lines("quantity")
    bad.refresh_from_db()
    assert (bad.process_state, bad.cause, bad.reprocess_status) == ("PROCESSED", None, "DONE")
    (told,) = changed("COLLECTOR_FIELDS", bad.pk, Reprocess_Status="RESUBMIT")
    assert told == "This record is PROCESSED; only one in SUSPENSE can be resubmitted."


@pytest.mark.parametrize(("cause", "left"), [("UNKNOWN_TOKEN", 1), (None, 1)])
def test_all_of_a_cause_or_of_a_collector_are_taken_up(
    standing: Standing, cause: str | None, left: int
) -> None:
    known(standing)
    row: dict[str, Any] = {"ActivityCollectorId": standing.collector, "Source": "SUSPENSE"}
    (outcome,) = records.create(
        "ACTIVITY_COLLECTOR_HISTORY", [{**row, **({"Cause": cause} if cause else {})}], SYSTEM
    )
    assert outcome.ok
    load = resubmitted(standing)
    assert load.processed_count == 2
    assert load.record_count == (2 if cause else 3)
    waiting = standing.suspense()
    assert len(waiting) == left
    assert waiting[0].cause in ("BAD_DATE:ACTIVITY_DATE", "NO_DATE")
    again = resubmitted(standing)
    assert again.pk == load.pk and len(standing.lines()) == 3


def test_what_was_resubmitted_is_not_charged_again(standing: Standing) -> None:
    known(standing)
    ids = [w.pk for w in standing.suspense() if w.cause == "UNKNOWN_TOKEN"]
    records.update(
        "COLLECTOR_FIELDS", [{"Id": i, "Reprocess_Status": "RESUBMIT"} for i in ids], SYSTEM
    )
    resubmitted(standing)
    # The same file under another name brings nothing new.
    load = standing.file(
        f"who,at,much\nx,2026-11-01,1\nx,2026-11-02,2\n{standing.token},2026-11-04,4\n", "b.csv"
    )
    assert (load.duplicate_count, load.processed_count) == (3, 0)


@pytest.mark.parametrize("mode", ["Disable", "Deduplication"])
def test_of_a_record_that_charges_two_products_only_the_one_in_suspense_is_taken_up(
    mode: str,
) -> None:
    standing = Standing(ConsolidationMode=mode).usual()
    other = AccountProductFactory(
        AccountId=standing.account,
        ProductId=ProductFactory(UsageIdentifierId=standing.label),
        StartDate="2026-01-01",
    )
    asked("UPDATE customers_billingidentifier SET account_product_id = NULL RETURNING 1")
    ActivityCollectorLabelFactory(
        ActivityCollectorId=standing.collector, UsageIdentifierId=standing.label
    )
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,1\n")
    running.run(load.pk)
    asked(
        "UPDATE mediation_usage SET cause = 'NO_PRICE', reason = 'There is none.' "
        "WHERE account_product_id = %s RETURNING 1",
        other,
    )
    drive(load.pk)
    assert standing.lines("account_product_id") == [(standing.account_product,)]
    (waiting,) = standing.suspense()
    assert changed("COLLECTOR_FIELDS", waiting.pk, Reprocess_Status="RESUBMIT") == []
    resubmitted(standing)
    assert standing.suspense() == []
    assert sorted(standing.lines("account_product_id")) == sorted(
        [(standing.account_product,), (other,)]
    )


def reverse(load_id: int) -> ActivityCollectorHistory:
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load_id, Status="REVERSED") == []
    reversing.reverse(load_id)
    return ActivityCollectorHistory.objects.get(pk=load_id)


def test_a_load_is_taken_back_once(standing: Standing) -> None:
    first = ActivityCollectorHistory.objects.get(activity_collector_id=standing.collector)
    done = reverse(first.pk)
    assert (done.status, done.reversed_count) == ("REVERSED", 1)
    assert standing.lines("quantity", "rated_amount", "reversal_of_id IS NULL") == [
        (Decimal(4), Decimal(4), True),
        (Decimal(-4), Decimal(-4), False),
    ]
    again = reverse(first.pk)
    assert again.reversed_count == 1
    assert len(standing.lines()) == 2
    assert standing.suspense() == []
    # The same usage may come again.
    load = standing.file(f"who,at,much\n{standing.token},2026-11-04,4\n", "b.csv")
    assert load.processed_count == 1


def again(standing: Standing) -> ActivityCollectorHistory:
    """Try again what names the token x, which is known by now."""
    records.create(
        "ACTIVITY_COLLECTOR_HISTORY",
        [{"ActivityCollectorId": standing.collector, "Source": "SUSPENSE"}],
        SYSTEM,
    )
    return resubmitted(standing)


def test_what_was_tried_again_of_a_load_is_taken_back_with_it(standing: Standing) -> None:
    """And charged once when the file comes again."""
    known(standing)
    first = ActivityCollectorHistory.objects.get(activity_collector_id=standing.collector)
    assert again(standing).processed_count == 2
    assert reversing.preview(first.pk).reversed == 3
    assert reverse(first.pk).reversed_count == 3
    assert asked("SELECT sum(quantity) FROM mediation_activity") == [(0,)]
    load = standing.file("who,at,much\nx,2026-11-01,1\nx,2026-11-02,2\n", "b.csv")
    assert (load.processed_count, load.duplicate_count) == (2, 0)


def test_what_is_being_tried_again_is_waited_for(standing: Standing) -> None:
    known(standing)
    first = ActivityCollectorHistory.objects.get(activity_collector_id=standing.collector)
    records.create(
        "ACTIVITY_COLLECTOR_HISTORY",
        [{"ActivityCollectorId": standing.collector, "Source": "SUSPENSE"}],
        SYSTEM,
    )
    load = ActivityCollectorHistory.objects.get(source="SUSPENSE")
    running.run(load.pk)
    assert reverse(first.pk).status == "REVERSING"
    drive(load.pk)
    assert reverse(first.pk).status == "REVERSED"
    assert asked("SELECT sum(quantity) FROM mediation_activity") == [(0,)]


def test_what_a_load_had_tried_again_waits_again_once_it_is_taken_back(standing: Standing) -> None:
    known(standing)
    load = again(standing)
    reverse(load.pk)
    assert (
        sorted((w.cause, w.reason) for w in standing.suspense())[-2:]
        == [("TAKEN_BACK", f"Load {load.pk}, which charged it, was taken back.")] * 2
    )
    assert again(standing).processed_count == 2
    assert asked("SELECT sum(quantity) FROM mediation_activity") == [(7,)]


def test_lines_on_closed_invoices_stay(standing: Standing) -> None:
    load = ActivityCollectorHistory.objects.get(activity_collector_id=standing.collector)
    invoice = InvoiceFactory(Status="CLOSED")
    asked("UPDATE mediation_activity SET invoice_id = %s RETURNING 1", invoice)
    done = reverse(load.pk)
    assert (done.reversed_count, done.notice) == (0, "1 lines stand on closed invoices, and stay.")


def test_a_load_that_has_not_ended_cannot_be_taken_back(standing: Standing) -> None:
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-05,4\n", "c.csv")
    (told,) = changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="REVERSED")
    assert told == "This load is PENDING; one that is COMPLETED can be taken back."


def test_posted_usage_waits_until_its_sender_is_gone() -> None:
    from datetime import timedelta

    from billing.mediation import sources
    from metabrm import clock

    standing = Standing()
    row = {
        "ACTIVITY_COLLECTOR_ID": standing.collector,
        "BillingIdentifier": standing.token,
        "ACTIVITY_DATE": "2026-11-01T10:00:00Z",
    }
    rows = [{**row, "Quantity": "2"}, {**row, "Quantity": "3", "BillingIdentifier": "nobody"}]
    assert all(o.ok for o in records.create("COLLECTOR_FIELDS", rows, SYSTEM))
    assert all(o.ok for o in records.create("COLLECTOR_FIELDS", [row], SYSTEM))
    (load,) = ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector)
    assert (load.status, load.record_count) == ("PENDING LOGOUT", 3)
    assert sources.close_posted() == []
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert sources.close_posted() == [load.pk]
        assert sources.close_posted() == []
        drive(load.pk)
    load.refresh_from_db()
    assert (load.status, load.processed_count, load.suspended_count) == ("COMPLETED", 2, 1)
    assert sorted(standing.lines("quantity")) == [(Decimal(1),), (Decimal(2),)]
    states = CollectorFields.objects.filter(activity_collector_history=load).order_by("id")
    assert list(states.values_list("process_state", flat=True)) == [
        "PROCESSED",
        "SUSPENSE",
        "PROCESSED",
    ]
    # What comes later is another load.
    records.create("COLLECTOR_FIELDS", [row], SYSTEM)
    found = ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector)
    assert found.filter(status="PENDING LOGOUT").count() == 1
    assert not running.run(load.pk)
