"""Who is acting, and why: the context that every verb and every query is given.

There is no ambient user. A front door builds a Context from whatever proved the caller's identity;
background work builds one with `Context.system(reason)`. History records it with every change.
"""

from dataclasses import dataclass, field, replace

from metabrm.identity.models import Role, User
from metabrm.observability import facts


@dataclass(frozen=True, slots=True)
class Context:
    """The caller of a verb.

    user_id         USER.Id, or None for the platform itself
    role_id         ROLE.Id whose rights apply, or None for the platform itself
    administrator   all rights: the administrator role, or the platform itself
    username        for messages and logs
    reason          why, in a few words; kept with the history ("REST POST", "bill run 12")
    request_id      ties log lines, history and answers of one request together
    time_zone       IANA zone in which times are shown to the caller
    views_pii       sees personal data that others see masked
    cause           what led here, for whoever led: a chain of workflow rules
    """

    user_id: int | None
    role_id: int | None
    administrator: bool
    username: str
    reason: str = ""
    request_id: str = ""
    time_zone: str = "UTC"
    views_pii: bool = False
    cause: object = field(default=None, compare=False, repr=False)

    @classmethod
    def system(cls, reason: str) -> "Context":
        """The platform acting by itself: a scheduled task, a sync after migrate; in the name of
        the request that asked for it, where one did."""
        known = facts.known()
        return cls(None, None, True, "system", reason, known.request_id if known else "")

    @classmethod
    def of(
        cls, user: User, *, role: Role | None = None, reason: str = "", request_id: str = ""
    ) -> "Context":
        """`user` acting, with the rights of `role` where it is given, as by an API key; the caller
        has checked that both are active."""
        role = role or user.role
        return cls(
            user.pk,
            role.pk,
            role.administrator_flag and user.role.administrator_flag,
            user.username,
            reason,
            request_id,
            user.time_zone.name if user.time_zone else "UTC",
            role.view_pii_flag and user.role.view_pii_flag,
        )

    def because(self, reason: str) -> "Context":
        """The same caller with another reason."""
        return replace(self, reason=reason)
