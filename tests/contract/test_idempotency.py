"""Idempotency-Key where it is needed: processes that are killed, and requests that come at once."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.contract.calls import Caller
from tests.contract.live import ROOT, Live
from tests.patience import STUCK

#: Sends a request in a process that is killed (-9) on the way, once for every place there is.
KILLED = """
import json, os, signal, sys
import django
django.setup()
from django.db import connection, transaction
from django.test import Client
from entities.api import once, views
from metabrm.web import answers

session, name = sys.argv[1:]

def die(*arguments, **more):
    os.kill(os.getpid(), signal.SIGKILL)

def after(module, function):
    real = getattr(module, function)
    def both(*arguments, **more):
        real(*arguments, **more)
        die()
    setattr(module, function, both)

def after_commit():
    real = once._in_turn
    def in_turn(*arguments):
        transaction.on_commit(die)
        return real(*arguments)
    once._in_turn = in_turn

def before_commit():
    real = once._in_turn
    def in_turn(*arguments):
        real(*arguments)
        die()
    once._in_turn = in_turn

PLACES = {
    "before the claim": lambda: setattr(answers, "claim", die),
    "before the work": lambda: setattr(answers, "kept", lambda keyed: die()),
    "after the work": lambda: after(views.records, "create"),
    "before the answer is kept": lambda: setattr(answers, "keep", die),
    "after the answer is kept": lambda: after(answers, "keep"),
    "before the commit": before_commit,
    "after the commit": after_commit,
}
told = {}
for place, prepare in PLACES.items():
    child = os.fork()
    if child == 0:
        prepare()
        body = json.dumps({"brmObjects": [{"Name": f"{name} {place} {i}"} for i in range(3)]})
        Client(HTTP_HOST="127.0.0.1").post(
            "/rest/2.0/PRODUCT", body, content_type="application/json",
            headers={"sessionid": session, "Idempotency-Key": f"{name}-{place.replace(' ', '-')}"},
        )
        os._exit(1)  # nobody was killed
    told[place] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(told))
"""


def test_whoever_is_killed_has_done_all_of_it_or_nothing(
    live: Live, admin: Caller, unique: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(admin.http.headers["sessionid"]), unique],
        cwd=ROOT,
        env=live.environment,
        capture_output=True,
        text=True,
        timeout=STUCK,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == 7 and set(told.values()) == {-9}, done.stdout + done.stderr
    for place in told:
        names = [f"{unique} {place} {i}" for i in range(3)]
        listed = ", ".join(f"'{name}'" for name in names)
        sql = f"SELECT Id, Name FROM PRODUCT WHERE Name IN ({listed}) ORDER BY Name"
        written = place == "after the commit"
        assert len(admin.query(sql)) == (3 if written else 0), place
        body = json.dumps({"brmObjects": [{"Name": name} for name in names]}).encode()
        headers = {"Idempotency-Key": f"{unique}-{place.replace(' ', '-')}"}
        for again in (written, True):
            answer = admin.send("POST", "PRODUCT", body, headers=dict(headers))
            assert answer.status_code == 200, (place, answer.text)
            assert (answer.headers.get("Idempotency-Replayed") == "true") is again, place
            ids = [element["Id"] for element in answer.json()["createResponse"]]
        rows = admin.query(sql)
        assert [row["Id"] for row in rows] == ids, place


def test_of_many_at_once_one_is_done(live: Live, admin: Caller, unique: str) -> None:
    rows = [{"Name": f"{unique}-{i}"} for i in range(400)]
    body = json.dumps({"brmObjects": rows}).encode()

    def send(_: int) -> requests.Response:
        caller = Caller(live.url, requests.Session())
        caller.http.headers.update(admin.http.headers)
        return caller.send("POST", "PRODUCT", body, headers={"Idempotency-Key": unique})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    by_status = {s: [a for a in answers if a.status_code == s] for s in (200, 409)}
    assert sum(map(len, by_status.values())) == 8, [a.text[:300] for a in answers]
    assert by_status[409], "none came while another was at work"
    for refused in by_status[409]:
        assert refused.json()["error"] == "IDEMPOTENCY_KEY_IN_USE"
        assert refused.headers["Retry-After"] == "1"
    first = [a for a in by_status[200] if "Idempotency-Replayed" not in a.headers]
    assert len(first) == 1
    assert {a.content for a in by_status[200]} == {first[0].content}
    assert send(0).content == first[0].content
    count = f"SELECT COUNT(*) AS N FROM PRODUCT WHERE Name LIKE '{unique}-%'"
    assert admin.query(count) == [{"N": "400"}]
