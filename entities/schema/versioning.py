"""The database itself bumps the schema version whenever metadata changes, whoever changed it.

A version is never given twice, not even one that was taken back with its transaction: two schemas
of one version would be taken for the same by whoever has compiled one of them.
"""

from django.db import connection

#: Tables whose rows a snapshot is compiled from.
WATCHED = (
    "entities_entity",
    "entities_entityfield",
    "entities_entityfieldvalue",
    "entities_entityfieldrole",
    "entities_entitykey",
    "entities_entitylayout",
    "entities_entityvalidation",
    "entities_sharinggroup",
    "entities_sharinggrouprule",
    "entities_sharinggroupuser",
    "entities_workflowaction",
    "entities_workflowrule",
)

_FUNCTION = """
CREATE SEQUENCE IF NOT EXISTS metabrm_schema_versions;
CREATE OR REPLACE FUNCTION metabrm_bump_schema_version() RETURNS trigger LANGUAGE plpgsql AS $bump$
BEGIN
    UPDATE entities_schemaversion SET version = nextval('metabrm_schema_versions') WHERE id = 1;
    RETURN NULL;
END $bump$;
"""

_TRIGGER = """
CREATE OR REPLACE TRIGGER metabrm_bump_schema_version
AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION metabrm_bump_schema_version();
"""

#: The house's "now" inside statements: what the caller's transaction was told (`gate.enter`, the
#: query's own settings), else the database's clock.
NOW = """
CREATE OR REPLACE FUNCTION metabrm_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('metabrm.now', true), '')::timestamptz, now());
"""


def watch(*tables: str) -> str:
    """SQL that makes changes of the rows of `tables` bump the version."""
    return _FUNCTION + "".join(_TRIGGER.format(table=table) for table in tables)


def database_version() -> int:
    """The version of the schema as the database has it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM entities_schemaversion WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else 0
