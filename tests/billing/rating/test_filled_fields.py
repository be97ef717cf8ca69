"""Custom fields of ACTIVITY that usage fills, and collectors that do not rate or do not bill."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg.types.json import Jsonb

from entities import records
from entities.models import Entity
from entities.schema.current import current
from tests.billing.mediation.conftest import untold
from tests.billing.mediation.standing import Standing
from tests.billing.rating.test_loads import SYSTEM, Feed, feed, used
from tests.entities.acting import update_one
from tests.entities.custom import custom_field
from tests.factories import InvoiceFactory, PriceFactory, RatingMethodFactory

__all__ = ["feed", "untold"]

pytestmark = pytest.mark.django_db

D = Decimal
FIELDS: dict[str, dict[str, Any]] = {
    "CallId": {"data_type": "TEXT", "data_length": "12"},
    "Legs": {"data_type": "INTEGER", "data_length": "10"},
    "Duty": {"data_type": "MONEY", "data_length": "12,2"},
    "BookedOn": {"data_type": "DATE"},
    "Roaming": {"data_type": "FLAG"},
}


@pytest.fixture
def custom(db: None) -> dict[str, str]:
    """Name of a custom field of ACTIVITY -> its column."""
    activity = Entity.objects.get(entity_name="ACTIVITY")
    made = {name: custom_field(activity, name, **more) for name, more in FIELDS.items()}
    return {name: field.column_name or "" for name, field in made.items()}


def test_usage_fills_custom_fields_of_lines_short_and_long(
    feed: Feed, custom: dict[str, str]
) -> None:
    extra = {
        "CallId": "a-1", "Legs": 3, "Duty": D("1.50"), "BookedOn": "2026-06-14", "Roaming": True,
    }  # fmt: skip
    carried = Jsonb({**extra, "Duty": "1.50"})
    short, long = used(), used("Incremental", SplitUsage="1")
    feed.send({**short, "extra": carried}, {**long, "quantity": 7, "extra": carried}, short)
    filled = ("a-1", 3, D("1.50"), date(2026, 6, 14), True)
    assert feed.lines(*custom.values()) == [filled, filled, filled, (None,) * 5]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CallId", "thirteen-long", "CallId is 'thirteen-long', which is no TEXT of at most 12"),
        ("Legs", "3.5", "Legs is '3.5', which is no INTEGER"),
        ("Legs", 2**31, "which is no INTEGER"),
        ("Duty", "1.505", "Duty is '1.505', which is no MONEY of 12 digits, 2 after the point."),
        ("Duty", "NaN", "which is no MONEY"),
        ("BookedOn", "2026-02-30", "BookedOn is '2026-02-30', which is no DATE."),
        ("Roaming", "perhaps", "which is no FLAG"),
        ("Roaming", [1], "Roaming is '[1]', which is no FLAG"),
        ("Weather", "'; DROP TABLE x; --", "ACTIVITY has no custom field 'Weather'"),
        ("Rate{0}%s", "1", "ACTIVITY has no custom field 'Rate{0}%s'"),
        ("RatedAmount", "1", "ACTIVITY has no custom field 'RatedAmount'"),
        ("Quantity", "1", "ACTIVITY has no custom field 'Quantity'"),
    ],
)
def test_a_value_that_its_field_does_not_take_waits_with_its_reason(
    feed: Feed, custom: dict[str, str], name: str, value: object, told: str
) -> None:
    usage = used()
    good = {**usage, "extra": Jsonb({"CallId": "b-2"})}
    assert feed.send({**usage, "extra": Jsonb({"Legs": 1, name: value})}, good) == 1
    assert feed.lines("line_number", custom["CallId"]) == [(2, "b-2")]
    ((line, cause, reason),) = feed.causes()
    assert line == 1
    assert cause == (f"BAD_VALUE:{name}" if name in FIELDS else f"UNKNOWN_FIELD:{name}")
    assert told in reason


def test_lines_take_what_the_verbs_take(feed: Feed, custom: dict[str, str]) -> None:
    """The field types' own rules decide, on whichever way a value comes."""
    activity = current().entity("ACTIVITY")
    sent: dict[str, list[Any]] = {
        "Legs": ["7", " 8 ", "+9", "1e3", "1e-1", "2147483647", "2147483648", "0x1", "٣", ""],
        "Duty": ["1.5", "-0.25", "9999999999.99", "10000000000", ".5", "5.", "1_0", "0.001"],
        "BookedOn": ["2026-06-14", "2026-6-14", "14.06.2026", "0001-01-01", "2024-02-29", "today"],
        "Roaming": ["1", "0", "true", "FALSE", "yes", "2"],
        "CallId": ["é" * 12, "x" * 13, " kept "],
    }
    usage = used()
    rows = [(name, value) for name, values in sent.items() for value in values]
    feed.send(*({**usage, "extra": Jsonb({name: value})} for name, value in rows))
    refused = {line for line, *_ in feed.causes()}
    held = dict(zip(sorted(set(range(1, len(rows) + 1)) - refused),
                    feed.lines(*custom.values()), strict=True))  # fmt: skip
    for line, (name, value) in enumerate(rows, 1):
        field = activity.field(name)
        (wanted,), wrong = field.type.decode([value], field)
        assert (line in refused) == bool(wrong), (name, value)
        if not wrong:
            place = list(custom).index(name)
            assert field.type.same(wanted, held[line][place]), (name, value)


def test_nothing_of_custom_fields_is_asked_where_usage_has_none(
    feed: Feed, custom: dict[str, str]
) -> None:
    usage = used()
    with CaptureQueriesContext(connection) as asked:
        feed.send(usage)
    told = [query["sql"] for query in asked.captured_queries]
    assert not any("jsonb_object_keys" in sql for sql in told)
    (written,) = (sql for sql in told if "INSERT INTO mediation_activity (" in sql)
    assert custom["CallId"] not in written


@pytest.mark.usefixtures("untold")
def test_from_a_file_to_the_field_and_from_suspense_once_it_is_corrected(
    custom: dict[str, str],
) -> None:
    from billing.mediation.loads import running
    from billing.mediation.models import ActivityCollectorHistory
    from billing.rating import loads

    standing = Standing().usual().maps({"CallId": "call", "Legs": "legs"})
    PriceFactory(ProductId=str(standing.product), Rate="0.25")

    def run(load: ActivityCollectorHistory) -> ActivityCollectorHistory:
        running.run(load.pk)
        loads.rate(load.pk, 0)
        running.finish(load.pk)
        load.refresh_from_db()
        return load

    day = f"{standing.token},2026-06-01"
    load = run(standing.sent(f"who,at,much,call,legs\n{day},4,c-1,2\n{day},8,c-2,2.5\n"))
    assert (load.rated_count, load.suspended_count) == (1, 1)
    (waiting,) = standing.suspense()
    assert (waiting.cause, waiting.extra_fields["CallId"]) == ("BAD_VALUE:Legs", "c-2")
    fields = {**waiting.extra_fields, "Legs": "3"}
    update_one(
        "COLLECTOR_FIELDS", waiting.pk, SYSTEM, ExtraFields=fields, Reprocess_Status="RESUBMIT"
    )
    run(ActivityCollectorHistory.objects.get(source="SUSPENSE"))
    assert standing.suspense() == []
    assert standing.lines("quantity", custom["CallId"], custom["Legs"]) == [
        (D(4), "c-1", 2), (D(8), "c-2", 3),
    ]  # fmt: skip


def test_names_without_end_are_no_burden(feed: Feed, custom: dict[str, str]) -> None:
    usage = used()
    junk = {f"A{n}": 1 for n in range(3000)}
    spelt = {"call_id": "x", "C_A_L_L_I_D": "y"}
    assert feed.send(
        {**usage, "extra": Jsonb(junk)},
        {**usage, "extra": Jsonb({"CallId": "b"})},
        {**usage, "extra": Jsonb({})},
    ) == 2  # fmt: skip
    assert feed.lines(custom["CallId"]) == [("b",), (None,)]
    assert [cause for _, cause, _ in feed.causes()] == ["UNKNOWN_FIELD:A0"]
    feed.send(*({**usage, "extra": Jsonb({name: value})} for name, value in spelt.items()))
    assert feed.lines(custom["CallId"]) == [("x",), ("y",)]


# What collectors say of their lines


def test_a_collector_that_does_not_bill_has_its_lines_priced_and_marked(feed: Feed) -> None:
    update_one("ACTIVITY_COLLECTOR", feed.collector, SYSTEM, BillableActivityFlag="0")
    feed.send({**used(), "quantity": 4}, {**used("Incremental"), "quantity": 4})
    assert feed.lines("rated_amount", "non_billable_flag") == [(D(10), True), (D(40), True)]


def test_so_does_a_rating_method_that_is_not_billed(feed: Feed) -> None:
    unbilled = used(NonBillableFlag="1")
    feed.send(used(), unbilled, {**unbilled, "override_rate": D(3)})
    assert feed.lines("non_billable_flag") == [(False,), (True,), (True,)]


def test_a_line_that_is_not_billed_is_put_on_no_invoice(feed: Feed) -> None:
    feed.send(used(NonBillableFlag="1"), used())
    unbilled, billed = [id for (id,) in feed.lines("id")]
    invoice = str(InvoiceFactory())
    (refused,) = records.update("ACTIVITY", [{"Id": unbilled, "InvoiceId": invoice}], SYSTEM)
    (problem,) = refused.problems
    assert (problem.field, "never put on an invoice" in problem.message) == ("InvoiceId", True)
    update_one("ACTIVITY", billed, SYSTEM, InvoiceId=invoice)
    (refused,) = records.update("ACTIVITY", [{"Id": billed, "NonBillableFlag": "1"}], SYSTEM)
    assert not refused.ok
    update_one("ACTIVITY", billed, SYSTEM, FieldsToNull=["InvoiceId"], NonBillableFlag="1")


def test_a_collector_that_does_not_rate_writes_what_the_feed_says(feed: Feed) -> None:
    update_one("ACTIVITY_COLLECTOR", feed.collector, SYSTEM, RateActivityFlag="0")
    usage = used("Incremental")
    rows: list[dict[str, Any]] = [{}, {"override_rate": D("1.5")}, {"override_cost": D("9.999")}]
    assert feed.send(*({**usage, "quantity": 4, **row} for row in rows)) == 3
    unrated = (D(4), None, None, "UNRATED", None, False)
    assert feed.lines(
        "quantity", "rate", "rated_amount", "process_status", "rate_source",
        "rating_date IS NOT NULL",
    ) == [
        unrated,
        (D(4), D("1.5"), D(6), None, "Usage", True),
        (D(4), None, D(10), None, "Usage", True),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM rating_accumulatorvalue")
        assert cursor.fetchone() == (0,)


def test_it_is_rated_when_it_is_rated_again(feed: Feed) -> None:
    from billing.rating.rerating.running import rerate
    from billing.rating.rerating.wanted import Wanted

    update_one("ACTIVITY_COLLECTOR", feed.collector, SYSTEM, RateActivityFlag="0")
    usage = used("Incremental")
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 4})
    done = rerate(Wanted(load_id=feed.load), preview=False, count=10)
    assert (done.changed, done.unpriced) == (2, 0)
    lines = feed.lines("rerated_from_id", "rated_amount", "process_status")
    assert [line[1:] for line in lines if line[0]] == [(D(40), None), (D(34), None)]
    assert rerate(Wanted(load_id=feed.load), preview=False, count=10).changed == 0


def test_what_is_not_rated_needs_no_price(feed: Feed) -> None:
    from tests.factories import AccountFactory, AccountProductFactory, ProductFactory

    update_one("ACTIVITY_COLLECTOR", feed.collector, SYSTEM, RateActivityFlag="0")
    method = str(RatingMethodFactory())
    account, product = AccountFactory(), ProductFactory(RatingMethodId=method)
    own = AccountProductFactory(AccountId=str(account), ProductId=str(product))
    usage = {"account_id": account, "product_id": product, "account_product_id": own}
    assert feed.send({**usage, "activity_date": datetime(2026, 6, 30, 23, tzinfo=UTC)}) == 1
    assert feed.causes() == []


@pytest.mark.parametrize("extra", [[1], '"text"', 7, True])
def test_extra_fields_are_an_object(feed: Feed, extra: object) -> None:
    (outcome,) = records.create(
        "COLLECTOR_FIELDS",
        [{"ACTIVITY_COLLECTOR_ID": str(feed.collector), "ExtraFields": extra}],
        SYSTEM,
    )
    assert [p.field for p in outcome.problems] == ["ExtraFields"]
