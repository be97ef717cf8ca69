"""Records to hang tests on, made through the verbs: `AccountFactory(Name="A")` is an Id."""

from typing import Any

import factory

from entities import records
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
