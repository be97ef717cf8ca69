"""What follows a trial: the product that its rating method names, from the day after the trial.

A trial that ends gets its EndDate, and the account an account product of ChangeToProductByDefault,
with its quantity and contract. One that was given an EndDate before is over: nothing follows.
"""

from datetime import date

from django.db import connection, transaction

from entities import records
from metabrm.identity.context import Context

#: Trials of one transaction.
CHUNK = 500

ENDED = """
SELECT ap.id, ap.account_id, ap.quantity, ap.contract_id, m.change_to_product_by_default_id,
       trial.last_day
FROM customers_accountproduct ap
JOIN catalog_product product ON product.id = ap.product_id
LEFT JOIN catalog_packageproduct place ON place.id = ap.package_product_id
JOIN catalog_ratingmethod m
  ON m.id = coalesce(ap.rating_method_id, place.rating_method_id, product.rating_method_id)
CROSS JOIN LATERAL (
    SELECT coalesce(ap.trial_end_date, ap.start_date + m.trial_duration - 1) AS last_day
) trial
WHERE m.rating_method_type = 'Trial' AND m.change_to_product_by_default_id IS NOT NULL
  AND ap.status = 'ACTIVE' AND ap.deleted_at IS NULL AND ap.end_date IS NULL
  AND trial.last_day < %s AND ap.id > %s AND (%s::bigint[] IS NULL OR ap.account_id = ANY(%s))
ORDER BY ap.id LIMIT %s
FOR NO KEY UPDATE OF ap
"""


def follow(day: date, accounts: list[int] | None = None) -> dict[int, str]:
    """Have products follow the trials that ended before the day; gives why some could not."""
    refused: dict[int, str] = {}
    after: int | None = 0
    while after is not None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(ENDED, [day, after, accounts, accounts, CHUNK])
                ended = cursor.fetchall()
            refused |= _follow(ended)
        after = ended[-1][0] if ended else None
    return refused


def _follow(ended: list[tuple[int, int, object, int | None, int, date]]) -> dict[int, str]:
    acting = Context.system("trials")
    made = records.create(
        "ACCOUNT_PRODUCT",
        [
            {
                "AccountId": account,
                "ProductId": product,
                "Quantity": quantity,
                "ContractId": contract,
                "StartDate": date.fromordinal(last.toordinal() + 1),
            }
            for _, account, quantity, contract, product, last in ended
        ],
        acting,
    )
    followed = [row for row, outcome in zip(ended, made, strict=True) if outcome.ok]
    for outcome in records.update(
        "ACCOUNT_PRODUCT",
        [{"Id": id, "EndDate": last} for id, _, _, _, _, last in followed],
        acting,
    ):
        if not outcome.ok:
            # Together or not at all.
            raise RuntimeError(str(outcome.problems))
    return {
        row[0]: "; ".join(problem.message for problem in outcome.problems)
        for row, outcome in zip(ended, made, strict=True)
        if not outcome.ok
    }
