"""What accounts, tokens and payment details must obey."""

from uuid import uuid4

from django.db import connection
from django.db.models import Model

from billing.card_numbers import keep_last_four, looks_like_a_card
from billing.customers import (  # noqa: F401 (register their behaviors)
    contract_rates,
    contracts,
    provisioning,
)
from billing.customers.models import AccountProduct
from billing.customers.models.accounts import ROOT_ACCOUNT_ID
from billing.overlaps import overlapping, refuse_overlaps
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior

# Holders of one token on a day.
_SAME_TOKEN = overlapping(
    "customers_billingidentifier",
    same=("billing_identifier",),
    also="one.status = 'ACTIVE' AND other.status = 'ACTIVE'",
    told=("other.account_id",),
)


@behavior("ACCOUNT")
class AccountBehavior(TreeBehavior):
    """The accounts are a tree, and account 1 stays its root."""

    parent = "ParentAccountId"
    lock = 7_224_001

    def before_delete(self, batch: Batch) -> None:
        for index in batch.live:
            if batch.ids[index] == ROOT_ACCOUNT_ID:
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"Account {ROOT_ACCOUNT_ID} is the root of the hierarchy and stays.",
                    "Id",
                )


@behavior("BILLING_PROFILE")
class BillingProfileBehavior(Behavior):
    """Profiles have a name for payment pages; numbers of cards and bank accounts never get in."""

    def before_create(self, batch: Batch) -> None:
        sent = batch.sent("HostedPaymentPageExternalId")
        batch.put("HostedPaymentPageExternalId", [value or str(uuid4()) for value in sent])
        _guard_payment_details(batch)

    def before_update(self, batch: Batch) -> None:
        _guard_payment_details(batch)


def _guard_payment_details(batch: Batch) -> None:
    for index, token in enumerate(batch.sent("CreditCardToken")):
        if token and looks_like_a_card(token):
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "CreditCardToken looks like a card number, and card numbers are not kept; send the "
                "payment gateway's token.",
                "CreditCardToken",
            )
    keep_last_four(batch, "AchBankAcctNum")


@behavior("BILLING_IDENTIFIER")
class BillingIdentifierBehavior(Behavior):
    """On any day a token belongs to one account; the account is that of the account product."""

    def before_create(self, batch: Batch) -> None:
        _take_account(batch)
        _lock_tokens(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_shared_tokens(batch)

    def before_update(self, batch: Batch) -> None:
        _take_account(batch)
        _lock_tokens(batch)

    def after_update(self, batch: Batch) -> None:
        _refuse_shared_tokens(batch)

    def after_undelete(self, batch: Batch) -> None:
        _refuse_shared_tokens(batch)


def _take_account(batch: Batch) -> None:
    """A token of an account product marks usage of that product's account, sent or not."""
    _follow(batch, "AccountId", "AccountProductId", AccountProduct, "account_id")


def _follow(batch: Batch, name: str, lookup: str, target: type[Model], column: str) -> None:
    """The field `name` holds `column` of the record that `lookup` points to, whichever is sent."""
    values, pointers = batch.sent(name), batch.sent(lookup)
    touched = [i for i in batch.live if values[i] is not UNSET or pointers[i] not in (UNSET, None)]
    pointers = batch.effective(lookup)
    wanted = {pointers[i] for i in touched} - {None}
    if not wanted:
        return
    known = dict(target._base_manager.filter(pk__in=wanted).values_list("pk", column))
    values = list(values)
    for index in touched:
        right = known.get(pointers[index])
        if right is None:
            continue
        if values[index] in (UNSET, None):
            values[index] = right
        elif values[index] != right:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{name} is {values[index]}, but that of {lookup} {pointers[index]} is {right}; "
                f"send that one or leave {name} out.",
                name,
            )
    batch.put(name, values)


def _lock_tokens(batch: Batch) -> None:
    """Holders of one token are written one request after the other."""
    tokens = batch.effective("BillingIdentifier")
    wanted = [tokens[i] for i in batch.live if tokens[i] is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(token, 0) AS "
            "key FROM unnest(%s::text[]) AS token ORDER BY key) AS keys",
            [wanted],
        )


def _refuse_shared_tokens(batch: Batch) -> None:
    def said(start: str, end: str, account: int) -> str:
        return (
            f"which gives the same token to account {account} from {start} to {end}. End that one "
            f"first, or send other dates."
        )

    refuse_overlaps(batch, _SAME_TOKEN, said, "BillingIdentifier")
