import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_methods_and_fees'),
        ('customers', '0004_contacts'),
    ]

    operations = [
        migrations.AddField(
            model_name='accountproduct',
            name='usage_identifier',
            field=models.ForeignKey(blank=True, help_text='Collected usage that raises this label is charged to this account product.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.usageidentifier'),
        ),
    ]
