"""What the parts of a package must obey.

A package product stands under others of its own package, and may stand for a whole package that
comes along; neither may lead back to where it began.
"""

from django.db import connection

from billing.catalog.overriding import keep_permissions
from billing.changes import changed, found, mentions, some
from billing.trees import TreeBehavior
from entities.errors import Code
from entities.records import Batch, behavior

_PARTS = """
SELECT above.package_id, linked.package_id
FROM unnest(%(parents)s::bigint[], %(links)s::bigint[])
     WITH ORDINALITY AS sent(parent, link, place)
LEFT JOIN catalog_packageproduct above ON above.id = sent.parent
LEFT JOIN catalog_packageproduct linked ON linked.id = sent.link
ORDER BY sent.place
"""

# Written package products whose linked package brings their own package along, however many
# packages between them. UNION drops what was seen, so the walk ends.
_LINKED_IN_CIRCLES = """
WITH RECURSIVE along(start, own, package_id) AS (
    SELECT id, package_id, link_package_id FROM catalog_packageproduct
    WHERE id = ANY(%(ids)s) AND link_package_id IS NOT NULL
    UNION
    SELECT along.start, along.own, part.link_package_id
    FROM along JOIN catalog_packageproduct part
      ON part.package_id = along.package_id AND part.deleted_at IS NULL
    WHERE part.link_package_id IS NOT NULL
)
SELECT DISTINCT start FROM along WHERE package_id = own
"""

# Package products that are provisioned, or stand above others.
_PROVISIONED = """
SELECT sent.id,
       EXISTS (SELECT FROM customers_accountproduct a
               WHERE a.package_product_id = sent.id AND a.deleted_at IS NULL),
       EXISTS (SELECT FROM catalog_packageproduct p
               WHERE p.parent_package_product_id = sent.id AND p.deleted_at IS NULL)
FROM unnest(%(ids)s::bigint[]) AS sent(id)
"""


@behavior("PACKAGE_PRODUCT")
class PackageProductBehavior(TreeBehavior):
    """The products of a package are a tree, and packages never bring themselves along."""

    parent = "ParentPackageProductId"
    lock = 7_224_005

    def before_create(self, batch: Batch) -> None:
        keep_permissions(batch, rate="RateOverride")
        _check_parts(batch)
        _lock_links(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_circles(batch)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        keep_permissions(batch, rate="RateOverride")
        _keep_provisioned(batch)
        _check_parts(batch)
        _lock_links(batch)

    def after_update(self, batch: Batch) -> None:
        super().after_update(batch)
        _refuse_circles(batch)

    def after_undelete(self, batch: Batch) -> None:
        _refuse_circles(batch)


def _check_parts(batch: Batch) -> None:
    names = (
        "ParentPackageProductId",
        "LinkPackageId",
        "LinkPackageProductId",
        "PackageId",
    )
    if not mentions(batch, *names):
        return
    parents, links, link_parts, packages = (batch.effective(name) for name in names)
    asked = [
        i
        for i in changed(batch, *names)
        if any(column[i] is not None for column in (parents, links, link_parts))
    ]
    if not asked:
        return
    rows = found(
        _PARTS,
        parents=[parents[i] for i in asked],
        links=[link_parts[i] for i in asked],
    )
    for index, (above, linked) in zip(asked, rows, strict=True):
        wrong: list[tuple[str, str]] = []
        if above is not None and above != packages[index]:
            wrong.append(
                (
                    "ParentPackageProductId",
                    f"ParentPackageProductId {parents[index]} is part of another package; send "
                    f"one of package {packages[index]}.",
                )
            )
        if links[index] is not None and links[index] == packages[index]:
            wrong.append(("LinkPackageId", "A package can't bring itself along; send another one."))
        if linked is not None and links[index] is None:
            wrong.append(
                (
                    "LinkPackageId",
                    "LinkPackageId is required beside LinkPackageProductId: the package that it "
                    "is part of.",
                )
            )
        elif linked is not None and linked != links[index]:
            wrong.append(
                (
                    "LinkPackageProductId",
                    f"LinkPackageProductId {link_parts[index]} is no part of package "
                    f"{links[index]}, the LinkPackageId; send one that is.",
                )
            )
        for field, message in wrong:
            batch.fail(index, Code.VALIDATION_FAILED, message, field)


def _lock_links(batch: Batch) -> None:
    """Two requests could each close half of a circle of packages that neither sees."""
    links = batch.sent("LinkPackageId")
    if any(links[i] for i in batch.live):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PackageProductBehavior.lock + 1])


def _refuse_circles(batch: Batch) -> None:
    linked = batch.columns.get(batch.schema.field("LinkPackageId"))
    if linked is not None and not any(linked):
        return
    places = {batch.ids[i]: i for i in batch.live}
    for (record,) in found(_LINKED_IN_CIRCLES, ids=some(list(places))):
        batch.fail(
            places[record],
            Code.VALIDATION_FAILED,
            "The linked package would bring its own package along again; send a LinkPackageId "
            "that does not lead back here.",
            "LinkPackageId",
        )


def _keep_provisioned(batch: Batch) -> None:
    """What accounts have stays the product of the package that they took."""
    moved = changed(batch, "PackageId", "ProductId")
    if not moved:
        return
    known = {row[0]: row[1:] for row in found(_PROVISIONED, ids=[batch.ids[i] for i in moved])}
    for name in ("PackageId", "ProductId"):
        for index in changed(batch, name):
            provisioned, above = known.get(batch.ids[index], (False, False))
            if provisioned:
                why = "accounts have the package product"
            elif above and name == "PackageId":
                why = "other package products stand under it"
            else:
                continue
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{name} stays {batch.stored[name][index]}: {why}. Add another package product "
                f"instead.",
                name,
            )
