"""The values of a query: they travel beside the statement, never in it."""

#: What a parameter is sent as: one text, or for an IN list several.
Parameter = str | list[str]


class Parameters:
    """The parameters of one statement; the same value bound twice is one parameter."""

    def __init__(self) -> None:
        self.values: list[Parameter] = []
        self._known: dict[tuple[object, str], str] = {}

    def bind(self, value: Parameter, pg_type: str) -> str:
        """SQL that stands for `value` (text as PostgreSQL reads it) of type `pg_type`."""
        key = (tuple(value) if isinstance(value, list) else value, pg_type)
        found = self._known.get(key)
        if found is None:
            self.values.append(value)
            found = self._known[key] = f"${len(self.values)}::{pg_type}"
        return found

    def reserve(self, pg_type: str) -> tuple[str, int]:
        """SQL of a parameter of its own for a list of records that is not made yet, and its place
        among the values, from 0."""
        self.values.append("[]")
        return f"${len(self.values)}::{pg_type}", len(self.values) - 1
