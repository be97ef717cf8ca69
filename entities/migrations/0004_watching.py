"""What the run-time schema needs of the database besides tables."""

from django.db import migrations

from entities.schema.versioning import NOW, WATCHED, watch


class Migration(migrations.Migration):
    dependencies = [("entities", "0003_designer")]

    operations = [
        migrations.RunSQL(watch(*WATCHED), migrations.RunSQL.noop),
        migrations.RunSQL(NOW, migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS metabrm_physical_names",
            "DROP SEQUENCE IF EXISTS metabrm_physical_names",
        ),
    ]
