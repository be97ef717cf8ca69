"""The functions behind history and schema versioning, and the triggers on the metadata tables."""

from django.db import migrations

from entities.history.triggers import FUNCTIONS
from entities.schema.versioning import watch

WATCHED = (
    "entities_entity",
    "entities_entityfield",
    "entities_entityfieldvalue",
    "entities_entityfieldrole",
    "entities_entityvalidation",
)


class Migration(migrations.Migration):
    dependencies = [("entities", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(watch(*WATCHED), migrations.RunSQL.noop),
    ]
