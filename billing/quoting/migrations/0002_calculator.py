import metabrm.fields
from django.db import migrations, models

NOTHING_ASKED = """
CREATE VIEW quoting_accountproductquote AS
SELECT NULL::bigint AS id, NULL::bigint AS account_id, NULL::bigint AS product_id,
       NULL::bigint AS account_product_id, NULL::bigint AS package_product_id,
       NULL::numeric AS quantity, NULL::date AS start_date, NULL::numeric AS rate,
       NULL::numeric AS amount, NULL::numeric AS discount_amount, NULL::numeric AS tax_amount,
       NULL::numeric AS grand_total_amount, NULL::text AS rate_details,
       NULL::text AS discount_details, NULL::text AS tax_details, NULL::text AS rate_source,
       NULL::bigint AS rate_source_id
WHERE false;
"""

PRICE = """
CREATE FUNCTION quoting_price_of(
    for_account bigint, of_product bigint, of_account_product bigint, of_package_product bigint,
    of_quantity numeric, on_day date
) RETURNS SETOF quoting_accountproductquote LANGUAGE sql STABLE AS $$
WITH asked AS (
    SELECT a.id AS account_id,
           coalesce(ap.product_id, pp.product_id, $2) AS product_id,
           ap.id AS account_product_id,
           coalesce(pp.id, ap.package_product_id) AS package_product_id,
           coalesce($5, ap.quantity, 1) AS quantity,
           coalesce($6, metabrm_now()::date) AS day,
           coalesce((SELECT b.currency_code FROM customers_billingprofile b
                     WHERE b.id = coalesce(a.billing_profile_id, a.billable_billing_profile_id)),
                    'USD') AS currency_code
    FROM customers_account a
    LEFT JOIN customers_accountproduct ap
      ON ap.id = $3 AND ap.account_id = a.id AND ap.deleted_at IS NULL
    LEFT JOIN catalog_packageproduct pp ON pp.id = $4 AND pp.deleted_at IS NULL
    WHERE a.id = $1 AND a.deleted_at IS NULL
), priced AS (
    SELECT p.*, asked.quantity,
           CASE WHEN p.account_product_id IS NOT NULL THEN 1
                WHEN p.package_product_id IS NOT NULL THEN 2 ELSE 3 END AS level
    FROM asked JOIN catalog_pricing p
      ON (p.account_product_id = asked.account_product_id
          OR p.package_product_id = asked.package_product_id
          OR p.product_id = asked.product_id)
    WHERE p.deleted_at IS NULL AND p.currency_code = asked.currency_code
      AND (p.effective_date IS NULL OR p.effective_date <= asked.day)
      AND (p.end_date IS NULL OR p.end_date >= asked.day)
), method AS (
    SELECT coalesce(m.pricing_type = 'Tiered Pricing' AND m.aggregate_rate_type = 'Incremental',
                    false) AS incremental,
           coalesce(m.flat_rate, false) AS flat
    FROM asked
    JOIN catalog_product product ON product.id = asked.product_id
    LEFT JOIN customers_accountproduct ap ON ap.id = asked.account_product_id
    LEFT JOIN catalog_packageproduct pp ON pp.id = asked.package_product_id
    LEFT JOIN catalog_ratingmethod m
      ON m.id = coalesce(ap.rating_method_id, pp.rating_method_id, product.rating_method_id)
), tier AS (
    -- A band begins 1e-10 above the end of the one before it.
    SELECT p.level, p.rate_order, p.rate, p.account_product_id, p.package_product_id, p.product_id,
           CASE WHEN method.incremental
                THEN least(p.quantity, CASE WHEN p.upper_band = -1 THEN p.quantity
                                            ELSE p.upper_band END) - round(p.lower_band, 9)
                ELSE p.quantity END AS units,
           method.flat
    FROM priced p, method
    WHERE p.level = (SELECT min(level) FROM priced)
      AND CASE WHEN method.incremental THEN p.lower_band < p.quantity
               ELSE p.lower_band <= p.quantity
                    AND (p.upper_band = -1 OR p.quantity <= p.upper_band) END
), reckoned AS (
    SELECT tier.*, CASE WHEN flat THEN rate ELSE rate * units END AS cost FROM tier
), total AS (
    SELECT sum(cost) AS amount, count(*) AS tiers, min(rate) AS rate, min(level) AS level,
           min(coalesce(account_product_id, package_product_id, product_id)) AS source_id,
           string_agg('<RateDetailsRow><Quantity>' || trim_scale(units) || '</Quantity><Rate>'
                      || trim_scale(rate) || '</Rate><RatedAmount>' || trim_scale(cost)
                      || '</RatedAmount></RateDetailsRow>', '' ORDER BY rate_order) AS details
    FROM reckoned
)
SELECT 1::bigint, asked.account_id, asked.product_id, asked.account_product_id,
       asked.package_product_id, asked.quantity, asked.day,
       CASE WHEN total.tiers = 1 THEN total.rate
            ELSE round(total.amount / nullif(asked.quantity, 0), 10) END,
       total.amount, NULL::numeric, NULL::numeric, total.amount,
       '<RateDetails>' || total.details || '</RateDetails>', NULL::text, NULL::text,
       CASE total.level WHEN 1 THEN 'Account Product' WHEN 2 THEN 'Package Product'
                        WHEN 3 THEN 'Product' END,
       total.source_id
FROM asked, total
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('quoting', '0001_initial'),
        ('catalog', '0003_components'),
        ('customers', '0004_contacts'),
        ('entities', '0004_watching'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountProductQuote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', metabrm.fields.QuantityField(blank=True, decimal_places=10, help_text="How many units; the account product's, or 1, where none is sent.", max_digits=28, null=True)),
                ('start_date', models.DateField(blank=True, help_text='Day whose prices count; today where none is sent.', null=True)),
                ('rate', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Price per unit, on average where tiers differ.', max_digits=28, null=True)),
                ('amount', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Price of the quantity.', max_digits=28, null=True)),
                ('discount_amount', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Discounts on it; empty, for they are not reckoned here.', max_digits=28, null=True)),
                ('tax_amount', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Tax on it; empty, for it is not reckoned here.', max_digits=28, null=True)),
                ('grand_total_amount', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Amount; without discounts and tax.', max_digits=28, null=True)),
                ('rate_details', models.TextField(blank=True, help_text='A RateDetailsRow with Rate and RatedAmount for each tier.', null=True)),
                ('discount_details', models.TextField(blank=True, help_text='Discounts one by one; empty.', null=True)),
                ('tax_details', models.TextField(blank=True, help_text='Taxes one by one; empty.', null=True)),
                ('rate_source', models.CharField(blank=True, help_text='Level the price came from: Product, Package Product.', max_length=100, null=True)),
                ('rate_source_id', models.BigIntegerField(blank=True, help_text='Id of the record whose price it is.', null=True)),
            ],
            options={
                'verbose_name': 'price preview',
                'verbose_name_plural': 'price previews',
                'db_table': 'quoting_accountproductquote',
                'managed': False,
            },
        ),
        migrations.RunSQL(NOTHING_ASKED, 'DROP VIEW quoting_accountproductquote'),
        migrations.RunSQL(PRICE, 'DROP FUNCTION quoting_price_of'),
    ]
