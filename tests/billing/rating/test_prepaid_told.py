"""What is told of prepaid usage: what is left of it, and what it covered."""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from entities.query import query
from tests.billing.rating.test_loads import SYSTEM, Feed, feed, used
from tests.billing.rating.test_prepaid import prepaid

__all__ = ["feed"]

pytestmark = pytest.mark.django_db

D = Decimal
DAY = date(2026, 6, 15)


def test_what_is_left_can_be_asked_for(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 30})
    found = query(
        f"SELECT PrepaidRemaining FROM ACCOUNT_PRODUCT "
        f"WHERE Id IN ({own}, {usage['account_product_id']}) ORDER BY Id",
        SYSTEM,
    )
    assert [row["PrepaidRemaining"] for row in json.loads(found.json)] == [None, "70"]


def test_an_explanation_tells_what_was_covered(feed: Feed) -> None:
    from billing.rating.explaining import Question, explain, explain_line

    usage = used("Incremental")
    own = prepaid(usage)
    asked = Question(account_product_id=usage["account_product_id"], quantity=D(5), day=DAY)
    before = explain(asked, SYSTEM)
    assert re.fullmatch(
        rf"Usage draws on the prepaid usage of \S.* – .*\S \(account product {own}\): nothing was "
        r"drawn yet, usage beyond that is priced\.",
        before["Prepaid"]["Reason"],
    )
    feed.send({**usage, "quantity": 70}, {**usage, "quantity": 37}, {**usage, "quantity": 2})
    whole, part, rest = (explain_line(id, SYSTEM) for (id,) in feed.lines("id"))
    assert (whole["Amount"], whole["Conclusion"]) == ("0", "70 prepaid units x 0 = 0.")
    assert (part["Prepaid"]["Covered"], part["Quantity"]) == ("30", "7")
    assert part["Arithmetic"] == "5 x 10 + 2 x 8 = 66"
    assert (rest["Prepaid"], rest["Before"], rest["Amount"]) == (None, "7", "16")
    assert [told["Line"]["Agrees"] for told in (whole, part, rest)] == ["1", "1", "1"]
    assert "30 units are covered" in part["Text"][1]
    assert explain(asked, SYSTEM)["Prepaid"]["Remaining"] == "0"


def test_a_record_that_was_split_and_a_refill_are_explained(feed: Feed) -> None:
    from billing.rating.explaining import explain_line

    usage = used("Incremental", SplitUsage="1")
    prepaid(usage)
    feed.send({**usage, "quantity": 107})
    for (id,) in feed.lines("id"):
        told = explain_line(id, SYSTEM)
        assert (told["Line"]["Agrees"], told["Line"]["Lines"]) == ("1", "3")
    other = used()
    prepaid(other, refill=True)
    feed.send({**other, "quantity": 150})
    refill = explain_line(feed.lines("id")[0][0], SYSTEM)
    assert (refill["Amount"], refill["Line"]["Agrees"]) == ("20", "1")


def test_who_may_not_read_it_is_not_told_what_is_left(feed: Feed, clerk: Any) -> None:
    from billing.rating.explaining import Question, explain
    from entities.models import EntityField, EntityFieldRole

    usage = used()
    prepaid(usage)
    feed.send({**usage, "quantity": 30})
    asked = Question(account_product_id=usage["account_product_id"], quantity=D(5), day=DAY)
    context = clerk(ACCOUNT="R", PRODUCT="R", PRICING="R", ACCOUNT_PRODUCT="R")
    assert explain(asked, context)["Prepaid"]["Remaining"] == "70"
    field = EntityField.objects.get(external_key="ACCOUNT_PRODUCT.PrepaidRemaining")
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=field.entity, entity_field=field, read_flag=False
    )
    assert explain(asked, context)["Prepaid"] is None
