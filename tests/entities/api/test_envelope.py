"""The envelope: what is read from a body, what is written about outcomes."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from entities.api import envelope
from entities.api.errors import STATUS
from entities.errors import Code, Problem, RequestError
from entities.records.outcome import Outcome


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'{"brmObjects": {"Name": "A"}}', [{"Name": "A"}]),
        (b'{"brmObjects": [{"Name": "A"}, 5, null]}', [{"Name": "A"}, 5, None]),
        (b'{"BRMOBJECTS": []}', []),
        (b'\xef\xbb\xbf {"brmObjects": []} ', []),
        (
            b'{"brmObjects": {"a": 0.10, "b": 1e2, "c": 123456789012345678901}}',
            [{"a": Decimal("0.10"), "b": Decimal("1E+2"), "c": 123456789012345678901}],
        ),
    ],
)
def test_rows_come_out_as_they_were_sent(body: bytes, rows: list[Any]) -> None:
    assert envelope.read(body).rows == rows


def test_numbers_are_never_floats() -> None:
    (row,) = envelope.read(b'{"brmObjects": {"a": 0.1, "b": [1.5], "c": {"d": -0.0}}}').rows
    assert [type(v) for v in (row["a"], row["b"][0], row["c"]["d"])] == [Decimal] * 3


@pytest.mark.parametrize("yes", ['"1"', "1", "true", '"true"', '"TRUE"'])
def test_flags_beside_the_records(yes: str) -> None:
    read = envelope.read(
        b'{"allOrNone": %s, "treatNullAsReset": %s, "emptyrecyclebin": %s, '
        b'"externalIDFieldName": " Name ", "brmObjects": []}' % ((yes.encode(),) * 3)
    )
    assert read.all_or_none and read.null_clears and read.permanently
    assert read.key == "Name"


@pytest.mark.parametrize("no", ['"0"', "0", "false", "null", '""', '"False"'])
def test_flags_that_are_off(no: str) -> None:
    assert not envelope.read(b'{"allOrNone": %s, "brmObjects": []}' % no.encode()).all_or_none


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "body is empty"),
        (b"  \n", "body is empty"),
        (b"[1]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"{}", 'no "brmObjects"'),
        (b'{"brmObjects": "x"}', "one record (an object) or a list"),
        (b'{"brmObjects": null}', "one record (an object) or a list"),
        (b'{"brmObjects": [], "externalIDFieldName": 5}', "externalIDFieldName"),
        (b'{"brmObjects": [], "allOrNone": "yes"}', '"allOrNone" must be "1" or "0"'),
        (b'{"brmObjects": [], "allOrNone": [1]}', '"allOrNone" must be "1" or "0"'),
        (b'{"brmObjects": [],\n  "x": }', "line 2, column 8"),
        ('{"ä": "öö", }'.encode(), "line 1, column 13"),
        (b'{"brmObjects": [', "ends unfinished at line 1, column 17"),
        (b'{"brmObjects": NaN}', "not valid JSON"),
        (b"{'brmObjects': []}", "not valid JSON"),
        (b'{"brmObjects": "\xff"}', "not valid UTF-8: line 1, column 17 has the byte 0xFF"),
        (b'{"brmObjects": "\\ud83d"}', "not valid JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"brmObjects": %s}' % (b"9" * 10_000), "thousands of digits"),
        (b"username=x&password=y", "not valid JSON"),
    ],
)
def test_what_can_not_be_read_says_why(body: bytes, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        envelope.read(body)
    assert refused.value.code is Code.MALFORMED_REQUEST
    assert says in refused.value.message


def test_a_thousand_records_are_taken_and_no_more() -> None:
    assert len(envelope.read(b'{"brmObjects": [%s]}' % b",".join([b"{}"] * 1000)).rows) == 1000
    with pytest.raises(RequestError, match=r"1,001 records.*at most 1,000") as refused:
        envelope.read(b'{"brmObjects": [%s]}' % b",".join([b"{}"] * 1001))
    assert refused.value.code is Code.REQUEST_TOO_LARGE


SUCCESS = {"ErrorCode": "0", "ErrorText": " ", "ErrorElementField": " ", "success": True}


def test_successes_are_written_in_order() -> None:
    written = orjson.loads(envelope.write("createResponse", [Outcome(7), Outcome(5)]))
    assert written == {"createResponse": [{"Id": "7", **SUCCESS}, {"Id": "5", **SUCCESS}]}


def test_an_upsert_says_whether_it_created() -> None:
    outcomes = [Outcome(7, created=True), Outcome(5)]
    written = orjson.loads(envelope.write("upsertResponse", outcomes, with_created=True))
    assert [e["created"] for e in written["upsertResponse"]] == ["true", "false"]


def test_a_failure_carries_all_its_problems() -> None:
    problems = (
        Problem(Code.UNKNOWN_FIELD, "Nmae", "No field Nmae."),
        Problem(Code.REQUIRED_FIELD_MISSING, "Name", 'Name is required, say "x".'),
        Problem(Code.VALIDATION_FAILED, "", "Not on Sundays."),
        Problem(Code.INVALID_VALUE, "Name", "Not this one."),
    )
    (element,) = orjson.loads(envelope.write("a", [Outcome(None, problems)]))["a"]
    assert element == {
        "Id": " ",
        "ErrorCode": "UNKNOWN_FIELD",
        "ErrorText": 'No field Nmae. Name is required, say "x". Not on Sundays. Not this one.',
        "ErrorElementField": "Nmae,Name",
        "success": False,
        "help": "/docs/errors#UNKNOWN_FIELD",
        "errors": [
            {"code": p.code.value, "field": p.field, "message": p.message} for p in problems
        ],
    }


def test_a_failure_names_the_record_it_knows_and_no_field_when_there_is_none() -> None:
    outcome = Outcome(12, (Problem(Code.RECORD_IN_USE, "", "Others point to it."),))
    (element,) = orjson.loads(envelope.write("a", [outcome], with_created=True))["a"]
    assert (element["Id"], element["ErrorElementField"]) == ("12", " ")


def test_every_code_has_a_status() -> None:
    assert set(STATUS) == set(Code)
