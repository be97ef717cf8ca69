"""Numbers of cards and bank accounts: found wherever they are put, and never kept.

A card is told by its gateway's token and its last four digits, a bank account by its last four
characters.
"""

import re
import unicodedata

from entities.errors import Code
from entities.records import UNSET, Batch

_TEXTS = frozenset({"TEXT", "LONG_TEXT", "EMAIL", "URL", "INTEGER"})

# Numbers of 13 to 19 digits as the payment networks give them: at a stretch, or in the groups in
# which they are embossed.
_PLAIN = r"[2-6][0-9]{12,18}"
_GROUPED = (
    r"[2-6][0-9]{3}([ ._/-])"
    r"(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{1,3})?|[0-9]{6}\1[0-9]{4,5})"
)
_CARD = re.compile(rf"(?<![0-9])(?:{_GROUPED}|{_PLAIN})(?![0-9])")
_MASKED = re.compile(r"(?:[0-9]{0,6}[ *xX•.#-]*[*xX•.#][ -]*)?([0-9]{4})")


def looks_like_a_card(text: str) -> bool:
    """13 to 19 digits, perhaps grouped, with a right check digit (ISO/IEC 7812, Luhn)."""
    digits = re.sub(r"[ -]", "", text)
    return re.fullmatch(r"[0-9]{13,19}", digits) is not None and _checked(digits)


def holds_a_card(text: str) -> bool:
    """Whether a number that a payment network could have given stands somewhere in the text."""
    if not text.isascii():
        text = "".join(
            c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
        )
    return any(_checked(re.sub("[^0-9]", "", found[0])) for found in _CARD.finditer(text))


def _checked(digits: str) -> bool:
    doubled = (sum(divmod(int(d) * 2, 10)) for d in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def last_digits(number: str) -> str | None:
    """`411111******1111` -> `1111`; None of what is no masked number."""
    found = _MASKED.fullmatch(number.strip())
    return found[1] if found else None


def last_four(number: str) -> str:
    """`DE89 3704 0044 0532 0130 00` -> `****3000`."""
    return "****" + re.sub(r"[\s*-]", "", number)[-4:]


def refuse_card_numbers(batch: Batch, references: frozenset[str] = frozenset()) -> None:
    """Fail the records that hold a card number in any text.

    `references` are the fields whose values others give out: such a value may be as long as a card
    number and pass its check by chance.
    """
    for field, values in batch.columns.items():
        if field.type.name not in _TEXTS or field.name in references:
            continue
        for index, value in enumerate(values):
            if value is UNSET or value is None or not holds_a_card(str(value)):
                continue
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{field.name} holds what looks like a card number, and card numbers are not kept; "
                f"send the payment gateway's token and the last four digits.",
                field.name,
            )


def keep_last_digits(batch: Batch, name: str) -> None:
    """Reduce the masked card numbers of a field to their last four digits."""
    values = list(batch.sent(name))
    for index, value in enumerate(values):
        if not value:
            continue
        values[index] = last_digits(value)
        if values[index] is None and index not in batch.problems:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{name} keeps the last four digits of the card; send those, such as 1111, or "
                f"the masked number, such as ************1111.",
                name,
            )
    if any(values):
        batch.put(name, values)


def keep_last_four(batch: Batch, name: str) -> None:
    """Reduce the bank account numbers of a field to their last four characters."""
    values = batch.sent(name)
    if any(values):
        batch.put(name, [last_four(n) if n else n for n in values])
