"""Where a request comes from, seen past the proxies that are ours.

A proxy tells whom it speaks for in X-Forwarded-For, which anybody can send: it is believed only
from BRM_TRUSTED_PROXIES, and from the right, up to the first address that is none of them.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest

from metabrm import environment

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: A customer of a provider has so many bits of an IPv6 address; the others are his to choose.
NETWORK_OF_ONE = 64


def client_address(request: HttpRequest) -> str:
    """The IP address of who sends the request; "" where there is none (a Unix socket)."""
    return address_in(request.META)


def address_in(meta: Mapping[str, Any]) -> str:
    """The same of what the web server says of the request."""
    address = str(meta.get("REMOTE_ADDR", ""))
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")
    if not forwarded or not environment.current().trusted_proxies:
        return address
    for before in reversed(forwarded.split(",")):
        if not _is_trusted(address):
            break
        named = _parsed(before.strip())
        if named is None:
            break
        address = str(named)
    return address


@lru_cache(maxsize=4096)
def one_and_the_same(address: str) -> str:
    """What stands for all addresses that one sender can choose from."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        network = ipaddress.ip_network((parsed, NETWORK_OF_ONE), strict=False)
        return str(network.network_address)
    return str(parsed or "")


@lru_cache(maxsize=4096)
def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(
        parsed in network for network in environment.current().trusted_proxies
    )


def _parsed(text: str) -> Address | None:
    """The address that is written there, also with a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
