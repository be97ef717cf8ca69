"""Imports that meet, and one that is killed: always all of a document or nothing of it."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from entities import records, transfer
from entities.models import Entity
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.contract.live import ROOT
from tests.patience import STUCK
from tests.pristine import database_url

pytestmark = pytest.mark.django_db(transaction=True)

PROMO = """\
metabrm: {format: 1}
entities:
  PROMO:
    fields: {Code: {DataType: TEXT}}
    validations: {Rule: {FormulaValue: "{!Code} = 'x'", ErrorText: No}}
"""
EMPTY = "metabrm: {format: 1, complete: [entities, roles]}\n"
_HOLD = """
CREATE TABLE held ();
INSERT INTO held DEFAULT VALUES;
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM held) LOOP PERFORM pg_sleep(0.01); END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE INSERT ON entities_entityvalidation
FOR EACH ROW EXECUTE FUNCTION hold();
"""
_RELEASE = "DROP TABLE held; DROP FUNCTION hold() CASCADE"


@pytest.fixture(autouse=True)
def _swept(transactional_db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{table}" CASCADE')


@pytest.fixture
def system() -> Context:
    return Context.system("test")


@pytest.fixture
def promo(tmp_path: Path) -> Path:
    file = tmp_path / "promo.yaml"
    file.write_text(PROMO)
    return file


def _command(*words: str) -> subprocess.Popen[bytes]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("BRM_TEST")},
        "DATABASE_URL": database_url(connection.settings_dict, connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "metabrm.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
    }
    program = (
        "import sys, django; django.setup()\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', *sys.argv[1:]])"
    )
    return subprocess.Popen([sys.executable, "-c", program, *words], cwd=ROOT, env=environment)


def _wait_for(sql: str) -> None:
    deadline = time.monotonic() + STUCK
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.fetchone() is not None:
                return
        time.sleep(0.02)
    raise AssertionError("nothing came of it")


def _tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        return int(cursor.fetchone()[0])


def test_an_import_killed_in_the_middle_leaves_nothing(system: Context, promo: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLD)
    process = _command("import_configuration", str(promo), "--apply")
    try:
        _wait_for("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM held")
    assert not Entity.objects.filter(entity_name="PROMO").exists()
    assert current().find("PROMO") is None
    # Its server process ends its statement before it learns that nobody listens.
    report = transfer.carry_out(PROMO, system)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE)
    assert report.applied
    assert (_tables(), current().entity("PROMO").find("Code") is not None) == (1, True)


def test_of_two_imports_at_once_one_has_nothing_to_do(system: Context) -> None:
    reports: list[Any] = []

    def run() -> None:
        try:
            reports.append(transfer.carry_out(PROMO, system))
        except Exception as error:
            reports.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.changes) for report in reports) == [0, 0, 0, 3]
    assert all(report.applied for report in reports)
    assert _tables() == 1


def test_writers_go_on_after_a_refused_import(system: Context) -> None:
    transfer.carry_out(PROMO, system)
    report = transfer.examine(PROMO.replace("'x'", "1 + 'x'"), system)
    assert report.faults
    (made,) = records.create("PROMO", [{"Code": "y"}], system)
    assert made.ok


# The commands


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    out = io.StringIO()
    try:
        call_command(*words, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    except SystemExit as exit:
        return int(str(exit.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_exit_codes_tell_a_program_what_is_so(promo: Path, tmp_path: Path) -> None:
    code, out = run("import_configuration", str(promo))
    assert code == 3
    assert out.startswith("+ entity PROMO\n+ field PROMO.Code\n+ validation PROMO.Rule\n")
    assert "  Make the entity PROMO (PROMO) with its table. Nobody waits." in out
    assert "3 to create, 0 to change, 0 to remove." in out
    assert run("import_configuration", str(promo), "--dry-run")[0] == 3
    code, out = run("import_configuration", str(promo), "--apply")
    assert (code, out.splitlines()[-1]) == (0, "Imported.")
    code, out = run("import_configuration", str(promo))
    assert (code, out) == (0, "Nothing to do: the system is what the document says.\n")
    written = tmp_path / "out.yaml"
    assert run("export_configuration", "--entities", "promo", "-o", str(written)) == (0, "")
    assert run("import_configuration", str(written))[0] == 0
    assert run("export_configuration")[1] == transfer.export(Context.system("test"))
    promo.write_text(EMPTY)
    code, out = run("import_configuration", str(promo), "--apply")
    assert code == 1
    assert "- entity PROMO  [destructive: it is deleted with its records; 0 affected]" in out
    assert "Nothing was imported." in out
    assert current().find("PROMO") is not None
    assert run("import_configuration", str(promo), "--apply", "--allow-destructive")[0] == 0
    assert current().find("PROMO") is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import_configuration", "/nowhere/x.yaml"), "x.yaml can't be read: No such file"),
        (("import_configuration", "{promo}", "--apply", "--dry-run"), "are opposites"),
        (("export_configuration", "--entities", "ACOUNT"), "Did you mean ACCOUNT?"),
        (("export_configuration", "-o", "/nowhere/x.yaml"), "can't be written"),
    ],
)
def test_a_wrong_command_tells_what_is_wrong(
    words: tuple[str, ...], says: str, promo: Path
) -> None:
    code, out = run(*(word.format(promo=promo) for word in words))
    assert code == 1
    assert says in out


def test_errors_name_the_file_and_the_line(promo: Path) -> None:
    promo.write_text("metabrm: {format: 1}\nentites: {}\nroles: 5\n")
    code, out = run("import_configuration", str(promo))
    assert code == 1
    assert f"{promo}: line 2, column 1: there is no section 'entites'." in out
    assert f"{promo}: line 3, column 8: " in out
