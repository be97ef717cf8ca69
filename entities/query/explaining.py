"""How a query would be run: what it reads, under which rights, and PostgreSQL's plan; it isn't run.

For administrators: a plan tells of rows and rights that others may not know of. They may ask for
somebody else, to see what that user's rights make of the query.
"""

from typing import Any

import orjson

from entities.access.rights import require_administrator
from entities.query import statement
from entities.query.run import Page, plan_of
from entities.query.sources import Source
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context


def explain(sql: str, asking: Context, context: Context, snapshot: Snapshot) -> Page:
    """One object about the query as `context` would send it: Sources, Columns, Statement, Plan.

    RequestError INSUFFICIENT_RIGHTS unless an administrator is `asking`, and all that a query
    raises when it is compiled.
    """
    require_administrator(asking, "see how a query is run")
    compiled = statement.compile_query(sql, snapshot, context)
    about = {
        "Username": context.username,
        "Sources": [_told(source) for source in compiled.sources],
        "Columns": list(compiled.keys),
        "Statement": compiled.sql,
        "Plan": plan_of(compiled),
    }
    return Page(orjson.dumps([about]), 1)


def _told(source: Source) -> dict[str, Any]:
    rights = source.rights
    return {
        "Entity": source.schema.name,
        "Alias": source.alias,
        "Joined": source.joined,
        "Rows": source.visible(),
        "ReadOtherwise": sorted(rights.instead),
        "Masked": sorted(rights.masked),
    }
