"""What can be corrected of usage that waits, and what mediation says of it and of loads alone."""

import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from billing.mediation import sources
from billing.mediation.loads import running
from billing.mediation.models import ActivityCollectorHistory, CollectorFields
from billing.mediation.sources import posted
from entities import records
from tests.billing.mediation.standing import SYSTEM, Standing, changed, drive
from tests.billing.rating.test_explorer import signed_in
from tests.factories import ActivityCollectorFactory, ActivityCollectorHistoryFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

LOAD = "ACTIVITY_COLLECTOR_HISTORY"


def sent(standing: Standing, **more: Any) -> CollectorFields:
    """A record that was posted and waits until its sender has signed out."""
    row = {
        "ACTIVITY_COLLECTOR_ID": standing.collector,
        "BillingIdentifier": "nobody",
        "ACTIVITY_DATE": "2026-11-01T10:00:00Z",
        "Quantity": "2",
        **more,
    }
    (outcome,) = records.create("COLLECTOR_FIELDS", [row], SYSTEM)
    assert outcome.ok, outcome.problems
    return CollectorFields.objects.get(pk=outcome.id)


def test_a_posted_record_is_corrected_while_its_load_is_open() -> None:
    standing = Standing()
    one = sent(standing)
    values = {"BillingIdentifier": standing.token, "Quantity": "5"}
    assert changed("COLLECTOR_FIELDS", one.pk, **values) == []
    load = one.activity_collector_history_id
    assert posted.close(load) == [load]
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Quantity="6")
    assert told.startswith("Quantity can't be corrected: this record is PENDING. Its load is clos")
    drive(load)
    assert standing.lines("quantity") == [(Decimal(5),)]
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Quantity="7")
    assert told == (
        "Quantity can't be corrected: this record is PROCESSED. It was charged: correct or "
        "withdraw its line."
    )
    # What is said again is no change.
    assert changed("COLLECTOR_FIELDS", one.pk, Quantity="5", MDLStatus="seen") == []


def test_in_suspense_what_it_is_made_of_is_corrected_and_given_up_it_is_not() -> None:
    standing = Standing().usual()
    standing.file("who,at,much\nx,2026-11-01,1\n")
    (one,) = standing.suspense()
    assert changed("COLLECTOR_FIELDS", one.pk, OVERRIDE_RATE="2", ChargeType="CALL") == []
    give_up = {"Reprocess_Status": "DISCARD", "PROCESS_DESCRIPTION": "A test."}
    assert changed("COLLECTOR_FIELDS", one.pk, **give_up) == []
    (told,) = changed("COLLECTOR_FIELDS", one.pk, ChargeType="DATA")
    assert told.endswith("It was given up; send Reprocess_Status RESTORE first.")
    assert changed("COLLECTOR_FIELDS", one.pk, Reprocess_Status="RESTORE") == []
    assert changed("COLLECTOR_FIELDS", one.pk, ChargeType="DATA") == []
    (told,) = changed("COLLECTOR_FIELDS", one.pk, Reprocess_Status="AGAIN")
    assert told == "Reprocess_Status is 'AGAIN'; send one of RESUBMIT, DISCARD, RESTORE."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("PROCESS_STATUS", "PROCESSED"),
        ("PROCESS_STATUS", None),
        ("RecordNumber", "7"),
        ("Reprocess_Date", "2026-11-01T10:00:00Z"),
        ("ACTIVITY_COLLECTOR_ID", "other"),
        ("ACTIVITY_COLLECTOR_HISTORY_ID", "other"),
        ("ACTIVITY_COLLECTOR_HISTORY_ID", None),
    ],
)
def test_how_far_it_has_come_and_whose_it_is_mediation_says(field: str, value: Any) -> None:
    standing = Standing()
    one = sent(standing)
    if value == "other":
        other = ActivityCollectorFactory()
        value = other if field.endswith("OR_ID") else ActivityCollectorHistoryFactory()
    row = {"Id": one.pk, field: value}
    (outcome,) = records.update("COLLECTOR_FIELDS", [row], SYSTEM, null_clears=True)
    ((code, name, message),) = [(p.code, p.field, p.message) for p in outcome.problems]
    assert (code, name) == ("FIELD_NOT_CHANGEABLE", field)
    load = one.activity_collector_history_id
    assert message.startswith(f"{field} is told by mediation, which has this record in load {load}")


def test_why_it_waits_stays_whatever_is_sent() -> None:
    """Who sends back what he has read changes nothing of it."""
    standing = Standing().usual()
    standing.file("who,at,much\nx,2026-11-01,1\n")
    (one,) = standing.suspense()
    values = {"Cause": "OTHER", "Reason": "-", "RawRecord": "-", "FileLine": "9"}
    assert changed("COLLECTOR_FIELDS", one.pk, **values) == []
    again = CollectorFields.objects.get(pk=one.pk)
    for name in ("cause", "reason", "raw_record", "file_line", "signature"):
        assert getattr(again, name) == getattr(one, name)


def test_records_that_mediation_has_nothing_of_are_their_senders() -> None:
    standing = Standing()
    load = ActivityCollectorHistoryFactory(ActivityCollectorId=standing.collector)
    kept = sent(standing, PROCESS_STATUS="IMPORTED", ACTIVITY_COLLECTOR_HISTORY_ID=load)
    assert changed("COLLECTOR_FIELDS", kept.pk, PROCESS_STATUS="CHECKED", Quantity="9") == []
    counts = {"RecordCount": "12", "ErrorCount": "1", "FileName": "old.csv"}
    assert changed(LOAD, load, **counts, Status="COMPLETED") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("RecordCount", "9"),
        ("ProcessedCount", "9"),
        ("ErrorCount", "9"),
        ("FileName", "other.csv"),
        ("StartDate", "2026-01-01T00:00:00Z"),
        ("EndDate", "2037-01-01T00:00:00Z"),
        ("Source", "API"),
        ("ActivityCollectorId", "other"),
        ("Cause", "NO_PRICE"),
    ],
)
def test_a_loads_counts_and_times_are_mediations(field: str, value: Any) -> None:
    load = Standing().usual().file("who,at,much\n")
    value = ActivityCollectorFactory() if value == "other" else value
    told = changed(LOAD, load.pk, **{field: value})
    assert told == [f"{field} is told by mediation, which has this load; leave it out."]


def test_notes_and_what_shall_become_of_a_load_are_said_by_people() -> None:
    standing = Standing().usual()
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,1\n")
    running.run(load.pk)
    for state in ("COMPLETED", "RUNNING", "PARKED", "PENDING LOGOUT"):
        if state != ActivityCollectorHistory.objects.get(pk=load.pk).status:
            (told,) = changed(LOAD, load.pk, Status=state)
            assert told.startswith(f"A load becomes {state} by itself.")
    note = {"ErrorText": "Asked the sender.", "ExternalKey": "n-1"}
    assert changed(LOAD, load.pk, **note, Status="CANCELLED") == []
    assert sources.close_posted() == []


class _Form(HTMLParser):
    """What a page's form would send as it is."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._choice, self._text = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name = said.get("name") or ""
        if tag == "select":
            self._choice = name
        elif tag == "option" and "selected" in said:
            self.sent[self._choice] = said.get("value") or ""
        elif tag == "textarea":
            self._text, self.sent[name] = name, ""
        elif tag == "input" and name and said.get("type") not in ("submit", "file", "button"):
            ticked = said.get("type") not in ("checkbox", "radio") or "checked" in said
            self.sent |= {name: said.get("value") or ""} if ticked else {}

    def handle_data(self, data: str) -> None:
        if self._text:
            self.sent[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""


def test_the_page_of_a_posted_record_corrects_it_and_tells_what_stays(
    clerk: Callable[..., Any],
) -> None:
    standing = Standing()
    one = sent(standing)
    rights = {"COLLECTOR_FIELDS": "RU", "ACTIVITY_COLLECTOR": "R", LOAD: "R"}
    browser = signed_in(clerk(**rights))
    address = f"/admin/mediation/collectorfields/{one.pk}/change/"
    form = _Form(browser.get(address).text).sent
    answer = browser.post(address, {**form, "Quantity": "5", "BillingIdentifier": standing.token})
    assert answer.status_code == 302, re.findall(r"errorlist.*", answer.text)
    one.refresh_from_db()
    assert (one.quantity, one.billing_identifier) == (5, standing.token)
    refused = browser.post(address, {**form, "PROCESS_STATUS": "PROCESSED"})
    assert "PROCESS_STATUS is told by mediation, which has this record" in refused.text
