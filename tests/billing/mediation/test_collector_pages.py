"""The admin's pages of collectors and loads: how they do, what was wrong, what can be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.mediation.loads import reversing, running
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.pages import chart, figures, health
from metabrm import clock
from tests.billing.mediation.standing import Standing, asked, changed
from tests.factories import (
    ActivityCollectorControlFactory,
    ActivityCollectorFactory,
    InvoiceFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

COLLECTOR = "/admin/mediation/activitycollector/"
LOAD = "/admin/mediation/activitycollectorhistory/"
#: What an operator of collectors may do.
OPERATOR = {
    "ACTIVITY_COLLECTOR": "R",
    "ACTIVITY_COLLECTOR_HISTORY": "CRU",
    "COLLECTOR_FIELDS": "R",
    "ACTIVITY": "R",
}


@pytest.fixture
def signed_in(clerk: Callable[..., Any]) -> Callable[..., Client]:
    """A browser of somebody with just these rights: signed_in(ACCOUNT="R")."""

    def enter(**rights: str) -> Client:
        from metabrm.identity.models import User

        client = Client()
        client.force_login(User.objects.get(pk=clerk(**rights).user_id))
        return client

    return enter


@pytest.fixture
def standing() -> Standing:
    made = Standing().usual()
    made.file(f"who,at,much\n<b>x,2026-11-01,1\n{made.token},never,3\n{made.token},2026-11-04,4\n")
    return made


def load_of(standing: Standing) -> ActivityCollectorHistory:
    return ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector).latest(
        "id"
    )


def test_a_collector_shows_its_runs_and_days(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    browser = signed_in(**OPERATOR)
    html = browser.get(f"{COLLECTOR}{standing.collector}/change/").text
    load = load_of(standing)
    assert f'id="run-{load.pk}" href="{LOAD}{load.pk}/change/">usage.csv</a>' in html
    assert "Nothing is wrong; the last load ended well less than a minute ago." in html
    assert ": 3 came, 2 rejected</title>" in html
    assert "last 30 days: 3 came, 2 rejected" in html
    assert '<td class="brm-num">3</td><td class="brm-num">0</td><td class="brm-num">2</td>' in html
    listed = browser.get(COLLECTOR).text
    assert "2 of 3" in listed and '<span class="brm-badge brm-good">well</span>' in listed


def test_who_may_not_read_loads_sees_none(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    blind = signed_in(ACTIVITY_COLLECTOR="R")
    html = blind.get(f"{COLLECTOR}{standing.collector}/change/").text
    assert "usage.csv" not in html and "collector-state" not in html
    assert "2 of 3" not in blind.get(COLLECTOR).text
    assert blind.get(f"{COLLECTOR}{standing.collector}/runs/").status_code == 403
    load = load_of(standing).pk
    for address in ("state/", "reverse/", "rejected/"):
        assert blind.get(f"{LOAD}{load}/{address}").status_code == 403
    reader = signed_in(ACTIVITY_COLLECTOR="R", ACTIVITY_COLLECTOR_HISTORY="R")
    page = reader.get(f"{LOAD}{load}/change/").text
    assert "load-stages" in page and "never" not in page
    assert "Take back" not in page and "load-rejected" not in page
    assert reader.get(f"{LOAD}{load}/rejected/").status_code == 403
    assert reader.get(f"{LOAD}{load}/reverse/").status_code == 403
    assert reader.post(f"{COLLECTOR}{standing.collector}/run/").status_code == 403


def test_the_part_that_is_asked_again_moves(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    browser = signed_in(**OPERATOR)
    load = load_of(standing)
    still = browser.get(f"{COLLECTOR}{standing.collector}/runs/").text
    assert "every 20s" in still and "<progress" not in still
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(status="RUNNING", progress=40)
    assert 'hx-trigger="every 2s"' in browser.get(f"{COLLECTOR}{standing.collector}/runs/").text
    state = browser.get(f"{LOAD}{load.pk}/state/").text
    assert 'value="40"' in state and 'hx-trigger="every 2s"' in state


def test_a_file_is_uploaded_and_refused_twice(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    browser = signed_in(**OPERATOR)
    address = f"{COLLECTOR}{standing.collector}/upload/"

    def send() -> Any:
        file = SimpleUploadedFile(
            "more.csv", f"who,at,much\n{standing.token},2026-11-05,1\n".encode()
        )
        return browser.post(address, {"file": file}, follow=True)

    assert "more.csv is taken, and is being read." in send().text
    load = load_of(standing)
    assert (load.file_name, load.status) == ("more.csv", "PENDING")
    assert "This file was taken already, as load" in send().text
    assert "Choose a file first." in browser.post(address, follow=True).text
    reader = signed_in(ACTIVITY_COLLECTOR="R", ACTIVITY_COLLECTOR_HISTORY="R")
    refused = reader.post(address, {"file": SimpleUploadedFile("c.csv", b"x")}, follow=True).text
    assert "may not create" in refused


def test_run_now_is_for_collectors_that_look_by_themselves(
    signed_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from metabrm import background

    told: list[Any] = []
    monkeypatch.setattr(background, "tell", lambda *what: told.append(what))
    looks = ActivityCollectorFactory(Type="FTP", FtpDirectory="in", FtpFilePattern="*.csv")
    fed = ActivityCollectorFactory()
    browser = signed_in(**OPERATOR)
    page = browser.post(f"{COLLECTOR}{looks}/run/", follow=True).text
    assert "A worker is told to look at the source now." in page
    assert told == [("metabrm.collect", looks)]
    assert "Run now</button>" not in browser.get(f"{COLLECTOR}{fed}/change/").text
    assert browser.post(f"{COLLECTOR}{fed}/run/").status_code == 403


def test_a_load_shows_what_was_wrong_and_where(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    html = signed_in(**OPERATOR).get(f"{LOAD}{load_of(standing).pk}/change/").text
    assert "1 x UNKNOWN_TOKEN" in html and "1 x BAD_DATE:ACTIVITY_DATE" in html
    assert "line 2</span>" in html and "line 3</span>" in html
    assert "&lt;b&gt;x" in html and "<b>x" not in html
    assert "<dt>Came</dt><dd>3</dd>" in html and "<dt>Rejected</dt><dd>2</dd>" in html
    for stage in ("Taken", "Begun", "Mapped", "Rated", "Ended"):
        assert f'<span class="brm-strong">{stage}</span>' in html
    assert "not yet" not in html


def test_a_load_tells_what_the_trailer_said(signed_in: Callable[..., Client]) -> None:
    standing = Standing(OmitEnd="1").usual()
    ActivityCollectorControlFactory(ActivityCollectorId=standing.collector, Position="2")
    ActivityCollectorControlFactory(
        ActivityCollectorId=standing.collector, Position="3", Kind="SUM", Source="much"
    )
    load = standing.file(f"who,at,much\n{standing.token},2026-11-05,2.5\nEND,1,2.5\n")
    assert [(c["Said"], c["Found"]) for c in load.controls] == [("1", "1"), ("2.5", "2.5")]
    browser = signed_in(**OPERATOR)
    html = browser.get(f"{LOAD}{load.pk}/change/").text
    assert "<td>record count</td>" in html and "<td>sum of much</td>" in html
    other = standing.file(f"who,at,much\n{standing.token},2026-11-06,2.5\nEND,3,2.5\n", "b.csv")
    page = browser.get(f"{LOAD}{other.pk}/change/").text
    assert other.status == "PARKED" and "says 3, and there are 1 records." in page
    assert "Try again</button>" in page


def test_a_parked_file_is_tried_again(signed_in: Callable[..., Client]) -> None:
    standing = Standing()
    load = standing.file(f"who,at,much\n{standing.token},2026-11-05,1\n")
    assert load.status == "PARKED"
    standing.usual()
    browser = signed_in(**OPERATOR)
    assert "It is tried again." in browser.post(f"{LOAD}{load.pk}/retry/", follow=True).text
    running.run(load.pk)
    load.refresh_from_db()
    assert (load.status, load.record_count) == ("RUNNING", 1)
    assert browser.get(f"{LOAD}{load.pk}/retry/").status_code == 405


def test_taking_back_says_first_what_it_would_do(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    standing.file(
        f"who,at,much\n{standing.token},2026-11-07,5\n{standing.token},2026-11-08,6\n", "b"
    )
    load = load_of(standing)
    closed = InvoiceFactory(Status="CLOSED")
    asked("UPDATE mediation_activity SET invoice_id = %s WHERE quantity = 6 RETURNING 1", closed)
    coming = reversing.preview(load.pk)
    assert (coming.reversed, coming.kept) == (1, 1)
    browser = signed_in(**OPERATOR)
    html = browser.get(f"{LOAD}{load.pk}/reverse/").text
    assert "1 charge</span> gets a line beside it that takes it back." in html
    assert "1 stands on a closed invoice and stays" in html
    assert "on a closed invoice" in html and "6.00" in html and "5.00" in html
    unpriced = signed_in(**{**OPERATOR, "ACTIVITY": ""}).get(f"{LOAD}{load.pk}/reverse/").text
    assert "6.00" not in unpriced
    browser.post(f"{LOAD}{load.pk}/reverse/")
    reversing.reverse(load.pk)
    load.refresh_from_db()
    assert (load.status, load.reversed_count) == ("REVERSED", coming.reversed)
    again = browser.get(f"{LOAD}{load.pk}/reverse/").text
    assert "It is REVERSED; a load that is COMPLETED can be taken back." in again


def rejected(browser: Client, load: ActivityCollectorHistory) -> tuple[str, bytes]:
    answer = browser.get(f"{LOAD}{load.pk}/rejected/")
    assert answer.status_code == 200
    return answer["Content-Disposition"], b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_rejected_records_are_a_file_like_the_one_they_came_in(
    signed_in: Callable[..., Client],
) -> None:
    standing = Standing(SkipRows="1", OmitEnd="1", Delimiter=";", Encoding="WINDOWS-1252").usual()
    ActivityCollectorControlFactory(ActivityCollectorId=standing.collector, Position="2")
    ActivityCollectorControlFactory(
        ActivityCollectorId=standing.collector, Position="3", Kind="SUM", Source="much"
    )
    load = standing.file(
        f"BÄCK\nwho;note;at;much\n{standing.token};;2026-11-05;2\n"
        f'"a;ü";"say ""no""";2026-11-06;3.5\n'
        f"nobody;;2026-11-07;1\nbroken;line\nEND;4;6.5\n".encode("cp1252"),
        "fé.csv.gz",
    )
    name, content = rejected(signed_in(**OPERATOR), load)
    assert "f%C3%A9.rejected.csv" in name
    assert content.decode("cp1252").splitlines() == [
        "BÄCK",
        "who;note;at;much",
        '"a;ü";"say ""no""";2026-11-06;3.5',
        "nobody;;2026-11-07;1",
        "broken;line",
        "END;3;4.5",
    ]
    again = standing.file(content, "again.csv")
    assert (again.record_count, again.suspended_count) == (3, 3)


@pytest.mark.parametrize(
    ("collector", "maps", "content", "wanted"),
    [
        (
            {"RecordFormat": "FIXED WIDTH", "HeaderRowFlag": "0"},
            {"BillingIdentifier": "1-6", "ACTIVITY_DATE": "7-16", "Quantity": "17-20"},
            "nobody2026-11-05   7\n",
            "nobody2026-11-05   7\n",
        ),
        (
            {"RecordFormat": "JSON", "HeaderRowFlag": "0"},
            {"BillingIdentifier": "a.who", "ACTIVITY_DATE": "at", "Quantity": "much"},
            '{"a": {"who": "nobody"}, "at": "2026-11-05", "much": 1.50, "more": [1]}\n',
            '{"a": {"who": "nobody"}, "at": "2026-11-05", "much": 1.50, "more": [1]}\n',
        ),
        (
            {"RecordFormat": "XML", "RecordPath": "usage/record"},
            {"BillingIdentifier": "who/@id", "ACTIVITY_DATE": "at", "Quantity": "much"},
            '<usage><record><who id="&lt;x&gt;">n</who><at>2026-11-05</at></record></usage>',
            '<usage>\n<record><who id="&lt;x&gt;">n</who><at>2026-11-05</at></record>\n</usage>\n',
        ),
    ],
    ids=["fixed width", "json", "xml"],
)
def test_rejected_records_of_each_format(
    collector: dict[str, str],
    maps: dict[str, str],
    content: str,
    wanted: str,
    signed_in: Callable[..., Client],
) -> None:
    standing = Standing(**collector) if "HeaderRowFlag" not in collector else None
    if standing is None:
        standing = Standing()
        assert changed("ACTIVITY_COLLECTOR", standing.collector, **collector) == []
    load = standing.maps(maps).file(content, "usage.dat")
    assert load.suspended_count == 1, load.error_text
    _, made = rejected(signed_in(**OPERATOR), load)
    assert made.decode() == wanted
    assert standing.file(made + b"\n", "b.dat").suspended_count == 1


def test_a_record_that_was_charged_in_part_is_not_sent_again(
    standing: Standing, signed_in: Callable[..., Client]
) -> None:
    load = load_of(standing)
    asked(
        "UPDATE mediation_activity SET line_number = 2 "
        "WHERE activity_collector_history_id = %s RETURNING 1",
        load.pk,
    )
    _, content = rejected(signed_in(**OPERATOR), load)
    assert content.decode() == f"who,at,much\n{standing.token},never,3\n"


def test_records_of_many_columns_go_to_suspense_whole() -> None:
    standing = Standing().usual()
    names = [f"n{number}" for number in range(120)]
    load = standing.file(
        ",".join(["who", "at", "much", *names])
        + "\nnobody,2026-11-01,1,"
        + ",".join(f"v{name}" for name in names)
        + "\n"
    )
    (waiting,) = standing.suspense()
    assert load.status == "COMPLETED"
    assert '"n119": "vn119"' in (waiting.raw_record or "")


NOW = clock.now()


@pytest.mark.parametrize(
    ("collector", "standing", "gaps", "words"),
    [
        ({}, {"last_id": 1, "success_at": NOW}, [], ["well"]),
        ({}, {}, [], ["never ran", "well"]),
        ({"status": "DEACTIVATED"}, {"last_id": 1}, [], ["deactivated", "well"]),
        ({"status": "Test Mode"}, {"last_id": 1}, [], ["test mode", "well"]),
        ({}, {"last_id": 1, "parked": 2}, [], ["2 parked"]),
        ({}, {"trouble": "OSError: gone"}, [], ["no source"]),
        ({}, {"last_id": 1}, [(4, 4), (7, 9)], ["files left out", "well"]),
        ({"type": "FTP", "run_interval_min": 60, "minutes": 70}, {"last_id": 1}, [], ["well"]),
        ({"type": "FTP", "run_interval_min": 60, "minutes": 72}, {"last_id": 1}, [], ["overdue"]),
        ({"type": "API", "run_interval_min": 60, "minutes": 900}, {"last_id": 1}, [], ["well"]),
    ],
)
def test_what_is_wrong_comes_first(
    collector: dict[str, Any],
    standing: dict[str, Any],
    gaps: list[tuple[int, int]],
    words: list[str],
) -> None:
    minutes = collector.pop("minutes", 0)
    with clock.frozen(NOW):
        one = ActivityCollector(
            created=NOW, last_runtime=NOW - timedelta(minutes=minutes), **collector
        )
        found = health.findings(one, figures.Standing(**standing), gaps)
    assert [finding.word for finding in found] == words
    assert found[0].tone != "bad" or words[0] in ("2 parked", "no source", "overdue")


def test_numbers_that_did_not_come_are_told_until_they_do() -> None:
    standing = Standing(SequencePattern="u_{sequence}.csv").usual()
    for number in (1, 2, 4, 8):
        standing.sent(f"who,at,much\nx,2026-11-01,{number}\n", f"u_{number}.csv")
    assert figures.gaps(standing.collector, "") == [(5, 7), (3, 3)]
    standing.sent("who,at,much\nx,2026-11-01,3\n", "u_3.csv")
    assert figures.gaps(standing.collector, "") == [(5, 7)]


def test_the_drawing_gives_each_row_its_own_measure() -> None:
    days = [figures.Day(clock.today("UTC"), 1_000_000, 3), figures.Day(clock.today("UTC"), 10, 0)]
    made = chart.drawn(days)
    assert [bar.volume_height for bar in made.bars] == [70.0, 2.0]
    assert [bar.rejected_height for bar in made.bars] == [40.0, 0.0]
    empty = chart.drawn([figures.Day(clock.today("UTC"))])
    assert empty.bars[0].volume_height == 0.0


def test_the_pages_ask_a_fixed_number_of_questions(
    standing: Standing, signed_in: Callable[..., Client], django_assert_max_num_queries: Any
) -> None:
    browser = signed_in(**OPERATOR)
    load = load_of(standing)
    for address in (
        f"{COLLECTOR}",
        f"{COLLECTOR}{standing.collector}/change/",
        f"{LOAD}{load.pk}/change/",
    ):
        browser.get(address)
    for number in range(5):
        ActivityCollectorFactory()
        standing.file(f"who,at,much\nx,2026-11-01,{number}\n", f"{number}.csv")
    for address, most in (
        (f"{COLLECTOR}", 9),
        (f"{COLLECTOR}{standing.collector}/runs/", 8),
        (f"{COLLECTOR}{standing.collector}/change/", 14),
        (f"{LOAD}{load.pk}/change/", 14),
        (f"{LOAD}{load.pk}/state/", 8),
    ):
        with django_assert_max_num_queries(most):
            browser.get(address)
