"""Records of a file are written as if each had been sent alone; what came of each is told."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import orjson
import pytest

from entities import files, query, records
from entities.bulk import jobs, loading, reading
from entities.errors import RequestError
from entities.models.bulk import BulkStagedRecord, BulkUploadChunk
from entities.schema.current import current
from entities.tasks import resume_bulk_jobs
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.bulk.acting import history, load, told, upload

pytestmark = pytest.mark.django_db

_CANCEL = "UPDATE entities_bulkuploadhistory SET status = 'CANCELLED' WHERE id = %s"
HEAD = "Name,AccountTypeId,ExternalKey\r\n"


def names(context: Context) -> list[str]:
    """What is loaded, in the order in which it was made."""
    sql = "SELECT Name FROM ACCOUNT WHERE ExternalKey LIKE 'bulk-%' ORDER BY Id"
    return [row["Name"] for row in json.loads(query.query(sql, context).json)]


def counts(number: int) -> tuple[str, int, int, int]:
    done = history(number)
    return done.status, done.record_count, done.accepted_count, done.rejected_count


def test_good_records_are_written_and_bad_ones_told(ada: Context) -> None:
    rows = 'A,1,bulk-a\r\nB,1\r\n"C\r\nD",1,bulk-c\r\n\r\n'
    rows += "E,999999,bulk-e\r\n,1,bulk-f\r\nG,1,bulk-a\r\n"
    done = load(ada, HEAD + rows, EntityName="account")
    assert counts(done.pk) == ("COMPLETED", 6, 2, 4)
    assert (done.progress, done.error_text) == (100, None)
    assert names(ada) == ["A", "C\r\nD"]
    accepted = told(done.pk, "AcceptedRecordsFile", ada)
    assert [(r["LineNumber"], r["Created"]) for r in accepted] == [("2", "true"), ("4", "true")]
    for row in accepted:
        assert query.retrieve_ids("ACCOUNT", [int(row["Id"])], ada).count
    rejected = told(done.pk, "RejectedRecordsFile", ada)
    assert [(r["LineNumber"], r["ErrorCode"], r["ErrorElementField"]) for r in rejected] == [
        ("3", "INVALID_RECORD", ""),
        ("7", "LOOKUP_NOT_FOUND", "AccountTypeId"),
        ("8", "REQUIRED_FIELD_MISSING", "Name"),
        ("9", "DUPLICATE_IN_REQUEST", "ExternalKey"),
    ]
    assert rejected[0]["ErrorText"] == (
        "The record can't be read: it has 2 values, and the header has 3 columns."
    )
    assert "line 2 of the file" in rejected[3]["ErrorText"]
    assert (rejected[1]["Name"], rejected[1]["ExternalKey"]) == ("E", "bulk-e")
    assert not BulkUploadChunk.objects.exists()
    assert not BulkStagedRecord.objects.exists()


def test_what_was_rejected_can_be_corrected_and_sent_as_it_is(ada: Context) -> None:
    first = load(ada, HEAD + "A,x,bulk-a\r\n", EntityName="ACCOUNT")
    sent = files.fetch("BULK_UPLOAD_HISTORY", first.pk, "RejectedRecordsFile", ada).content
    again = load(ada, sent.replace(b"A,x,", b"A,1,"), EntityName="ACCOUNT")
    assert counts(again.pk) == ("COMPLETED", 1, 1, 0)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.csv", bytes), ("a.csv.gz", gzip.compress), ("whatever", gzip.compress)],
)
def test_plain_and_packed(ada: Context, name: str, pack: Callable[[bytes], bytes]) -> None:
    done = load(ada, pack((HEAD + "A,1,bulk-a\r\n").encode()), name, EntityName="ACCOUNT")
    assert counts(done.pk) == ("COMPLETED", 1, 1, 0)


def test_lines_of_json(ada: Context) -> None:
    lines = [
        '{"Name": "A", "AccountTypeId": 1, "ExternalKey": "bulk-a"}',
        '{"Name": "B", "Nam": 1}',
        "{oops",
        "",
        "7",
        '{"Name": "Z\\u00f6", "AccountTypeIdObj": {"AccountType": "nobody"}}',
    ]
    done = load(ada, "\n".join(lines), "a.jsonl", EntityName="ACCOUNT")
    assert counts(done.pk) == ("COMPLETED", 5, 1, 4)
    content = files.fetch("BULK_UPLOAD_HISTORY", done.pk, "RejectedRecordsFile", ada).content
    rejected = [json.loads(line) for line in content.splitlines()]
    assert [r["LineNumber"] for r in rejected] == [2, 3, 5, 6]
    assert rejected[0]["ErrorElementField"] == "Nam"
    assert rejected[1]["Record"] == "{oops"
    assert "no JSON" in rejected[1]["ErrorText"]
    assert "no JSON object" in rejected[2]["ErrorText"]


def test_update_and_upsert_in_the_order_of_the_file(ada: Context) -> None:
    made = load(ada, HEAD + "A,1,bulk-a\r\nB,1,bulk-b\r\n", EntityName="ACCOUNT")
    ids = [r["Id"] for r in told(made.pk, "AcceptedRecordsFile", ada)]
    upserted = load(
        ada,
        HEAD + "A2,1,bulk-a\r\nC,1,bulk-c\r\nC2,,bulk-c\r\nA3,,bulk-a\r\nN,1,\r\n",
        EntityName="ACCOUNT",
        Verb="UPSERT",
        ExternalIDFieldName="externalkey",
    )
    assert counts(upserted.pk) == ("COMPLETED", 5, 4, 1)
    assert names(ada) == ["A3", "B", "C2"]
    created = [r["Created"] for r in told(upserted.pk, "AcceptedRecordsFile", ada)]
    assert created == ["false", "true", "false", "false"]
    updated = load(
        ada,
        f"Id;Name\n{ids[1]};B2\n0;X\n{ids[1]};B3\n",
        EntityName="ACCOUNT",
        Verb="UPDATE",
        CSVDelimiter=";",
    )
    assert counts(updated.pk) == ("COMPLETED", 3, 2, 1)
    assert names(ada) == ["A3", "B3", "C2"]


def test_an_empty_value_clears_only_where_it_is_asked(ada: Context) -> None:
    (made,) = records.create(
        "ACCOUNT",
        [{"Name": "A", "AccountTypeId": "1", "ExternalKey": "bulk-a", "Description": "old"}],
        ada,
    )
    assert made.ok, made.problems
    options = {"EntityName": "ACCOUNT", "Verb": "UPDATE"}
    for clears, left in (("0", "old"), ("1", None)):
        done = load(ada, f"Id,Description\n{made.id},\n", TreatNullAsReset=clears, **options)
        assert counts(done.pk)[2] == 1
        (row,) = orjson.loads(
            query.query("SELECT Description FROM ACCOUNT WHERE ExternalKey = 'bulk-a'", ada).json
        )
        assert row["Description"] == left


def test_a_lookup_may_be_named_by_a_key_of_its_record(ada: Context) -> None:
    rows = "Name,AccountTypeId,ExternalKey,ParentAccountIdObj.ExternalKey\n"
    load(ada, HEAD + "Parent,1,bulk-p\r\n", EntityName="ACCOUNT")
    done = load(ada, rows + "Child,1,bulk-q,bulk-p\nLost,1,bulk-r,nobody\n", EntityName="ACCOUNT")
    assert counts(done.pk) == ("COMPLETED", 2, 1, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"Name,ExternalKey\n", "a header and no records"),
        (b"Name,name\nA,B\n", "'Name' and 'name', which is one column"),
        (b"Name,,ExternalKey\nA,B,C\n", "Column 2"),
        (b"Nam,Xyzzy\nA,B\n", "'Nam' (did you mean Name?), 'Xyzzy'"),
        (b"Name;ExternalKey\nA;B\n", "is another delimiter meant?"),
        ("Name\nA\n".encode("utf-16"), "is UTF-16"),
        (b"N\xe4me\nA\n", "another Encoding"),
        (b"PK\x03\x04junk", "ZIP"),
        (gzip.compress(b"Name\nA\n")[:-9], "no whole gzip"),
        (b"\x1f\x8bnonsense", "no whole gzip"),
        (gzip.compress(b"Name\n" + b"A\n" * 200_001), "more than 200,000 records"),
    ],
    # A packed file has the time in it, and tests are called alike in every process.
    ids=lambda part: part if isinstance(part, str) else "file",
)
def test_a_file_that_can_t_be_read_says_why(ada: Context, content: bytes, words: str) -> None:
    done = load(ada, content, "all", EntityName="ACCOUNT")
    assert (done.status, done.accepted_count) == ("FAILED", 0)
    assert words in (done.error_text or "")
    assert not BulkStagedRecord.objects.exists()


def test_a_bomb_is_not_unpacked(ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_UNPACKED", 100_000)
    done = load(ada, gzip.compress(b"Name\n" + b"A\n" * 150_000), "all", EntityName="ACCOUNT")
    assert done.status == "FAILED"
    assert "100,000 bytes once it is unpacked" in (done.error_text or "")


def test_a_record_without_an_end_is_not_held(ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OF_A_RECORD", 1000)
    done = load(ada, 'Name\nA\n"' + "x\n" * 1000, EntityName="ACCOUNT")
    assert (done.status, done.accepted_count) == ("FAILED", 0)
    assert "is a quotation mark missing?" in (done.error_text or "")


def test_bad_lines_harm_none_beside_them(ada: Context) -> None:
    lines = [b"A,1,bulk-a", b'B,1,"bulk"-b', b"C\xff,1,bulk-c", b"D\x00,1,bulk-d", b"E,1,bulk-e"]
    done = load(ada, HEAD.encode() + b"\r\n".join(lines), "all", EntityName="ACCOUNT")
    assert counts(done.pk) == ("COMPLETED", 5, 2, 3)
    assert names(ada) == ["A", "E"]
    why = [r["ErrorText"] for r in told(done.pk, "RejectedRecordsFile", ada)]
    assert "no CSV" in why[0] and "no UTF-8 text" in why[1] and "NUL" in why[2]


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("UTF-8", "utf-8-sig"), ("UTF-16", "utf-16"), ("WINDOWS-1252", "cp1252"),
     ("ISO-8859-1", "latin-1")],
)  # fmt: skip
def test_encodings(ada: Context, encoding: str, codec: str) -> None:
    content = (HEAD + "Zoë,1,bulk-z\r\n").encode(codec)
    done = load(ada, content, EntityName="ACCOUNT", Encoding=encoding)
    assert counts(done.pk) == ("COMPLETED", 1, 1, 0), done.error_text
    assert names(ada) == ["Zoë"]


@pytest.mark.parametrize(
    ("fields", "code", "where"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "EntityName"),
        ({"EntityName": "ACOUNT"}, "UNKNOWN_ENTITY", "EntityName"),
        ({"EntityName": "AUDIT_LOG"}, "INSUFFICIENT_RIGHTS", "EntityName"),
        ({"EntityName": "ACCOUNT", "Verb": "DELETE"}, "VALUE_NOT_IN_LIST", "Verb"),
        ({"EntityName": "ACCOUNT", "Verb": "UPSERT"}, "NOT_AN_EXTERNAL_KEY", "ExternalIDFieldName"),
        ({"EntityName": "ACCOUNT", "CSVDelimiter": "\n"}, "INVALID_VALUE", "CSVDelimiter"),
    ],
)
def test_what_can_t_be_loaded_is_refused_at_once(
    ada: Context, fields: dict[str, Any], code: str, where: str
) -> None:
    (outcome,) = records.create("BULK_UPLOAD_HISTORY", [fields], ada)
    assert [(p.code, p.field) for p in outcome.problems] == [(code, where)]


def test_records_are_written_with_the_rights_of_who_sent_them(
    person: Callable[..., Context],
) -> None:
    clerk = person(ACCOUNT="R", ACCOUNT_TYPE="R")
    (outcome,) = records.create("BULK_UPLOAD_HISTORY", [{"EntityName": "ACCOUNT"}], clerk)
    assert codes([outcome]) == [["INSUFFICIENT_RIGHTS"]]
    maker = person(ACCOUNT="CR", ACCOUNT_TYPE="R")
    number = upload(maker, HEAD + "A,1,bulk-a\r\n", EntityName="ACCOUNT")
    other = person(ACCOUNT="CR", ACCOUNT_TYPE="R")
    with pytest.raises(RequestError):
        files.fetch("BULK_UPLOAD_HISTORY", number, "AllRecordsFile", other)
    from entities.models import EntityFieldRole

    EntityFieldRole.objects.filter(role_id=maker.role_id, entity__entity_name="ACCOUNT").update(
        create_flag=False
    )
    resume_bulk_jobs()
    assert counts(number) == ("FAILED", 1, 0, 0)
    assert "may not create ACCOUNT" in (history(number).error_text or "")


def test_a_collector_says_how_its_files_are_read(ada: Context) -> None:
    account = current().entity("ACCOUNT")
    collector = create_one(
        "ACTIVITY_COLLECTOR",
        ada,
        ActivityCollectorName="bulk-collector",
        Type="BULK_DATA_LOADER",
        Entity_Id=str(account.id),
        EntityMethod="Upsert",
        ExternalEntityFieldId=str(account.field("ExternalKey").id),
        Delimiter="Semicolon",
        FieldIncludedChar="'",
        SkipRows="1",
        OmitEnd="1",
    )
    content = "made by somebody\nExternalKey;Name\nbulk-a;'A;a'\nbulk-a;B\n3 records\n"
    done = load(ada, content, ActivityCollectorId=str(collector))
    assert counts(done.pk) == ("COMPLETED", 2, 2, 0), done.error_text
    assert names(ada) == ["B"]
    (outcome,) = records.create("BULK_UPLOAD_HISTORY", [{"ActivityCollectorId": "0"}], ada)
    assert codes([outcome])[0][0] == "LOOKUP_NOT_FOUND"


def test_usage_goes_to_the_collector_that_brings_it(ada: Context) -> None:
    collector = create_one(
        "ACTIVITY_COLLECTOR", ada, ActivityCollectorName="bulk-usage", Type="BULK_DATA_LOADER"
    )
    done = load(ada, "Quantity,BillingIdentifier\n7,bulk-1\n", ActivityCollectorId=str(collector))
    assert counts(done.pk) == ("COMPLETED", 1, 1, 0), done.error_text
    (line,) = told(done.pk, "AcceptedRecordsFile", ada)
    (record,) = orjson.loads(query.retrieve_ids("COLLECTOR_FIELDS", [int(line["Id"])], ada).json)
    assert record["ACTIVITY_COLLECTOR_ID"] == str(collector)


def test_a_key_s_role_is_that_of_the_files_it_sends(person: Callable[..., Context]) -> None:
    boss, small = person(administrator=True), person(ACCOUNT_TYPE="R")
    by_key = replace(boss, role_id=small.role_id, administrator=False)
    (waits,) = records.create("BULK_UPLOAD_HISTORY", [{"EntityName": "ACCOUNT"}], boss)
    content = (HEAD + "A,1,bulk-a\r\n").encode()
    sent = files.attach(
        "BULK_UPLOAD_HISTORY", waits.id or 0, "AllRecordsFile", "a.csv", content, by_key
    )
    assert sent.ok
    resume_bulk_jobs()
    assert counts(waits.id or 0) == ("FAILED", 1, 0, 0)
    assert "may not create ACCOUNT" in (history(waits.id or 0).error_text or "")


def test_nobody_sends_a_file_in_the_name_of_another(
    person: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where loads are PRIVATE they can be shared to be changed."""
    small, boss = person(), person(administrator=True)
    (waits,) = records.create("BULK_UPLOAD_HISTORY", [{"EntityName": "ACCOUNT"}], boss)
    compiling = import_module("entities.access.rights")
    monkeypatch.setattr(compiling, "_limit_to_own", lambda snapshot, context, compiled: None)
    number = waits.id or 0
    sent = files.attach("BULK_UPLOAD_HISTORY", number, "AllRecordsFile", "a", b"x", small)
    assert codes([sent]) == [["INSUFFICIENT_RIGHTS"]]


def test_a_load_takes_one_file(ada: Context) -> None:
    number = upload(ada, HEAD + "A,1,bulk-a\r\n", EntityName="ACCOUNT")
    assert history(number).status == "PENDING"
    again = files.attach("BULK_UPLOAD_HISTORY", number, "AllRecordsFile", "b.csv", b"x", ada)
    assert codes([again]) == [["FIELD_NOT_CHANGEABLE"]]
    resume_bulk_jobs()
    resume_bulk_jobs()
    assert counts(number) == ("COMPLETED", 1, 1, 0)
    assert history(number).attempts == 1


def test_it_is_cancelled_between_two_chunks(ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "CHUNK", 2)
    rows = "".join(f"N{n},1,bulk-{n}\r\n" for n in range(9))
    number = upload(ada, HEAD + rows, EntityName="ACCOUNT")
    written = loading._Loading._written

    def cancel_then_write(self: Any, *args: Any) -> Any:
        if args[1] == 4:
            # By somebody else: on a connection of his own.
            with jobs.another_connection() as raw:
                raw.execute(_CANCEL, [number])
        return written(self, *args)

    monkeypatch.setattr(loading._Loading, "_written", cancel_then_write)
    resume_bulk_jobs()
    assert counts(number) == ("CANCELLED", 9, 4, 0)
    assert names(ada) == ["N0", "N1", "N2", "N3"]
    assert len(told(number, "AcceptedRecordsFile", ada)) == 4
    assert not BulkStagedRecord.objects.exists()
