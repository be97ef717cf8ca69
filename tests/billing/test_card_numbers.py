"""What is taken for a card number, and what is kept of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.card_numbers import holds_a_card, last_digits, last_four, looks_like_a_card


def checked(digits: str) -> bool:
    """Luhn, as ISO/IEC 7812 words it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "5555 5555 5555 4444",
        "3782-822463-10005",
        "3056 930902 5904",
        "6011.1111.1111.1117",
        "2223003122003222",
        "4222222222222",
        "6304000000000000000",
        "paid by 4111 1111 1111 1111, thanks",
        '{"pan":"4111111111111111","cvv":"***"}',
        "４１１１ １１１１ １１１１ １１１１",
        "4111\u00a01111\u00a01111\u00a01111",
        "41111111\u200b11111111",
    ],
)
def test_a_card_number_is_found_wherever_it_stands(text: str) -> None:
    assert holds_a_card(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",
        "411111******1111",
        "1111",
        "tok_4111111111111111a"[:18],
        "2026-02-01 2026-02-28",
        "2026-02-01T00:00:00+00:00",
        "1700000000000000",
        "8515131751004933",
        "+1 555 0100 555 0101",
        "41111111111111110000000000",
        "6f1e1c1e-0000-4000-8000-000000000001",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_a_card(text)


@given(st.from_regex(r"[2-6][0-9]{12,18}", fullmatch=True))
def test_a_plain_number_is_a_card_if_its_check_digit_is_right(digits: str) -> None:
    assert holds_a_card(digits) == looks_like_a_card(digits) == checked(digits)


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("1111", "1111"),
        (" 1111 ", "1111"),
        ("****1111", "1111"),
        ("************1111", "1111"),
        ("411111******1111", "1111"),
        ("XXXX-XXXX-XXXX-1111", "1111"),
        ("•••• 1111", "1111"),
        ("111", None),
        ("11111", None),
        ("4111111111111112", None),
        ("4111 1111 1111 1112", None),
        ("card 1111", None),
        ("", None),
    ],
)
def test_of_a_card_the_last_four_digits_are_kept(number: str, kept: str | None) -> None:
    assert last_digits(number) == kept


@pytest.mark.parametrize(
    ("number", "kept"), [("DE89 3704 0044 0532 0130 00", "****3000"), ("****6789", "****6789")]
)
def test_of_a_bank_account_the_last_four_characters_are_kept(number: str, kept: str) -> None:
    assert last_four(number) == kept
