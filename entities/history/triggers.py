"""The triggers that write the history: three per table, once per statement.

A trigger per statement sees all changed rows in a transition table, so a bulk load pays little, and
nothing escapes: COPY, psql and the verbs are recorded alike. Who and why come from settings of the
transaction that the write gate fills.
"""

from collections.abc import Sequence

from django.db import connection

from entities.fieldtypes.textform import array_literal

_WHO = """
#variable_conflict use_variable
DECLARE
    at timestamptz :=
        coalesce(nullif(current_setting('metabrm.now', true), '')::timestamptz, now());
    who bigint := nullif(current_setting('metabrm.user_id', true), '')::bigint;
    why text := nullif(current_setting('metabrm.reason', true), '');
    request text := nullif(current_setting('metabrm.request_id', true), '');
    secret text[] := TG_ARGV[1]::text[];
"""

_COLUMNS = "changed_at, entity_id, record_id, action, user_id, reason, request_id, before, after"


#: A setting of the transaction, `on` while values are sealed anew that nobody changes
#: (`entities.changing.sealing`); of that there is no history.
RESEALING = "metabrm.resealing"


def _function(name: str, select: str) -> str:
    # A plan is kept for the connection's life: one made for a single row, a nested loop, would
    # compare each of a thousand rows with each of the other thousand.
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off AS $audit$ {_WHO}
BEGIN
    IF current_setting('{RESEALING}', true) = 'on' THEN RETURN NULL; END IF;
    INSERT INTO entities_auditlog ({_COLUMNS}) {select};
    RETURN NULL;
END $audit$;
"""


FUNCTIONS = (
    _function(
        "metabrm_audit_insert",
        """SELECT at, TG_ARGV[0]::bigint, n.id, 'CREATE', who, why, request, NULL,
                  jsonb_strip_nulls(to_jsonb(n)) - secret
           FROM new_rows n""",
    )
    + _function(
        "metabrm_audit_update",
        """SELECT at, TG_ARGV[0]::bigint, n.id,
                  CASE WHEN o.deleted_at IS NULL AND n.deleted_at IS NOT NULL THEN 'DELETE'
                       WHEN o.deleted_at IS NOT NULL AND n.deleted_at IS NULL THEN 'UNDELETE'
                       ELSE 'UPDATE' END,
                  who, why, request,
                  jsonb_strip_nulls(to_jsonb(o)) - secret, jsonb_strip_nulls(to_jsonb(n)) - secret
           FROM old_rows o JOIN new_rows n USING (id)
           WHERE o IS DISTINCT FROM n""",
    )
    + _function(
        "metabrm_audit_delete",
        """SELECT at, TG_ARGV[0]::bigint, o.id, 'PURGE', who, why, request,
                  jsonb_strip_nulls(to_jsonb(o)) - secret, NULL
           FROM old_rows o""",
    )
)

_EVENTS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
}


def ensure(
    table: str,
    entity_id: int,
    *,
    enabled: bool,
    unaudited: Sequence[str] = (),
    creations: bool = True,
) -> None:
    """Give `table` the history triggers of the entity `entity_id`, or take them away.

    `unaudited` columns never enter the history, and without `creations` that a record was made
    does not. Does nothing where all is as it should be. A table of partitions has them itself:
    they see what is written through it, wherever it lies.
    """
    arguments = [str(entity_id), array_literal(list(unaudited))]
    quoted = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, encode(tgargs, 'escape') FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND tgname LIKE 'metabrm_audit_%%'",
            [quoted],
        )
        present = dict(cursor.fetchall())
        wanted = "".join(f"{argument}\\000" for argument in arguments)
        for event, transition in _EVENTS.items():
            name = f"metabrm_audit_{event}"
            if not enabled or (event == "insert" and not creations):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {quoted}")
            elif present.get(name) != wanted:
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {name} AFTER {event.upper()} ON {quoted} "
                    f"{transition} FOR EACH STATEMENT EXECUTE FUNCTION {name}(%s, %s)",
                    arguments,
                )
