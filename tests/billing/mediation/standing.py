"""A collector with all that its usage needs, and whoever rates in place of the rating engine."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from billing.mediation.loads import running
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorHistory,
    CollectorFields,
    LoadShard,
)
from entities import records
from entities.files import contents
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    ActivityCollectorFactory,
    ActivityCollectorMapFactory,
    BillingIdentifierFactory,
    ProductFactory,
    UsageIdentifierFactory,
)

SYSTEM = Context.system("test")

# Whoever rates: everything costs one a unit.
_RATED = """
INSERT INTO mediation_activity (account_id, account_product_id, product_id, activity_date,
    quantity, rated_amount, activity_collector_id, activity_collector_history_id, line_number,
    signature, billing_identifier_id, collector_stage_id, created, updated, min_charge_flag,
    estimated, effective_rated)
SELECT account_id, account_product_id, product_id, activity_date, quantity, quantity,
    collector_id, load_id, line, signature, billing_identifier_id, collector_fields_id, now(),
    now(), false, false, false
FROM mediation_usage WHERE load_id = %s AND shard = %s AND cause IS NULL
"""


def changed(entity: str, record_id: int, **values: Any) -> list[str]:
    """Change a record; what is wrong with it."""
    (outcome,) = records.update(entity, [{"Id": record_id, **values}], SYSTEM)
    return [p.message for p in outcome.problems]


def refused(entity: str, **values: Any) -> list[str]:
    """What is wrong with a new record."""
    (outcome,) = records.create(entity, [values], SYSTEM)
    return [p.message for p in outcome.problems]


class Standing:
    """An account with a token and a labelled product, and a collector that maps to them."""

    def __init__(self, **collector: Any) -> None:
        self.account = AccountFactory()
        self.label = UsageIdentifierFactory()
        self.product = ProductFactory(UsageIdentifierId=self.label)
        self.account_product = AccountProductFactory(
            AccountId=self.account, ProductId=self.product, StartDate="2026-01-01"
        )
        self.token = f"49151{self.account}"
        self.identifier = BillingIdentifierFactory(
            AccountId=self.account,
            AccountProductId=self.account_product,
            BillingIdentifier=self.token,
        )
        self.collector = ActivityCollectorFactory(HeaderRowFlag="1", **collector)

    def maps(self, rows: Mapping[str, Mapping[str, Any] | str]) -> "Standing":
        """Target -> Source, or all that a mapping says."""
        for order, (target, row) in enumerate(rows.items()):
            said = {"Source": row} if isinstance(row, str) else row
            ActivityCollectorMapFactory(
                ActivityCollectorId=self.collector, Target=target, SortOrder=order, **said
            )
        return self

    def usual(self) -> "Standing":
        return self.maps({"BillingIdentifier": "who", "ACTIVITY_DATE": "at", "Quantity": "much"})

    def file(self, content: str | bytes, name: str = "usage.csv") -> ActivityCollectorHistory:
        """A load of an uploaded file, mapped, rated and finished."""
        load = self.sent(content, name)
        drive(load.pk)
        load.refresh_from_db()
        return load

    def sent(self, content: str | bytes, name: str = "usage.csv") -> ActivityCollectorHistory:
        """A load of an uploaded file that waits."""
        data = content.encode() if isinstance(content, str) else content
        field = current().entity("ACTIVITY_COLLECTOR_HISTORY").field("UsageFile")
        stored = contents.put(name, data, field_id=field.id)
        (outcome,) = records.create(
            "ACTIVITY_COLLECTOR_HISTORY",
            [{"ActivityCollectorId": self.collector, "UsageFile": stored.key}],
            SYSTEM,
        )
        assert outcome.ok, outcome.problems
        return ActivityCollectorHistory.objects.get(pk=outcome.id)

    def model(self) -> ActivityCollector:
        return ActivityCollector.objects.get(pk=self.collector)

    def lines(self, *columns: str) -> list[tuple[Any, ...]]:
        """What was charged, in order."""
        names = ", ".join(columns or ("line_number", "quantity"))
        return asked(
            f"SELECT {names} FROM mediation_activity WHERE activity_collector_id = %s "
            f"ORDER BY activity_collector_history_id, line_number, id",
            self.collector,
        )

    def suspense(self) -> list[CollectorFields]:
        found = CollectorFields.objects.filter(activity_collector_id=self.collector)
        return list(found.filter(process_state="SUSPENSE").order_by("id"))


def asked(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def rate(load_id: int) -> None:
    """Rate the shards that are not, each in the transaction that says so."""
    for shard in LoadShard.objects.filter(load_id=load_id, rated=False):
        with connection.cursor() as cursor:
            cursor.execute(_RATED, [load_id, shard.shard])
        LoadShard.objects.filter(pk=shard.pk).update(rated=True)


def drive(load_id: int) -> None:
    """All that workers do with a load."""
    running.run(load_id)
    rate(load_id)
    running.finish(load_id)
