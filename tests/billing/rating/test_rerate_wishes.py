"""Prices and plans that change ask for their lines to be rated again."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.rating.models import Rerate
from billing.rating.rerating import runs
from tests.billing.conftest import Maker
from tests.billing.mediation.standing import asked, changed
from tests.billing.rating.test_loads import Feed, used
from tests.billing.rating.test_rerating import standing_lines
from tests.factories import PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db


def wishes() -> list[tuple[Any, ...]]:
    return list(Rerate.objects.order_by("id").values_list("wanted", flat=True))


def price_of(product: int) -> int:
    ((id,),) = asked("SELECT id FROM catalog_pricing WHERE product_id = %s", product)
    return int(id)


def test_a_price_asks_where_its_flag_says_so(db: None) -> None:
    price = price_of(used()["product_id"])
    changed("PRICING", price, Rate="7")
    assert wishes() == []
    changed("PRICING", price, RerateFlag="1")
    assert wishes() == []
    changed("PRICING", price, Rate="8")
    changed("PRICING", price, Rate="8")
    assert wishes() == [{"pricing_id": price}]
    assert changed("PRICING", price, Rate="many") != []
    assert len(wishes()) == 1


def test_what_is_asked_is_carried_out(db: None) -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 4})
    price = price_of(usage["product_id"])
    changed("PRICING", price, Rate="3", RerateFlag="1")
    (run,) = runs.waiting()
    runs.carry_out(run)
    assert standing_lines(usage["product_id"]) == [(1, 4, 12)]
    done = Rerate.objects.get()
    assert (done.status, done.reason) == ("COMPLETED", f"Price {price} is changed.")
    assert asked(
        "SELECT count(*) FROM mediation_activity WHERE reprocess_queue_id = %s", done.pk
    ) == [(2,)]


def test_bands_of_a_list_are_one_wish(db: None) -> None:
    from entities import records
    from metabrm.identity.context import Context

    used("Incremental")
    ids = [row[0] for row in asked("SELECT id FROM catalog_pricing ORDER BY id")]
    rows = [{"Id": id, "FlatFee": "1", "RerateFlag": "1"} for id in ids]
    assert all(one.ok for one in records.update("PRICING", rows, Context.system("test")))
    assert len(wishes()) == 1


def test_a_plan_asks_by_itself(make: Maker) -> None:
    product = ProductFactory()
    plan = int(make("PRICING_PLAN", ProductId=product, EffectiveDate="2026-06-01"))
    price = PriceFactory(ProductId=str(product), MainPricingPlanId=str(plan), Rate="2")
    Rerate.objects.all().delete()
    changed("PRICING", price, Rate="3")
    assert wishes() == [{"pricing_plan_id": plan, "not_tiered": True}]
    Rerate.objects.all().delete()
    changed("PRICING_PLAN", plan, EndDate="2030-12-31")
    assert wishes() == [{"product_id": product}, {"pricing_plan_id": plan}]
    Rerate.objects.all().delete()
    changed("PRICING_PLAN", plan, Name="Another name")
    assert wishes() == []


def test_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    feed, usage = Feed(), used()
    feed.send({**usage, "quantity": 4})
    asked("UPDATE catalog_pricing SET rate = 3 RETURNING 1")
    with pytest.raises(CommandError, match="Say which lines"):
        call_command("rerate")
    for wrong, says in (
        (("--product", "999999"), "no PRODUCT with Id 999999"),
        (("--account", "-1"), "AccountId can't be '-1'"),
        (("--account", "9" * 30), "AccountId can't be '999"),
        (("--from", "2026-06-02", "--until", "2026-06-01"), "before Until, 2026-06-01"),
    ):
        with pytest.raises(CommandError, match=says):
            call_command("rerate", *wrong)
    for command in ("charge", "settle"):
        with pytest.raises(CommandError, match="no account with Id 99999"):
            call_command(command, account=[99999])
    call_command("rerate", "--preview", "--product", str(usage["product_id"]))
    assert len(feed.lines("id")) == 1
    call_command("rerate", "--product", str(usage["product_id"]), "--from", "2026-06-15")
    out = capsys.readouterr().out
    said = (
        f"ACCOUNT {usage['account_id']}, PRODUCT {usage['product_id']}, no invoice: 1 lines, "
        f"10.00 → 12.00 USD\n1 lines looked at, 1 cost something else: 10.00 → 12.00 USD (+2.00).\n"
    )
    assert out == said * 2
    assert len(feed.lines("id")) == 3


@pytest.mark.parametrize("owner", ["product", "account product", "contract rate", "plan"])
def test_lines_without_a_price_are_found_by_the_first_that_there_is(
    owner: str, make: Maker
) -> None:
    """The collector does not rate; whatever gets a price with the flag, or a plan, does."""
    feed, usage, other = Feed(), used(), used()
    asked("DELETE FROM catalog_pricing RETURNING 1")
    asked("UPDATE mediation_activitycollector SET rate_activity_flag = false RETURNING 1")
    feed.send({**usage, "quantity": 4}, {**other, "quantity": 4})
    assert feed.lines("process_status") == [("UNRATED",)] * 2
    price = {"Rate": "3", "UpperBand": "-1", "CurrencyCode": "USD"}
    if owner == "product":
        make("PRICING", ProductId=usage["product_id"], RerateFlag="1", **price)
    elif owner == "account product":
        own = usage["account_product_id"]
        make("PRICING", AccountProductId=own, RerateFlag="1", **price)
    elif owner == "plan":
        plan = make("PRICING_PLAN", ProductId=usage["product_id"], EffectiveDate="2026-06-01")
        make("PRICING", ProductId=usage["product_id"], MainPricingPlanId=plan, **price)
    else:
        contract = make("CONTRACT", AccountId=usage["account_id"])
        rate = make("CONTRACT_RATE", ContractId=contract, ProductId=usage["product_id"],
                    EndDate="2027-01-31")  # fmt: skip
        make("PRICING", ContractRateId=rate, RerateFlag="1", **price)
    for run in runs.waiting():
        runs.carry_out(run)
    assert standing_lines(usage["product_id"]) == [(1, 4, 12)]
    assert feed.lines("process_status", "cost_unrounded")[-1] == ("UNRATED", None)
    assert Rerate.objects.filter(changed_count=1).count() == 1
