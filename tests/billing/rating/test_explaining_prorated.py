"""What is told of a line for a part of a cycle: the days it is for, and how they are counted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.rating.explaining import explain_line
from metabrm import clock
from metabrm.identity.context import Context
from tests.billing.rating.test_explorer import EXPLORER, signed_in
from tests.billing.rating.test_recurring import CREDITS, THIRTY, change, lines, provided, run

SYSTEM = Context.system("test")
SINCE = {"BillingCycleStartDate": "2023-05-23"}


@pytest.fixture(autouse=True)
def in_2037(db: None) -> Iterator[None]:
    with clock.frozen(datetime(2037, 5, 10, 12, tzinfo=UTC)):
        yield


def told(id: int, nth: int = 0, context: Context = SYSTEM) -> dict[str, Any]:
    return explain_line(lines(id, "id")[nth][0], context)


def test_thirty_days_a_month() -> None:
    id = provided("2023-05-15", "19.95", THIRTY, **SINCE)
    run("2023-05-15")
    said = told(id)
    reason = "The line is for 8 of the 30 days of its cycle, counted by 30/360."
    assert said["Prorated"] == {
        "Days": "8",
        "CycleDays": "30",
        "DayCount": "30/360",
        "Reason": reason,
    }
    assert said["Arithmetic"] == "1 x 19.95 x 8/30 = 5.32"
    assert (said["Amount"], said["Line"]["Agrees"]) == ("5.32", "1")
    assert said["Price"]["ProrateFactor"] == "0.2666666667"
    assert reason in said["Text"]


@pytest.mark.parametrize(
    ("terms", "arithmetic"),
    [
        ({}, "1 x 19.95 x 8/30 = 5.32"),
        ({"method": {"FlatRate": "1"}}, "19.95 flat fee x 8/30 = 5.32"),
        ({"Quantity": "3"}, "3 x 19.95 x 8/30 = 15.96"),
    ],
)
def test_days_of_the_calendar(terms: dict[str, Any], arithmetic: str) -> None:
    id = provided(**{"start": "2023-05-15", "rate": "19.95", **SINCE, **terms})
    run("2023-05-15")
    said = told(id)
    assert (said["Arithmetic"], said["Line"]["Agrees"]) == (arithmetic, "1")
    assert said["Prorated"]["Reason"] == "The line is for 8 of the 30 days of its cycle."


def test_a_whole_cycle_says_nothing_of_days_and_its_credit_does() -> None:
    id = provided("2023-05-15", "19.95", THIRTY | CREDITS)
    run("2023-05-15")
    change(id, EndDate="2023-05-22")
    run("2023-05-23")
    assert told(id)["Prorated"] is None
    credit = told(id, 1)
    assert credit["Arithmetic"] == "-1 x 19.95 x 22/30 = -14.63"
    assert credit["Line"]["Agrees"] == "1"


def test_days_are_told_to_whoever_sees_what_is_charged(clerk: Any) -> None:
    id = provided("2023-05-15", "19.95", THIRTY, **SINCE)
    run("2023-05-15")
    rights = dict.fromkeys(("ACCOUNT", "PRODUCT", "PRICING", "ACTIVITY"), "R")
    said = told(id, context=clerk(**rights))
    assert said["Prorated"] is None
    assert said["Arithmetic"] == "1 x 19.95 x 0.2666666667 = 5.32"
    said = told(id, context=clerk(**rights, CHARGED_PERIOD="R"))
    assert said["Prorated"]["Days"] == "8"
    page = signed_in(clerk(**rights, CHARGED_PERIOD="R", ACCOUNT_PRODUCT="R"))
    html = page.get(EXPLORER, {"ActivityId": lines(id, "id")[0][0]}).content.decode()
    assert "The line is for 8 of the 30 days of its cycle, counted by 30/360." in html
