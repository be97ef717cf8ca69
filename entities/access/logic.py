"""How the numbered conditions of a sharing rule combine: `1 AND (2 OR 3)`, with NOT.

NOT binds closest, then AND, then OR; words in any case. Every condition is named at least once: one
that is listed but not named would look as if it limited the rule.
"""

import re
from collections.abc import Sequence
from typing import NoReturn

#: How deep brackets may be nested.
DEEPEST = 50

_TOKEN = re.compile(r"\s*(?:([0-9]+)|(AND|OR|NOT)\b|([()])|(\S))", re.IGNORECASE)


class LogicError(ValueError):
    """What is wrong with a filter logic, and at which character (from 0)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


def joined(text: str, conditions: Sequence[str]) -> str:
    """SQL of `conditions`, which `text` names by their numbers from 1. Raises LogicError."""
    return _Parser(text, conditions).whole()


class _Parser:
    def __init__(self, text: str, conditions: Sequence[str]) -> None:
        self.text = text
        self.conditions = conditions
        self.unused = set(range(1, len(conditions) + 1))
        self.depth = 0
        self.end = len(text.rstrip())
        self.token = ""
        self.at = self.after = 0
        self._next()

    def whole(self) -> str:
        sql = self._any()
        if self.token == ")":
            self._wrong("This ) closes nothing; remove it, or open a ( before it")
        if self.token:
            self._wrong(f"AND or OR belongs before {self.token!r}")
        if self.unused:
            numbers = ", ".join(map(str, sorted(self.unused)))
            self._wrong(f"Condition {numbers} is not used; name it, or remove its line")
        return sql

    def _any(self) -> str:
        parts = [self._all()]
        while self._passed("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _all(self) -> str:
        parts = [self._one()]
        while self._passed("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _one(self) -> str:
        negated = False
        while self._passed("NOT"):
            negated = not negated
        sql = self._bracket() if self.token == "(" else self._condition()
        return f"(NOT {sql})" if negated else sql

    def _bracket(self) -> str:
        opened = self.at
        self.depth += 1
        if self.depth > DEEPEST:
            self._wrong(f"Brackets may be nested {DEEPEST} deep, not deeper")
        self._next()
        sql = self._any()
        if not self.token:
            raise LogicError("This ( is never closed; add a )", opened)
        if not self._passed(")"):
            self._wrong(f"AND, OR or ) belongs before {self.token!r}")
        self.depth -= 1
        return sql

    def _condition(self) -> str:
        if not self.token.isdecimal():
            before = f"before {self.token!r}" if self.token else "at the end"
            self._wrong(f"The number of a condition belongs {before}, such as 1")
        number = int(self.token)
        if not 1 <= number <= len(self.conditions):
            known = len(self.conditions)
            there = f"there are 1 to {known}" if known > 1 else "there is only 1"
            self._wrong(f"There is no condition {self.token[:20]}; {there}")
        self.unused.discard(number)
        self._next()
        return f"({self.conditions[number - 1]})"

    def _passed(self, token: str) -> bool:
        if self.token != token:
            return False
        self._next()
        return True

    def _next(self) -> None:
        found = _TOKEN.match(self.text, self.after)
        if found is None:
            self.token, self.at = "", self.end
            return
        number, word, bracket, strange = found.groups()
        self.at = found.end() - len(number or word or bracket or strange)
        self.after = found.end()
        self.token = number or (word or "").upper() or bracket or ""
        if strange:
            raise LogicError(
                f"{strange!r} means nothing here; write numbers, AND, OR, NOT, ( and )",
                self.at,
            )

    def _wrong(self, message: str) -> NoReturn:
        raise LogicError(message, self.at)
