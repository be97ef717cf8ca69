"""How events become quantities: the figures others publish of aggregations and roundings."""

from decimal import Decimal
from typing import Any

import pytest

from billing.mediation.loads import finishing, running
from billing.mediation.models import LoadShard
from billing.rating import loads
from tests.billing.mediation.standing import Standing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

D = Decimal
SIGNED = {"SignatureFlag": "1"}
#: Lago's aggregations -> how a collector is told to do the same, and what the records come to.
AGGREGATIONS: dict[str, tuple[str, dict[str, Any], list[Decimal]]] = {
    "COUNT": ("Disable", {"Quantity": {"DefaultValue": "1"}}, [D(1), D(1)]),
    "SUM": ("Consolidation", {"Quantity": {"Source": "v", "Consolidation": "SUM"}}, [D(30)]),
    "MAX": (
        "Consolidation",
        {"Quantity": {"Source": "v", "Consolidation": "HIGH-WATER MARK"}},
        [D(20)],
    ),
    "UNIQUE_COUNT": ("Deduplication", {"Quantity": {"DefaultValue": "1"}}, [D(1)]),
}


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_events_of_one_id_are_aggregated(name: str) -> None:
    """Two events of one id, with the values 10 and 20 (Lago, aggregation examples)."""
    mode, quantity, expected = AGGREGATIONS[name]
    standing = Standing(ConsolidationMode=mode).maps(
        {
            "BillingIdentifier": {"Source": "who", **SIGNED},
            "ACTIVITY_DATE": "at",
            "ChargeType": {"Source": "id", **SIGNED},
            **quantity,
        }
    )
    standing.file(
        f"who,at,id,v\n{standing.token},2026-11-01 10:00,a,10\n"
        f"{standing.token},2026-11-01 11:00,a,20\n"
    )
    assert [q for (q,) in standing.lines("quantity")] == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("ROUND(NUMBER({!v}), 0)", "123"),
        ("CEIL(NUMBER({!v}) * 100) / 100", "123.46"),
        ("FLOOR(NUMBER({!v}) / 10) * 10", "120"),
    ],
)
def test_quantities_are_rounded_as_a_formula_says(formula: str, expected: str) -> None:
    standing = Standing().maps(
        {"BillingIdentifier": "who", "ACTIVITY_DATE": "at", "Quantity": {"Formula": formula}}
    )
    standing.file(f"who,at,v\n{standing.token},2026-11-01,123.4567\n")
    assert standing.lines("quantity") == [(D(expected),)]


def test_events_that_bring_their_amounts_are_added_up_with_them() -> None:
    """Three events of 22 units that cost 0.70, 0.55 and 2.20 (Lago, dynamic charges)."""
    standing = Standing(ConsolidationMode="Consolidation").maps(
        {
            "BillingIdentifier": {"Source": "who", **SIGNED},
            "ACTIVITY_DATE": "at",
            "Quantity": {"Source": "v", "Consolidation": "SUM"},
            "OVERRIDE_COST": "cost",
        }
    )
    load = standing.sent(
        "who,at,v,cost\n"
        + "".join(
            f"{standing.token},2026-11-01 1{n}:00,{units},{cost}\n"
            for n, (units, cost) in enumerate(((7, "0.70"), (5, "0.55"), (10, "2.20")))
        )
    )
    running.run(load.pk)
    for shard in LoadShard.objects.filter(load=load):
        loads.rate(load.pk, shard.shard)
    finishing.finish(load.pk)
    what = "quantity", "rated_amount", "round(cost_unrounded / quantity, 6)"
    assert standing.lines(*what) == [(22, D("3.45"), D("0.156818"))]
