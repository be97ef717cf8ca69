"""A lookup by key takes the key in any case, and the Id; and tells no more than it did."""

from collections.abc import Callable

import pytest

from entities import records
from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db


def said(entity: str, rows: list[dict[str, str]], context: Context) -> list[str]:
    outcomes = records.create(entity, rows, context)
    return ["; ".join(p.message for p in outcome.problems) for outcome in outcomes]


@pytest.mark.parametrize("code", ["USD", "usd", "uSd"])
def test_a_key_is_taken_in_any_case(code: str, system: Context) -> None:
    from metabrm.localization.models import Language

    row = {"Name": "Spring", "PlanType": "STANDARD", "CurrencyCode": code}
    assert said("PRICING_PLAN", [row], system) == [""]
    identifier = str(Language.objects.get(language_code="en").pk)
    template = {"Name": "By Id", "LanguageCode": identifier}
    assert said("INVOICE_TEMPLATE", [template], system) == [""]
    changed = {"Id": "1", "LanguageCode": "EN"}
    (outcome,) = records.update("INVOICE_TEMPLATE", [changed], system)
    assert outcome.ok


def test_whoever_may_not_read_a_key_learns_nothing_of_it(clerk: Callable[..., Context]) -> None:
    context = clerk(PAYMENT="CRU")
    rows = [{"PaymentType": t} for t in ("CHECK", "check", "2", "Bitcoin")]
    assert set(said("PAYMENT", rows, context)) == {
        f"User {context.username} may not read PAYMENT_TYPE.Description."
    }
