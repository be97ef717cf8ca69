"""Addresses of REST 2.0 that other rooms answer: what is no entity, but a question of its own.

A room offers an `Endpoint` when it is loaded (in its AppConfig.ready). It is answered, limited and
described in the OpenAPI document like the addresses of this room; nothing here knows whose it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from entities.api.openapi.viewing import View


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`address` is what follows /rest/2.0/, in lower case: "rating/explain".

    methods    what answers, by method
    usable     whether a caller may use it, by what he may do; who may not does not read of it
    describe   its entry in `paths` of the OpenAPI document
    """

    address: str
    methods: Mapping[str, Callable[[HttpRequest], HttpResponse]]
    usable: Callable[["View"], bool]
    describe: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Door:
    """An address beside /rest/2.0/ that a room answers by itself: "/events/1.0/{collector}", with
    `usable` and `describe` as of an endpoint."""

    path: str
    usable: Callable[["View"], bool]
    describe: Callable[[], dict[str, Any]]


_offered: dict[str, Endpoint] = {}
_doors: dict[str, Door] = {}


def offer(endpoint: Endpoint) -> None:
    """Answer at the endpoint's address from now on."""
    _offered[endpoint.address] = endpoint


def at(address: str) -> Endpoint | None:
    """The endpoint at an address, in any case."""
    return _offered.get(address.casefold())


def offered() -> list[Endpoint]:
    """All endpoints of other rooms, by address."""
    return [_offered[address] for address in sorted(_offered)]


def offer_door(door: Door) -> None:
    """Describe the door in the OpenAPI document."""
    _doors[door.path] = door


def doors() -> list[Door]:
    """All doors of other rooms, by path."""
    return [_doors[path] for path in sorted(_doors)]
