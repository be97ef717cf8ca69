"""What a quantity of a product costs an account: reckoned for each query, stored nowhere.

A view of the database without rows stands for the entity. Where a query gives an account and a
product, the answer is reckoned by the same statements as charges: the price of the price book, and
what the discounts of the account would take off it, were it charged at the end of the day, and what
its taxes would put on.
"""

from metabrm import shorthand as optional
from metabrm.entity import CoreModel, EntityOptions


class AccountProductQuote(CoreModel):
    """What a product costs an account in a quantity on a day; ask with AccountId and ProductId."""

    account = optional.past("customers.Account", "The account that asks.")
    product = optional.past(
        "catalog.Product", "The product; follows from the account product where that is given."
    )
    account_product = optional.past(
        "customers.AccountProduct", "The provisioned product whose prices count first."
    )
    package_product = optional.past(
        "catalog.PackageProduct", "The package product whose prices count next."
    )
    quantity = optional.quantity("How many units; the account product's, or 1, where none is sent.")
    start_date = optional.day("Day whose prices count; today where none is sent.")
    rate = optional.money("Price per unit, on average where tiers differ.")
    amount = optional.money("Price of the quantity.")
    discount_amount = optional.money(
        "What the discounts of the account would take off the amount, beside what is charged "
        "already in the billing period."
    )
    tax_amount = optional.money(
        "What the account's products of the kind Tax come to on the amount less DiscountAmount; "
        "empty where it has none. What a tax engine reckons comes with an invoice."
    )
    grand_total_amount = optional.money("Amount less DiscountAmount, and TaxAmount.")
    rate_details = optional.long_text("A RateDetailsRow with Rate and RatedAmount for each tier.")
    discount_details = optional.long_text(
        "A DiscountDetailsRow with AccountProductId, Rate and DiscountAmount for each discount."
    )
    tax_details = optional.long_text(
        "A TaxDetailsRow with AccountProductId, Rate in per cent and TaxAmount for each tax."
    )
    rate_source = optional.text(
        100, "Level the price came from: Account Product, Contract Rate, Product."
    )
    rate_source_id = optional.number_of("Id of the record whose price it is.")

    brm = EntityOptions(
        name="ACCOUNT_PRODUCT_QUOTE",
        title="rate_source",
        writable=False,
        seen_with=("account", "product"),
        example={"AccountId": "17", "ProductId": "17", "Quantity": "3"},
        inputs=(
            "account",
            "product",
            "account_product",
            "package_product",
            "quantity",
            "start_date",
        ),
    )

    class Meta:
        managed = False
        db_table = "quoting_accountproductquote"
        verbose_name = "price preview"
        verbose_name_plural = "price previews"
