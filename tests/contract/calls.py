"""Calling REST 2.0 in as many ways as a test needs, with nothing between it and the wire."""

import json
from dataclasses import dataclass
from typing import Any

import requests

from tests.patience import STUCK


@dataclass(slots=True)
class Caller:
    """Somebody who sends requests; `url` ends before `/rest`."""

    url: str
    http: requests.Session

    @classmethod
    def signed_in(cls, url: str, username: str, password: str) -> "Caller":
        caller = cls(url, requests.Session())
        answer = caller.send("POST", "login", {"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        caller.http.headers["sessionid"] = answer.json()["loginResponse"][0]["SessionID"]
        return caller

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """`body` is sent as it is if bytes, else as JSON; `path` follows `/rest/2.0/`."""
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body).encode()
            options.setdefault("headers", {}).setdefault("Content-Type", "application/json")
        return self.http.request(method, f"{self.url}/rest/2.0/{path}", timeout=STUCK, **options)

    def write(self, method: str, path: str, rows: Any, **beside: Any) -> list[dict[str, Any]]:
        """Send `brmObjects`; returns the answer's elements. The request as a whole must succeed."""
        answer = self.send(method, path, {"brmObjects": rows, **beside})
        assert answer.status_code == 200, answer.text
        ((_, elements),) = answer.json().items()
        return list(elements)

    def create(self, entity: str, row: dict[str, Any]) -> str:
        """Create one record that must succeed; returns its Id."""
        (element,) = self.write("POST", entity, row)
        assert element["success"] is True, element
        return str(element["Id"])

    def get(self, entity: str, record_id: str) -> dict[str, Any]:
        """The record as it reads now."""
        answer = self.send("GET", f"{entity}/{record_id}")
        assert answer.status_code == 200, answer.text
        (record,) = answer.json()["retrieveResponse"]
        return dict(record)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query; none for a 404."""
        answer = self.send("GET", "query", params={"sql": sql})
        assert answer.status_code in (200, 404), answer.text
        return list(answer.json().get("queryResponse", []))
