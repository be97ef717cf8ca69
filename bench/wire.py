"""The load: prebuilt requests over kept connections, with as little work as can be.

One thread and one epoll serve all connections; nothing of an answer is looked at while the clock
runs but its length. A client's cost per request is some 20 microseconds, less than a hundredth of
what any server here takes. Answers are checked when the clock has stopped.
"""

import selectors
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

PATIENCE = 120.0
_PIECE = 1024 * 1024


@dataclass
class Sent:
    """What came of a series of requests: bodies by request, seconds each took, seconds in all."""

    bodies: list[bytes]
    each: list[float]
    seconds: float
    statuses: list[int] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Seconds within which `share` of the requests were answered."""
        ordered = sorted(self.each)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(method: str, path: str, host: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Client:
    """One connection, one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = -1
        self.begun = 0.0
        self.received = bytearray()
        self.expected = -1

    def send(self, number: int, whole: bytes) -> None:
        self.number = number
        self.received = bytearray()
        self.expected = -1
        self.begun = perf_counter()
        self.socket.sendall(whole)

    def receive(self) -> bool:
        """Take what has come; whether the answer is complete."""
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise ConnectionError(f"the server hung up on request {self.number}")
        self.received += piece
        if self.expected < 0:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.received[:end]).lower()
            at = head.find(b"content-length:")
            if at < 0:
                raise ConnectionError(f"an answer without Content-Length: {head!r}")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            self.head_length = end + 4
            self.expected = self.head_length + length
        return len(self.received) >= self.expected


def send(host: str, port: int, requests: Sequence[bytes], clients: int = 1) -> Sent:
    """Send all requests over `clients` connections; each takes the next one when it is free.

    Raises ConnectionError when an answer stays out for PATIENCE seconds.
    """
    sent = Sent([b""] * len(requests), [0.0] * len(requests), 0.0, [0] * len(requests))
    connections = [_Client(host, port) for _ in range(min(clients, len(requests)))]
    waiting = iter(range(len(requests)))
    busy = 0
    with selectors.DefaultSelector() as selector:
        begun = perf_counter()
        for client in connections:
            selector.register(client.socket, selectors.EVENT_READ, client)
            number = next(waiting)
            client.send(number, requests[number])
            busy += 1
        while busy:
            ready = selector.select(PATIENCE)
            if not ready:
                raise ConnectionError(f"no answer within {PATIENCE:.0f} seconds")
            for key, _ in ready:
                client = key.data
                if not client.receive():
                    continue
                sent.each[client.number] = perf_counter() - client.begun
                sent.statuses[client.number] = int(client.received[9:12])
                sent.bodies[client.number] = bytes(client.received[client.head_length :])
                number = next(waiting, -1)
                if number < 0:
                    busy -= 1
                else:
                    client.send(number, requests[number])
        sent.seconds = perf_counter() - begun
    for client in connections:
        client.socket.close()
    return sent
