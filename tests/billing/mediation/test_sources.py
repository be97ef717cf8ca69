"""Files are taken where they lie, once, never from elsewhere, and put away when they are done."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from billing.mediation import sources
from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.sources import directory, query, samples, sftp
from entities import records
from entities.schema.current import current
from metabrm import environment
from metabrm.identity.context import Context
from metabrm.identity.models import User
from tests.billing.mediation.standing import SYSTEM, Standing, changed, drive
from tests.entities.acting import create_one
from tests.factories import ActivityCollectorFactory
from tests.patience import STUCK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """BRM_USAGE_DIR with a directory `in`; what lies outside is beside it."""
    base = tmp_path / "usage"
    (base / "in").mkdir(parents=True)
    found = replace(environment.current(), usage_dir=base, state_dir=tmp_path / "state")
    monkeypatch.setattr(environment, "current", lambda: found)
    monkeypatch.setattr(directory, "QUIET", -1.0)
    monkeypatch.setattr(sftp, "QUIET", -1.0)
    return base


def watching(**more: Any) -> Standing:
    said = {"Type": "FTP", "FtpDirectory": "in", "FtpFilePattern": "*.csv", "RunIntervalMin": "5"}
    return Standing(**{**said, **more}).usual()


def usage(standing: Standing, quantity: int) -> str:
    return f"who,at,much\n{standing.token},2026-11-01,{quantity}\n"


def run(standing: Standing) -> list[ActivityCollectorHistory]:
    loads = sources.collect(standing.collector)
    for load in loads:
        drive(load)
    return list(ActivityCollectorHistory.objects.filter(pk__in=loads).order_by("id"))


def test_files_of_a_directory_are_taken_once_and_archived(root: Path) -> None:
    standing = watching(
        AfterProcessAction="ARCHIVE",
        AfterProcessDirectory="/done/2026",
        AfterProcessFilePattern="*.done",
        CreateAfterProcessDirectoryFlag="1",
    )
    for number in (1, 2):
        (root / "in" / f"{number}.csv").write_text(usage(standing, number))
    (root / "in" / "other.txt").write_text("no usage")
    assert standing.collector in sources.due()
    loads = run(standing)
    assert standing.collector not in sources.due()
    assert [(load.file_name, load.status, load.stage) for load in loads] == [
        ("1.csv", "COMPLETED", "DONE"),
        ("2.csv", "COMPLETED", "DONE"),
    ]
    assert loads[0].archive_place == str(root / "done/2026/1.csv.done")
    assert sorted(os.listdir(root / "done/2026")) == ["1.csv.done", "2.csv.done"]
    assert os.listdir(root / "in") == ["other.txt"]
    assert standing.lines("quantity") == [(Decimal(1),), (Decimal(2),)]
    # The same file again is no other one, whoever puts it there.
    (root / "in" / "1.csv").write_text(usage(standing, 1))
    assert run(standing) == []


@pytest.mark.parametrize(("delete", "left"), [("1", []), ("0", ["1.csv"])])
def test_a_file_that_was_read_is_deleted_or_stays(root: Path, delete: str, left: list[str]) -> None:
    standing = watching(DeleteSourceFile=delete)
    (root / "in" / "1.csv").write_text(usage(standing, 1))
    assert len(run(standing)) == 1
    assert run(standing) == []
    assert os.listdir(root / "in") == left


def test_a_file_may_still_be_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "QUIET", 60.0)
    standing = watching()
    (root / "in" / "1.csv").write_text(usage(standing, 1))
    assert run(standing) == []


def test_a_file_that_changed_after_it_was_taken_is_parked(root: Path) -> None:
    standing = watching()
    (root / "in" / "1.csv").write_text(usage(standing, 1))
    (load,) = sources.collect(standing.collector)
    (root / "in" / "1.csv").write_text(usage(standing, 2))
    drive(load)
    done = ActivityCollectorHistory.objects.get(pk=load)
    assert (done.status, done.error_text) == (
        "PARKED",
        "The file has changed since it was taken.",
    )
    assert standing.lines() == []


@pytest.mark.parametrize(
    "path", ["../secret", "in/../../secret", "/../secret", "out", "/etc", "in/../../../etc"]
)
def test_no_path_leads_out_of_the_operators_directory(root: Path, path: str) -> None:
    (root.parent / "secret").mkdir()
    (root.parent / "secret" / "1.csv").write_text("secret")
    (root / "out").symlink_to(root.parent / "secret")
    if path == "/etc":
        assert directory.place(path) == root / "etc"
        return
    with pytest.raises(directory.OutsideError, match="leads out"):
        directory.place(path)
    standing = watching(FtpDirectory=path)
    with pytest.raises(directory.OutsideError):
        sources.collect(standing.collector)


def test_links_and_devices_are_no_files(root: Path) -> None:
    standing = watching()
    (root.parent / "secret.csv").write_text(usage(standing, 1))
    (root / "in" / "link.csv").symlink_to(root.parent / "secret.csv")
    os.mkfifo(root / "in" / "pipe.csv")
    assert run(standing) == []
    # Put in the place of a file that was taken, a link is not followed either.
    (root / "in" / "1.csv").write_text(usage(standing, 1))
    (load,) = sources.collect(standing.collector)
    (root / "in" / "1.csv").unlink()
    (root / "in" / "1.csv").symlink_to(root.parent / "secret.csv")
    drive(load)
    assert standing.lines() == []


def test_without_the_operators_directory_nothing_is_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without = replace(environment.current(), usage_dir=None)
    monkeypatch.setattr(environment, "current", lambda: without)
    with pytest.raises(directory.OutsideError, match="BRM_USAGE_DIR is not set"):
        directory.place("in")


def test_of_two_who_claim_a_file_one_gets_it(root: Path) -> None:
    collector = watching().model()
    first = claiming.claim(collector, "FILE", "a.csv", 3, "a" * 64)
    assert first is not None
    assert claiming.claim(collector, "FILE", "a.csv", 3, "a" * 64) is None
    assert claiming.claim(collector, "FILE", "b.csv", 3, "a" * 64) is not None


# SFTP


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A real SFTP server with a user who may come by a password or a key."""
    import asyncssh

    base = tmp_path_factory.mktemp("remote")
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    made = SimpleNamespace(
        base=base,
        host_key=host_key.export_public_key().decode().strip(),
        private_key=user_key.export_private_key().decode(),
    )

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("feed", "let me in")

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: Any) -> bool:
            return bool(key == user_key.convert_to_public())

    async def serve() -> None:
        listening = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[host_key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(base).encode()),
        )
        made.port = listening.get_port()
        ready.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop)
    assert ready.wait(STUCK)
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join(STUCK)


def fed(server: SimpleNamespace, **more: Any) -> Standing:
    said = {
        "FtpDirectory": "/in",
        "Hostname": "127.0.0.1",
        "HostPort": str(server.port),
        "Username": "feed",
        "HostKey": server.host_key,
        "AfterProcessAction": "ARCHIVE",
        "AfterProcessDirectory": "/done",
        "CreateAfterProcessDirectoryFlag": "1",
    }
    return watching(**{**said, **more})


@pytest.mark.parametrize("by", ["password", "key"])
def test_files_of_another_machine_are_fetched_once_and_archived_there(
    root: Path, server: SimpleNamespace, by: str
) -> None:
    secret = {"Password": "let me in"} if by == "password" else {"PrivateKey": server.private_key}
    standing = fed(server, **secret)
    (server.base / "in").mkdir(exist_ok=True)
    (server.base / "in" / f"{by}.csv").write_text(usage(standing, 3))
    assert samples.newest(standing.model(), 3) == (f"{by}.csv", b"who")
    (load,) = run(standing)
    assert (load.status, load.stage, load.archive_place) == (
        "COMPLETED",
        "DONE",
        f"/done/{by}.csv",
    )
    assert standing.lines("quantity") == [(Decimal(3),)]
    assert samples.of_load(load, 7) == (f"{by}.csv", usage(standing, 3).encode()[:7])
    assert samples.newest(standing.model(), 7) is None
    assert (server.base / "done" / f"{by}.csv").exists()
    assert not (server.base / "in" / f"{by}.csv").exists()
    assert run(standing) == []
    assert not list((root.parent / "state" / "usage").iterdir())


def test_a_file_that_cannot_be_taken_holds_up_no_other(
    root: Path, server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(environment.current(), usage_megabytes=1)
    monkeypatch.setattr(environment, "current", lambda: small)
    standing = fed(server, Password="let me in", FtpFilePattern="big-*.csv")
    (server.base / "in").mkdir(exist_ok=True)
    (server.base / "in" / "big-1.csv").write_bytes(b"x" * (1 << 20) + b"x")
    (server.base / "in" / "big-2.csv").write_text(usage(standing, 7))
    trouble = ActivityCollectorHistory.objects.filter(
        activity_collector_id=standing.collector, status="FAILED"
    )
    (load,) = sources.collect_or_tell(standing.collector)
    assert sources.collect_or_tell(standing.collector) == []
    assert [one.error_text for one in trouble.all()] == [
        "big-1.csv: The file has more than 1,048,576 bytes."
    ]
    drive(load)
    assert standing.lines("quantity") == [(Decimal(7),)]
    (server.base / "in" / "big-1.csv").unlink()
    assert sources.collect_or_tell(standing.collector) == []
    assert [one.identity for one in trouble.all()] == [None]


def test_a_password_is_sent_to_another_server_by_whoever_knows_it() -> None:
    said = {"FtpDirectory": "/in", "FtpFilePattern": "*", "Type": "FTP", "Hostname": "a.test"}
    kept = ActivityCollectorFactory(**said, HostKey="ssh-ed25519 AAAA", Password="let me in")
    other = {"Hostname": "b.test", "HostKey": "ssh-ed25519 BBBB"}
    (told,) = changed("ACTIVITY_COLLECTOR", kept, **other)
    assert told.startswith("HostKey names another server")
    assert changed("ACTIVITY_COLLECTOR", kept, HostKey="ssh-ed25519 AAAA", LoadOrder="2") == []
    assert changed("ACTIVITY_COLLECTOR", kept, **other, Password="let me in, too") == []
    free = ActivityCollectorFactory(**said, HostKey="ssh-ed25519 AAAA")
    assert changed("ACTIVITY_COLLECTOR", free, **other) == []


def test_a_server_that_is_not_known_is_sent_nothing(root: Path, server: SimpleNamespace) -> None:
    import asyncssh
    import paramiko

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with pytest.raises(paramiko.SSHException):
        sources.collect(fed(server, Password="let me in", HostKey=other).collector)
    for key in ("", "no key at all", "ssh-ed25519 nonsense"):
        with pytest.raises(sftp.NoHostKeyError):
            sources.collect(fed(server, Password="let me in", HostKey=key).collector)
    with pytest.raises(paramiko.AuthenticationException):
        sources.collect(fed(server, Password="let me out").collector)


def test_secrets_of_a_collector_are_read_by_nobody(server: SimpleNamespace) -> None:
    from tests import served
    from tests.billing.mediation.standing import asked

    standing = fed(server, Password="let me in")
    stored = served.read("ACTIVITY_COLLECTOR", standing.collector) or {}
    assert "let me in" not in str(stored)
    ((sealed,),) = asked(
        "SELECT password FROM mediation_activitycollector WHERE id = %s", standing.collector
    )
    assert "let me in" not in sealed
    assert changed("ACTIVITY_COLLECTOR", standing.collector, Password="another") == []


# Queries


def test_rows_of_an_entity_are_taken_once_by_their_bookmark() -> None:
    standing = Standing(
        Type="DATABASE",
        RetrieveSql="SELECT Id, Name, Created FROM PRODUCT WHERE Id > :LastRowId ORDER BY Id",
    ).maps(
        {
            "BillingIdentifier": {"DefaultValue": "set below"},
            "ACTIVITY_DATE": "Created",
            "Quantity": {"Formula": "LENGTH({!Name}) - LENGTH({!Name}) + 1"},
        }
    )
    from tests.billing.mediation.standing import asked

    asked("UPDATE mediation_activitycollectormap SET default_value = %s "
          "WHERE default_value IS NOT NULL RETURNING 1", standing.token)  # fmt: skip
    (load,) = run(standing)
    ((products, last),) = asked("SELECT count(*), max(id) FROM catalog_product")
    assert (load.status, load.record_count, load.processed_count) == (
        "COMPLETED",
        products,
        products,
    ), load.error_text
    assert standing.model().last_row_id == last
    assert run(standing) == []


def test_rows_are_read_in_the_name_of_who_asked_for_them(clerk: Callable[..., Context]) -> None:
    writes = {"ACTIVITY_COLLECTOR": "RU", "PRODUCT": "R"}
    limited, other = clerk(**writes), clerk(**writes, ACCOUNT="R")
    standing = Standing(Type="DATABASE", RetrieveSql="SELECT Id FROM PRODUCT").usual()

    def reader(context: Context, **sent: Any) -> int | None:
        (outcome,) = records.update(
            "ACTIVITY_COLLECTOR", [{"Id": standing.collector, **sent}], context
        )
        assert outcome.ok, outcome.problems
        return ActivityCollector.objects.get(pk=standing.collector).reads_as_user_id

    asked = "SELECT Id, Name FROM PRODUCT WHERE Id > :LastRowId ORDER BY Id"
    assert reader(limited, RetrieveSql=asked) == limited.user_id
    assert reader(other, RunIntervalMin="7", RetrieveSql=asked) == limited.user_id
    assert reader(other, ReadsAsUserId=str(other.user_id)) == limited.user_id
    found = ActivityCollector.objects.get(pk=standing.collector)
    assert query.context_of(found).user_id == limited.user_id
    assert reader(other, RetrieveSql=f"{asked} FETCH NEXT 9 ROWS ONLY") == other.user_id
    User.objects.filter(pk=other.user_id).update(status="DEACTIVATED")
    with pytest.raises(ValueError, match="may no longer sign in; change RetrieveSql"):
        sources.collect(standing.collector)


def test_a_query_is_of_the_platforms_language_alone() -> None:
    from entities.errors import RequestError

    standing = Standing(Type="DATABASE", RetrieveSql="SELECT pg_read_file('/etc/passwd')")
    with pytest.raises(RequestError):
        sources.collect(standing.collector)


def sold(standing: Standing, quantity: str) -> int:
    """A record of an entity of somebody's own that is usage."""
    return create_one(
        "SALE", SYSTEM, Token=standing.token, At="2026-06-15T10:00:00Z", Units=quantity
    )


@pytest.fixture
def sales() -> Standing:
    """A collector of the records of an entity that was made at run time."""
    entity = create_one("ENTITY", SYSTEM, EntityName="SALE")
    for name, kind in (("Token", "TEXT"), ("At", "DATETIME"), ("Units", "DECIMAL")):
        create_one("ENTITY_FIELD", SYSTEM, EntityId=entity, FieldName=name, DataType=kind)
    return Standing(Type="ENTITY", Entity_Id=str(entity)).maps(
        {"BillingIdentifier": "Token", "ACTIVITY_DATE": "At", "Quantity": "Units"}
    )


def test_records_of_an_entity_are_taken_once(sales: Standing) -> None:
    assert run(sales) == []
    sold(sales, "2")
    last = sold(sales, "3.5")
    (load,) = run(sales)
    assert (load.status, load.record_count, load.error_text) == ("COMPLETED", 2, None)
    assert sales.model().last_row_id == last
    assert run(sales) == []
    sold(sales, "4")
    run(sales)
    assert [str(q.normalize()) for (q,) in sales.lines("quantity")] == ["2", "3.5", "4"]


@pytest.mark.parametrize("sql", ["", "Id, Name FROM PRODUCT", "p.Id FROM PRODUCT p ORDER BY p.Id"])
def test_while_somebody_writes_the_entity_its_records_wait(sql: str) -> None:
    """A lower Id than those that are seen may still come then."""
    standing = (
        Standing(Type="DATABASE", RetrieveSql=f"SELECT {sql}")
        if sql
        else Standing(Type="ENTITY", Entity_Id=str(current().entity("PRODUCT").id))
    )
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            cursor.execute("LOCK TABLE catalog_product IN ROW EXCLUSIVE MODE")
        assert sources.collect(standing.collector) == []
        writer.rollback()
    finally:
        writer.close()
    assert standing.model().last_row_id is None
    assert len(sources.collect(standing.collector)) == 1


@pytest.mark.parametrize(
    ("sent", "field", "told"),
    [
        ({"Type": "ENTITY"}, "Entity_Id", "names one whose records are usage"),
        ({"Type": "ENTITY", "Entity_Id": "ACTIVITY"}, "Entity_Id", "is what collectors write"),
        ({"Type": "ENTITY", "Entity_Id": "LEDGER"}, "Entity_Id", "LEDGER is a view"),
        (
            {"Type": "ENTITY", "Entity_Id": "PRODUCT", "EntityMethod": "x"},
            "EntityMethod",
            "once, when it is new",
        ),
        ({"Type": "DATABASE", "Sproc": "usage()"}, "Sproc", "none is ever run"),
    ],
)
def test_rows_that_cannot_be_collected_are_refused(
    sent: dict[str, str], field: str, told: str
) -> None:
    if "Entity_Id" in sent:
        sent = sent | {"Entity_Id": str(current().entity(sent["Entity_Id"]).id)}
    (outcome,) = records.create(
        "ACTIVITY_COLLECTOR", [{"ActivityCollectorName": "Rows", **sent}], SYSTEM
    )
    (problem,) = outcome.problems
    assert problem.field == field
    assert told in problem.message


def test_a_source_that_cannot_be_looked_at_is_told_once(root: Path) -> None:
    standing = watching(FtpDirectory="missing")
    for _ in range(2):
        assert sources.collect_or_tell(standing.collector) == []
    (told,) = ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector)
    assert (told.status, (told.error_text or "")[:17]) == ("FAILED", "FileNotFoundError")
    (root / "missing").mkdir()
    (root / "missing" / "1.csv").write_text(usage(standing, 1))
    assert len(sources.collect_or_tell(standing.collector)) == 1
    told.refresh_from_db()
    assert told.identity is None
