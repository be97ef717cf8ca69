"""Which regular expressions a formula may use: those that can be matched in linear time.

PostgreSQL matches with an automaton, so it is back references and piles of counted repetitions
that are costly. What is allowed is the common ground of all dialects: characters, classes, groups,
alternatives and repetitions. Every pattern means the whole text, as `^` and `$` around it would.
"""

import re

MAX_LENGTH = 200
#: Most states that the counted repetitions of a pattern may multiply to.
MAX_STATES = 2_000

_PIECE = re.compile(
    r"""
      (?P<quantifier>[*+?]\??|\{[0-9]{1,3}(?:,[0-9]{0,3})?\}\??)
    | (?P<open>\((?:\?:)?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<class>\[\^?(?:\\[dswDSW\]\[\\^.\-/nrt]|[^\]\[\\])+\])
    | (?P<atom>\\[dDsSwWnrt]|\\[^A-Za-z0-9]|[^\\(){}\[\]|*+?^$])
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def refusal(pattern: str) -> tuple[str, int] | None:
    """What is wrong with the pattern, and the offset in it; None if nothing is."""
    if len(pattern) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters", MAX_LENGTH
    body, offset = pattern, 0
    if body.startswith("^"):
        body, offset = body[1:], 1
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    # For each open group: states so far, states of the last piece.
    groups: list[list[int]] = [[0, 0]]
    opened: list[int] = []
    position = 0
    while position < len(body):
        match = _PIECE.match(body, position)
        at = offset + position
        if match is None:
            return f"{body[position]!r} can't stand here; put a backslash before it", at
        kind, piece = match.lastgroup, match.group()
        if kind == "open":
            if body.startswith("(?", position) and piece == "(":
                return "groups that begin with (? are not supported, except (?:", at
            opened.append(at)
            groups.append([0, 0])
        elif kind == "close":
            if not opened:
                return "this parenthesis closes nothing", at
            opened.pop()
            inner = sum(groups.pop())
            _add(groups[-1], max(inner, 1))
        elif kind == "quantifier":
            problem = _repeat(groups[-1], piece)
            if problem:
                return problem, at
        elif kind == "bar":
            _add(groups[-1], 0)
        else:
            if kind == "class" and not _compiles(piece):
                return "this class is none", at
            _add(groups[-1], 1)
        position = match.end()
    if opened:
        return "this parenthesis is never closed", opened[-1]
    if sum(groups[0]) > MAX_STATES:
        return f"its repetitions make more than {MAX_STATES:,} states", 0
    return None


def _add(group: list[int], states: int) -> None:
    group[0] += group[1]
    group[1] = states


def _repeat(group: list[int], quantifier: str) -> str:
    """Count the repetition of the last piece, which then can't be repeated again."""
    if group[1] == 0:
        return "there is nothing to repeat"
    times = 1
    if quantifier[0] == "{":
        low, _, high = quantifier.rstrip("?")[1:-1].partition(",")
        times = int(high or low)
        if times > 255 or int(low) > 255 or (high and int(high) < int(low)):
            return "a repetition counts up to 255, the smaller number first"
    group[0] += group[1] * max(times, 1)
    group[1] = 0
    return ""


def _compiles(piece: str) -> bool:
    try:
        re.compile(piece)
    except re.error:
        return False
    return True


def anchored(pattern: str) -> str:
    """The pattern as PostgreSQL is to match it: the whole text."""
    body = pattern.removeprefix("^")
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    return f"^(?:{body})$"
