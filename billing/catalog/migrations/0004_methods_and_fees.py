import django.db.models.deletion
import metabrm.fields
from django.db import migrations, models

from metabrm.migrating import Together


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_components'),
    ]

    operations = [
        Together([
            migrations.AddField(
                model_name='packageproduct',
                name='usage_identifier',
                field=models.ForeignKey(blank=True, help_text='Collected usage that raises this label is charged as this product of the package.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.usageidentifier'),
            ),
            migrations.AddField(
                model_name='pricing',
                name='fee_per_charge',
                field=metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Amount charged beside the rate for each charge, such as each transaction.', max_digits=28, null=True),
            ),
            migrations.AddField(
                model_name='pricing',
                name='flat_fee',
                field=metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Amount charged beside the rate, once in a period, when the quantity reaches the band.', max_digits=28, null=True),
            ),
            migrations.AddField(
                model_name='pricing',
                name='included_charges',
                field=models.PositiveIntegerField(blank=True, help_text='How many charges of a period bear no FeePerCharge, the first ones.', null=True),
            ),
            migrations.AddField(
                model_name='pricing',
                name='included_quantity',
                field=metabrm.fields.QuantityField(blank=True, decimal_places=10, help_text='Units that cost nothing at the beginning of a period; of prepaid usage, the units of usage that one unit of the product includes.', max_digits=28, null=True),
            ),
            migrations.AddField(
                model_name='pricing',
                name='max_charge',
                field=metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text="Greatest amount of a charge in this band, or of a period's charges: the rating method's MinMaxPer says which.", max_digits=28, null=True, verbose_name='maximum charge'),
            ),
            migrations.AddField(
                model_name='product',
                name='usage_identifier',
                field=models.ForeignKey(blank=True, help_text='Collected usage that raises this label is charged as this product.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.usageidentifier'),
            ),
            migrations.AddField(
                model_name='ratingmethod',
                name='interval_days',
                field=models.PositiveIntegerField(blank=True, help_text='Days from one charge of a variable interval subscription to the next.', null=True, verbose_name='interval in days'),
            ),
            migrations.AddField(
                model_name='ratingmethod',
                name='min_max_per',
                field=metabrm.fields.ListField(blank=True, help_text="Whether MinCharge and MaxCharge of a price bound each charge, or what a period's charges add up to; empty = each charge.", max_length=100, null=True, verbose_name='minimum and maximum per'),
            ),
            migrations.AddField(
                model_name='ratingmethod',
                name='percentage_flag',
                field=metabrm.fields.FlagField(db_default=False, default=False, help_text='The rate is a percentage of the quantity, which is then an amount of money; with tiers, a graduated percentage.', verbose_name='percentage'),
            ),
            migrations.AlterField(
                model_name='pricing',
                name='min_charge',
                field=metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text="Least amount of a charge in this band, or of a period's charges: the rating method's MinMaxPer says which.", max_digits=28, null=True, verbose_name='minimum charge'),
            ),
            migrations.AddConstraint(
                model_name='pricing',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('block_iterations__gt', 0), ('block_size__isnull', False)), ('block_iterations__isnull', True), _connector='OR'), name='catalog_pricing_block_iterations_of_blocks', violation_error_message='BlockIterations is greater than 0 and comes with a BlockSize, or is empty for no limit'),
            ),
            migrations.AddConstraint(
                model_name='pricing',
                constraint=models.CheckConstraint(condition=models.Q(('min_charge__gte', 0)), name='catalog_pricing_min_charge_not_negative', violation_error_message='MinCharge is 0 or more, or empty for none'),
            ),
            migrations.AddConstraint(
                model_name='pricing',
                constraint=models.CheckConstraint(condition=models.Q(('max_charge__gte', 0)), name='catalog_pricing_max_charge_not_negative', violation_error_message='MaxCharge is 0 or more, or empty for none'),
            ),
            migrations.AddConstraint(
                model_name='pricing',
                constraint=models.CheckConstraint(condition=models.Q(('max_charge__gte', models.F('min_charge'))), name='catalog_pricing_max_charge_from_min_charge', violation_error_message='MaxCharge is not less than MinCharge, or empty for none'),
            ),
            migrations.AddConstraint(
                model_name='pricing',
                constraint=models.CheckConstraint(condition=models.Q(('included_quantity__gte', 0)), name='catalog_pricing_included_quantity_not_negative', violation_error_message='IncludedQuantity is 0 or more, or empty for none'),
            ),
            migrations.AddConstraint(
                model_name='ratingmethod',
                constraint=models.CheckConstraint(condition=models.Q(('interval_days__gt', 0)), name='catalog_ratingmethod_interval_days_positive', violation_error_message='IntervalDays is 1 or more'),
            ),
        ]),
    ]
