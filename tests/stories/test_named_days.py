"""Days of the calendar that articles name: read by the day of writing, and one day whatever its wording."""

from __future__ import annotations

from datetime import date

import pytest

from bot.language import words
from bot.stories import nameddays

#: A Wednesday.
WRITTEN = date(2015, 12, 2)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The order came on Monday.", date(2015, 11, 30)),
        ("The order came Wednesday.", WRITTEN),
        ("Thursday's order was the first.", date(2015, 11, 26)),
        ("It was signed yesterday.", date(2015, 12, 1)),
        ("It was signed on Nov. 30.", date(2015, 11, 30)),
        ("It was signed on the 30th November.", date(2015, 11, 30)),
        ("It was signed on the 30th of November.", date(2015, 11, 30)),
        ("Se firmó el 30 de noviembre.", date(2015, 11, 30)),
        ("Il a été signé le 30 novembre.", date(2015, 11, 30)),
        ("It ends on 30 December.", None),
        ("It was signed on 12 March.", None),
        ("It was signed on 29 February.", None),
        ("The office closed in March 2014.", None),
        ("It may take 40 days.", None),
    ],
)
def test_a_day_is_read_by_the_day_of_writing(text: str, day: date | None) -> None:
    assert nameddays.named(list(words.tokens(text)), WRITTEN) == ({day} if day else set())


def test_a_day_of_december_named_in_january_is_of_the_year_before() -> None:
    tokens = list(words.tokens("It was signed on 30 December."))

    assert nameddays.named(tokens, date(2016, 1, 5)) == {date(2015, 12, 30)}


def test_an_article_dated_at_the_beginning_of_time_names_no_days() -> None:
    assert nameddays.named(list(words.tokens("It came on Friday, before 30 December.")), date.min) == frozenset()
