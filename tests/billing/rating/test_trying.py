"""A collector is tried out on a sample: what each line would become, and nothing is stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from billing.mediation.models import ActivityCollectorHistory, LoadShard
from billing.rating.trying import running, telling
from entities.errors import RequestError
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.mediation.standing import SYSTEM, Standing, asked, changed
from tests.factories import (
    ActivityCollectorFilterFactory,
    BillingProfileFactory,
    PriceFactory,
)

pytestmark = pytest.mark.django_db

PAGE = "/admin/try-out/"
TRIES = dict.fromkeys((*telling.READS, "ACTIVITY"), "R") | {"ACTIVITY_COLLECTOR_HISTORY": "CR"}
_KEPT = (
    "mediation_activity",
    "mediation_usage",
    "mediation_collectorfields",
    "mediation_activitycollectorhistory",
    "mediation_loadshard",
    "rating_accumulatorvalue",
    "entities_auditlog",
)


@pytest.fixture
def standing() -> Standing:
    made = Standing(ConsolidationMode="Deduplication").usual()
    BillingProfileFactory(AccountId=str(made.account))
    PriceFactory(ProductId=str(made.product), Rate="2.5")
    return made


def tried(standing: Standing, sample: str, context: Context = SYSTEM) -> dict[str, Any]:
    trial = running.tried(standing.model(), sample.encode())
    return telling.told(trial, current(), context)


def held() -> list[int]:
    with connection.cursor() as cursor:
        counts = []
        for table in _KEPT:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts.append(cursor.fetchone()[0])
        return counts


def outcomes(told: dict[str, Any]) -> list[str]:
    return [record["Outcome"] for record in told["Records"]]


def sample_of(standing: Standing) -> str:
    return (
        f"who,at,much,kind\n{standing.token},2026-11-01T10:00:00Z,3,call\n"
        f"{standing.token},2026-11-01T10:00:00Z,3,call\n{standing.token},soon,1,call\n"
        f"nobody,2026-11-01,1,call\n{standing.token},2026-11-02,5,test\nbroken\n"
    )


def test_each_line_tells_what_becomes_of_it_and_nothing_is_stored(standing: Standing) -> None:
    ActivityCollectorFilterFactory(
        ActivityCollectorId=standing.collector, Formula="{!kind} = 'call'"
    )
    before = held()
    told = tried(standing, sample_of(standing))
    assert held() == before
    assert not LoadShard.objects.exists() and not ActivityCollectorHistory.objects.exists()
    assert outcomes(told) == [
        "CHARGED",
        "REPEATED",
        "SUSPENSE",
        "SUSPENSE",
        "FILTERED",
        "SUSPENSE",
    ]
    first, _, bad, unknown, test, broken = told["Records"]
    (charge,) = first["Charges"]
    assert (charge["Amount"], charge["CurrencyCode"], charge["Rate"]) == ("7.5", "USD", "2.5")
    assert (charge["RateSource"], charge["Day"]) == ("Product", "2026-11-01")
    assert first["Found"][0]["AccountProductId"] == str(standing.account_product)
    assert first["Values"] == {
        "who": standing.token,
        "at": "2026-11-01T10:00:00Z",
        "much": "3",
        "kind": "call",
    }
    assert first["Fields"][2] == {"Name": "Quantity", "Text": "3", "Value": "3", "Bad": "0"}
    assert bad["Fields"][1] == {
        "Name": "ACTIVITY_DATE",
        "Text": "soon",
        "Value": None,
        "Bad": "1",
    }
    assert bad["Reasons"][0].startswith("BAD_DATE:ACTIVITY_DATE: ACTIVITY_DATE is 'soon'")
    assert unknown["Reasons"][0].startswith("UNKNOWN_TOKEN: ")
    assert (first["Verdicts"], test["Verdicts"], test["Fields"]) == (["1"], ["0"], [])
    assert "It has 1 value; the others have 4." in broken["Reasons"][0]
    assert told["Filters"] == ["{!kind} = 'call'"]


def test_a_real_load_comes_to_the_same(standing: Standing, monkeypatch: Any) -> None:
    from billing.mediation import partitions
    from billing.mediation.loads import running as real
    from billing.rating import loads
    from metabrm import background

    monkeypatch.setattr(background, "tell", lambda *what: None)
    monkeypatch.setattr(partitions, "ensure_months_of", lambda days: [])
    told = tried(standing, sample_of(standing))
    load = standing.sent(sample_of(standing))
    real.run(load.pk)
    for shard in LoadShard.objects.filter(load=load):
        loads.rate(load.pk, shard.shard)
    real.finish(load.pk)
    load.refresh_from_db()
    assert load.rated_count == outcomes(told).count("CHARGED")
    assert load.suspended_count == outcomes(told).count("SUSPENSE")
    amounts = [c["Amount"] for r in told["Records"] for c in r["Charges"]]
    assert [f"{a.normalize():f}" for (a,) in standing.lines("rated_amount")] == amounts
    again = tried(standing, sample_of(standing))
    assert outcomes(again)[0] == "REPEATED"


def test_a_collector_without_mappings_still_tells_how_lines_are_split() -> None:
    standing = Standing(Status="Test Mode")
    told = tried(standing, "a,b\n1,\n")
    assert told["Records"][0]["Values"] == {"a": "1", "b": None}
    assert outcomes(told) == ["READ"] and "has no mappings" in told["Problems"][0]
    assert changed("ACTIVITY_COLLECTOR", standing.collector, Status="DEACTIVATED") == []
    assert outcomes(tried(standing, "a,b\n1,2\n")) == ["READ"]


def test_only_the_first_records_are_looked_at(standing: Standing, monkeypatch: Any) -> None:
    monkeypatch.setattr(running, "MOST", 3)
    rows = "".join(f"{standing.token},2026-11-01,{n}\n" for n in range(1, 9))
    told = tried(standing, f"who,at,much\n{rows}")
    assert (told["Count"], told["LookedAt"]) == ("8", "3")
    assert [record["Line"] for record in told["Records"]] == ["2", "3", "4"]


def test_a_load_that_is_at_work_is_not_waited_for(standing: Standing, monkeypatch: Any) -> None:
    from django.db.utils import OperationalError
    from psycopg import errors as pg

    def held_up(*about: Any) -> None:
        raise OperationalError from pg.LockNotAvailable()

    monkeypatch.setattr(running.mapping, "settle", held_up)
    with pytest.raises(RequestError, match="at work on what this needs") as refused:
        tried(standing, "who,at,much\nx,2026-11-01,1\n")
    assert refused.value.code == "TEMPORARILY_UNAVAILABLE"


def test_pasted_lines_are_in_the_collectors_encoding_and_files_as_they_are() -> None:
    from billing.rating.trying import given

    standing = Standing(Encoding="ISO-8859-1").usual()
    name, content = given.pasted("who,at,much\r\nZoë,2026-11-01,1\n", standing.model())
    assert (name, content) == ("pasted", "who,at,much\nZoë,2026-11-01,1\n".encode("latin-1"))
    told = telling.told(running.tried(standing.model(), content), current(), SYSTEM)
    assert told["Records"][0]["Values"]["who"] == "Zoë"


def test_a_parquet_file_is_tried() -> None:
    from io import BytesIO

    import pyarrow
    from pyarrow import parquet

    standing = Standing(RecordFormat="PARQUET").usual()
    written = BytesIO()
    rows = {"who": [standing.token], "at": ["2026-11-01"], "much": ["x"]}
    parquet.write_table(pyarrow.table(rows), written)
    told = telling.told(running.tried(standing.model(), written.getvalue()), current(), SYSTEM)
    assert (told["Columns"], outcomes(told)) == (["who", "at", "much"], ["SUSPENSE"])


def test_hostile_samples_are_told_as_what_they_are(standing: Standing) -> None:
    for sample in (
        "",
        "\n\n",
        "who,at,much\n" + "x" * 5_000_000,
        'who,at,much\n"' + "y,\n" * 10,
        "who,at,much\n\x00,\x00,1\n",
        "PK\x03\x04nothing",
        "who,at,much\n'; DROP TABLE mediation_activity; --,2026-11-01,1e99\n",
    ):
        told = tried(standing, sample)
        assert told["Problems"] or "CHARGED" not in outcomes(told), sample[:40]
    asked("SELECT count(*) FROM mediation_activity")


@pytest.fixture
def signed_in(clerk: Callable[..., Context]) -> Callable[..., Client]:
    def enter(**rights: str) -> Client:
        from metabrm.identity.models import User

        client = Client()
        client.force_login(User.objects.get(pk=clerk(**rights).user_id))
        return client

    return enter


def test_the_page_shows_it(standing: Standing, signed_in: Callable[..., Client]) -> None:
    browser = signed_in(**TRIES)
    assert "Collector</label>" in browser.get(PAGE).text
    collector = f"/admin/mediation/activitycollector/{standing.collector}/change/"
    assert (
        f'href="{PAGE}?collector={standing.collector}">Try out</a>' in browser.get(collector).text
    )
    address = f"{PAGE}?collector={standing.collector}"
    sample = f"who,at,much\n{standing.token},2026-11-01,3\n<b>x,2026-11-02,1\n"
    html = browser.post(address, {"sample": sample}).text
    assert '<span class="brm-strong">7.5 USD</span>' in html and "1 to suspense" in html
    assert f"/admin/price-explorer/?AccountProductId={standing.account_product}" in html
    assert "&lt;b&gt;x" in html and "<b>x" not in html
    file = SimpleUploadedFile("a.csv", sample.encode())
    assert "7.5 USD" in browser.post(address, {"file": file}).text
    assert "Paste some lines" in browser.post(address, {"sample": " "}).text
    may_not = signed_in(ACTIVITY_COLLECTOR="R", ACTIVITY_COLLECTOR_HISTORY="CR")
    assert may_not.get(PAGE).status_code == 403
    assert "Try out</a>" not in may_not.get(collector).text


def test_the_newest_file_of_a_directory_is_tried(
    signed_in: Callable[..., Client], tmp_path: Path, monkeypatch: Any
) -> None:
    import os

    from billing.mediation.sources import directory

    monkeypatch.setattr(directory, "root", lambda: tmp_path)
    standing = Standing(Type="FTP", FtpDirectory="in", FtpFilePattern="*.csv").usual()
    address = f"{PAGE}?collector={standing.collector}"
    browser = signed_in(**TRIES)
    assert "can&#x27;t be read" in browser.post(address, {"newest": "1"}).text
    (tmp_path / "in").mkdir()
    assert "There is no such file" in browser.post(address, {"newest": "1"}).text
    for name, at in (("a.csv", 2), ("b.csv", 1), ("c.txt", 3)):
        (tmp_path / "in" / name).write_text("who,at,much\nx,2026-11-01,1\n")
        os.utime(tmp_path / "in" / name, (at, at))
    html = browser.post(address, {"newest": "1"}).text
    assert "a.csv <span" in html and "UNKNOWN_TOKEN" in html
    assert not ActivityCollectorHistory.objects.exists()


def test_the_file_of_an_earlier_load_is_tried_wherever_it_lies(
    signed_in: Callable[..., Client], tmp_path: Path, monkeypatch: Any
) -> None:
    from billing.mediation.sources import directory

    monkeypatch.setattr(directory, "root", lambda: tmp_path)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "moved.csv").write_text("who,at,much\nx,2026-11-01,1\n")
    standing = Standing(Type="FTP", FtpDirectory="in", FtpFilePattern="*.csv").usual()
    other = Standing(Type="FTP", FtpDirectory="in", FtpFilePattern="*.csv").usual()
    place = str(tmp_path / "done" / "moved.csv")

    def load(collector: int, place: str | None) -> ActivityCollectorHistory:
        return ActivityCollectorHistory.objects.create(
            activity_collector_id=collector,
            source="FILE",
            status="PARKED",
            file_name="a.csv",
            archive_place=place,
        )

    moved, gone = load(standing.collector, place), load(standing.collector, None)
    outside, foreign = (
        load(standing.collector, f"{tmp_path}/../x/b.csv"),
        load(other.collector, place),
    )
    address = f"{PAGE}?collector={standing.collector}"
    browser = signed_in(**TRIES)
    for one, offered in ((moved, True), (gone, True), (foreign, False)):
        assert (f'<option value="{one.pk}">{one.pk}: a.csv' in browser.get(address).text) is offered
    html = browser.post(address, {"load": str(moved.pk)}).text
    assert "a.csv <span" in html and "UNKNOWN_TOKEN" in html
    for one, told in (
        (gone, "The file is gone since it was taken."),
        (outside, "leads out of the directory of usage"),
        (foreign, "There is no such file"),
    ):
        assert told in browser.post(address, {"load": str(one.pk)}).text
    assert ActivityCollectorHistory.objects.count() == 4
