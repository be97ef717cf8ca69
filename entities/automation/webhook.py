"""Sending one webhook: signed, to an address that was checked, with an end to everything.

The name is resolved once and the connection goes to the address that was checked, so a name that
answers differently the second time leads nowhere. Redirects are answers, not followed.
"""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from metabrm import clock, environment

#: Seconds for connecting, for each read, and for the whole.
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
TOTAL_SECONDS = 20.0
#: Bytes of an answer that are read.
ANSWER_BYTES = 1000

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Names of this machine, whatever resolves them.
_LOCAL_NAMES = (".localhost", "localhost.localdomain")
#: Networks of IPv6 that carry an address of IPv4 within: what is behind can't be told.
_WRAPPED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


class RefusedDestinationError(ValueError):
    """The address must not be called; no further try would change that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: an HTTP status and the beginning of the body."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header X-BRM-Signature: the instant, and the HMAC-SHA256 of instant and body."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


def send(url: str, body: bytes, *, delivery: str, secret: str | None) -> Answer:
    """POST the JSON `body`; RefusedDestinationError, or OSError and HTTPException as they come."""
    parts = check_url(url)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _checked_address(parts.hostname, port)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "metabrm",
        "X-BRM-Delivery": delivery,
        "Connection": "close",
    }
    if secret:
        headers["X-BRM-Signature"] = signature(secret, int(clock.now().timestamp()), body)
    connection = _Connection(parts.hostname, port, address, tls=parts.scheme == "https")
    # A receiver that answers one byte at a time would never run into a read's own time limit.
    end = threading.Timer(TOTAL_SECONDS, connection.abort)
    end.daemon = True
    end.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        text = response.read(ANSWER_BYTES).decode("utf-8", "replace").replace("\0", "")
        if connection.aborted:
            raise TimeoutError(f"no whole answer within {TOTAL_SECONDS:g} seconds")
        return Answer(response.status, text)
    except (OSError, http.client.HTTPException) as error:
        if connection.aborted:
            raise TimeoutError(f"no whole answer within {TOTAL_SECONDS:g} seconds") from error
        raise
    finally:
        end.cancel()
        connection.close()


def check_url(url: str) -> SplitResult:
    """The parts of a web address that a webhook may have; RefusedDestinationError if it may not."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedDestinationError(
            "is no web address, such as https://example.com/hook"
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise RefusedDestinationError("is no web address, such as https://example.com/hook")
    if parts.username is not None or parts.password is not None:
        raise RefusedDestinationError("carries a user name; sign with a Secret instead")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise RefusedDestinationError("holds characters that must be percent-encoded")
    return parts


def check_destination(url: str) -> None:
    """RefusedDestinationError for an address that would be refused whatever its name resolves to.

    What a name leads to is asked only when something is sent: it may change any day.
    """
    host = check_url(url).hostname or ""
    try:
        # The forms of IPv4 that resolvers understand as well: 0x7f000001, 127.1, 2130706433.
        address: _Address = ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            if host != "localhost" and not host.endswith(_LOCAL_NAMES):
                return
            address = ipaddress.IPv4Address("127.0.0.1")
    _check_address(host, address)


def _checked_address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """The address to connect to; every address of the name must be allowed."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, where in found:
        _check_address(host, ipaddress.ip_address(str(where[0]).partition("%")[0]))
    family, _, _, _, where = found[0]
    return family, str(where[0])


def _check_address(host: str, address: _Address) -> None:
    allowed = environment.current().webhook_private_hosts
    if not is_public(address) and not _is_allowed(host, address, allowed):
        resolved = "" if host == str(address) else f"{address}, "
        raise RefusedDestinationError(
            f"{host} is {resolved}an address inside the network; the operator can allow it with "
            f"BRM_WEBHOOK_PRIVATE_HOSTS"
        )


def is_public(address: _Address) -> bool:
    """Whether the address belongs to the Internet at large, in no disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _WRAPPED):
            return False
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _is_allowed(host: str, address: _Address, allowed: tuple[str, ...]) -> bool:
    for entry in allowed:
        if entry.casefold() == host.casefold():
            return True
        try:
            if address in ipaddress.ip_network(entry):
                return True
        except ValueError:
            continue
    return False


class _Connection(http.client.HTTPConnection):
    """HTTP over a connection to a given address; TLS is for the name."""

    def __init__(
        self, host: str, port: int, address: tuple[socket.AddressFamily, str], *, tls: bool
    ) -> None:
        super().__init__(host, port, timeout=READ_SECONDS)
        self.address = address
        self.tls = tls
        self.aborted = False
        self.raw: socket.socket | None = None
        if tls:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        family, ip = self.address
        raw = self.raw = socket.socket(family, socket.SOCK_STREAM)
        raw.settimeout(CONNECT_SECONDS)
        raw.connect((ip, self.port))
        raw.settimeout(READ_SECONDS)
        self.sock = raw
        if self.tls:
            self.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=self.host)
            self.raw = self.sock

    def abort(self) -> None:
        """End what goes on; called from another thread."""
        self.aborted = True
        raw = self.raw
        if raw is not None:
            try:
                socket.socket.shutdown(raw, socket.SHUT_RDWR)
            except OSError:
                return

    def close(self) -> None:
        super().close()
        if self.raw is not None:
            self.raw.close()
