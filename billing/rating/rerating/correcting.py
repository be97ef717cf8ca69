"""What is right of one line that was wrong: its quantity, moment, product or price; or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Q, Sum

from billing.catalog.models import Product
from billing.customers.models import AccountProduct
from billing.mediation.models import Activity
from billing.rating.rerating import prepaid
from entities.errors import Code, RequestError

_WITHDRAW = """
DELETE FROM mediation_usage WHERE line = (SELECT seq FROM rerate_record WHERE root_id = %(of)s)
"""
_CORRECT = """
UPDATE mediation_usage SET {put}
WHERE line = (SELECT seq FROM rerate_record WHERE root_id = %(of)s)
"""
_STILL_COVERED = f"""
SELECT coalesce(bool_and({prepaid.STILL_COVERED}), true) FROM mediation_activity a
WHERE a.account_id = %(account)s AND %(line)s IN (a.id, a.split_from_bill_act_id)
"""  # noqa: S608 - constants only
#: Column of usage in flight -> where the line says it, of those of another name.
_SAID = {"override_rate": "rate_override", "override_cost": "cost_override"}
#: Columns of usage in flight that may be corrected.
CORRECTED = (
    *("account_id", "product_id", "account_product_id", "activity_date", "quantity"),
    *("override_rate", "override_cost"),
)


@dataclass(frozen=True, slots=True)
class Correction:
    """`values` replace what the line says, by columns of usage in flight; one that is `withdrawn`
    is only taken back."""

    activity_id: int
    values: Mapping[str, Any] = field(default_factory=dict)
    withdrawn: bool = False

    def apply(self, cursor: Any) -> None:
        """Correct the usage of the line, or withdraw it."""
        about = {**self.values, "of": self.activity_id}
        if self.withdrawn:
            cursor.execute(_WITHDRAW, about)
        elif self.values:
            put = ", ".join(f"{name} = %({name})s" for name in CORRECTED if name in self.values)
            cursor.execute(_CORRECT.format(put=put), about)


def as_it_is(line: int) -> Activity:
    """The line that is corrected, of a part the record's first; RequestError unless it stands."""
    found = Activity.objects.filter(pk=line, deleted_at=None).first()
    if found is not None and found.split_from_bill_act_id:
        found = Activity.objects.filter(pk=found.split_from_bill_act_id).first()
    if found is None:
        raise RequestError(
            Code.RECORD_NOT_FOUND, f"There is no ACTIVITY with Id {line}.", field="ActivityId"
        )
    why = None
    if found.reversal_of_id:
        why = f"takes line {found.reversal_of_id} back; correct the line that replaced that one"
    elif Activity.objects.filter(reversal_of=found.pk, deleted_at=None).exists():
        after = Activity.objects.filter(rerated_from=found.pk, account=found.account_id).first()
        why = "was taken back" + (f"; line {after.pk} replaced it" if after else "")
    elif found.prepaid_by_id and found.prepaid_by_id == found.account_product_id:
        why = "refills prepaid usage; correct the line of the usage that needed it"
    elif not _still_covered(found):
        why = "is covered by prepaid usage that covers nothing any more, and stays"
    elif not found.activity_collector_history_id or not (
        found.rating_date or found.process_status == "UNRATED"
    ):
        why = "is no usage that was rated: change the record itself, or what it was charged for"
    if why:
        raise RequestError(
            Code.VALIDATION_FAILED, f"ACTIVITY {found.pk} {why}.", field="ActivityId"
        )
    return found


def _still_covered(line: Activity) -> bool:
    """Whether what covers parts of a record still covers usage."""
    with connection.cursor() as cursor:
        cursor.execute(_STILL_COVERED, {"account": line.account_id, "line": line.pk})
        return bool(cursor.fetchone()[0])


def said_by(was: Activity, column: str) -> Any:
    """What the line itself says in a column of usage in flight; its parts have the quantity."""
    if column == "quantity":
        parts = Activity.objects.filter(account=was.account_id).filter(
            Q(pk=was.pk) | Q(split_from_bill_act=was.pk)
        )
        return parts.aggregate(whole=Sum("quantity"))["whole"]
    return getattr(was, _SAID.get(column, column))


def whose(was: Activity, product: int | None, account_product: int | None) -> dict[str, Any]:
    """What was used, where it was another product or account product than the line says."""
    if account_product is not None:
        own = AccountProduct.objects.filter(pk=account_product, deleted_at=None).first()
        if own is None:
            raise unknown("AccountProductId", "ACCOUNT_PRODUCT", account_product)
        if product not in (None, own.product_id):
            raise RequestError(
                Code.INVALID_VALUE,
                f"ACCOUNT_PRODUCT {account_product} is of product {own.product_id}, not "
                f"{product}; leave out ProductId.",
                field="ProductId",
            )
        return {
            "account_id": own.account_id,
            "product_id": own.product_id,
            "account_product_id": own.pk,
        }
    if product is None:
        return {}
    if not Product.objects.filter(pk=product, deleted_at=None).exists():
        raise unknown("ProductId", "PRODUCT", product)
    same = was.product_id == product
    return {
        "product_id": product,
        "account_product_id": was.account_product_id if same else None,
    }


def unknown(name: str, entity: str, id: int) -> RequestError:
    """A parameter names no record that there is for the caller."""
    return RequestError(Code.LOOKUP_NOT_FOUND, f"There is no {entity} with Id {id}.", field=name)
