"""What a SELECT reads from: the table of an entity, or a SELECT in its FROM clause."""

from collections.abc import Mapping
from dataclasses import dataclass

from entities.access.rights import EntityRights
from entities.query.terms import Term
from entities.schema.description import EntitySchema, quote


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One table of the query.

    names   the folded words by which columns may be qualified
    joined  how it came into the query, for who asks how it is run: "FROM", "JOIN", …
    made    SQL of the JSON list of its records, of an entity whose records are reckoned
    """

    schema: EntitySchema
    alias: str
    rights: EntityRights
    names: frozenset[str] = frozenset()
    joined: str = ""
    made: str = ""

    @property
    def sql(self) -> str:
        """What stands for the table in a FROM clause until `Query.rendered` puts it there."""
        return f"\0{self.alias}\0"

    def visible(self) -> list[str]:
        """SQL conditions under which a row exists for the caller.

        The recycle bin hides deleted rows, the caller's rights may hide others.
        """
        conditions = [f"{self.alias}.deleted_at IS NULL"] if self.schema.authored else []
        if self.rights.condition:
            conditions.append(self.rights.condition.replace("{t}", self.alias))
        return conditions

    def ties(self) -> list[str]:
        """What tells the rows apart."""
        return [f"{self.alias}.{quote('id')}"]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A SELECT that stands in a FROM clause.

    columns  by name, over `alias`
    keys     what tells its rows apart
    ordered  whether its rows come in an order that was asked for
    """

    alias: str
    sql: str
    columns: Mapping[str, Term]
    keys: tuple[str, ...]
    ordered: bool
    names: frozenset[str] = frozenset()

    def visible(self) -> list[str]:
        """Nothing: what is hidden from the caller never came in."""
        return []

    def ties(self) -> list[str]:
        """What tells the rows apart."""
        return list(self.keys)
