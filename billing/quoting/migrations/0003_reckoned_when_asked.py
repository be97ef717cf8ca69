from importlib import import_module

from django.db import migrations

PRICE = import_module('billing.quoting.migrations.0002_calculator').PRICE


class Migration(migrations.Migration):

    dependencies = [
        ('quoting', '0002_calculator'),
    ]

    operations = [
        migrations.RunSQL('DROP FUNCTION quoting_price_of', PRICE),
    ]
