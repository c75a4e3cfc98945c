"""Headers about time, as servers really write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fetch import headers
from testbed.fakes import START


@pytest.mark.parametrize(
    "text",
    ["Wed, 02 Dec 2015 10:00:00 GMT", "Wednesday, 02-Dec-15 10:00:00 GMT", "Wed Dec  2 10:00:00 2015"],
)
def test_the_three_forms_of_a_date_are_one(text: str) -> None:
    assert headers.http_date(text) == datetime(2015, 12, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "soon", "-5", "0", "Wed, 02 Dec 2015 08:00:00 GMT", "²", "1e9", "inf"])
def test_a_retry_after_that_says_nothing_is_none(value: str) -> None:
    assert headers.retry_after(value, now=START) is None


def test_a_retry_after_of_centuries_does_not_overflow() -> None:
    assert headers.retry_after("9" * 40, now=START) is not None


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": 'private, max-age="60", max-age=9'}, 60),
        ({"cache-control": "max-age=60, no-cache"}, None),
        ({"cache-control": "no-store", "expires": "Wed, 02 Dec 2015 10:00:00 GMT"}, None),
        ({"cache-control": "max-age=0", "expires": "Wed, 02 Dec 2015 10:00:00 GMT"}, None),
        ({"cache-control": "max-age=60", "age": "60"}, None),
        ({"expires": "Wed, 02 Dec 2015 09:30:00 GMT"}, 1800),
        ({"expires": "Wed, 02 Dec 2015 07:30:00 GMT", "date": "Wed, 02 Dec 2015 07:00:00 GMT"}, 1800),
        ({"expires": "0"}, None),
        ({"expires": "-1", "cache-control": ""}, None),
        ({}, None),
    ],
)
def test_freshness(found: dict[str, str], seconds: int | None) -> None:
    expected = START + timedelta(seconds=seconds) if seconds else None
    assert headers.fresh_until(found, now=START) == expected


@given(st.text(max_size=40))
def test_no_header_raises(text: str) -> None:
    headers.http_date(text)
    headers.retry_after(text, now=START)
    headers.fresh_until({"cache-control": text, "expires": text, "age": text, "date": text}, now=START)
