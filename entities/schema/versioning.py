"""The database itself bumps the schema version whenever metadata changes, whoever changed it."""

from django.db import connection

#: Tables whose rows a snapshot is compiled from.
WATCHED = (
    "entities_entity",
    "entities_entityfield",
    "entities_entityfieldvalue",
    "entities_entityfieldrole",
    "entities_entityvalidation",
)

_FUNCTION = """
CREATE OR REPLACE FUNCTION metabrm_bump_schema_version() RETURNS trigger LANGUAGE plpgsql AS $bump$
BEGIN
    UPDATE entities_schemaversion SET version = version + 1 WHERE id = 1;
    RETURN NULL;
END $bump$;
"""

_TRIGGER = """
CREATE OR REPLACE TRIGGER metabrm_bump_schema_version
AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION metabrm_bump_schema_version();
"""

SQL = _FUNCTION + "".join(_TRIGGER.format(table=table) for table in WATCHED)


def database_version() -> int:
    """The version of the schema as the database has it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM entities_schemaversion WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else 0
