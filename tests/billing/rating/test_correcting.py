"""A line that was wrong is corrected: taken back, written anew, and all that hangs on it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.rating.models import Rerate
from billing.rating.rerating import asked as door
from entities.access.rights import rights
from entities.errors import RequestError
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.mediation.standing import asked
from tests.billing.rating.test_loads import Feed, used
from tests.billing.rating.test_rerating import every_line, standing_lines, sums
from tests.factories import AccountProductFactory, InvoiceFactory, PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")
D = Decimal


def line_of(number: int) -> str:
    ((id,),) = asked(
        "SELECT id FROM mediation_activity a WHERE line_number = %s AND reversal_of_id IS NULL AND "
        "split_from_bill_act_id IS NULL AND NOT EXISTS "
        "(SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id)",
        number,
    )
    return str(id)


def corrected(line: int | str, **sent: Any) -> Any:
    """What a preview told, which is what then happened."""
    given = {"ActivityId": line if isinstance(line, str) else line_of(line), **sent}
    before = every_line()
    shown = door.corrected({**given, "Preview": "1"}, SYSTEM)
    assert every_line() == before
    assert door.corrected(given, SYSTEM) == shown
    return shown


@pytest.fixture
def tiers() -> dict[str, int]:
    """4, 4 and 4 units of 10 up to 5, 8 up to 10, 6 beyond."""
    feed, usage = Feed(), used("Incremental")
    feed.send(*[{**usage, "quantity": 4}] * 3)
    return usage


@pytest.mark.parametrize(
    ("sent", "expected", "reached"),
    [
        ({"Quantity": "2"}, [(1, 2, 20), (2, 4, 38), (3, 4, 32)], (10, 3)),
        ({"Withdraw": "1"}, [(2, 4, 40), (3, 4, 34)], (8, 2)),
        ({"Rate": "1.5"}, [(1, 4, 6), (2, 4, 40), (3, 4, 34)], (8, 2)),
        ({"Cost": "7"}, [(1, 4, 7), (2, 4, 40), (3, 4, 34)], (8, 2)),
        # Among the others it comes last, then; in July it is alone, with no other before it.
        (
            {"ActivityDate": "2026-06-20T00:00:00Z"},
            [(1, 4, 28), (2, 4, 40), (3, 4, 34)],
            (12, 3),
        ),
    ],
)  # fmt: skip
def test_what_hangs_on_a_line_moves_with_it(
    tiers: dict[str, int],
    sent: dict[str, str],
    expected: list[tuple[int, int, int]],
    reached: tuple[int, int],
) -> None:
    corrected(1, **sent)
    assert standing_lines(tiers["product_id"]) == expected
    assert sums() == [reached]
    run = Rerate.objects.get()
    assert (run.kind, run.status) == ("CORRECTION", "COMPLETED")
    if "Withdraw" not in sent:
        # What is right already is left alone.
        before = every_line()
        assert corrected(1, **sent).changed == 0
        assert every_line() == before
        assert Rerate.objects.count() == 1


def test_an_override_is_taken_away_by_null(tiers: dict[str, int]) -> None:
    corrected(1, Rate="1.5")
    corrected(1, Rate=None)
    assert standing_lines(tiers["product_id"]) == [(1, 4, 40), (2, 4, 34), (3, 4, 28)]


def test_it_was_of_another_account(tiers: dict[str, int]) -> None:
    other = AccountProductFactory(ProductId=str(tiers["product_id"]))
    corrected(2, AccountProductId=str(other))
    assert asked(
        "SELECT account_product_id, cost_unrounded FROM mediation_activity "
        "WHERE rerated_from_id IS NOT NULL ORDER BY line_number"
    ) == [(other, D(40)), (tiers["account_product_id"], D(34))]
    assert sums() == [(8, 2), (4, 1)]


def test_it_was_of_another_product(tiers: dict[str, int]) -> None:
    product = ProductFactory()
    PriceFactory(ProductId=str(product), Rate="3")
    corrected(1, ProductId=str(product))
    assert standing_lines(product) == [(1, 4, 12)]
    assert standing_lines(tiers["product_id"]) == [(2, 4, 40), (3, 4, 34)]


def test_a_line_on_a_closed_invoice_is_taken_back_on_the_next(tiers: dict[str, int]) -> None:
    invoice = InvoiceFactory(Status="CLOSED")
    asked(
        "UPDATE mediation_activity SET invoice_id = %s WHERE line_number < 3 RETURNING 1", invoice
    )
    corrected(1, Quantity="3")
    assert asked(
        "SELECT invoice_id IS NOT NULL, quantity, reversal_of_id IS NOT NULL, "
        "rerated_from_id IS NOT NULL FROM mediation_activity WHERE line_number = 1 ORDER BY id"
    ) in [
        [(True, 4, False, False), (False, one, one < 0, one > 0), (False, two, two < 0, two > 0)]
        for one, two in ((-4, 3), (3, -4))
    ]
    # The other closed line stays; what is corrected is added up after it, the open line at last.
    assert standing_lines(tiers["product_id"]) == [(1, 3, 26), (2, 4, 34), (3, 4, 30)]
    assert sums() == [(11, 3)]
    before = every_line()
    assert corrected(2, Quantity="4", ProductId=str(tiers["product_id"])).changed == 0
    assert every_line() == before


@pytest.mark.parametrize(
    ("sent", "code", "says"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "ActivityId"),
        ({"ActivityId": "9" * 18, "Quantity": "1"}, "RECORD_NOT_FOUND", "no ACTIVITY"),
        ({"ActivityId": "it"}, "INVALID_VALUE", "corrected, by Quantity"),
        ({"ActivityId": "it", "Withdraw": "1", "Quantity": "1"}, "INVALID_VALUE", "Withdraw 1"),
        ({"ActivityId": "it", "Quantity": "NaN"}, "INVALID_VALUE", "such as 12.5"),
        ({"ActivityId": "it", "Quantity": "1e18"}, "INVALID_VALUE", "at most 18 digits"),
        ({"ActivityId": "it", "ActivityDate": "soon"}, "INVALID_VALUE", "2026-06-15"),
        ({"ActivityId": "it", "ActivityDate": "9999-12-31"}, "INVALID_VALUE", "last five years"),
        ({"ActivityId": "it", "ProductId": "99999"}, "LOOKUP_NOT_FOUND", "no PRODUCT"),
        ({"ActivityId": "it", "AccountProductId": "99999"}, "LOOKUP_NOT_FOUND", "ACCOUNT_PRODUCT"),
        ({"ActivityId": "it", "Quantity": "1", "Start": "-1"}, "INVALID_VALUE", "0 or more"),
        (
            {"ActivityId": "it", "Quantity": "9" * 18, "Rate": "9" * 18},
            "NUMBER_OUT_OF_RANGE",
            "more digits than a line can hold",
        ),
        ({"ActivityId": "it", "Quantty": "1"}, "UNKNOWN_FIELD", "Did you mean Quantity?"),
        ({"ActivityId": "it", "Quantity": "1", "Count": "1001"}, "INVALID_VALUE", "at most 1000"),
        ({"ActivityId": "it", "Quantity": "1", "Preview": "yes"}, "INVALID_VALUE", "1 or 0"),
    ],
)
def test_what_cannot_be_corrected_is_told(
    tiers: dict[str, int], sent: dict[str, str], code: str, says: str
) -> None:
    asked("UPDATE catalog_pricing SET end_date = '2030-12-31' RETURNING 1")
    if sent.get("ActivityId") == "it":
        sent = {**sent, "ActivityId": line_of(1)}
    before = every_line()
    with pytest.raises(RequestError) as refused:
        door.corrected(sent, SYSTEM)
    assert (refused.value.code, says in refused.value.message) == (code, True), refused.value
    assert (every_line(), Rerate.objects.count()) == (before, 0)


def test_a_line_that_was_taken_back_leads_to_the_one_that_stands(tiers: dict[str, int]) -> None:
    old = line_of(1)
    corrected(1, Quantity="2")
    ((back,),) = asked("SELECT id FROM mediation_activity WHERE reversal_of_id = %s", int(old))
    for line, says in ((old, f"line {line_of(1)} replaced it"), (str(back), f"takes line {old}")):
        with pytest.raises(RequestError) as refused:
            door.corrected({"ActivityId": line, "Quantity": "1"}, SYSTEM)
        assert says in refused.value.message


def test_lines_are_asked_for_by_name(
    tiers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked("UPDATE catalog_pricing SET rate = rate + 1 RETURNING 1")
    given = {"productid": str(tiers["product_id"]), "From": "2026-06-15", "Until": "2026-06-15"}
    told, run = door.rerated({**given, "Preview": "1", "Count": "1", "Start": "1"}, SYSTEM)
    assert told is not None
    assert (run, told.changed, [one.old for one in told.page]) == (None, 3, [D(34)])
    told, run = door.rerated(given, SYSTEM)
    assert told is None
    assert Rerate.objects.get(pk=run).status == "PENDING"
    for wrong, code in (
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"Preview": "1"}, "REQUIRED_FIELD_MISSING"),
        ({"ProductId": "1 OR 1=1"}, "INVALID_VALUE"),
        ({"From": "2026-02-30"}, "INVALID_VALUE"),
        ({"Product": "1"}, "UNKNOWN_FIELD"),
        ({"ProductId": "999999"}, "LOOKUP_NOT_FOUND"),
        ({"From": "2026-06-16", "Until": "2026-06-15"}, "INVALID_VALUE"),
        ({"Until": "9999-12-31"}, "INVALID_VALUE"),
    ):
        with pytest.raises(RequestError) as refused:
            door.rerated(wrong, SYSTEM)
        assert refused.value.code == code
    monkeypatch.setattr(door, "MOST", 2)
    with pytest.raises(RequestError, match="These are 3 lines, and a preview tells of 2"):
        door.rerated({**given, "Preview": "1"}, SYSTEM)


def test_a_record_that_is_not_the_callers_to_see_is_not_there(
    tiers: dict[str, int], clerk: Callable[..., Any]
) -> None:
    caller = clerk(ACTIVITY="CRU", PRODUCT="R", ACCOUNT="R", ACCOUNT_PRODUCT="R")
    asked(
        "UPDATE entities_entity SET sharing_model = 'PRIVATE' "
        "WHERE entity_name IN ('ACCOUNT', 'ACCOUNT_PRODUCT') RETURNING 1"
    )
    account, product = str(tiers["account_id"]), str(tiers["account_product_id"])
    for sent, code in (
        ({"AccountId": account}, "LOOKUP_NOT_FOUND"),
        ({"AccountProductId": product}, "LOOKUP_NOT_FOUND"),
        ({"InvoiceId": "1"}, "INSUFFICIENT_RIGHTS"),
    ):
        with pytest.raises(RequestError) as refused:
            door.rerated({**sent, "Preview": "1"}, caller)
        assert refused.value.code == code
    with pytest.raises(RequestError) as refused:
        door.corrected({"ActivityId": line_of(1), "AccountProductId": product}, caller)
    assert refused.value.code == "LOOKUP_NOT_FOUND"


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [("CRU", True), ("CRUD", True), ("R", False), ("CR", False), ("RU", False), ("", False)],
)
def test_who_may(clerk: Callable[..., Any], granted: str, allowed: bool) -> None:
    caller = clerk(**({"ACTIVITY": granted} if granted else {}))
    snapshot = current()
    seen = rights(snapshot, caller, snapshot.entity("ACTIVITY"))
    assert door.may(seen) is allowed
    if not allowed:
        with pytest.raises(RequestError, match="may not rate lines again"):
            door.require(seen, caller)
