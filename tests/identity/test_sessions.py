"""API sessions: how long they live, and for whom."""

from datetime import UTC, datetime, timedelta

import pytest

from metabrm import clock
from metabrm.identity import sessions
from metabrm.identity.context import Context
from metabrm.identity.models import ApiSession, Role, User
from metabrm.localization.models import TimeZone

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    role = Role.objects.create(name="Integrators")
    return User.objects.create(username="integrator", role=role)


def opened(user: User) -> str:
    with clock.frozen(NOON):
        return sessions.open_session(user)


def caller_at(session_id: str, moment: datetime) -> str | None:
    with clock.frozen(moment):
        found = sessions.context_of_session(session_id)
    return found[0].username if found else None


def test_a_session_says_who_is_calling(user: User) -> None:
    session_id = opened(user)
    with clock.frozen(NOON):
        found = sessions.context_of_session(
            session_id, reason="REST GET", request_id="r-1", alongside="6 * 7"
        )
    assert found is not None
    context, alongside = found
    assert alongside == 42
    assert (context.user_id, context.role_id) == (user.pk, user.role_id)
    assert (context.username, context.reason, context.request_id) == (
        "integrator",
        "REST GET",
        "r-1",
    )
    assert context.time_zone == "UTC"
    assert not context.administrator


def test_the_session_id_itself_is_not_kept(user: User) -> None:
    session_id = opened(user)
    (kept,) = ApiSession.objects.values_list("token_hash", flat=True)
    assert session_id.encode() not in bytes(kept)
    assert len(kept) == 32


def test_an_unused_session_ends_after_the_idle_time(user: User) -> None:
    session_id = opened(user)
    assert caller_at(session_id, NOON + timedelta(hours=2, seconds=1)) is None


def test_use_keeps_a_session_alive_until_its_lifetime_is_over(user: User) -> None:
    session_id = opened(user)
    moment = NOON
    while moment + timedelta(minutes=90) < NOON + timedelta(hours=24):
        moment += timedelta(minutes=90)
        assert caller_at(session_id, moment) == "integrator"
    assert caller_at(session_id, NOON + timedelta(hours=24, seconds=1)) is None


def test_the_last_use_is_written_at_most_once_a_minute(
    user: User, django_assert_num_queries: object
) -> None:
    session_id = opened(user)
    with django_assert_num_queries(0):  # type: ignore[operator]
        caller_at(session_id, NOON + timedelta(seconds=59))
    assert ApiSession.objects.get().last_used == NOON
    caller_at(session_id, NOON + timedelta(seconds=61))
    assert ApiSession.objects.get().last_used == NOON + timedelta(seconds=61)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "DEACTIVATED"},
        {"deleted_at": NOON},
        {"role__status": "DEACTIVATED"},
        {"role__deleted_at": NOON},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_session_is_worth_no_more_than_its_user(user: User, change: dict[str, object]) -> None:
    session_id = opened(user)
    ((name, value),) = change.items()
    if name.startswith("role__"):
        Role.objects.filter(pk=user.role_id).update(**{name.removeprefix("role__"): value})
    else:
        User.objects.filter(pk=user.pk).update(**{name: value})
    assert caller_at(session_id, NOON) is None


@pytest.mark.parametrize("wrong", ["", "x", "x" * 10_000, "\ud83d", "ä\0b"])
def test_what_is_no_session_id_opens_nothing(user: User, wrong: str) -> None:
    opened(user)
    assert caller_at(wrong, NOON) is None
    assert not sessions.close_session(wrong)


def test_a_closed_session_is_gone_and_others_stay(user: User) -> None:
    first, second = opened(user), opened(user)
    assert sessions.close_session(first)
    assert not sessions.close_session(first)
    assert caller_at(first, NOON) is None
    assert caller_at(second, NOON) == "integrator"


def test_the_purge_removes_idle_and_outlived_sessions_only(user: User) -> None:
    for last_used, expires in (
        (NOON - timedelta(hours=3), NOON + timedelta(hours=1)),
        (NOON, NOON),
        (NOON - timedelta(hours=1), NOON + timedelta(hours=1)),
    ):
        ApiSession.objects.create(
            token_hash=str(expires).encode() + str(last_used).encode(),
            user=user,
            created=NOON,
            last_used=last_used,
            expires=expires,
        )
    with clock.frozen(NOON):
        assert sessions.purge_expired_sessions() == 2
        assert sessions.purge_expired_sessions() == 0
    assert ApiSession.objects.get().last_used == NOON - timedelta(hours=1)


def test_the_purge_is_on_the_schedule() -> None:
    from django.conf import settings

    from metabrm.identity.tasks import purge_expired_sessions

    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert purge_expired_sessions.name in scheduled


def test_times_are_read_in_the_users_zone(user: User) -> None:
    from metabrm.localization.models import TimeZone

    zone, _ = TimeZone.objects.get_or_create(
        name="Asia/Tokyo", defaults={"canonical_name": "Asia/Tokyo"}
    )
    User.objects.filter(pk=user.pk).update(time_zone=zone)
    with clock.frozen(NOON):
        found = sessions.context_of_session(opened(user))
    assert found is not None
    assert found[0].time_zone == "Asia/Tokyo"


def test_a_renamed_time_zone_is_known_by_its_new_name(user: User) -> None:
    zone = TimeZone.objects.get(name="Europe/Berlin")
    User.objects.filter(pk=user.pk).update(time_zone=zone)
    assert Context.of(User.objects.get(pk=user.pk)).time_zone == "Europe/Berlin"
    TimeZone.objects.filter(pk=zone.pk).update(name="Europe/Bonn")
    assert Context.of(User.objects.get(pk=user.pk)).time_zone == "Europe/Bonn"
