"""Many entities of 35 fields, made as an admin makes them: a grown installation's schema."""

MOST = 300
#: Beside the five that every entity has.
FIELDS = 30
_KINDS = ("TEXT", "INTEGER", "MONEY", "DATE", "FLAG", "DATETIME", "DECIMAL", "LONG_TEXT", "EMAIL")
_A_BATCH = 15


def entities(n: int) -> int:
    """How many there are for `n` rows: all at the usual number, few where a test wants few."""
    return max(2, min(MOST, n * MOST // 10_000))


def made(n: int) -> list[str]:
    """Their names; makes those that are missing."""
    from entities import records
    from entities.schema.current import current
    from metabrm.identity.context import Context

    context = Context.system("bench")
    names = [f"MANY_{number}" for number in range(entities(n))]
    missing = [name for name in names if current().find(name) is None]
    done = records.create("ENTITY", [{"EntityName": name} for name in missing], context)
    for first in range(0, len(done), _A_BATCH):
        fields = [
            {
                "EntityId": outcome.id,
                "FieldName": f"Field{place}",
                "DataType": _KINDS[place % len(_KINDS)],
            }
            for outcome in done[first : first + _A_BATCH]
            for place in range(FIELDS)
        ]
        outcomes = records.create("ENTITY_FIELD", fields, context)
        assert all(o.ok for o in outcomes), next(o for o in outcomes if not o.ok)
    return names
