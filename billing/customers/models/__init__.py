"""Who is charged, where the invoice goes, what was agreed and what was provisioned."""

from billing.customers.models.accounts import Account, AccountType
from billing.customers.models.billing_identifiers import BillingIdentifier
from billing.customers.models.billing_profiles import BillingProfile
from billing.customers.models.contacts import AccountContact, AccountContactType, ContactType
from billing.customers.models.contracts import Contract, ContractCurrency, ContractRate
from billing.customers.models.provisioning import AccountPackage, AccountProduct
from billing.customers.models.subscriptions import Subscription

__all__ = [
    "Account",
    "AccountContact",
    "AccountContactType",
    "AccountPackage",
    "AccountProduct",
    "AccountType",
    "BillingIdentifier",
    "BillingProfile",
    "ContactType",
    "Contract",
    "ContractCurrency",
    "ContractRate",
    "Subscription",
]
