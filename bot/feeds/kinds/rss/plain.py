"""Texts, links and dates that feedparser would return unchanged, and how often a feed asks to be polled.

Pure. Raises NotPlain for a value that feedparser may change; its element is then left to feedparser.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.entities import entitydefs
from itertools import islice, pairwise

from bot import model
from bot.feeds.kit.fields import escape_text, has_relative_links

#: Any base leaves it unchanged, and nothing in it looks like a reference.
_LINK = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?"
    r"(?:/[^\s<>\"';#?\[\]\\]*)?(?:\?[^\s<>\"';#\[\]\\]+)?(?:#[^\s<>\"';#\[\]\\]+)?",
    re.ASCII,
)
#: An identifier with a scheme in which nothing is relative.
_NAME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:(?!//)[^\s\[\]]+", re.IGNORECASE)
#: feedparser takes the control characters of Unicode in the places of windows-1252's letters for these letters.
_WINDOWS = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
_OF_WINDOWS = re.compile("[\x80-\x9f]")
_ENTITY = re.compile(r"&#?\w+;")
_NAMED_ENTITY = re.compile(r"&(\w+);")
_RFC822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d):(\d\d):(\d\d) (?:GMT|UTC|([+-])([01]\d)([0-5]\d))",
    re.ASCII,
)
_MONTHS = {name: place for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)

#: sy:updatePeriod (RSS 1.0 syndication module).
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_PERIOD = timedelta(days=365)
_SKIP_HOURS = re.compile(r"<(/?)skipHours\s*+>", re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<(/?)skipDays\s*+>", re.IGNORECASE)
#: Enough for the names of all hours or days.
_LONGEST_BLOCK = 2_000
#: A feed has one block of each.
_MOST_TAGS = 20
_HOUR = re.compile(r"<hour\s*>\s*(\d{1,2})\s*</hour\s*>", re.IGNORECASE)
_DAY = re.compile(r"<day\s*>\s*([A-Za-z]{3,9})\s*</day\s*>", re.IGNORECASE)


class NotPlain(Exception):
    """Feedparser may return something else."""


def mend_text(value: str) -> str:
    """Return the text; repair UTF-8 that was read as latin-1, and windows-1252 that was read as Unicode."""
    value = value.strip()
    if value.isascii():
        return value
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    if _OF_WINDOWS.search(value):
        value = value.translate(_WINDOWS)
    if value[:1].isspace() or value[-1:].isspace():
        raise NotPlain  # feedparser strips only some of it
    return value


def check_link(value: str) -> str:
    """Return the link without white space around it. Raises NotPlain."""
    value = value.strip()
    if not _LINK.fullmatch(value) or mend_text(value) != value:
        raise NotPlain
    return value


def check_identifier(value: str) -> str:
    """Return an id, which feedparser resolves like a link: an address, or a name that no base changes."""
    value = value.strip()
    return value if _NAME.fullmatch(value) and mend_text(value) == value else check_link(value)


def check_html(value: str) -> str:
    """Return markup that needs no base address. Raises NotPlain."""
    value = mend_text(value)
    if has_relative_links(value):
        raise NotPlain  # only feedparser knows the base
    return value


def convert_rss_text(value: str) -> str:
    """Return a text that may be HTML as HTML. Feedparser guesses: it is HTML if it has only references of HTML."""
    if "<" in value:
        raise NotPlain  # only feedparser knows which tags make it HTML
    is_html = _ENTITY.search(value) is not None and all(name in entitydefs for name in _NAMED_ENTITY.findall(value))
    return mend_text(value) if is_html else escape_text(mend_text(value)) or ""


def convert_atom_text(value: str, kind: str) -> str:
    """Return a text of the given type as HTML."""
    value = check_html(value)
    if kind not in ("text", "html"):
        raise NotPlain
    return value if kind == "html" else escape_text(value) or ""


def parse_rfc822_date(value: str) -> datetime:
    """Parse a date of RSS into UTC. Raises NotPlain."""
    # The library's parser takes four times as long, and a baseline has thousands of dates.
    parts = _RFC822.fullmatch(value.strip())
    if parts is None:
        raise NotPlain
    day, month, year, hour, minute, second, sign, hours, minutes = parts.groups()
    try:
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return when
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return when - offset if sign == "+" else when + offset
    except (ValueError, OverflowError) as error:
        raise NotPlain from error


def parse_w3c_date(value: str) -> datetime:
    """Parse a date of Atom into UTC, in whole seconds. Raises NotPlain."""
    value = value.strip()
    if not _W3C.fullmatch(value):
        raise NotPlain
    try:
        return datetime.fromisoformat(value).replace(microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotPlain from error


def longest_period(ttl: str | None, update_period: str | None, update_frequency: str | None) -> timedelta | None:
    """Return the longer of ttl (minutes) and the update period divided by its frequency, or None without either.

    >>> longest_period("60", "daily", "4")
    datetime.timedelta(seconds=21600)
    """
    minutes = int(ttl[:7]) if ttl and ttl.isascii() and ttl.isdigit() else 0
    period = _PERIODS.get((update_period or "").lower(), timedelta())
    if update_frequency and update_frequency.isascii() and update_frequency.isdigit():
        period /= max(int(update_frequency[:4]), 1)
    return min(max(timedelta(minutes=minutes), period), _LONGEST_PERIOD) or None


def add_skip_times(reading: model.ParsedFeed, text: str) -> model.ParsedFeed:
    """Add skipHours and skipDays, which feedparser does not return, from the text of the document."""
    if "skip" not in text and "SKIP" not in text:
        return reading
    hours = {int(hour) % 24 for block in _skip_blocks(_SKIP_HOURS, text) for hour in _HOUR.findall(block)}
    names = {name.lower() for block in _skip_blocks(_SKIP_DAYS, text) for name in _DAY.findall(block)}
    # RSS 0.91 counts hours from 1 to 24, RSS 2.0 from 0 to 23.
    return dataclasses.replace(
        reading,
        skip_hours=tuple(sorted(hours)),
        skip_days=tuple(day for day, name in enumerate(_DAYS) if name in names),
    )


def _skip_blocks(tag: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the text between an opening tag and the closing tag that follows it."""
    tags = [*islice(tag.finditer(text), _MOST_TAGS)]
    for opened, closed in pairwise(tags):
        if not opened[1] and closed[1] and closed.start() - opened.end() <= _LONGEST_BLOCK:
            yield text[opened.end() : closed.start()]
