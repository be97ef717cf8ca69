"""What invoices and their settings must obey."""

from billing.customers.models import BillingProfile
from billing.invoicing.models.cycles import CYCLE_CONFIG_ID
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior


@behavior("INVOICE")
class InvoiceBehavior(Behavior):
    """An invoice is of the account of its billing profile."""

    def before_create(self, batch: Batch) -> None:
        _take_account(batch)

    def before_update(self, batch: Batch) -> None:
        _take_account(batch)


def _take_account(batch: Batch) -> None:
    profiles = batch.sent("BillingProfileId")
    wanted = {profile for profile in profiles if profile}
    if not wanted:
        return
    accounts = dict(
        BillingProfile._base_manager.filter(pk__in=wanted).values_list("pk", "account_id")
    )
    batch.put("AccountId", [UNSET if p is UNSET else accounts.get(p) for p in profiles])


@behavior("INVOICE_GROUP")
class InvoiceGroupBehavior(TreeBehavior):
    """The groups of a template are a tree."""

    parent = "ParentInvoiceGroupId"
    lock = 7_224_002


@behavior("INVOICE_CYCLE_CONFIG")
class InvoiceCycleConfigBehavior(Behavior):
    """The settings are there, always."""

    def before_delete(self, batch: Batch) -> None:
        for index in batch.live:
            batch.fail(
                index,
                Code.RECORD_IN_USE,
                f"INVOICE_CYCLE_CONFIG {CYCLE_CONFIG_ID} holds settings of the whole installation "
                f"and stays; change its flags instead.",
                "Id",
            )
