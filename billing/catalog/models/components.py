"""The products of a package as a tree, to read: how they stand under each other, and the way down.

A view of the database over PACKAGE_PRODUCT, made by a migration.
"""

from django.db import models

from metabrm.entity import CoreModel, EntityOptions


class PackageComponentHier(CoreModel):
    """A product's place in the tree of its package, to read; its Id is the package product's."""

    package = models.ForeignKey(
        "catalog.Package",
        models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        help_text="The package.",
    )
    product = models.ForeignKey(
        "catalog.Product",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        help_text="The product; empty where a whole package is linked in.",
    )
    package_component_label = models.TextField(
        verbose_name="component", help_text="Name of the package product."
    )
    package_component_label_hier = models.TextField(
        verbose_name="components down to it",
        help_text="Names of the package products above it and its own, with > between them.",
    )
    package_component_path = models.TextField(
        verbose_name="path", help_text="Ids of the package products above it and its own: /12/15."
    )

    brm = EntityOptions(
        name="PACKAGE_COMPONENT_HIER",
        title="package_component_label",
        writable=False,
        seen_with=("package",),
    )

    class Meta:
        managed = False
        db_table = "catalog_packagecomponenthier"
        verbose_name = "package component"
        verbose_name_plural = "package components"
