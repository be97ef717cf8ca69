"""How many requests a caller may send: counted by user, or by address for who is nobody yet.

All credentials of one user count together, so another sign-in is no way to more. Each answer tells
where its caller stands, a refusal also when to come again.
"""

from functools import cache, lru_cache

from django.http import HttpRequest, HttpResponse

from entities.errors import Code, RequestError
from metabrm import embedded, environment
from metabrm.environment.values import RateLimit
from metabrm.identity.context import Context
from metabrm.web.addresses import client_address, one_and_the_same
from metabrm.web.limiting import Limiter, Rate, Standing


def admit(request: HttpRequest, context: Context) -> None:
    """Count a request of the caller's; RequestError TOO_MANY_REQUESTS past the limit."""
    rate = _rate_of(context.username, context.role_id)
    if rate is not None:
        _count(request, f"user:{context.user_id}", rate, f"User {context.username}")


def admit_address(request: HttpRequest) -> None:
    """The same for a request that comes without a credential, or to get one."""
    rate = _rate_of_addresses()
    if rate is not None:
        address = one_and_the_same(client_address(request))
        _count(request, f"address:{address}", rate, f"Whoever calls from {address}")


def told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer with what its caller has left."""
    standing: Standing | None = getattr(request, "standing", None)
    if standing is not None:
        for name, value in standing.headers().items():
            response.headers[name] = value
    return response


def _count(request: HttpRequest, who: str, rate: Rate, named: str) -> None:
    standing = _limiter().admit(who, rate)
    if standing is None:
        return
    request.standing = standing  # type: ignore[attr-defined]
    if not standing.admitted:
        raise RequestError(
            Code.TOO_MANY_REQUESTS,
            f"{named} may send {rate.per_second:,} requests a second, {rate.burst:,} at once after "
            f"a pause, and {rate.per_day:,} a day (UTC). Send the request again in "
            f"{standing.retry_after:,} s, as Retry-After says; one request takes up to a thousand "
            "records.",
        )


@cache
def _limiter() -> Limiter:
    return Limiter(embedded.cache_url(environment.current()))


@lru_cache(maxsize=4096)
def _rate_of(username: str, role_id: int | None) -> Rate | None:
    """The user's own limit, else that of the role, else everybody's; None: no limit."""
    env = environment.current()
    for whose in (f"user:{username}", f"role:{role_id}"):
        if whose in env.rate_limits:
            return _rate(env.rate_limits[whose])
    return _rate(env.rate_limit)


@cache
def _rate_of_addresses() -> Rate | None:
    return _rate(environment.current().rate_limit)


@cache
def _rate(limit: RateLimit | None) -> Rate | None:
    return Rate(limit.per_second, limit.burst, limit.per_day) if limit else None
