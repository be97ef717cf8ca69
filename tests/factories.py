"""Records to hang tests on, made through the verbs: `AccountFactory(Name="A")` is an Id."""

from typing import Any

import factory

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context


class RecordFactory(factory.Factory):
    """Creates a record of the entity `Meta.model`, or fails with what was wrong with it."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: str, *args: Any, **fields: Any) -> int:
        (outcome,) = records.create(model_class, [fields], Context.system("test"))
        assert outcome.ok, outcome.problems
        assert outcome.id is not None
        return outcome.id

    @classmethod
    def _build(cls, model_class: str, *args: Any, **fields: Any) -> dict[str, Any]:
        return fields


class ProductFactory(RecordFactory):
    class Meta:
        model = "PRODUCT"

    Name = factory.Sequence("Product {}".format)


class PackageFactory(RecordFactory):
    class Meta:
        model = "PACKAGE"

    Name = factory.Sequence("Package {}".format)


class PackageProductFactory(RecordFactory):
    class Meta:
        model = "PACKAGE_PRODUCT"

    Name = factory.Sequence("Component {}".format)
    PackageId = factory.LazyFunction(PackageFactory)
    ProductId = factory.LazyFunction(ProductFactory)
    MinQty = "1"


class PriceFactory(RecordFactory):
    class Meta:
        model = "PRICING"

    Rate = "5"
    CurrencyCode = "USD"
    UpperBand = "-1"


class AccountFactory(RecordFactory):
    class Meta:
        model = "ACCOUNT"

    Name = factory.Sequence("Account {}".format)
    AccountTypeId = "1"


class AccountProductFactory(RecordFactory):
    class Meta:
        model = "ACCOUNT_PRODUCT"

    AccountId = factory.LazyFunction(AccountFactory)
    ProductId = factory.LazyFunction(ProductFactory)
    StartDate = "2026-01-01"


class BillingProfileFactory(RecordFactory):
    class Meta:
        model = "BILLING_PROFILE"

    AccountId = factory.LazyFunction(AccountFactory)
    BillTo = "Accounts Payable"
    Address1 = "1 Test Street"
    BillingCycle = "MONTHLY"
    BillingMethod = "MAIL"
    MonthlyBillingDate = "31"
    PaymentTermDays = "30"
    TimeZoneId = "351"
    CurrencyCode = "USD"


class InvoiceFactory(RecordFactory):
    class Meta:
        model = "INVOICE"

    BillingProfileId = factory.LazyFunction(BillingProfileFactory)


class PaymentFactory(RecordFactory):
    class Meta:
        model = "PAYMENT"

    BillingProfileId = factory.LazyFunction(BillingProfileFactory)
    PaymentType = "CHECK"
    Amount = "100"
    PaymentDate = "2026-02-15"


class CreditFactory(RecordFactory):
    class Meta:
        model = "CREDIT"

    BillingProfileId = factory.LazyFunction(BillingProfileFactory)
    CreditType = "GOODWILL"
    CreditNote = "Sorry for the outage."
    Amount = "10"


class RatingMethodFactory(RecordFactory):
    class Meta:
        model = "RATING_METHOD"

    RatingMethodType = "Usage"


class RateClassFactory(RecordFactory):
    class Meta:
        model = "RATE_CLASS"

    Name = factory.Sequence("Rate class {}".format)


class RateClassProductFactory(RecordFactory):
    class Meta:
        model = "RATE_CLASS_PRODUCT"

    RateClassId = factory.LazyFunction(RateClassFactory)
    ProductId = factory.LazyFunction(ProductFactory)


class CountryCodeFactory(RecordFactory):
    class Meta:
        model = "COUNTRY_CODE"

    InvoiceLabel = factory.Sequence("Location {}".format)


class CountryCodeMapFactory(RecordFactory):
    class Meta:
        model = "COUNTRY_CODE_MAP"

    Rate = "1"


class ContractFactory(RecordFactory):
    class Meta:
        model = "CONTRACT"

    ContractNumber = factory.Sequence("Contract {}".format)
    AccountId = factory.LazyFunction(AccountFactory)
    StartDate = "2026-01-01"
    OnEndDate = "Renew"


class ContractRateFactory(RecordFactory):
    class Meta:
        model = "CONTRACT_RATE"

    ContractId = factory.LazyFunction(ContractFactory)
    StartDate = "2026-01-01"


class AccountPackageFactory(RecordFactory):
    class Meta:
        model = "ACCOUNT_PACKAGE"

    AccountId = factory.LazyFunction(AccountFactory)
    PackageId = factory.LazyFunction(PackageFactory)
    StartDate = "2026-01-01"


class BillingIdentifierFactory(RecordFactory):
    class Meta:
        model = "BILLING_IDENTIFIER"

    AccountId = factory.LazyFunction(AccountFactory)
    BillingIdentifier = factory.Sequence("Token {}".format)


class ContactTypeFactory(RecordFactory):
    class Meta:
        model = "CONTACT_TYPE"

    Name = factory.Sequence("Category {}".format)


class AccountContactFactory(RecordFactory):
    class Meta:
        model = "ACCOUNT_CONTACT"

    AccountId = factory.LazyFunction(AccountFactory)
    Name = factory.Sequence("Contact {}".format)


class AccountContactTypeFactory(RecordFactory):
    class Meta:
        model = "ACCOUNT_CONTACT_TYPE"

    AccountContactId = factory.LazyFunction(AccountContactFactory)
    ContactTypeId = factory.LazyFunction(ContactTypeFactory)


class SubscriptionFactory(RecordFactory):
    class Meta:
        model = "SUBSCRIPTION"

    AccountId = factory.LazyFunction(AccountFactory)


class ActivityCollectorFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR"

    ActivityCollectorName = factory.Sequence("Collector {}".format)


class ActivityCollectorHistoryFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR_HISTORY"

    ActivityCollectorId = factory.LazyFunction(ActivityCollectorFactory)


class ActivityCollectorMapFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR_MAP"

    ActivityCollectorId = factory.LazyFunction(ActivityCollectorFactory)


class ActivityCollectorFilterFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR_FILTER"

    ActivityCollectorId = factory.LazyFunction(ActivityCollectorFactory)
    Formula = "{!Column1} <> ''"


class UsageIdentifierFactory(RecordFactory):
    class Meta:
        model = "USAGE_IDENTIFIER"

    UsageIdentifier = factory.Sequence("Usage {}".format)


class ActivityCollectorLabelFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR_LABEL"

    ActivityCollectorId = factory.LazyFunction(ActivityCollectorFactory)
    UsageIdentifierId = factory.LazyFunction(UsageIdentifierFactory)


class ActivityCollectorControlFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY_COLLECTOR_CONTROL"

    ActivityCollectorId = factory.LazyFunction(ActivityCollectorFactory)
    Position = "1"


class CollectorFieldsFactory(RecordFactory):
    class Meta:
        model = "COLLECTOR_FIELDS"

    ACTIVITY_COLLECTOR_ID = factory.LazyFunction(ActivityCollectorFactory)
    # Without it the record waits in a load that is opened for it.
    PROCESS_STATUS = "COLLECTED"


class ActivityFactory(RecordFactory):
    class Meta:
        model = "ACTIVITY"

    AccountId = factory.LazyFunction(AccountFactory)
    ActivityDate = "2026-02-01"


class EventInvoiceCycleFactory(RecordFactory):
    class Meta:
        model = "EVENT_INVOICE_CYCLE"

    Name = factory.Sequence("Cycle {}".format)


class StatementTemplateFactory(RecordFactory):
    class Meta:
        model = "STATEMENT_TEMPLATE"

    StatementTemplateName = factory.Sequence("Statement {}".format)


class RefundFactory(RecordFactory):
    class Meta:
        model = "REFUND"

    PaymentItemId = factory.LazyFunction(PaymentFactory)
    RefundType = "CHECK"
    Amount = "5"


class QuoteDraftFactory(RecordFactory):
    class Meta:
        model = "QUOTE_DRAFT"

    Currency = "USD"


class QuoteFactory(RecordFactory):
    class Meta:
        model = "QUOTE"

    QuoteDraftId = factory.LazyFunction(QuoteDraftFactory)
    Currency = "USD"
    StartDate = "2026-02-01"


class QuoteProductFactory(RecordFactory):
    class Meta:
        model = "QUOTE_PRODUCT"

    QuoteId = factory.LazyFunction(QuoteFactory)


class QuotePeriodFactory(RecordFactory):
    class Meta:
        model = "QUOTE_PERIOD"

    QuoteId = factory.LazyFunction(QuoteFactory)


class QuoteProductPeriodFactory(RecordFactory):
    class Meta:
        model = "QUOTE_PRODUCT_PERIOD"

    QuoteProductId = factory.LazyFunction(QuoteProductFactory)
    QuotePeriodId = factory.LazyFunction(QuotePeriodFactory)


class PricingDraftFactory(RecordFactory):
    class Meta:
        model = "PRICING_DRAFT"

    ProductId = factory.LazyFunction(ProductFactory)


class MicrosoftDynamicsMappingFactory(RecordFactory):
    class Meta:
        model = "MICROSOFT_DYNAMICS_MAPPING"

    BillingPlatformEntity = "ACCOUNT"
    BillingPlatformId = factory.Sequence("{}".format)
    MicrosoftEntity = "account"
    MicrosoftId = factory.Sequence("dynamics-{}".format)
    Status = "ACTIVE"
    SyncJobId = "1"


class FinancialAccountFactory(RecordFactory):
    class Meta:
        model = "FINANCIAL_ACCOUNT"

    AccountNumber = factory.Sequence("4{:03}".format)
    Name = "Revenue"
    FinancialAccountType = "Revenue"


class AccountingPeriodFactory(RecordFactory):
    class Meta:
        model = "ACCOUNTING_PERIOD"

    Name = factory.Sequence("Period {}".format)
    StartDate = factory.Sequence(lambda n: f"{2000 + n}-02-01")
    EndDate = factory.Sequence(lambda n: f"{2000 + n}-02-28")


class FinancialCriteriaFactory(RecordFactory):
    class Meta:
        model = "FINANCIAL_CRITERIA"

    EntityId = factory.LazyFunction(lambda: current().entity("ACTIVITY").id)
    ExecOrder = "1"
    Account = "4000"
    CurrencyFormula = "'USD'"
    PeriodEndDate = "{!InvoiceObj.EndDate}"


class FinancialCriteriaAttrFactory(RecordFactory):
    class Meta:
        model = "FINANCIAL_CRITERIA_ATTR"

    FinancialCriteriaId = factory.LazyFunction(FinancialCriteriaFactory)


class GeneralLedgerTransactionFactory(RecordFactory):
    class Meta:
        model = "GENERAL_LEDGER_TRANSACTION"

    Amount = "10"


class RevrecContractFactory(RecordFactory):
    class Meta:
        model = "REVREC_CONTRACT"

    Name = factory.Sequence("Revenue contract {}".format)


class RevrecContractPreviewFactory(RecordFactory):
    class Meta:
        model = "REVREC_CONTRACT_PREVIEW"

    DataXML = "<contract/>"


class RevrecUpdateRuleFactory(RecordFactory):
    class Meta:
        model = "REVREC_UPDATE_RULE"

    OrderOfEvaluation = "1"
    RuleCriteria = "All changes"
    UpdateRevRecContractProduct = "Do Not Update"


class ProcessQueueRevenueCommitmentFactory(RecordFactory):
    class Meta:
        model = "PROCESS_QUEUE_REVENUE_COMMITMENT"

    AccountId = factory.LazyFunction(AccountFactory)


class CsStrategyFactory(RecordFactory):
    class Meta:
        model = "CS_STRATEGY"

    Name = factory.Sequence("Strategy {}".format)
    Description = "Calls after a week."
    AccountScope = "Individual Accounts"
    AccountSelectionFormula = "{!AccountObj.Name} = 'Big Corp'"


class CsActionTypeFactory(RecordFactory):
    class Meta:
        model = "CS_ACTION_TYPE"

    Name = factory.Sequence("Call {}".format)


class CsActionFactory(RecordFactory):
    class Meta:
        model = "CS_ACTION"

    ActionTypeId = factory.LazyFunction(CsActionTypeFactory)
    ContactTypeId = factory.LazyFunction(ContactTypeFactory)
    ContactType = "Exact Contact"
    DueOnDay = "7"


class CsAccountStrategyFactory(RecordFactory):
    class Meta:
        model = "CS_ACCOUNT_STRATEGY"

    AccountId = factory.LazyFunction(AccountFactory)
    StrategyId = factory.LazyFunction(CsStrategyFactory)
    StartDate = "2026-02-01"


class CsAccountActionFactory(RecordFactory):
    class Meta:
        model = "CS_ACCOUNT_ACTION"

    ActionTypeId = factory.LazyFunction(CsActionTypeFactory)


def factories() -> dict[str, type[RecordFactory]]:
    """API name of an entity -> what makes a record of it that lacks nothing."""
    return {str(cls._meta.model): cls for cls in RecordFactory.__subclasses__()}
