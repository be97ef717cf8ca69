"""Usage, quotes, contacts: every entity holds what is documented and keeps its rules."""

import json
from pathlib import Path

import pytest

from entities import records
from entities.errors import Code, RequestError
from tests import served
from tests.factories import CollectorFieldsFactory, PackageFactory, PackageProductFactory
from tests.served import EveryEntity, Served

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)

pytestmark = pytest.mark.django_db

SERVED = {
    "ACTIVITY": Served(
        keys="",
        restrict="AccountId InvoiceId ProductId AccountProductId",
        stays=(
            "AccountPackageId PackageProductId CurrencyCode PricingCurrencyCode RatingMethodId "
            "PricingId ContractId ContractRateId RateClassProductId CountryCodeMapId "
            "OriginationCountryCodeId DestinationCountryCodeId SplitFromBillActId DiscountedBy "
            "DiscountActivityId ActivityCollectorId CollectorStageId BillingIdentifierId "
            "BillingIdentifierAccountProductId EventInvoiceCycleId ManualChargeByUserId "
            "ActivityCollectorHistoryId ReversalOfId ReratedFromId PrepaidById"
        ),
        refused=(
            (
                {"SubscriptionFromDate": "2026-02-02", "SubscriptionToDate": "2026-02-01"},
                "SubscriptionToDate is not before SubscriptionFromDate.",
            ),
            ({"InvoiceId": "0"}, "InvoiceId: there is no INVOICE with Id 0."),
            ({"Quantity": "two"}, "Quantity is 'two'; send a number such as 12.50."),
        ),
    ),
    "ACTIVITY_COLLECTOR": Served(
        keys="ActivityCollectorName",
        lists={
            "Status": ("Production Mode", "Test Mode", "DEACTIVATED"),
            "Type": ("API", "BULK_DATA_LOADER", "FTP", "DATABASE", "ENTITY"),
            "ConsolidationMode": ("Consolidation", "Deduplication", "Disable"),
            "Encoding": ("UTF-8", "UTF-16", "WINDOWS-1252", "ISO-8859-1"),
            "LateUsagePolicy": ("CURRENT PERIOD", "ORIGINAL PERIOD IF OPEN", "SUSPENSE"),
        },
        restrict="AccountId TimeZoneId Entity_Id",
        full={
            "Type": "API",
            "RecordFormat": "FIXED WIDTH",
            "Delimiter": ";",
            "FieldIncludedChar": "'",
        },
        refused=(
            (
                {"Type": "FTP", "FtpDirectory": "/in"},
                "A collector of Type FTP has an FtpDirectory and an FtpFilePattern.",
            ),
            ({"HostPort": "0"}, "HostPort is a port from 1 to 65535."),
            ({"HostPort": "65536"}, "HostPort is a port from 1 to 65535."),
            ({"SkipRows": "-1"}, "SkipRows is 0 or more."),
        ),
    ),
    "ACTIVITY_COLLECTOR_HISTORY": Served(
        lists={
            "Status": (
                "PENDING LOGOUT",
                "PENDING",
                "RUNNING",
                "COMPLETED",
                "FAILED",
                "CANCELLED",
                "PARKED",
                "REVERSING",
                "REVERSED",
            ),
            "Source": ("API", "FILE", "SFTP", "QUERY", "EVENTS", "SUSPENSE"),
        },
        restrict="ActivityCollectorId",
        refused=(
            (
                {"StartDate": "2026-02-02T00:00:00Z", "EndDate": "2026-02-01T00:00:00Z"},
                "EndDate is not before StartDate.",
            ),
            ({"RecordCount": "-1"}, "RecordCount is 0 or more."),
        ),
    ),
    "ACTIVITY_COLLECTOR_MAP": Served(
        lists={"Consolidation": ("SUM", "HIGH-WATER MARK")},
        cascade="ActivityCollectorId",
        full={"Target": "ACTIVITY_DATE", "Formula": "DATE({!Day})", "DateFormat": "DD.MM.YYYY"},
    ),
    "ACTIVITY_COLLECTOR_FILTER": Served(
        cascade="ActivityCollectorId", full={"Formula": "{!Kind} = 'CALL'"}
    ),
    "ACTIVITY_COLLECTOR_LABEL": Served(
        cascade="ActivityCollectorId",
        restrict="UsageIdentifierId",
        full={"Formula": "{!Kind} = 'CALL'"},
    ),
    "ACTIVITY_COLLECTOR_CONTROL": Served(
        lists={"Place": ("HEADER", "TRAILER"), "Kind": ("RECORD COUNT", "SUM", "TEXT")},
        cascade="ActivityCollectorId",
        refused=(({"LineNumber": "-1"}, "LineNumber is 0 or more."),),
    ),
    "COLLECTOR_FIELDS": Served(
        restrict="ACTIVITY_COLLECTOR_ID ACTIVITY_COLLECTOR_HISTORY_ID",
        set_null="ParentCollectorFieldId",
        refused=(({"MappingCount": "-1"}, "MappingCount is 0 or more."),),
    ),
    "ACCOUNT_CONTACT": Served(
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
        },
        restrict="ContactTypeId LanguageCode",
        cascade="AccountId",
    ),
    "ACCOUNT_CONTACT_TYPE": Served(
        restrict="ContactTypeId",
        cascade="AccountContactId",
    ),
    "CONTACT_TYPE": Served(
        keys="Name",
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
        },
    ),
    "SUBSCRIPTION": Served(
        restrict="AccountId",
        refused=(
            (
                {"StartDate": "2026-02-02", "EndDate": "2026-02-01"},
                "EndDate is not before StartDate.",
            ),
            ({"RunCount": "-1"}, "RunCount is 0 or more."),
        ),
    ),
    "QUOTE": Served(
        lists={
            "CalculationMode": ("Termed", "Evergreen"),
            "OnEndDate": ("Renew", "Terminate"),
            "Status": (
                "DRAFT",
                "PENDING APPROVAL",
                "APPROVED",
                "REJECTED",
                "SENT",
                "ACCEPTED",
                "ACTIVATED",
                "EXPIRED",
                "CANCELLED",
            ),
        },
        restrict="AccountId Currency DefaultContractId QuoteDraftId",
        set_null="OriginalQuoteId ParentQuoteId SourceQuoteId",
        refused=(({"EndDate": "2026-01-31"}, "EndDate is not before StartDate."),),
    ),
    "QUOTE_DRAFT": Served(
        lists={
            "CalculationMode": ("Termed", "Evergreen"),
            "OnEndDate": ("Renew", "Terminate"),
        },
        restrict="AccountId Currency DefaultContractId",
        set_null="OriginalQuoteId ParentQuoteId",
    ),
    "QUOTE_PRODUCT": Served(
        restrict="ProductId PackageId PackageProductId RatingMethodId",
        cascade="QuoteId",
        set_null=(
            "ParentQuoteProductId OriginalQuoteProductId AccountPackageId ActivationContractId "
            "ViewActivationContractId"
        ),
    ),
    "QUOTE_PERIOD": Served(
        lists={
            "PeriodLengthName": ("Day", "Week", "Month", "Quarter", "Year"),
        },
        cascade="QuoteId",
        refused=(
            (
                {"StartDate": "2026-02-02", "EndDate": "2026-02-01"},
                "EndDate is not before StartDate.",
            ),
        ),
    ),
    "QUOTE_PRODUCT_PERIOD": Served(
        cascade="QuoteProductId QuotePeriodId",
        refused=(({"Quantity": "-1"}, "Quantity is 0 or more."),),
    ),
    "PRICING_DRAFT": Served(
        restrict="CurrencyCode",
        cascade="ProductId PackageProductId ContractRateId",
        full={"LowerBand": "0"},
        refused=(
            ({"LowerBand": "-1"}, "LowerBand is 0 or more."),
            (
                {"LowerBand": "5", "UpperBand": "5"},
                "UpperBand is greater than LowerBand, or -1 for no limit.",
            ),
            (
                {"EffectiveDate": "2026-02-02", "EndDate": "2026-02-01"},
                "EndDate is not before EffectiveDate.",
            ),
            ({"BlockSize": "0"}, "BlockSize is greater than 0, or empty for single units."),
        ),
    ),
    "MICROSOFT_DYNAMICS_MAPPING": Served(),
}


class TestEveryEntity(EveryEntity):
    documented = DOCUMENTED
    served = SERVED
    kept = ("COLLECTOR_FIELDS",)


def test_collected_usage_is_not_deleted() -> None:
    record_id = CollectorFieldsFactory()
    with pytest.raises(RequestError) as refused:
        records.delete("COLLECTOR_FIELDS", [record_id], served.SYSTEM)
    assert refused.value.code is Code.METHOD_NOT_ALLOWED
    assert served.read("COLLECTOR_FIELDS", record_id) is not None


def test_names_that_differ_in_an_underscore_are_two_fields() -> None:
    record_id = CollectorFieldsFactory(PROCESS_STATUS="collected", ProcessStatus="mapped")
    stored = served.read("COLLECTOR_FIELDS", record_id)
    assert stored is not None
    assert (stored["PROCESS_STATUS"], stored["ProcessStatus"]) == ("collected", "mapped")
    records.update("COLLECTOR_FIELDS", [{"Id": record_id, "process_status": "new"}], served.SYSTEM)
    stored = served.read("COLLECTOR_FIELDS", record_id)
    assert stored is not None
    assert (stored["PROCESS_STATUS"], stored["ProcessStatus"]) == ("new", "mapped")


def test_a_package_reads_as_a_tree() -> None:
    package = PackageFactory()
    top = PackageProductFactory(Name="Line", PackageId=package)
    below = PackageProductFactory(Name="Minutes", PackageId=package, ParentPackageProductId=top)
    assert served.read("PACKAGE_COMPONENT_HIER", below) == {
        "Id": str(below),
        "PackageId": str(package),
        "ProductId": (served.read("PACKAGE_PRODUCT", below) or {})["ProductId"],
        "PackageComponentLabel": "Minutes",
        "PackageComponentLabelHier": "Line > Minutes",
        "PackageComponentPath": f"/{top}/{below}",
    }
    records.delete("PACKAGE_PRODUCT", [top], served.SYSTEM)
    assert served.read("PACKAGE_COMPONENT_HIER", top) is None
    alone = served.read("PACKAGE_COMPONENT_HIER", below)
    assert alone is not None
    assert alone["PackageComponentPath"] == f"/{below}"
    with pytest.raises(RequestError) as refused:
        records.create("PACKAGE_COMPONENT_HIER", [{"PackageId": package}], served.SYSTEM)
    assert refused.value.code is Code.READ_ONLY_ENTITY
