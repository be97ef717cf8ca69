"""The rows of the API benches, in the form each side takes them: 20 fields of an ACCOUNT_PRODUCT.

The entity is a usual one: three lookups, a unique external key, texts, lists, dates, numbers and
money, ten indexes and a check. Values are strings, as integrators' programs send them.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import orjson

from bench.installation import Installation

#: API name -> column and its type in SQL.
FIELDS = {
    "ExternalKey": ("external_key", "text"),
    "Name": ("name", "text"),
    "AccountId": ("account_id", "bigint"),
    "ProductId": ("product_id", "bigint"),
    "RatingMethodId": ("rating_method_id", "bigint"),
    "Status": ("status", "text"),
    "Quantity": ("quantity", "numeric"),
    "StartDate": ("start_date", "date"),
    "EndDate": ("end_date", "date"),
    "BillingCycleStartDate": ("billing_cycle_start_date", "date"),
    "TrialEndDate": ("trial_end_date", "date"),
    "RenewalStartDate": ("renewal_start_date", "date"),
    "RenewalDate": ("renewal_date", "date"),
    "RateOverride": ("rate_override", "numeric"),
    "DiscountVoucherBalance": ("discount_voucher_balance", "numeric"),
    "OrderId": ("order_id", "bigint"),
    "QuoteId": ("quote_id", "bigint"),
    "EditModifyContract": ("edit_modify_contract", "text"),
    "ContractModificationMethod": ("contract_modification_method", "text"),
    "UpdateRevRecContractProduct": ("update_rev_rec_contract_product", "text"),
}
COLUMNS = [column for column, _ in FIELDS.values()]
TYPES = [sql_type for _, sql_type in FIELDS.values()]
#: Records of one request.
A_REQUEST = 1_000

Row = tuple[str, ...]

_FIRST_DAY = date(2024, 1, 1)
_STATUSES = ("ACTIVE", "PENDING", "SUSPENDED", "DEACTIVATED")
_UPDATES = ("Update and Activate Contract Change", "Update as a Draft Contract Change")


def rows(installation: Installation, numbers: Sequence[int], price: int = 0) -> list[Row]:
    """The rows with these numbers; the number makes the key, so the same number is the same row.

    Another `price` gives the same rows other values.
    """
    accounts = list(map(str, installation.accounts))
    products = list(map(str, installation.products))
    methods = list(map(str, installation.rating_methods))
    days = [(_FIRST_DAY + timedelta(days=n)).isoformat() for n in range(1100)]
    return [
        (
            f"EXT-{i:09d}",
            f"Subscription {i} of the customer",
            accounts[i % len(accounts)],
            products[i * 7 % len(products)],
            methods[i * 3 % len(methods)],
            _STATUSES[i % 4],
            f"{i % 50 + 1}",
            days[i % 365],
            days[i % 365 + 365],
            days[i % 365 + 1],
            days[i % 365 + 14],
            days[i % 365 + 30],
            days[i % 365 + 60],
            f"{(i + price) % 1000}.{i % 100:02d}",
            f"{(i + price) % 77}.5",
            f"{1_000_000 + i}",
            f"{2_000_000 + i}",
            "Edit" if i % 2 else "Modify",
            "Prospective" if i % 3 else "Cumulative catch-up",
            _UPDATES[i % 2],
        )
        for i in numbers
    ]


def pieces(sent: Sequence[Row], size: int = A_REQUEST) -> Iterator[Sequence[Row]]:
    """The rows by request."""
    for first in range(0, len(sent), size):
        yield sent[first : first + size]


def for_ours(sent: Sequence[Row], key: str = "") -> bytes:
    """The body of a request to REST 2.0, with externalIDFieldName where a `key` is given."""
    body: dict[str, object] = {"brmObjects": [dict(zip(FIELDS, row, strict=True)) for row in sent]}
    if key:
        body["externalIDFieldName"] = key
    return orjson.dumps(body)


def for_stock(sent: Sequence[Row]) -> bytes:
    """The body of a request to the stock application: a list, or the one record."""
    objects = [_stock_object(row) for row in sent]
    return orjson.dumps(objects if len(objects) != 1 else objects[0])


def _stock_object(row: Row) -> dict[str, str]:
    names = [column.removesuffix("_id") if column in _LOOKUPS else column for column in COLUMNS]
    return dict(zip(names, row, strict=True))


_LOOKUPS = ("account_id", "product_id", "rating_method_id")


def for_copy(sent: Sequence[Row], tail: str) -> bytes:
    """The rows in COPY's text format; `tail` is what stands after them in every line."""
    return "".join(["\t".join(row) + f"\t{tail}\n" for row in sent]).encode()
