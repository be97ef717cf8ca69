"""Work on usage in suspense: found by groups, corrected, tried again, discarded, taken back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from billing.mediation.loads import reversing
from billing.mediation.models import ActivityCollectorHistory, CollectorFields
from billing.mediation.workbench import acting, selecting
from entities.errors import RequestError
from entities.schema.current import current
from metabrm import clock
from metabrm.identity.context import Context
from tests.billing.mediation.standing import SYSTEM, Standing, asked, changed, drive
from tests.factories import BillingIdentifierFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

PAGE = "/admin/suspense/"
#: What somebody who works on suspense may do.
WORKER = {
    "ACTIVITY_COLLECTOR": "R",
    "ACTIVITY_COLLECTOR_HISTORY": "CR",
    "COLLECTOR_FIELDS": "RU",
    "BILLING_IDENTIFIER": "CR",
}


@pytest.fixture
def standing() -> Standing:
    made = Standing().usual()
    made.file(
        f"who,at,much\n<i>x,2026-11-01,1\ny,2026-11-02,2\n<i>x,2026-11-02,4\n"
        f"{made.token},never,3\n{made.token},2026-11-04,4\n"
    )
    return made


@pytest.fixture
def worker(clerk: Callable[..., Context]) -> Context:
    return clerk(**WORKER)


def signed_in(context: Context) -> Client:
    from metabrm.identity.models import User

    client = Client()
    client.force_login(User.objects.get(pk=context.user_id))
    return client


def act(standing: Standing, context: Context = SYSTEM, **said: Any) -> acting.Done:
    said = {"ActivityCollectorId": str(standing.collector), **said}
    return acting.act(acting.asked(said, current()), context, current())


def states(standing: Standing) -> list[str]:
    found = CollectorFields.objects.filter(activity_collector_id=standing.collector)
    return [str(state) for state in found.order_by("id").values_list("process_state", flat=True)]


def test_groups_tell_causes_with_counts_and_days(standing: Standing, worker: Context) -> None:
    html = signed_in(worker).get(PAGE).text
    assert f'href="?collector={standing.collector}&amp;cause=UNKNOWN_TOKEN">UNKNOWN_TOKEN' in html
    granted = acting.granted(current(), worker)
    first, second = selecting.groups([standing.collector], "SUSPENSE", granted)
    today = clock.today("UTC")
    assert (first.cause, first.count, first.quantity) == ("UNKNOWN_TOKEN", 3, 7)
    assert (second.cause, second.days) == ("BAD_DATE:ACTIVITY_DATE", [(today, 1, 3)])
    assert "Nothing was discarded." in signed_in(worker).get(f"{PAGE}?state=DISCARDED").text


def test_a_group_shows_its_records_and_what_to_do(standing: Standing, worker: Context) -> None:
    browser = signed_in(worker)
    html = browser.get(f"{PAGE}?collector={standing.collector}&cause=UNKNOWN_TOKEN").text
    assert '<span class="brm-strong">3 records</span>, quantity 7' in html
    assert "Add the billing identifier to its account, then try again" in html
    assert "&lt;i&gt;x" in html and "<i>x" not in html
    assert "/billingidentifier/add/?BillingIdentifier=%3Ci%3Ex" in html
    one = browser.get(f"{PAGE}?collector={standing.collector}&token=y").text
    assert "1 record</span>, quantity 2" in one
    assert (
        "Nothing is left here."
        in browser.get(f"{PAGE}?collector={standing.collector}&day=2026-01-01").text
    )


def test_one_record_is_corrected_in_its_place_and_tried_again(
    standing: Standing, worker: Context
) -> None:
    bad = next(w for w in standing.suspense() if w.cause == "BAD_DATE:ACTIVITY_DATE")
    browser = signed_in(worker)
    address = f"{PAGE}?collector={standing.collector}"
    sent = {
        "one": str(bad.pk),
        "ACTIVITY_DATE": "2026-11-03T00:00:00Z",
        "was_ACTIVITY_DATE": "",
        "Quantity": "3",
        "was_Quantity": "3",
    }
    assert "It is corrected." in browser.post(address, sent, follow=True).text
    bad.refresh_from_db()
    assert str(bad.activity_date) == "2026-11-03 00:00:00+00:00"
    assert "Nothing was changed." in browser.post(address, {"one": bad.pk}, follow=True).text
    again = {"one": str(bad.pk), "again": "1"}
    assert "The record is being tried again." in browser.post(address, again, follow=True).text
    drive(ActivityCollectorHistory.objects.latest("id").pk)
    bad.refresh_from_db()
    assert bad.process_state == "PROCESSED"


def test_a_group_is_corrected_after_a_preview(standing: Standing, worker: Context) -> None:
    browser = signed_in(worker)
    address = f"{PAGE}?collector={standing.collector}&cause=UNKNOWN_TOKEN"
    sent = {"action": "CORRECT", "field": "BillingIdentifier", "value": standing.token}
    html = browser.post(address, sent).text
    assert "Set Billing identifier of 3 records?" in html
    assert '<span class="brm-strong">&lt;i&gt;x</span> in 2' in html
    assert {w.billing_identifier for w in standing.suspense()} == {"<i>x", "y", standing.token}
    told = browser.post(address, sent | {"sure": "1"}, follow=True).text
    assert "3 records are corrected." in told
    load = browser.post(address, {"action": "RESUBMIT"})
    made = ActivityCollectorHistory.objects.latest("id")
    assert load["Location"] == f"/admin/mediation/activitycollectorhistory/{made.pk}/change/"
    drive(made.pk)
    assert [w.cause for w in standing.suspense()] == ["BAD_DATE:ACTIVITY_DATE"]
    assert len(standing.lines()) == 4


@pytest.mark.parametrize(
    ("narrowed", "taken"),
    [
        ({}, 4),
        ({"Cause": "UNKNOWN_TOKEN"}, 3),
        ({"BillingIdentifier": "y"}, 1),
        ({"Day": "past"}, 0),
    ],
)
def test_what_is_tried_again_is_what_was_named(
    standing: Standing, narrowed: dict[str, str], taken: int
) -> None:
    day = {"Day": "2026-01-01"} if "Day" in narrowed else {}
    done = act(standing, Action="RESUBMIT", **{**narrowed, **day})
    # Nothing to be tried again is no load.
    assert len(done.loads) == bool(taken)
    for load in done.loads:
        drive(load)
        assert ActivityCollectorHistory.objects.get(pk=load).record_count == taken
    today = act(standing, Action="RESUBMIT", Day=clock.today("UTC").isoformat())
    drive(today.loads[0])
    assert ActivityCollectorHistory.objects.get(pk=today.loads[0]).record_count == 4


def test_what_is_discarded_is_kept_and_can_be_taken_back(
    standing: Standing, worker: Context
) -> None:
    browser = signed_in(worker)
    address = f"{PAGE}?collector={standing.collector}&cause=UNKNOWN_TOKEN"
    assert "Say in Reason why" in browser.post(address, {"action": "DISCARD"}, follow=True).text
    sent = {"action": "DISCARD", "reason": "<u>test calls"}
    html = browser.post(address, sent).text
    assert "Discard 3 records?" in html and "&lt;u&gt;test calls" in html
    assert (
        "3 records are discarded." in browser.post(address, sent | {"sure": "1"}, follow=True).text
    )
    assert sorted(states(standing)) == ["DISCARDED"] * 3 + ["SUSPENSE"]
    # What is discarded is not tried again with all that waits.
    drive(act(standing, Action="RESUBMIT").loads[0])
    assert sorted(states(standing)) == ["DISCARDED"] * 3 + ["SUSPENSE"]
    assert "&lt;u&gt;test calls" in browser.get(f"{address}&state=DISCARDED").text
    one = CollectorFields.objects.filter(process_state="DISCARDED").first()
    assert one is not None
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Reprocess_Status="RESUBMIT")
    assert told == "This record is DISCARDED; only one in SUSPENSE can be resubmitted."
    back = {"action": "RESTORE", "sure": "1"}
    browser.post(f"{address}&state=DISCARDED", back, follow=True)
    assert states(standing) == ["SUSPENSE"] * 4
    one.refresh_from_db()
    assert (one.cause, one.process_description) == ("UNKNOWN_TOKEN", one.reason)
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Reprocess_Status="RESTORE")
    assert told == (
        "This record is SUSPENSE; only one in DISCARDED can be taken back into suspense."
    )
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Reprocess_Status="DISCARD")
    assert told.startswith("Say in PROCESS_DESCRIPTION why")


def test_what_a_load_brought_does_not_outlive_its_taking_back(standing: Standing) -> None:
    load = ActivityCollectorHistory.objects.get(activity_collector_id=standing.collector)
    act(standing, Action="DISCARD", Reason="x", Cause="UNKNOWN_TOKEN")
    changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="REVERSED")
    reversing.reverse(load.pk)
    assert states(standing) == ["REVERSED"] * 4


def test_chosen_records_alone_are_written(standing: Standing, worker: Context) -> None:
    ids = [str(w.pk) for w in standing.suspense()][:2]
    done = act(standing, worker, Action="DISCARD", Reason="x", Ids=ids)
    assert (done.count, states(standing).count("DISCARDED")) == (2, 2)
    other = Standing()
    assert act(other, worker, Action="DISCARD", Reason="x", Ids=ids).count == 0
    assert act(standing, worker, Action="RESTORE", Ids=ids).count == 2
    assert act(standing, worker, Action="RESUBMIT", Ids=ids).count == 2


def test_many_records_are_written_by_a_job(
    standing: Standing, monkeypatch: pytest.MonkeyPatch, clerk: Callable[..., Context]
) -> None:
    from entities.bulk import loading
    from entities.bulk.jobs import Run
    from entities.models.bulk import BulkUploadHistory

    monkeypatch.setattr(acting, "AT_ONCE", 2)
    with pytest.raises(RequestError, match="may not create BULK_UPLOAD_HISTORY"):
        act(standing, clerk(**WORKER), Action="DISCARD", Reason="so")
    with_job = clerk(COLLECTOR_FIELDS="RU", BULK_UPLOAD_HISTORY="CR")
    done = act(standing, with_job, Action="DISCARD", Reason='"so", he\nsaid')
    assert (done.count, states(standing)) == (4, ["SUSPENSE"] * 4)
    BulkUploadHistory.objects.filter(pk=done.job).update(status="RUNNING", attempts=1)
    loading.load(Run(BulkUploadHistory, done.job or 0, 1, with_job.user_id))
    assert states(standing) == ["DISCARDED"] * 4
    one = CollectorFields.objects.filter(process_state="DISCARDED").first()
    assert one is not None and one.process_description == '"so", he\nsaid'


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"Action": "BURN"}, "Action is 'BURN'; it is one of CORRECT, RESUBMIT"),
        ({"Action": "CORRECT", "ActivityCollectorId": "1"}, "Say in Values what to set"),
        (
            {"Action": "CORRECT", "ActivityCollectorId": "1", "Values": {"PROCESS_STATUS": "X"}},
            "Values has 'PROCESS_STATUS', which can't be corrected.",
        ),
        ({"Action": "RESUBMIT"}, "Name the usage: ActivityCollectorId"),
        ({"Action": "RESUBMIT", "ActivityCollectorId": "1 OR 1=1"}, "which is no Id."),
        ({"Action": "RESUBMIT", "Ids": ["١"]}, "which is no Id."),
        ({"Action": "RESUBMIT", "Ids": "12"}, "Ids is a list"),
        ({"Action": "RESUBMIT", "ActivityCollectorId": "1", "Day": "soon"}, "Day is 'soon'"),
        ({"Action": "RESUBMIT", "ActivityCollectorId": "1", "Cause": "a\0"}, "NUL"),
    ],
)
def test_what_cannot_be_meant_is_told(said: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as error:
        acting.asked(said, current())
    assert message in error.value.message


def test_rights_are_asked_of_every_step(standing: Standing, clerk: Callable[..., Context]) -> None:
    assert signed_in(clerk(ACTIVITY_COLLECTOR="R")).get(PAGE).status_code == 403
    reader = clerk(ACTIVITY_COLLECTOR="R", COLLECTOR_FIELDS="R")
    address = f"{PAGE}?collector={standing.collector}"
    html = signed_in(reader).get(address).text
    assert "Save and try again" not in html and "Try all again" not in html
    for action in ({"Action": "DISCARD", "Reason": "x"}, {"Action": "RESUBMIT"}):
        with pytest.raises(RequestError, match=r"may not (update|create)"):
            act(standing, reader, **action)
    sent = {"one": str(standing.suspense()[0].pk), "Quantity": "9", "was_Quantity": "1"}
    assert "may not update" in signed_in(reader).post(address, sent, follow=True).text
    assert states(standing) == ["SUSPENSE"] * 4
    gone = signed_in(reader).get(f"{PAGE}?collector=999999", follow=True).text
    assert "There is no ACTIVITY_COLLECTOR 999999" in gone


def test_the_group_is_exported_as_it_is(standing: Standing, worker: Context) -> None:
    answer = signed_in(worker).get(f"{PAGE}?collector={standing.collector}&token=y&export=1")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("Id,Cause,Reason,FileLine,BillingIdentifier,ACTIVITY_DATE,Quantity")
    assert len(lines) == 2 and ",3,y,2026-11-02T00:00:00Z,2," in lines[1]
    assert "nosniff" in answer["X-Content-Type-Options"]


def test_a_million_records_are_looked_at_in_the_index(standing: Standing) -> None:
    """A page of a group, and its count, come from the group's part of the index, in its order."""
    granted = acting.granted(current(), SYSTEM)
    chosen = selecting.selection(
        {"ActivityCollectorId": standing.collector, "Cause": "UNKNOWN_TOKEN"}
    )
    asked(
        "INSERT INTO mediation_collectorfields (activity_collector_id, process_state, cause, "
        "created, updated, consolidation_exempt, started, ended, billing_identifier, quantity) "
        "SELECT %s, 'SUSPENSE', 'CAUSE' || n %% 7, now() - n * interval '1 second', now(), false, "
        "false, false, 'x', 1 FROM generate_series(1, 20000) n RETURNING 1",
        standing.collector,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mediation_collectorfields")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    ways = [
        (
            f"SELECT c.id FROM mediation_collectorfields c WHERE {chosen.chosen(granted)} "
            "ORDER BY c.created, c.id LIMIT 26",
            chosen.values,
            "mediation_suspense_group",
        ),
        (
            selecting._COUNTED.format(chosen=chosen.chosen(granted)),
            chosen.values,
            "mediation_suspense_group",
        ),
    ]
    for statement, values, wanted in ways:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert wanted in plan and "Seq Scan" not in plan, plan
        assert "Sort" not in plan, plan


def test_the_pages_ask_a_fixed_number_of_questions(
    standing: Standing, worker: Context, django_assert_max_num_queries: Any
) -> None:
    browser = signed_in(worker)
    group = f"{PAGE}?collector={standing.collector}"
    browser.get(PAGE)
    browser.get(group)
    BillingIdentifierFactory(AccountId=standing.account, BillingIdentifier="spare")
    standing.file("who,at,much\n" + "".join(f"n{n},2026-11-01,1\n" for n in range(40)), "more.csv")
    for address, most in ((PAGE, 8), (group, 12)):
        with django_assert_max_num_queries(most):
            browser.get(address)
    assert "after=" in browser.get(group).text
