"""The one rule of who may sign in with a password, for the admin and for every API alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from metabrm.identity.models import User


class PasswordBackend(ModelBackend):
    """Active users with an active role, by username and password, unless single sign-on is forced.

    For an unknown user a password is hashed all the same, so the time an answer takes tells nobody
    which names exist.
    """

    def authenticate(
        self,
        request: Any,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        # PostgreSQL's text holds no NUL, so no user has such a name.
        if username and "\0" in username:
            username = username.replace("\0", "\N{REPLACEMENT CHARACTER}")
        user = super().authenticate(request, username, password, **kwargs)
        return user if isinstance(user, User) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return user.is_active and not user.forbid_internal_auth
