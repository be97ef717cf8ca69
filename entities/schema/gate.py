"""The write gate: no record is written on a schema that has moved.

A record write takes the gate's advisory lock shared and only then, in a second statement, reads the
version (in one statement the read could be older than the lock). A schema change takes the lock
exclusively, and gives up quickly: whoever waits for a lock keeps all others waiting behind him, so
it is better to let them pass and try again. A write that finds another version than its snapshot's
starts again on the new one.
"""

from django.db import connection

from metabrm import clock
from metabrm.identity.context import Context

GATE_KEY = 0x6272_6D67  # "brmg"

#: Seconds that a person's or a program's write waits for records that another transaction holds.
#: It waits in one of few threads; the platform's own work has more time, and a process of its own.
PATIENCE = 5.0
OWN_PATIENCE = 60.0
#: Seconds that a schema change waits for a lock before it lets the others pass and begins again.
CHANGE_PATIENCE = 0.4

# Whoever has entered to change the schema stays in a hurry, whatever he writes next: he keeps all
# others out until his transaction ends.
_ENTER = """
SELECT set_config('lock_timeout', coalesce(nullif(set_config('metabrm.exclusive',
    coalesce(nullif(current_setting('metabrm.exclusive', true), ''), %s), true), ''), %s), true);
SELECT pg_advisory_xact_lock{}(%s),
       set_config('metabrm.user_id', %s, true), set_config('metabrm.reason', %s, true),
       set_config('metabrm.request_id', %s, true), set_config('metabrm.now', %s, true);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT version FROM entities_schemaversion WHERE id = 1
"""


def enter(context: Context, *, exclusive: bool = False) -> int:
    """Enter the gate in the open transaction and tell the history who acts and why.

    Returns the schema version that holds until the transaction ends, in which no lock is waited for
    longer than the caller's patience. `exclusive`: to change the schema, with nobody writing.
    """
    user_id = "" if context.user_id is None else str(context.user_id)
    patience = OWN_PATIENCE if context.user_id is None else PATIENCE
    hurry = f"{CHANGE_PATIENCE * 1000:.0f}ms" if exclusive else ""
    with connection.cursor() as cursor:
        # Parameters are bound by the client library, so the statements are one round trip,
        # each with a snapshot of its own.
        cursor.execute(
            _ENTER.format("" if exclusive else "_shared"),
            [
                hurry,
                f"{patience * 1000:.0f}ms",
                GATE_KEY,
                user_id,
                context.reason,
                context.request_id,
                clock.now().isoformat(),
            ],
        )
        while cursor.nextset():
            pass
        return int(cursor.fetchone()[0])


def resume(context: Context) -> None:
    """Tell the history again why, after others acted in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('metabrm.reason', %s, true)", [context.reason])
