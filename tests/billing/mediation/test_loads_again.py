"""Loads that ended without having been finished, or failed: when they are begun again, and how."""

from typing import Any

import pytest

from billing.mediation import sources
from billing.mediation.loads import mapping, running
from billing.mediation.models import ActivityCollectorHistory
from tests.billing.mediation.standing import Standing, asked, changed, drive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


@pytest.fixture
def standing() -> Standing:
    return Standing().usual()


def broken(*_: Any) -> None:
    raise OSError("the disk is gone")


def test_a_file_that_cannot_be_read_is_parked_and_can_be_tried_again(standing: Standing) -> None:
    load = standing.file("other\n1\n")
    assert load.status == "PARKED"
    assert load.error_text == "Source 'who' of BillingIdentifier is nowhere in the records."
    asked("UPDATE mediation_activitycollectormap SET source = 'other' RETURNING 1")
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="PENDING") == []
    drive(load.pk)
    load.refresh_from_db()
    assert (load.status, load.suspended_count) == ("COMPLETED", 1)


@pytest.mark.parametrize("ended", ["FAILED", "CANCELLED"])
def test_a_load_that_somebody_ended_is_begun_again_wherever_it_was(
    standing: Standing, ended: str
) -> None:
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,1\n")
    running.run(load.pk)
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status=ended) == []
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="PENDING") == []
    drive(load.pk)
    load.refresh_from_db()
    assert (load.status, load.processed_count, load.attempts) == ("COMPLETED", 1, 1)


def test_a_load_that_pauses_is_tried_at_once_when_somebody_says_so(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,1\n")
    with monkeypatch.context() as patch:
        patch.setattr(mapping, "map_load", broken)
        running.run(load.pk)
    assert not running.run(load.pk)
    assert changed("ACTIVITY_COLLECTOR_HISTORY", load.pk, Status="PENDING") == []
    drive(load.pk)
    load.refresh_from_db()
    assert (load.status, load.processed_count) == ("COMPLETED", 1)


def test_what_only_tells_of_a_source_is_not_begun_again() -> None:
    standing = Standing(Type="FTP", FtpDirectory="nowhere", FtpFilePattern="*")
    assert sources.collect_or_tell(standing.collector) == []
    ((id,),) = asked(
        "SELECT id FROM mediation_activitycollectorhistory WHERE activity_collector_id = %s",
        standing.collector,
    )
    (problem,) = changed("ACTIVITY_COLLECTOR_HISTORY", id, Status="PENDING")
    assert "only tells that its source could not be looked at" in str(problem)


def test_what_fails_otherwise_is_tried_again_later_and_then_parked(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = standing.sent(f"who,at,much\n{standing.token},2026-11-01,1\n")
    with monkeypatch.context() as patch:
        patch.setattr(mapping, "map_load", broken)
        pauses = []
        for _ in range(running.MOST_ATTEMPTS):
            running.run(load.pk)
            assert not running.run(load.pk)
            load.refresh_from_db()
            pauses.append(load.next_attempt is not None)
            ActivityCollectorHistory.objects.filter(pk=load.pk).update(next_attempt=None)
    assert pauses == [True] * 5 + [False]
    assert load.status == "PARKED"
    assert load.error_text and "disk" not in load.error_text
