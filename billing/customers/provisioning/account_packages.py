"""An account package is one that is on sale; its products follow its days and its contract."""

from dataclasses import replace
from typing import Any

from billing.changes import changed, found, tells
from billing.customers.paying import PAYER
from billing.customers.provisioning.terms import IN_DEVELOPMENT
from billing.customers.under_contract import keep_within_contract, refuse_coming_back_outside
from entities import records
from entities.errors import Code
from entities.records import Batch, Behavior, behavior

# What an account package depends on: the package's status, whether it is sold in the currency that
# the account is charged in (anything fits where nothing is listed), and what hangs on it.
_SOLD = f"""
WITH RECURSIVE sent AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(packages)s::bigint[], %(accounts)s::bigint[])
             WITH ORDINALITY AS sent(id, package, account, place)
), used AS (
    SELECT DISTINCT account AS account_id FROM sent
), {PAYER}
SELECT package.package_status,
       account.allow_pricing_in_different_currency
       OR profile.currency_code IS NULL
       OR NOT EXISTS (SELECT FROM catalog_packagecurrency c
                      WHERE c.package_id = sent.package AND c.deleted_at IS NULL)
       OR EXISTS (SELECT FROM catalog_packagecurrency c
                  WHERE c.package_id = sent.package AND c.deleted_at IS NULL
                    AND c.currency_code = profile.currency_code),
       EXISTS (SELECT FROM customers_accountproduct a
               WHERE a.account_package_id = sent.id AND a.deleted_at IS NULL)
FROM sent
LEFT JOIN catalog_package package ON package.id = sent.package
LEFT JOIN customers_account account ON account.id = sent.account
LEFT JOIN payer ON payer.account_id = sent.account
LEFT JOIN customers_billingprofile profile ON profile.id = payer.profile_id
ORDER BY sent.place
"""  # noqa: S608 - constants only

_OF_PACKAGES = """
SELECT id, account_package_id, start_date, end_date, contract_id FROM customers_accountproduct
WHERE account_package_id = ANY(%(ids)s) AND deleted_at IS NULL ORDER BY id
"""


@behavior("ACCOUNT_PACKAGE")
class AccountPackageBehavior(Behavior):
    """A package that is on sale, within its contract; its products follow its days."""

    def before_create(self, batch: Batch) -> None:
        keep_within_contract(batch)
        _check_sold(batch)

    def before_update(self, batch: Batch) -> None:
        keep_within_contract(batch)
        _check_sold(batch)

    def after_update(self, batch: Batch) -> None:
        _carry_through(batch)

    def after_undelete(self, batch: Batch) -> None:
        refuse_coming_back_outside(batch)


def _check_sold(batch: Batch) -> None:
    packages, accounts = batch.effective("PackageId"), batch.effective("AccountId")
    asked = changed(batch, "PackageId", "AccountId")
    if not asked:
        return
    rows = found(
        _SOLD,
        ids=[batch.ids[i] for i in asked],
        packages=[packages[i] for i in asked],
        accounts=[accounts[i] for i in asked],
    )
    for index, (status, fits, has_products) in zip(asked, rows, strict=True):
        if has_products:
            name = "PackageId" if index in changed(batch, "PackageId") else "AccountId"
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{name} stays {batch.stored[name][index]}: the account package has products. End "
                f"it, and provision another one.",
                name,
            )
            continue
        if status not in (None, "Production"):
            batch.fail(index, Code.VALIDATION_FAILED, IN_DEVELOPMENT, "PackageId")
        if not fits:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                "The package is not sold in the currency of the billing profile that pays for the "
                "account; list the currency in PACKAGE_CURRENCY, or send another package.",
                "PackageId",
            )


def _carry_through(batch: Batch) -> None:
    """The products of a package follow its last day, and its first day and contract where they
    were the package's; those that ended earlier stay ended."""
    moved = {batch.ids[i]: i for i in changed(batch, "StartDate", "EndDate", "ContractId")}
    if not moved:
        return
    names = ("StartDate", "EndDate", "ContractId")
    was = [batch.stored[name] for name in names]
    now = [batch.effective(name) for name in names]
    told = tells(batch, "ACCOUNT_PRODUCT", "AccountPackageId", *names)
    rows: list[dict[str, Any]] = []
    blame: list[int] = []
    for product, package, start, end, contract in found(_OF_PACKAGES, ids=list(moved)):
        index = moved[package]
        (old_start, old_end, old_contract) = (column[index] for column in was)
        (new_start, new_end, new_contract) = (column[index] for column in now)
        row: dict[str, Any] = {}
        if start == old_start != new_start:
            row["StartDate"] = start = new_start
        if end == old_end != new_end or (new_end and (end is None or end > new_end)):
            row["EndDate"] = new_end
        if contract == old_contract != new_contract:
            row["ContractId"] = new_contract
        if start < new_start or (new_end and start > new_end):
            what = f"ACCOUNT_PRODUCT {product}, which starts on {start}" if told else "a product"
            field = "StartDate" if start < new_start else "EndDate"
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{field} {new_start if field == 'StartDate' else new_end} would cut off {what}; "
                f"change that first.",
                field,
                of="ACCOUNT_PRODUCT" if told else "",
                in_the_way=[product] if told else (),
            )
        elif row:
            blame.append(index)
            rows.append({"Id": product, **row})
    if batch.problems.keys() & set(moved.values()) or not rows:
        return
    # In the caller's name, whatever he may write: the rule is the platform's.
    context = replace(batch.context.because("follows its account package"), administrator=True)
    done = records.update("ACCOUNT_PRODUCT", rows, context, null_clears=True)
    for index, outcome, row in zip(blame, done, rows, strict=True):
        for problem in outcome.problems:
            what = f"ACCOUNT_PRODUCT {row['Id']} can't follow: " if told else ""
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{what}{problem.message}" if told else "A product of the package can't follow.",
                problem.field if problem.field in names else "EndDate",
            )
