import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mediation", "0001_initial"),
        ("receivables", "0002_payments_and_credits"),
    ]

    operations = [
        migrations.AddField(
            model_name="credit",
            name="invoice_detail",
            field=models.ForeignKey(
                blank=True,
                help_text="The charge that is credited.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="mediation.activity",
            ),
        ),
    ]
