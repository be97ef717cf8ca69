"""Who may sign in with a password, and what the tokens made then are worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework_simplejwt.tokens import SlidingToken

from metabrm import environment
from metabrm.environment import kept
from metabrm.identity import services, sessions, tokens
from metabrm.identity.models import ApiSession, Role, User

pytestmark = pytest.mark.django_db

PASSWORD = "walnut-harbour-19"


@pytest.fixture
def user() -> User:
    user = User(username="clerk", role=Role.objects.create(name="Clerks"))
    user.set_password(PASSWORD)
    user.save()
    return user


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """The environment as if these variables were set."""
    env = environment.read({"BRM_STATE_DIR": str(environment.current().state_dir), **values})
    with patch("metabrm.environment.current", lambda: env):
        yield


def test_the_right_password_signs_in(user: User) -> None:
    assert services.authenticate("clerk", PASSWORD) == user


@pytest.mark.parametrize(
    ("username", "password"),
    [("clerk", "wrong"), ("Clerk", PASSWORD), ("nobody", PASSWORD), ("clerk\0", PASSWORD)],
)
def test_the_wrong_one_does_not(user: User, username: str, password: str) -> None:
    assert services.authenticate(username, password) is None


@pytest.mark.parametrize(
    "change", [{"status": "DEACTIVATED"}, {"forbid_internal_auth": True}], ids=str
)
def test_a_right_password_is_not_enough(user: User, change: dict[str, object]) -> None:
    User.objects.filter(pk=user.pk).update(**change)
    assert services.authenticate("clerk", PASSWORD) is None


def test_a_deactivated_role_lets_nobody_in(user: User) -> None:
    Role.objects.filter(pk=user.role_id).update(status="DEACTIVATED")
    assert services.authenticate("clerk", PASSWORD) is None


def test_deleted_users_never_sign_in(user: User) -> None:
    from metabrm import clock

    User.objects.filter(pk=user.pk).update(deleted_at=clock.now())
    assert services.authenticate("clerk", PASSWORD) is None


def test_an_unknown_name_costs_a_hash_like_a_known_one(user: User) -> None:
    with patch.object(Argon2PasswordHasher, "encode", autospec=True) as encode:
        services.authenticate("nobody", PASSWORD)
    assert encode.call_count == 1


def test_a_new_password_ends_sessions_and_tokens(user: User) -> None:
    session_id, issued = services.open_session(user), tokens.issue(user)
    services.set_password(user, "another-walnut-20")
    assert sessions.context_of_session(session_id) is None
    with pytest.raises(tokens.BadToken, match="revoked"):
        tokens.context_of_token(issued["access_token"])
    with pytest.raises(tokens.BadToken):
        tokens.renew(issued["refresh_token"])


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_both_tokens_of_the_pair_are_bearers(user: User, kind: str) -> None:
    issued = tokens.issue(user)
    context, alongside = tokens.context_of_token(issued[kind], alongside="'v'")
    assert (context.username, alongside) == ("clerk", "v")
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3600)


def test_a_refresh_token_makes_a_new_access_token(user: User) -> None:
    renewed = tokens.renew(tokens.issue(user)["refresh_token"])
    assert tokens.context_of_token(renewed["access_token"])[0].user_id == user.pk


def test_an_access_token_renews_nothing(user: User) -> None:
    with pytest.raises(tokens.BadToken):
        tokens.renew(tokens.issue(user)["access_token"])


def test_tokens_of_other_kinds_or_makers_are_bad(user: User, settings: object) -> None:
    issued = tokens.issue(user)["access_token"]
    for bad in ("", "abc", "a.b.c", issued[:-2], str(SlidingToken.for_user(user))):
        with pytest.raises(tokens.BadToken):
            tokens.context_of_token(bad)


def test_a_deactivated_users_token_is_bad(user: User) -> None:
    issued = tokens.issue(user)
    User.objects.filter(pk=user.pk).update(status="DEACTIVATED")
    with pytest.raises(tokens.BadToken):
        tokens.context_of_token(issued["access_token"])


def test_the_administrator_is_made_once(user: User) -> None:
    with variables(BRM_ADMIN_USERNAME="chief"):
        first = services.ensure_admin()
        again = services.ensure_admin()
    assert first.pk == again.pk
    assert first.password == again.password
    assert first.is_superuser and first.is_staff
    assert first.check_password(kept.admin_password())
    roles = Role.objects.filter(name__in=services.ROLES)
    assert roles.count() == 3
    assert not roles.get(name="CUSTOMER PORTAL USER").internal_role


def test_only_an_explicit_password_replaces_the_administrators(user: User) -> None:
    with variables(BRM_ADMIN_USERNAME="chief", BRM_ADMIN_PASSWORD="first-of-all-1"):
        chief = services.ensure_admin()
        sessions.open_session(chief)
    services.set_password(chief, "chosen-in-the-admin-2")
    sessions.open_session(chief)
    with variables(BRM_ADMIN_USERNAME="chief"):
        assert services.ensure_admin().check_password("chosen-in-the-admin-2")
        assert ApiSession.objects.count() == 1
    with variables(BRM_ADMIN_USERNAME="chief", BRM_ADMIN_PASSWORD="first-of-all-1"):
        assert services.ensure_admin().check_password("first-of-all-1")
        assert ApiSession.objects.count() == 0
