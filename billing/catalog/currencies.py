"""Lists of currencies: a package or a contract that lists some has no prices in others.

One that lists none takes prices in any. So a currency with prices leaves the list only together
with all the others, and a list that is begun has the currencies of all prices that there are.
"""

from dataclasses import dataclass

from billing.changes import changed, found, some
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.schema.description import quote


@dataclass(frozen=True, slots=True)
class Listed:
    """Whose currencies are listed: a lookup of the lists' entity, what to call it, and SQL of (its
    Id, currency) of all prices of those with the Ids `ids`."""

    owner: str
    noun: str
    priced: str


class CurrencyListBehavior(Behavior):
    """A currency stays listed as long as there are prices in it."""

    listed: Listed

    def before_update(self, batch: Batch) -> None:
        self._keep_priced(batch, changed(batch, self.listed.owner, "CurrencyCode"))

    def before_delete(self, batch: Batch) -> None:
        self._keep_priced(batch, list(batch.live))

    def after_create(self, batch: Batch) -> None:
        self._refuse_leaving_out(batch, list(batch.live))

    def after_update(self, batch: Batch) -> None:
        self._refuse_leaving_out(batch, changed(batch, self.listed.owner, "CurrencyCode"))

    def after_undelete(self, batch: Batch) -> None:
        self._refuse_leaving_out(batch, list(batch.live))

    def _rows(self, batch: Batch, indexes: list[int]) -> dict[int, tuple[int, str]]:
        """Id -> owner and currency, of all that is listed by the owners of these records."""
        table = quote(batch.schema.table)
        owner = quote(batch.schema.field(self.listed.owner).column or "")
        rows = found(
            f"SELECT id, {owner}, currency_code FROM {table} "  # noqa: S608 - names of the schema
            f"WHERE {owner} IN (SELECT {owner} FROM {table} WHERE id = ANY(%(ids)s)) "
            f"AND deleted_at IS NULL",
            ids=some([batch.ids[i] for i in indexes]),
        )
        return {id: (owner, currency) for id, owner, currency in rows}

    def _priced(self, rows: dict[int, tuple[int, str]]) -> set[tuple[int, str]]:
        return {
            (o, c) for o, c in found(self.listed.priced, ids=some([o for o, _ in rows.values()]))
        }

    def _keep_priced(self, batch: Batch, leaving: list[int]) -> None:
        """Currencies that leave the list, whether with or without the owner's other ones."""
        if not leaving:
            return
        rows = self._rows(batch, leaving)
        gone = {batch.ids[i] for i in leaving}
        emptied = {o for o, _ in rows.values()} - {o for i, (o, _) in rows.items() if i not in gone}
        priced = self._priced(rows)
        for index in leaving:
            owner, currency = rows.get(batch.ids[index] or 0, (None, None))
            if (owner, currency) in priced and owner not in emptied:
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"The {self.listed.noun} has prices in {currency}, so it stays listed; delete "
                    f"these prices first.",
                    "CurrencyCode",
                )

    def _refuse_leaving_out(self, batch: Batch, indexes: list[int]) -> None:
        """Lists in which a currency is missing that there are prices in."""
        if not indexes:
            return
        rows = self._rows(batch, indexes)
        missing: dict[int, list[str]] = {}
        for owner, currency in sorted(self._priced(rows) - set(rows.values())):
            missing.setdefault(owner, []).append(currency)
        for index in indexes:
            owner, _ = rows.get(batch.ids[index] or 0, (0, ""))
            if owner in missing:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"The {self.listed.noun} has prices in {', '.join(missing[owner])}; list that, "
                    f"too, in the same request, or delete these prices first.",
                    "CurrencyCode",
                )


@behavior("PACKAGE_CURRENCY")
class PackageCurrencyBehavior(CurrencyListBehavior):
    """A package's currencies are those of the prices of its parts."""

    listed = Listed(
        "PackageId",
        "package",
        """
        SELECT DISTINCT part.package_id, price.currency_code
        FROM catalog_packageproduct part
        JOIN catalog_pricing price
          ON price.package_product_id = part.id AND price.deleted_at IS NULL
        WHERE part.package_id = ANY(%(ids)s) AND part.deleted_at IS NULL
        """,
    )
