"""The root of the account hierarchy, and the kinds of account."""

from billing.customers.models import Account, AccountType
from billing.customers.models.accounts import DEFAULT_ACCOUNT_TYPE_ID, ROOT_ACCOUNT_ID
from metabrm.seeding import insert_missing

ACCOUNT_TYPES = (
    (DEFAULT_ACCOUNT_TYPE_ID, "ACCOUNT", "A customer."),
    (2, "ORGANIZATION", "A node of the hierarchy that groups accounts."),
    (3, "RESELLER", "A partner who sells to customers of their own."),
    (4, "DEPARTMENT", "A part of a customer."),
)


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    types = ({"id": id, "account_type": t, "description": d} for id, t, d in ACCOUNT_TYPES)
    root = {
        "id": ROOT_ACCOUNT_ID,
        "name": "Root Account",
        "description": "The root of the account hierarchy.",
    }
    return insert_missing(AccountType, types, using) + insert_missing(Account, [root], using)
