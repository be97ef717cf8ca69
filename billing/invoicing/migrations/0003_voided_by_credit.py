import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invoicing", "0002_invoices"),
        ("receivables", "0002_payments_and_credits"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoice",
            name="voided_by_credit",
            field=models.ForeignKey(
                blank=True,
                help_text="The credit that voids it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="receivables.credit",
            ),
        ),
    ]
