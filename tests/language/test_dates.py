"""Days are read as articles write them, in every language whose names Babel knows."""

from __future__ import annotations

from datetime import date

import pytest

from bot.language import dates

WRITTEN = date(2015, 12, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until 30 December", ["30 December"]),
        ("on Dec 30, 2016", ["30 December 2016"]),
        ("the 30th of November", ["30 November"]),
        ("by 2016-02-29", ["29 February 2016"]),
        ("by next Monday", ["7 December"]),
        ("said on Monday", ["30 November"]),
        ("by the end of January", ["January 2016"]),
        ("from 30/12/2015", ["30 December"]),
        ("until tomorrow", ["3 December"]),
        ("in 2017", ["2017"]),
        ("on 03/04/2015", []),
        ("on 31 February", []),
        ("they may 5 times", []),
        ("version 12.30", []),
        ("march 3 times", []),
    ],
)
def test_days_are_read_in_many_forms(text: str, expected: list[str]) -> None:
    assert [day.shown(WRITTEN) for day in dates.days(text, WRITTEN)] == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "le 30 décembre 2015"),
        ("de", "am 30. Dezember"),
        ("es", "el 30 de diciembre de 2015"),
        ("pt", "em 30 de dezembro"),
        ("it", "il 30 dicembre"),
        ("nl", "op 30 december"),
        ("ru", "до 30 декабря"),
        ("tr", "30 Aralık'ta"),
        ("pl", "do 30 grudnia"),
        ("hi", "30 दिसंबर को"),
        ("ar", "حتى 30 ديسمبر"),
        ("ur", "30 دسمبر تک"),
        ("sv", "den 30 december"),
        ("uk", "до 30 грудня"),
        ("ja", "2015年12月30日まで"),
        ("xx", "on 30 December"),
    ],
)
def test_months_are_known_in_the_articles_language(language: str, text: str) -> None:
    assert [day.begins() for day in dates.days(text, WRITTEN, language)] == [date(2015, 12, 30)]


def test_a_month_agrees_with_a_day_of_it_and_not_with_another_month() -> None:
    day, month, other = (dates.days(text, WRITTEN)[0] for text in ("30 December", "in December", "in January"))
    assert day.agrees_with(month)
    assert not day.agrees_with(other)
