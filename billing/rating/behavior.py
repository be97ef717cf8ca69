"""What rating does when records are written: each module registers the behaviors of its subject."""

from billing.rating.rerating import wishes  # noqa: F401
