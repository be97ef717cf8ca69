"""What provisioning must obey: account packages and account products.

An account package gives its products their last day and their contract. It makes none: whoever
provisions a package says which of its products the account takes, and how many of each.
"""

from billing.customers.provisioning import account_packages, account_products  # noqa: F401
