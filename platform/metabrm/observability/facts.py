"""What is known about the request or the task at work: who, on what, how much, at what cost.

Whoever learns one of these facts notes it here, and the line that is logged at the end tells them
all. They are names and numbers. A value of a record has no place among them.
"""

from contextvars import ContextVar, Token


class Facts:
    """The facts of one request or task; "" and 0 are not known or none.

    request_id   ties answer, log lines, tasks and history together
    username     who acts
    credential   by what kind of proof: session, token, key, basic, cookie
    org          the organisation in the address
    entity       canonical name of the entity; only names there are
    verb         what is done: create, update, query, login, ...
    rows         records written or read
    failed       records that failed
    code         the error's code
    query        text of the query at work, for the log of slow ones; never in a line as it is
    calls        how often the database was waited for
    database_ns  for how long altogether, in nanoseconds
    """

    __slots__ = (
        "calls",
        "code",
        "credential",
        "database_ns",
        "entity",
        "failed",
        "org",
        "query",
        "request_id",
        "rows",
        "username",
        "verb",
    )

    def __init__(self, request_id: str = "") -> None:
        self.request_id = request_id
        self.username = self.credential = self.org = self.entity = self.verb = ""
        self.code = self.query = ""
        self.rows = self.failed = self.calls = self.database_ns = 0


_facts: ContextVar[Facts | None] = ContextVar("facts", default=None)


def facts() -> Facts:
    """The facts of what is at work; outside of requests and tasks, some that nobody reads."""
    return _facts.get() or Facts()


def known() -> Facts | None:
    """The facts of what is at work, None outside of requests and tasks."""
    return _facts.get()


def begin(request_id: str) -> tuple[Facts, Token[Facts | None]]:
    """Begin a request or a task; `end` must follow with the token."""
    begun = Facts(request_id)
    return begun, _facts.set(begun)


def end(token: Token[Facts | None]) -> None:
    """The request or task is over."""
    _facts.reset(token)
