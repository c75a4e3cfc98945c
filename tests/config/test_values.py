"""Durations, sizes, times, zones, dates and addresses, as people write them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import model
from bot.config import bot_keys, feeds_file
from bot.model import values


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90 seconds", 90),
        ("1 minutes", 60),
        ("5 min", 300),
        ("2 hours", 7200),
        ("30d", 2_592_000),
        ("1.5 hours", 5400),
        ("2 Weeks", 1_209_600),
        ("10s", 10),
    ],
)
def test_a_duration_is_read(written: str, seconds: int) -> None:
    assert values.parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["5", "five minutes", "-5 minutes", "5 minutes ago", "0 seconds", "", "9" * 12 + " days", "٣ minutes"]
)
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(values.InvalidValue):
        values.parse_duration(written)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=36000)))
def test_a_shown_duration_reads_back(duration: timedelta) -> None:
    duration = timedelta(seconds=int(duration.total_seconds()))
    assert model.parse_duration(model.format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("written", "size"), [("10 MB", 10**7), ("500kB", 500_000), ("1.5 MiB", 1_572_864), ("4096", 4096)]
)
def test_a_size_is_read(written: str, size: int) -> None:
    assert values.parse_size(written) == size


def test_quiet_hours_may_cross_midnight_and_name_a_zone() -> None:
    start, end, zone = values.parse_quiet_hours("22:00 to 07:00 Asia/Karachi")
    assert (start, end, str(zone)) == (time(22), time(7), "Asia/Karachi")
    assert values.parse_quiet_hours("9:30 to 10:00")[2] is None


@pytest.mark.parametrize(
    "written", ["22:00", "22 to 7", "25:00 to 07:00", "07:00 to 07:00", "22:00 to 07:00 Mars/Base"]
)
def test_what_are_no_quiet_hours_is_refused(written: str) -> None:
    with pytest.raises(values.InvalidValue):
        values.parse_quiet_hours(written)


def test_until_takes_a_day_or_a_moment() -> None:
    assert values.parse_until("2026-12-31") == (datetime(2026, 12, 31), True)  # noqa: DTZ001
    assert values.parse_until("2026-12-31 18:00") == (datetime(2026, 12, 31, 18), False)  # noqa: DTZ001


@pytest.mark.parametrize(
    "written", ["9999-12-31", "0001-01-01", "2026-2-3", "tomorrow", "2026-13-01", "2026-12-31 25:00"]
)
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(values.InvalidValue):
        values.parse_until(written)


@pytest.mark.parametrize(
    "written", ["sqlite:///data/x.db", "sqlite:////abs/x.db", "postgresql://u@h:5432/x", "postgresql+psycopg://h/x"]
)
def test_a_database_address_is_kept_as_written(written: str) -> None:
    assert bot_keys.parse_database(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "sqlite://data/x.db",
        "mysql://h/x",
        "x.db",
        "postgresql://u:p@h/x",
        "postgresql://h/x?password=p",
        "postgres://h/x",
        "postgresql://h:port/x",
    ],
)
def test_what_is_no_database_address_is_refused(written: str) -> None:
    with pytest.raises(values.InvalidValue):
        bot_keys.parse_database(written)


@pytest.mark.parametrize(
    "written", ["http://[::1", "https://", "ftp://h/x", "/local/file", "https://h/a b", "javascript:x"]
)
def test_what_is_no_feed_address_is_refused(written: str) -> None:
    with pytest.raises(values.InvalidValue):
        feeds_file.parse_feed_url(written)


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_clear_refusal(text: str) -> None:
    for read in (
        values.parse_duration,
        values.parse_size,
        values.parse_zone,
        values.parse_quiet_hours,
        values.parse_until,
        bot_keys.parse_listen,
        feeds_file.parse_feed_url,
        bot_keys.parse_database,
    ):
        try:
            read(text)
        except values.InvalidValue as wrong:
            assert str(wrong)  # noqa: PT017 (every reader refuses in the same way)
