"""A described world as records, made through the verbs; and its files as loads."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.mediation.loads import finishing, running
from billing.mediation.models import ActivityCollectorHistory, CollectorFields, LoadShard
from billing.rating import loads
from entities.files import contents
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.conftest import filled
from tests.billing.mediation.standing import asked
from tests.billing.pipeline.described import LABELS, World
from tests.billing.pipeline.expected import Books, Line
from tests.billing.pipeline.written import framed, source_of
from tests.billing.rating.oracle import Price
from tests.factories import ActivityCollectorFactory, UsageIdentifierFactory
from tests.making import created

SYSTEM = Context.system("test")
BEGIN = "2026-01-01"


def priced(owner: dict[str, int], currency: str, price: Price, **days: date | None) -> Any:
    """The price rows of a list of bands."""
    for order, (band, begin) in enumerate(zip(price.bands, price.begins, strict=True), 1):
        yield {
            **owner,
            "CurrencyCode": currency,
            "Rate": str(band.rate),
            "LowerBand": str(begin),
            "UpperBand": "-1" if band.to is None else str(band.to),
            "RateOrder": order,
            "FlatFee": band.flat_fee,
            "FeePerCharge": band.fee_per_charge,
            "MinCharge": band.min_charge,
            "MaxCharge": band.max_charge,
            "BlockSize": band.block_size,
            "IncludedQuantity": price.included_quantity if order == 1 else None,
            "IncludedCharges": price.included_charges if order == 1 else None,
            **days,
        }


class Made:
    """The records of a world; each list has the Ids of what stands at its places."""

    def __init__(self, world: World, books: Books) -> None:
        self.world = world
        self.books = books
        self.zones = dict(asked("SELECT name, id FROM localization_timezone"))
        self.labels = {one: UsageIdentifierFactory(UsageIdentifier=one) for one in LABELS}
        asked(
            "UPDATE localization_currency SET cost_rounding_rule = 'Round Up', "
            "currency_level_rounding = true WHERE currency_code = 'EUR' RETURNING 1"
        )
        self._accounts()
        self._catalog()
        self._services()
        self._collector()

    def _accounts(self) -> None:
        self.accounts: list[int] = []
        for number, one in enumerate(self.world.accounts):
            self.accounts += created(
                "ACCOUNT",
                [
                    {
                        "Name": f"Account {number}",
                        "AccountTypeId": "1",
                        "ParentAccountId": None
                        if one.parent is None
                        else self.accounts[one.parent],
                        "RateHierarchy": "1" if one.asks_above else "0",
                        "ActivityTimeZone": self.zones[one.zone] if one.zone else None,
                    }
                ],
            )
        paying = [
            (account, one.payment)
            for account, one in zip(self.accounts, self.world.accounts, strict=True)
            if one.payment is not None
        ]
        profiles = created(
            "BILLING_PROFILE",
            (
                filled(
                    "BILLING_PROFILE",
                    AccountId=account,
                    MonthlyBillingDate=str(payment.closing_day),
                    TimeZoneId=self.zones[payment.zone],
                    CurrencyCode=payment.currency,
                )
                for account, payment in paying
            ),
        )
        created(
            "INVOICE",
            (
                {
                    "BillingProfileId": profile,
                    "Status": "CLOSED",
                    "BillingCycleStartDate": payment.closed - timedelta(days=20),
                    "BillingCycleEndDate": payment.closed,
                }
                for profile, (_, payment) in zip(profiles, paying, strict=True)
                if payment.closed
            ),
        )

    def _catalog(self) -> None:
        catalog = self.world.products
        methods = created(
            "RATING_METHOD",
            (
                {
                    "RatingMethodType": "Usage",
                    "PricingType": "Tiered Pricing" if one.price.tiered else "Standard Pricing",
                    "AggregateRateType": ("Incremental" if one.price.incremental else "Bulk")
                    if one.price.tiered
                    else None,
                    "AggregationLevel": one.level,
                    "FlatRate": "1" if one.price.flat else "0",
                    "PercentageFlag": "1" if one.price.percentage else "0",
                    "SplitUsage": "1" if one.price.split else "0",
                }
                for one in catalog
            ),
        )
        self.products = created(
            "PRODUCT",
            (
                {
                    "Name": f"Product {number}",
                    "RatingMethodId": method,
                    "OverridePermissions": "No Restriction",
                    "UsageIdentifierId": self.labels[one.label] if one.label else None,
                }
                for number, (one, method) in enumerate(zip(catalog, methods, strict=True))
            ),
        )
        created(
            "PRICING",
            (
                row
                for product, one in zip(self.products, catalog, strict=True)
                for listed in one.lists
                for row in priced(
                    {"ProductId": product},
                    listed.currency,
                    listed.price,
                    EffectiveDate=listed.since,
                    EndDate=listed.until and listed.until - timedelta(days=1),
                )
            ),
        )

    def _services(self) -> None:
        agreed, services = self.world.agreed, self.world.services
        contracts = created(
            "CONTRACT",
            (
                {
                    "ContractNumber": f"C-{number}",
                    "AccountId": self.accounts[one.account],
                    "StartDate": BEGIN,
                    "OnEndDate": "Renew",
                }
                for number, one in enumerate(agreed)
            ),
        )
        self.agreed = created(
            "CONTRACT_RATE",
            (
                {
                    "ContractId": contract,
                    "ProductId": self.products[one.product],
                    "StartDate": one.since,
                }
                for contract, one in zip(contracts, agreed, strict=True)
            ),
        )
        self.services = created(
            "ACCOUNT_PRODUCT",
            (
                {
                    "AccountId": self.accounts[one.account],
                    "ProductId": self.products[one.product],
                    "StartDate": one.since,
                    "EndDate": one.until,
                    "RateOverride": None if one.rate is None else str(one.rate),
                    "Status": "ACTIVE" if one.active else "DEACTIVATED",
                }
                for one in services
            ),
        )
        owners = [
            ({"ContractRateId": id}, one.account, one.rate)
            for id, one in zip(self.agreed, agreed, strict=True)
        ]
        owners += [
            ({"AccountProductId": id}, one.account, one.own)
            for id, one in zip(self.services, services, strict=True)
            if one.own is not None
        ]
        created(
            "PRICING",
            (
                {
                    **owner,
                    "CurrencyCode": self.books.customers.currency(account),
                    "Rate": str(rate),
                    "UpperBand": "-1",
                }
                for owner, account, rate in owners
            ),
        )
        created(
            "BILLING_IDENTIFIER",
            (
                {
                    "BillingIdentifier": one.text,
                    "AccountId": self.accounts[one.account],
                    "AccountProductId": None if one.service is None else self.services[one.service],
                    "StartDate": one.since,
                    "EndDate": one.until,
                    "Status": "ACTIVE" if one.active else "DEACTIVATED",
                }
                for one in self.world.tokens
            ),
        )

    def _collector(self) -> None:
        how = self.world.collector
        self.collector = ActivityCollectorFactory(
            RecordFormat=how.form,
            Delimiter=how.delimiter,
            FieldIncludedChar=how.qualifier,
            HeaderRowFlag="1" if how.header else "0",
            SkipRows=how.skipped if framed(how) else 0,
            OmitEnd="1" if framed(how) and how.trailer else "0",
            Encoding=how.encoding,
            ConsolidationMode=how.mode,
            LateUsagePolicy="SUSPENSE" if how.late == "REJECT" else how.late,
            RejectClosedFlag="1" if how.late == "REJECT" else "0",
            **({"TimeZoneId": self.zones[how.zone]} if how.zone else {}),
            **({"LookbackTimePeriodStart": f"{how.lookback} DAYS"} if how.lookback else {}),
        )
        of = {"ActivityCollectorId": self.collector}
        targets = {
            "who": "BillingIdentifier",
            "at": "ACTIVITY_DATE",
            "much": "Quantity",
            "kind": "ChargeType",
            "label": "UsageIdentifier" if how.labels == "told" else None,
            "rate": "OVERRIDE_RATE",
            "cost": "OVERRIDE_COST",
        }
        created(
            "ACTIVITY_COLLECTOR_MAP",
            (
                {
                    **of,
                    "Name": name,
                    "Source": source_of(how, name),
                    "Target": target,
                    "SortOrder": order,
                    "DateFormat": how.dates if name == "at" and how.dates != "ISO" else None,
                    "Multiplier": how.multiplier if name == "much" else None,
                    "SignatureFlag": "1" if name in how.signature else "0",
                    "Consolidation": ("HIGH-WATER MARK" if how.highest else "SUM")
                    if name == "much"
                    else None,
                }
                for order, (name, target) in enumerate(targets.items())
            ),
        )
        if how.filtered:
            formula = "COALESCE({!kind}, 'none') <> 'SKIP'"
            created("ACTIVITY_COLLECTOR_FILTER", [{**of, "Formula": formula}])
        raised: dict[str, str | None] = {}
        if how.labels == "one":
            raised = {LABELS[0]: None}
        elif how.labels == "by kind":
            raised = {label: f"{{!kind}} IN ('{label}', 'BOTH')" for label in LABELS}
        created(
            "ACTIVITY_COLLECTOR_LABEL",
            (
                {**of, "UsageIdentifierId": self.labels[label], "Formula": formula}
                for label, formula in raised.items()
            ),
        )
        if framed(how) and how.trailer:
            created(
                "ACTIVITY_COLLECTOR_CONTROL",
                [{**of, "Position": "41-80" if how.form == "FIXED WIDTH" else "2"}],
            )

    def load(self, name: str, data: bytes) -> ActivityCollectorHistory:
        """All that workers do with a file."""
        field = current().entity("ACTIVITY_COLLECTOR_HISTORY").field("UsageFile")
        stored = contents.put(name, data, field_id=field.id)
        (id,) = created(
            "ACTIVITY_COLLECTOR_HISTORY",
            [{"ActivityCollectorId": self.collector, "UsageFile": stored.key}],
        )
        running.run(id)
        for shard in LoadShard.objects.filter(load_id=id, rated=False):
            loads.rate(id, shard.shard)
        finishing.finish(id)
        return ActivityCollectorHistory.objects.get(pk=id)

    def raise_prices(self, by: Decimal) -> None:
        """As `dearer` describes it."""
        asked(
            "WITH raised AS ("
            "UPDATE customers_accountproduct SET rate_override = rate_override + %s) "
            "UPDATE catalog_pricing SET rate = rate + %s * rate_order RETURNING 1",
            by,
            by,
        )

    def lines(self, load: int) -> dict[int, list[Line]]:
        """The lines of a load, in the terms of the world."""
        found: dict[int, list[Line]] = {}
        owners = {
            "Account Product": self.services,
            "Parent Account Product": self.services,
            "Contract Rate": self.agreed,
            "Product": self.products,
        }
        for at, service, moment, quantity, rate, cost, amount, currency, source, of, day in asked(
            "SELECT line_number, account_product_id, activity_date, quantity, rate, "
            "cost_unrounded, rated_amount, currency_code, rate_source, rate_source_id, rate_date "
            "FROM mediation_activity a WHERE activity_collector_history_id = %s "
            "AND reversal_of_id IS NULL AND NOT EXISTS ("
            "SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id) "
            "ORDER BY line_number, account_product_id, id",
            load,
        ):
            owner = owners[source].index(of) if source in owners else None
            found.setdefault(at, []).append(
                Line(
                    self.services.index(service),
                    moment,
                    quantity,
                    rate,
                    cost,
                    amount,
                    currency,
                    (source, owner),
                    day,
                )
            )
        return found

    def total(self) -> Decimal:
        """What all lines of the accounts come to, whatever their currencies."""
        ((found,),) = asked(
            "SELECT coalesce(sum(rated_amount), 0) FROM mediation_activity "
            "WHERE account_id = ANY(%s)",
            self.accounts,
        )
        return Decimal(found)

    def suspense(self, load: int) -> dict[int, set[str]]:
        """Line -> why its record waits."""
        found: dict[int, set[str]] = {}
        waiting = CollectorFields.objects.filter(activity_collector_history_id=load)
        for line, cause in waiting.filter(process_state="SUSPENSE").values_list(
            "file_line", "cause"
        ):
            found.setdefault(line, set()).add(cause)
        return found


def total(lines: dict[int, list[Line]], what: str) -> Decimal:
    return sum((getattr(line, what) for some in lines.values() for line in some), Decimal(0))
