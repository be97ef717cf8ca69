"""Records that are a tree: none stands above itself, however many steps up.

That is checked after the write, against what the database then holds, so the records of one request
count together.
"""

from django.db import connection

from entities.errors import Code
from entities.records import UNSET, Batch, Behavior
from entities.schema.description import quote

# Records that are their own ancestor. UNION drops what was seen, so the walk ends.
CIRCLES = """
WITH RECURSIVE up(start, id) AS (
    SELECT id, {parent} FROM {table} WHERE id = ANY(%s) AND {parent} IS NOT NULL
    UNION
    SELECT up.start, above.{parent}
    FROM up JOIN {table} above ON above.id = up.id
    WHERE above.{parent} IS NOT NULL
)
SELECT start FROM up WHERE id = start
"""


class TreeBehavior(Behavior):
    """Base: the lookup called `parent` leads up a tree.

    Only a change can close a circle: a new record stands above nobody yet.
    """

    parent: str
    #: Any number will do, as long as nothing else locks it.
    lock: int

    def before_update(self, batch: Batch) -> None:
        if self._moved(batch):
            # Two requests could each close half of a circle that neither sees.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock])

    def after_update(self, batch: Batch) -> None:
        moved = self._moved(batch)
        if not moved:
            return
        schema = batch.schema
        statement = CIRCLES.format(
            parent=quote(schema.field(self.parent).column or ""), table=quote(schema.table)
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(moved)])
            circular = [row[0] for row in cursor.fetchall()]
        for record in circular:
            batch.fail(
                moved[record],
                Code.VALIDATION_FAILED,
                f"{schema.label} {record} would be above itself in the hierarchy; send a "
                f"{self.parent} that is not below it.",
                self.parent,
            )

    def _moved(self, batch: Batch) -> dict[int, int]:
        """Id -> index of the records whose parent changes."""
        stored = batch.stored.get(self.parent, [])
        return {
            record: index
            for index, (record, parent, was) in enumerate(
                zip(batch.ids, batch.sent(self.parent), stored, strict=False)
            )
            if index not in batch.problems
            and record is not None
            and parent is not UNSET
            and parent is not None
            and parent != was
        }
