"""Nothing that a test commits is met by the next one, whatever it is; only the counting goes on."""

import pytest
from django.db import connection
from django.test import TransactionTestCase

from entities.schema.current import current
from metabrm.identity.models import Role

# What is there: every relation, function and trigger.
_OBJECTS = """
SELECT 'relation', oid::regclass::text, relkind::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', oid::regprocedure::text, md5(prosrc) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text || '.' || tgname, tgenabled::text FROM pg_trigger
UNION ALL
SELECT 'column', attrelid::regclass::text || '.' || attname, format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace
"""
_SOIL = """
UPDATE entities_entityfield SET external_key = external_key || '!';
UPDATE entities_schemaversion SET version = version - 5;
DELETE FROM localization_currency WHERE id % 2 = 0;
INSERT INTO django_session VALUES ('key', 'data', now());
CREATE TABLE brm_e987 (id bigint PRIMARY KEY, f1 text);
INSERT INTO brm_e987 VALUES (1, 'left');
ALTER TABLE catalog_product ADD COLUMN f988 text;
ALTER TABLE catalog_product DISABLE TRIGGER USER;
CREATE FUNCTION left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION metabrm_bump_schema_version() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$;
TRUNCATE localization_language CASCADE;
"""


def _everything() -> dict[str, object]:
    """Every object of the database, and every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute(_OBJECTS)
        found: dict[str, object] = {"objects": sorted(cursor.fetchall())}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = cursor.fetchall()
    return found


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_is_gone_and_no_id_or_version_is_given_again() -> None:
    before, known = _everything(), current()
    role = Role.objects.create(name="Left behind")
    with connection.cursor() as cursor:
        cursor.execute(_SOIL)
        cursor.execute("SELECT nextval('metabrm_schema_versions')")
        (version,) = cursor.fetchone()
    soiled = _everything()
    assert {name for name in soiled if soiled[name] != before.get(name)} >= {
        *("objects", "entities_entityfield", "entities_schemaversion", "localization_currency"),
        *("django_session", "brm_e987", "localization_language", "identity_role"),
    }

    TransactionTestCase._fixture_teardown(TransactionTestCase())  # as it is done after each test

    assert _everything() == before
    assert current().version == known.version
    assert Role.objects.create(name="Next").pk > role.pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('metabrm_schema_versions')")
        assert cursor.fetchone() > (version,)
