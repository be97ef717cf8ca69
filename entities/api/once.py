"""Requests with an Idempotency-Key are done once, however often they are sent.

What a request writes and its answer are stored in one transaction. Whoever sends the same request
again, because its answer was lost, is given the same answer. A request that failed as a whole wrote
nothing and keeps no answer: under its key it can be mended and sent again.
"""

import hashlib
import random
import re
import time
from collections.abc import Callable
from itertools import count

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from psycopg import errors as pg

from entities.api.errors import JSON
from entities.errors import Code, RequestError
from entities.records.verbs import CHANGE_SECONDS, TRIES
from metabrm.identity.context import Context
from metabrm.web import answers
from metabrm.web.answers import Keyed

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")
#: What stands before the part of an address that says what it does.
_BEFORE = re.compile(r"^.*?/rest/+2\.[01]/+", re.DOTALL)
#: A transaction that the database broke at our cost, or that had no turn: it can be begun again.
_BROKEN = (pg.DeadlockDetected, pg.SerializationFailure)


def once(
    request: HttpRequest, context: Context, body: bytes, work: Callable[[], HttpResponse]
) -> HttpResponse:
    """The answer of `work`, or the one that it gave before to the same request of the caller.

    RequestError MALFORMED_REQUEST for a key that can be none, IDEMPOTENCY_KEY_IN_USE while the same
    request is being worked on, IDEMPOTENCY_KEY_REUSED where it came with another body.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return work()
    if not _KEY.fullmatch(key):
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"{HEADER} must have 1 to 255 visible ASCII characters without blanks, such as a new "
            "UUID for each request.",
            field=HEADER,
        )
    keyed = Keyed(f"user:{context.user_id}", _operation(request), key)
    digest = hashlib.sha256(body).digest()
    give_up = time.monotonic() + CHANGE_SECONDS
    for attempt in count(1):
        try:
            with transaction.atomic():
                return _in_turn(keyed, digest, work)
        except OperationalError as error:
            if not isinstance(error.__cause__, _BROKEN) or attempt >= TRIES:
                raise
        except RequestError as error:
            # Inside a transaction the verbs don't wait for their turn.
            if error.code is not Code.SCHEMA_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(random.uniform(0.02, 0.1))
    raise AssertionError("unreachable")


def _in_turn(keyed: Keyed, digest: bytes, work: Callable[[], HttpResponse]) -> HttpResponse:
    if not answers.claim(keyed):
        raise RequestError(
            Code.IDEMPOTENCY_KEY_IN_USE,
            f"A request with the {HEADER} {keyed.key} is still being worked on. Send this one "
            "again after a moment for its answer.",
            field=HEADER,
        )
    kept = answers.kept(keyed)
    if kept is None:
        response = work()
        if response.status_code == 200:
            answers.keep(keyed, digest, response.status_code, response.content)
        return response
    if bytes(kept.body_digest) != digest:
        raise RequestError(
            Code.IDEMPOTENCY_KEY_REUSED,
            f"The {HEADER} {keyed.key} came before with another body at this address. Give each "
            "request a key of its own, and send the same body again only under the same one.",
            field=HEADER,
        )
    headers = {REPLAYED: "true"}
    return HttpResponse(bytes(kept.body), content_type=JSON, status=kept.status, headers=headers)


def _operation(request: HttpRequest) -> str:
    """Method and address in one form, whichever of its spellings was sent."""
    parts = _BEFORE.sub("", request.path).casefold().split("/")
    return f"{request.method} {'/'.join(p.replace('_', '') for p in parts if p)}"
