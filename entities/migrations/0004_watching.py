"""What the run-time schema needs of the database besides tables."""

from django.db import migrations

from entities.history.triggers import FUNCTIONS
from entities.schema.versioning import NOW, WATCHED, watch


class Migration(migrations.Migration):
    dependencies = [("entities", "0003_designer")]

    operations = [
        # Again, for tables with a column that is called like a variable of these functions.
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(watch(*WATCHED), migrations.RunSQL.noop),
        migrations.RunSQL(NOW, migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS metabrm_physical_names",
            "DROP SEQUENCE IF EXISTS metabrm_physical_names",
        ),
    ]
