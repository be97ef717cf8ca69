"""Every block of the integrators' guide does what it says: programs run against a live server, the
query answers, the JSON is JSON, and the nightly synchronisation survives being killed.
"""

import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, ROOT, USERNAME, Live
from tests.patience import STUCK

GUIDE = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
_NIGHTLY = '"""nightly.py'


@dataclass(frozen=True)
class Block:
    language: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.M | re.S)]


def blocks(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.language == language]


@pytest.fixture(scope="module")
def variables(live: Live) -> dict[str, str]:
    """What the guide's first block sets, and the credentials of a client."""
    said = live.run(
        "from django.core.management import call_command\n"
        f"call_command('oauth_client', 'create', user='{USERNAME}')"
    )
    client = json.loads(said)
    return {
        **os.environ,
        "BRM_URL": live.url,
        "BRM_USER": USERNAME,
        "BRM_PASSWORD": PASSWORD,
        "BRM_CLIENT_ID": client["client_id"],
        "BRM_CLIENT_SECRET": client["client_secret"],
    }


def ran(command: list[str], variables: dict[str, str], where: Path) -> str:
    done = subprocess.run(
        command, env=variables, cwd=where, capture_output=True, text=True, timeout=STUCK
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:]
    return done.stdout


def test_there_are_no_blocks_that_nobody_tries() -> None:
    assert {block.language for block in BLOCKS} == {"python", "sh", "sql", "json"}
    assert not re.search(r"^ {4,}\S.*[{(]$", re.sub(r"^```.*?^```$", "", GUIDE, flags=re.M | re.S))
    for text in blocks("json"):
        json.loads(text)
    assert blocks("sh")[0].startswith("export BRM_URL=")


def test_the_python_programs_run_one_after_another(
    admin: Caller, variables: dict[str, str], tmp_path: Path
) -> None:
    programs = [text for text in blocks("python") if not text.startswith(_NIGHTLY)]
    assert len(programs) > 6
    (tmp_path / "all.py").write_text("\n".join(programs), encoding="utf-8")
    ran([sys.executable, "all.py"], variables, tmp_path)
    # Other tests expect ACCOUNT as it ships.
    (field,) = admin.query("SELECT Id FROM ENTITY_FIELD WHERE ExternalKey = 'ACCOUNT.Terms'")
    (gone,) = admin.write("DELETE", "delete/ENTITY_FIELD", field, EmptyRecycleBin="1")
    assert gone["success"], gone


def test_the_shell_commands_run_one_after_another(
    variables: dict[str, str], tmp_path: Path
) -> None:
    # The first block sets what `variables` sets here.
    script = "\n".join(["set -eu", *blocks("sh")[1:]])
    (tmp_path / "all.sh").write_text(script, encoding="utf-8")
    said = ran(["bash", "all.sh"], variables, tmp_path)
    assert '"created":"' in said
    assert '"error"' not in said and '"success":false' not in said, said
    assert json.loads((tmp_path / "metabrm.json").read_text())["openapi"].startswith("3.1")


@pytest.mark.parametrize("sql", blocks("sql"))
def test_the_queries_are_understood(admin: Caller, sql: str) -> None:
    answer = admin.send("GET", "query", params={"sql": sql})
    assert answer.status_code in (200, 404), answer.text
    assert answer.status_code == 200 or answer.json()["error"] == "NO_ROWS"


class Night:
    """The program of the guide, a list of customers, and the warehouse that it fills."""

    def __init__(self, variables: dict[str, str], where: Path) -> None:
        (program,) = [text for text in blocks("python") if text.startswith(_NIGHTLY)]
        self.variables = variables
        self.where = where
        self.customers: dict[str, tuple[str, str]] = {}
        (where / "nightly.py").write_text(program, encoding="utf-8")

    def command(self) -> list[str]:
        with open(self.where / "customers.csv", "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["key", "name", "status"])
            rows.writerows((key, *said) for key, said in self.customers.items())
        return [sys.executable, "nightly.py", "customers.csv", "warehouse.db"]

    def run(self) -> None:
        ran(self.command(), self.variables, self.where)

    def kill_once(self, moment: str, admin: Caller, sql: str) -> None:
        """Run, and kill the program as soon as the server answers the query."""
        program = subprocess.Popen(self.command(), env=self.variables, cwd=self.where)
        deadline = time.monotonic() + STUCK
        while not admin.query(sql):
            assert program.poll() is None and time.monotonic() < deadline, moment
        program.send_signal(signal.SIGKILL)
        program.wait()

    def warehouse(self) -> dict[str, tuple[str, ...]]:
        with sqlite3.connect(self.where / "warehouse.db") as database:
            found = database.execute("SELECT id, key, name, status FROM account").fetchall()
        return {str(row[0]): tuple(row[1:]) for row in found}


def accounts(admin: Caller) -> dict[str, tuple[str, ...]]:
    """All that is live, asked for in one go."""
    rows = admin.query("SELECT Id, ExternalKey, Name, Status FROM ACCOUNT")
    return {row["Id"]: (row["ExternalKey"], row["Name"], row["Status"]) for row in rows}


def test_the_nightly_synchronisation_survives_being_killed_and_keeps_both_sides_alike(
    admin: Caller, variables: dict[str, str], tmp_path: Path, unique: str
) -> None:
    night = Night(variables, tmp_path)
    night.customers = {f"{unique}-{n:03}": (f"Customer {n}'s", "ACTIVE") for n in range(600)}

    # Killed once the first of three chunks has arrived.
    first = f"SELECT Id FROM ACCOUNT WHERE ExternalKey = '{unique}-000'"
    night.kill_once("after the first chunk", admin, first)
    night.run()
    by_key = {row[0]: row[1:] for row in night.warehouse().values()}
    assert {key: said for key, said in by_key.items() if key in night.customers} == night.customers
    assert night.warehouse() == accounts(admin)

    # In between: changed, new and gone on their side; changed, new, deleted and restored on ours.
    night.customers[f"{unique}-001"] = ("Renamed", "SUSPENDED")
    night.customers[f"{unique}-new"] = ("New", "ACTIVE")
    del night.customers[f"{unique}-002"]
    ids = {key: record for record, (key, *_) in accounts(admin).items()}
    admin.write("PUT", "ACCOUNT", {"Id": ids[f"{unique}-003"], "Description": "Changed here"})
    ours = admin.create("ACCOUNT", {"Name": "Ours", "ExternalKey": f"{unique}-ours"})
    gone = admin.create("ACCOUNT", {"Name": "Gone", "ExternalKey": f"{unique}-gone"})
    night.run()
    assert night.warehouse() == accounts(admin)
    assert {ours, gone} <= set(night.warehouse())
    assert ids[f"{unique}-002"] not in night.warehouse()

    admin.write("DELETE", "delete/ACCOUNT", [{"Id": gone}, {"Id": ours}])
    admin.write("DELETE", "undelete/ACCOUNT", [{"Id": ours}])
    night.run()
    assert ours in night.warehouse() and gone not in night.warehouse()
    assert night.warehouse() == accounts(admin)
    # Sent again and again, nothing was written twice: the history has one entry for each.
    (row,) = admin.query(
        "SELECT COUNT(*) AS N FROM AUDIT_LOG WHERE EntityName = 'ACCOUNT' "
        f"AND RecordId = {ids[f'{unique}-010']}"
    )
    assert row["N"] == "1"
