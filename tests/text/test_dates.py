"""Days are read as articles write them, in every language whose names Babel knows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import dates

WRITTEN = date(2015, 12, 2)


@pytest.mark.parametrize(
    "text", ["from early 2017 to late 2017, or in 2017", "30 December, in January, in December"], ids=["year", "month"]
)
def test_two_parts_of_a_time_differ_and_each_agrees_with_the_whole(text: str) -> None:
    first, second, whole = dates.days(text, WRITTEN)
    assert not first.agrees_with(second)
    assert first.agrees_with(whole)


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
        ("in the second half of 2017", ["second half of 2017"]),
        ("by the 3rd quarter of 2017", ["third quarter of 2017"]),
        ("in Q3 2017", ["third quarter of 2017"]),
        ("in early 2017", ["early 2017"]),
        ("until Saturday, 30 January 2016", ["30 January 2016"]),
        ("on 03/04/2015", []),
        ("on 31 February", []),
        ("they may 5 times", []),
        ("version 12.30", []),
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
        ("ru", "до 30 декабря"),
        ("tr", "30 Aralık'ta"),
        ("hi", "30 दिसंबर को"),
        ("ur", "30 دسمبر تک"),
        ("ja", "2015年12月30日まで"),
        ("xx", "on 30 December"),
    ],
)
def test_months_are_known_in_the_articles_language(language: str, text: str) -> None:
    assert [day.begins() for day in dates.days(text, WRITTEN, language)] == [date(2015, 12, 30)]


# -- dates over articles, as they are written for people


SEEN = datetime(2015, 12, 4, 18, 30, tzinfo=UTC)


def parse_dateline(text: str, language: str, first_seen: datetime | None = None) -> datetime | None:
    return dates.DocumentDates().parsed(text, language, first_seen)


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "Published on 2 December 2015", 2),
        ("pl", "środa, 2 gru 2015 r.", 2),
        ("de", "Mittwoch, den 2. Dezember 2015", 2),
        ("ur", "2 دسمبر، 2015", 2),
        ("ar", "٢ ديسمبر ٢٠١٥", 2),
        ("ja", "2015年12月2日", 2),
        ("zh-CN", "2015/12/02", 2),
        ("de", "30.12.2015", 30),
        ("en", "12/30/2015", 30),
        ("en", "30/12/15", 30),
        ("fr", "02/12/2015", 2),
        ("en-GB", "02/12/2015", 2),
        ("en-US", "12/02/2015", 2),
        ("en", "Decision 7 of 2015-12-02", 2),
        ("en", "Wed, 02 Dec 2015 09:30:00 +0000", 2),
    ],
)
def test_dates_are_read_in_words_and_in_digits(language: str, text: str, day: int) -> None:
    when = parse_dateline(text, language)
    assert when is not None
    assert (when.year, when.month, when.day) == (2015, 12, day)
    assert parse_dateline(text, language, SEEN) == when


@pytest.mark.parametrize(
    "text", ["yesterday", "2 December", "Monday", "02/03/2015", "", "3 hours ago", "31/02/2015", "10:30", "2015"]
)
def test_what_is_no_whole_date_is_none(text: str) -> None:
    assert parse_dateline(text, "en") is None


@pytest.mark.parametrize(
    ("language", "text", "day", "hour"),
    [
        ("en", "3 days ago", 1, 18),
        ("en", "5 hours ago", 4, 13),
        ("ur", "3 دنوں پہلے", 1, 18),
        ("en", "yesterday, 10:30", 3, 10),
        ("en", "2 December, 4:15 pm", 2, 16),
        ("de", "2. Dezember", 2, 0),
    ],
)
def test_a_day_without_its_year_is_one_of_the_time_before_it_was_seen(
    language: str, text: str, day: int, hour: int
) -> None:
    when = parse_dateline(text, language, SEEN)
    assert when is not None
    assert (when.year, when.month, when.day, when.hour) == (2015, 12, day, hour)
    # A day that is to come is last year's.
    assert parse_dateline("30 December", "en", SEEN) == datetime(2014, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "text", "time"),
    [
        ("en", "2 December 2015, 12:05 a.m.", "00:05:00"),
        ("ko", "2015년 12월 2일 오후 1:02:03", "13:02:03"),
        ("en", "2 December 2015 09:30 PKT", "04:30:00"),
        ("en", "2 December 2015 09:30 +02:00", "07:30:00"),
        ("de", "02.12.2015 um 14.30 Uhr", "14:30:00"),
        ("en", "Mi, 02 Dez 2015 09:30:00 +0100", "08:30:00"),
        ("en", "Published on 2 December 2015 at 9:30 pm", "21:30:00"),
        ("en", "02.12.2015 09:30", "09:30:00"),
        ("en", "Wed, 02 Dec 2015 09:30:60 GMT", "09:30:59"),
        ("en", "Tue, 01 Dec 2015 24:00:00 GMT", "00:00:00"),
        ("en", "Wed, 02 Dec 2015 99:30:00 GMT", "00:00:00"),
        ("en", "2 December 2015, 9:30 to 10:30", "00:00:00"),
    ],
)
def test_the_hour_is_read_with_its_half_of_the_day_and_its_zone(language: str, text: str, time: str) -> None:
    when = parse_dateline(text, language)
    assert when is not None
    assert (when.date().isoformat(), when.time().isoformat()) == ("2015-12-02", time)


@example("1;1", "en")
@given(st.text(max_size=60), st.sampled_from(["en", "de", "ur", "ja", "x", "", "zh_Hant-TW"]))
def test_any_text_has_a_date_or_none(text: str, language: str) -> None:
    for when in (parse_dateline(text, language), parse_dateline(text, language, SEEN)):
        assert when is None or when.tzinfo is UTC


def test_of_one_document_so_many_dates_in_words_are_read_and_all_in_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "_MOST", 2)
    document_dates = dates.DocumentDates()

    dates_read = [
        document_dates.parsed(text, "en")
        for text in ["2 December 2015", "Dec 2, 2015", "3 Dec 2015", "Dec 2, 2015", "2015-12-02"]
    ]

    assert dates_read == [*[datetime(2015, 12, 2, tzinfo=UTC)] * 2, None, *[datetime(2015, 12, 2, tzinfo=UTC)] * 2]
