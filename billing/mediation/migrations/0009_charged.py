from django.db import migrations, models

# What of a load goes to suspense is little, and is looked for when all else is done.
CAUSES = """
CREATE INDEX mediation_usage_cause ON mediation_usage (load_id, line) WHERE cause IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mediation', '0008_reads_as'),
    ]

    operations = [
        migrations.AddField(
            model_name='loadshard',
            name='charged',
            field=models.JSONField(null=True),
        ),
        migrations.RunSQL(CAUSES, "DROP INDEX mediation_usage_cause"),
    ]
