"""The first part of an address names the organisation. This installation serves one: BRM_ORG."""

from entities.errors import Code, RequestError
from metabrm import environment


def require_our_own(org: str) -> None:
    """RequestError UNKNOWN_ADDRESS unless `org` is ours, in any case, or left out."""
    ours = environment.current().org
    if org and org.casefold() != ours.casefold():
        raise RequestError(
            Code.UNKNOWN_ADDRESS,
            f"There is no organisation {org!r} here; addresses begin with /{ours}/ or /rest/.",
        )
