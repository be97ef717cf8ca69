"""A described world as records, made through the verbs; and its files as loads."""

from datetime import timedelta
from decimal import Decimal

from billing.mediation.loads import finishing, reversing, running
from billing.mediation.models import ActivityCollectorHistory, CollectorFields, LoadShard
from billing.rating import loads
from entities.files import contents
from entities.schema.current import current
from tests.billing.conftest import filled
from tests.billing.mediation.standing import asked, changed
from tests.billing.pipeline.catalog import Catalog
from tests.billing.pipeline.described import LABELS, Agreed, World
from tests.billing.pipeline.expected import Books, Line
from tests.billing.pipeline.pricing import Source
from tests.billing.pipeline.written import framed, source_of
from tests.factories import ActivityCollectorFactory
from tests.making import created

BEGIN = "2026-01-01"


class Made:
    """The records of a world; each list has the Ids of what stands at its places."""

    def __init__(self, world: World, books: Books) -> None:
        self.world = world
        self.books = books
        self.zones = dict(asked("SELECT name, id FROM localization_timezone"))
        asked(
            "UPDATE localization_currency SET cost_rounding_rule = 'Round Up', "
            "currency_level_rounding = true WHERE currency_code = 'EUR' RETURNING 1"
        )
        self._accounts()
        self.catalog = Catalog(world)
        self.products = self.catalog.products
        self._contracts()
        self._services()
        self._priced()
        self._tokens()
        self.catalog.settle()
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
        closed = [
            (account, profile, payment.closed)
            for profile, (account, payment) in zip(profiles, paying, strict=True)
            if payment.closed
        ]
        ids = created(
            "INVOICE",
            (
                {
                    "BillingProfileId": profile,
                    "Status": "CLOSED",
                    "BillingCycleStartDate": day - timedelta(days=20),
                    "BillingCycleEndDate": day,
                }
                for _, profile, day in closed
            ),
        )
        #: Accounts with their closed invoices.
        self.invoices = {
            self.accounts.index(account): id for (account, *_), id in zip(closed, ids, strict=True)
        }

    def _contracts(self) -> None:
        agreed = self.world.contracts
        self.contracts = created(
            "CONTRACT",
            (
                {
                    "ContractNumber": f"C-{number}",
                    "AccountId": self.accounts[one.account],
                    "StartDate": one.since,
                    "EndDate": one.until,
                    "OnEndDate": "Terminate" if one.until else "Renew",
                    "ContractStatus": one.status,
                    "RateClassId": None
                    if one.rate_class is None
                    else self.catalog.classes[one.rate_class],
                }
                for number, one in enumerate(agreed)
            ),
        )
        created(
            "CONTRACT_CURRENCY",
            (
                {"ContractId": id, "CurrencyCode": currency}
                for id, one in zip(self.contracts, agreed, strict=True)
                for currency in one.currencies
            ),
        )
        of: list[tuple[dict[str, object], tuple[Agreed, ...]]] = [
            ({"ContractId": id}, one.rates) for id, one in zip(self.contracts, agreed, strict=True)
        ]
        self.rates = self.catalog.agreed("CONTRACT_RATE", of)

    def _services(self) -> None:
        services = self.world.services
        bundled = {
            (one.account, self.world.places[one.place].package): 0
            for one in services
            if one.bundled and one.place is not None
        }
        made = created(
            "ACCOUNT_PACKAGE",
            (
                {
                    "AccountId": self.accounts[account],
                    "PackageId": self.catalog.packages[package],
                    "StartDate": BEGIN,
                }
                for account, package in bundled
            ),
        )
        bundles = dict(zip(bundled, made, strict=True))
        self.services: list[int] = []
        pools = sum(self._is_pool(one.product) for one in services)
        for some in (services[:pools], services[pools:]):
            self.services += created(
                "ACCOUNT_PRODUCT",
                [
                    {
                        "AccountId": self.accounts[one.account],
                        "ProductId": self.products[one.product],
                        "StartDate": one.since,
                        "EndDate": one.until,
                        "Quantity": one.quantity,
                        "RateOverride": None if one.rate is None else str(one.rate),
                        "Status": "ACTIVE" if one.active else "DEACTIVATED",
                        "RatingMethodId": None
                        if one.method is None
                        else self.catalog.methods[one.method],
                        "PackageProductId": None
                        if one.place is None
                        else self.catalog.places[one.place],
                        "AccountPackageId": bundles[
                            one.account, self.world.places[one.place].package
                        ]
                        if one.bundled and one.place is not None
                        else None,
                        "ContractId": None
                        if one.contract is None
                        else self.contracts[one.contract],
                        "ParentCustomerProductId": None
                        if one.paid is None
                        else self.services[one.paid],
                    }
                    for one in some
                ],
            )

    def _is_pool(self, product: int) -> bool:
        return self.world.methods[self.world.products[product].method].refills is not None

    def _priced(self) -> None:
        of_services = zip(self.services, self.world.services, strict=True)
        self.catalog.prices(
            [
                *self.catalog.own_prices(),
                *((one.owner, one.agreed.lists) for one in self.rates),
                *(({"AccountProductId": id}, one.own) for id, one in of_services),
            ]
        )

    def _tokens(self) -> None:
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
            "origin": "ORIGINATION_COUNTRY_CODE" if how.located else None,
            "goal": "DESTINATION_COUNTRY_CODE" if how.located else None,
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
                {**of, "UsageIdentifierId": self.catalog.labels[label], "Formula": formula}
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

    def take_back(self, load: int, kept: set[int]) -> None:
        """Reverse a load; the lines of the accounts that are kept stand on a closed invoice."""
        for account in kept:
            asked(
                "UPDATE mediation_activity SET invoice_id = %s "
                "WHERE activity_collector_history_id = %s AND account_id = %s RETURNING 1",
                *(self.invoices[account], load, self.accounts[account]),
            )
        assert changed("ACTIVITY_COLLECTOR_HISTORY", load, Status="REVERSED") == []
        assert reversing.reverse(load)

    def raise_prices(self, by: Decimal) -> None:
        """As `dearer` describes it."""
        for table in ("customers_accountproduct", "catalog_packageproduct"):
            asked(f"UPDATE {table} SET rate_override = rate_override + %s RETURNING 1", by)
        asked("UPDATE catalog_countrycodemap SET rate = rate + %s RETURNING 1", by)
        asked("UPDATE catalog_pricing SET rate = rate + %s * rate_order RETURNING 1", by)

    def lines(self, load: int) -> dict[int, list[Line]]:
        """The lines of a load that stand, in the terms of the world."""
        found: dict[int, list[Line]] = {}
        owners: dict[str, dict[int, object]] = {
            **dict.fromkeys(
                (
                    *("Account Product", "Account Package Product", "Parent Account Product"),
                    "Prepaid",
                ),
                _places(self.services),
            ),
            "Contract Rate": {one.id: one.place for one in self.rates},
            "Rate Class": {one.id: one.place for one in self.catalog.entries},
            "Package Product": _places(self.catalog.places),
            "Product": _places(self.products),
        }
        for at, service, *values, source, of, day, paid, covered in asked(
            "SELECT line_number, account_product_id, activity_date, quantity, rate, "
            "cost_unrounded, rated_amount, currency_code, rate_source, rate_source_id, rate_date, "
            "prepaid_by_id, prepaid_quantity "
            "FROM mediation_activity a WHERE activity_collector_history_id = %s "
            "AND reversal_of_id IS NULL AND NOT EXISTS ("
            "SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id) "
            "ORDER BY line_number, account_product_id, id",
            load,
        ):
            where: Source = (source, owners[source][of] if source in owners else None)
            own = self.services.index(service)
            by = None if paid is None else self.services.index(paid)
            found.setdefault(at, []).append(Line(own, *values, where, day, by, covered))
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


def _places(ids: list[int]) -> dict[int, object]:
    return {id: place for place, id in enumerate(ids)}


def total(lines: dict[int, list[Line]], what: str) -> Decimal:
    """The sum over lines; refills are no usage."""
    standing = [line for some in lines.values() for line in some]
    return sum(
        (getattr(one, what) for one in standing if not (what == "quantity" and one.refill)),
        Decimal(0),
    )
