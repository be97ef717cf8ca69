"""The callers that the tests of rating share with those of the metadata core."""

from tests.entities.conftest import clerk

__all__ = ["clerk"]
