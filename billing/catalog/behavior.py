"""What the records of the catalog must obey: each module registers the behaviors of its subject."""

from billing.catalog import currencies, methods, packages, plans, prices, products  # noqa: F401
