"""Users, roles, the keys and clients of programs, and who is signed in.

ROLE, USER, API_KEY and OAUTH_CLIENT are entities like any other.
"""

from metabrm.identity.models.people import ExternalUser, SupportUser
from metabrm.identity.models.signing import (
    ApiKey,
    ApiSession,
    BrowserSession,
    OAuthClient,
    Secret,
)
from metabrm.identity.models.users import ADMINISTRATOR_ROLE, STATUSES, Role, User

__all__ = [
    "ADMINISTRATOR_ROLE",
    "STATUSES",
    "ApiKey",
    "ApiSession",
    "BrowserSession",
    "ExternalUser",
    "OAuthClient",
    "Role",
    "Secret",
    "SupportUser",
    "User",
]
