"""The integrator: the public client, signed in, with every batch counted and timed.

What the integrator did not expect is a Surprise: it ends the demo with what happened and where.
"""

import atexit
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from billingplatform import BillingPlatform
from billingplatform.exceptions import BillingPlatform401Exception, BillingPlatformException
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from metabrm.demo.fixtures import DataFile
from metabrm.environment import Environment, kept
from metabrm.problems import Problem

BATCH = 500
_ANSWER_SECONDS = 120
_SUCCESS = "0"
# A product that serves already has its own rate limit: come again when it says so.
_WAITING = Retry(total=20, status_forcelist=[429], allowed_methods=None, raise_on_status=False)

T = TypeVar("T")


class Surprise(Exception):
    """Something came out otherwise than it should: what, and where."""


@dataclass
class Tally:
    """What became of some records, and the seconds the server and the network took for them."""

    records: int = 0
    created: int = 0
    updated: int = 0
    failed: int = 0
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Count the other's records here too."""
        self.records += other.records
        self.created += other.created
        self.updated += other.updated
        self.failed += other.failed
        self.seconds += other.seconds


@contextmanager
def signed_in(url: str, env: Environment) -> Iterator[BillingPlatform]:
    """The public client with an administrator's session, which is closed after the block."""
    place = "BRM_ADMIN_PASSWORD" if env.admin_password else str(env.admin_password_file)
    try:
        client = BillingPlatform(
            f"{url}/{env.org}",
            username=env.admin_username,
            password=kept.admin_password(),
            requests_parameters={"timeout": _ANSWER_SECONDS},
        )
    except BillingPlatform401Exception:
        raise Problem(
            f"metabrm at {url} does not let {env.admin_username} in with the password in {place};"
            " it seems to be another installation: stop it or set BRM_PORT to a free port"
        ) from None
    client.session.mount(url, HTTPAdapter(max_retries=_WAITING))
    try:
        yield client
    finally:
        atexit.unregister(client.logout)
        try:
            client.logout()
        except Exception as error:
            # The client says everything with bare exceptions; a session also ends by itself.
            print(f"the session was not closed: {error}")


@contextmanager
def surprises(where: str) -> Iterator[None]:
    """Say `where` it was when the API answers with an error, or not at all."""
    try:
        yield
    except BillingPlatformException as error:
        raise Surprise(f"{where}: the API answered {error}") from error
    except requests.RequestException as error:
        raise Surprise(f"{where}: {error}") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise Surprise(f"{where}: {error}") from error  # how the client words lost connections


def upsert(
    client: BillingPlatform, file: DataFile, progress: Callable[[int], None]
) -> tuple[Tally, list[str]]:
    """Send a data file as upserts in batches; returns the tally and a text per failed record."""
    tally, failures = Tally(), []
    for start in range(0, len(file.records), BATCH):
        batch = file.records[start : start + BATCH]
        with surprises(f"PATCH {file.entity} with {file.name}"):
            answer, seconds = timed(lambda batch=batch: client.upsert(file.entity, batch, file.key))
        outcomes = elements(answer, "upsertResponse", len(batch), file.name)
        tally.records += len(batch)
        tally.seconds += seconds
        for index, outcome in enumerate(outcomes, start):
            if outcome["ErrorCode"] != _SUCCESS:
                tally.failed += 1
                failures.append(
                    f"{file.name} line {file.lines[index]}: {outcome['ErrorCode']}"
                    f" {outcome['ErrorText']}"
                )
            elif outcome["created"] == "true":
                tally.created += 1
            else:
                tally.updated += 1
        progress(len(batch))
    return tally, failures


def elements(answer: Any, name: str, count: int, where: str) -> list[dict[str, Any]]:
    """The list `name` of an answer; raises Surprise unless it has an element per record sent."""
    listed = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(listed, list) or len(listed) != count:
        raise Surprise(f"{where}: {count} records were sent, the answer was {str(answer)[:500]}")
    return listed


def all_done(answer: Any, name: str, count: int, where: str) -> list[str]:
    """The Ids in an answer of which every record must have succeeded; raises Surprise if not."""
    outcomes = elements(answer, name, count, where)
    for outcome in outcomes:
        if outcome["ErrorCode"] != _SUCCESS:
            raise Surprise(f"{where}: {outcome['ErrorCode']} {outcome['ErrorText']}")
    return [str(outcome["Id"]) for outcome in outcomes]


def rows(client: BillingPlatform, sql: str) -> list[dict[str, Any]]:
    """What a query answers; raises Surprise where it answers nothing."""
    with surprises(f"query {sql}"):
        answered: Sequence[dict[str, Any]] = client.query(sql)["queryResponse"]
        return list(answered)


def count(client: BillingPlatform, entity: str) -> int:
    """How many records of the entity there are."""
    sql = f"SELECT COUNT(*) AS Records FROM {entity}"  # noqa: S608 - the name of a data file
    return int(rows(client, sql)[0]["Records"])


def expect(condition: object, what: str) -> None:
    """Raise Surprise with `what` unless the condition holds."""
    if not condition:
        raise Surprise(what)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """What the call returns, and the seconds it took."""
    begun = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begun
