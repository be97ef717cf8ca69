"""What went wrong, as an answer: the right status, one form, and nothing that is ours alone."""

import logging

import orjson
import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from entities.api.errors import MethodNotAllowed, answer_to
from entities.errors import Code, RequestError

SECRET = "host=10.1.2.3 password=hunter2"


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_what_is_unexpected_says_nothing_but_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_to(ValueError(SECRET), "req-17")
    assert answer.status_code == 500
    body = orjson.loads(answer.content)
    assert body["error"] == body["errors"][0]["error_code"] == "INTERNAL_ERROR"
    assert "req-17" in body["message"]
    assert SECRET not in answer.content.decode()
    (record,) = [r for r in caplog.records if r.name == "metabrm.api"]
    assert "req-17" in record.getMessage()
    assert record.exc_info


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(SECRET),
        InterfaceError(SECRET),
        caused_by(DatabaseError(SECRET), psycopg.errors.AdminShutdown(SECRET)),
        caused_by(DatabaseError(SECRET), psycopg.errors.ConnectionFailure(SECRET)),
    ],
    ids=repr,
)
def test_a_database_out_of_reach_is_503_with_a_time_to_wait(error: Exception) -> None:
    answer = answer_to(error, "r")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert orjson.loads(answer.content)["error"] == "TEMPORARILY_UNAVAILABLE"
    assert SECRET not in answer.content.decode()


def test_other_database_errors_are_our_own_fault() -> None:
    error = caused_by(DatabaseError("x"), psycopg.errors.UndefinedTable("x"))
    assert answer_to(error, "r").status_code == 500


def test_field_and_position_are_told_where_they_are_known() -> None:
    error = RequestError(Code.QUERY_INVALID, "No field Nmae.", field="Nmae", position=7)
    answer = answer_to(error, "r")
    assert answer.status_code == 400
    assert orjson.loads(answer.content) == {
        "error": "QUERY_INVALID",
        "message": "No field Nmae.",
        "help": "/docs/errors#QUERY_INVALID",
        "errors": [
            {
                "error_code": "QUERY_INVALID",
                "error_message": "No field Nmae.",
                "field": "Nmae",
                "position": 7,
            }
        ],
    }


def test_a_wrong_method_names_the_right_ones() -> None:
    answer = answer_to(MethodNotAllowed("BREW", ["GET", "PUT"], "Tea is elsewhere."), "r")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT")
    assert b"takes GET, PUT, not BREW. Tea is elsewhere." in answer.content
