"""Numbers are read as articles write them: marks, scales, currencies, words; and two that say the same are the same."""

from __future__ import annotations

import pytest

from bot.text import numbers


def read(text: str, language: str = "en") -> list[str]:
    plain = numbers.in_digits(text, language)
    return [number.shown for number in numbers.numbers(plain, language)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "five thousand calls", ["5,000"]),
        ("en", "a fine of £1.5bn", ["£1.5 billion"]),
        ("en", "2.1 million people", ["2.1 million"]),
        ("en", "20 mln pounds", ["£20 million"]),
        ("en", "Rs 11,340 crore", ["Rs 113.4 billion"]),
        ("en", "1,00,000 homes", ["100,000"]),
        ("en", "30 per cent off", ["30%"]),
        ("de", "380.000 Euro", ["€380,000"]),
        ("de", "3,5 Mio. Kunden", ["3.5 million"]),
        ("de", "1,2 Milliarden Dollar", ["$1.2 billion"]),
        ("fr", "6,5 millions d'euros", ["6.5 million"]),
        ("tr", "üç kişi öldü", ["3"]),
        ("en", "the 19th flight of flight BA12 at 18:40 in 2024", []),
        ("en", "hundreds of thousands of people", []),
        ("en", "CVE-2026-41877 and version 22.7R3", []),
    ],
)
def test_numbers_are_read_with_their_unit(language: str, text: str, expected: list[str]) -> None:
    assert read(text, language) == expected


@pytest.mark.parametrize(
    ("text", "other_text", "expected"),
    [
        ("284,000 cars", "nearly 300,000 cars", True),
        ("5,020 firms", "about 5,000 firms", True),
        ("more than 20 dead", "23 dead", True),
        ("14,000 calls", "11,400 calls", False),
        ("£4.4m", "£3.9m", False),
    ],
)
def test_a_rounding_and_a_bound_are_the_same_number(text: str, other_text: str, expected: bool) -> None:
    first, second = (numbers.numbers(text)[0] for text in (text, other_text))
    assert first.is_same(second) is expected
    assert second.is_same(first) is expected
