"""A date as a page writes it: for machines, or in the words of its language. Knows no clock.

Days without their year ("2 December", "yesterday") are none here: what they mean changes while the page is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime

from lxml.html import HtmlElement

from bot.language import dates

#: Read as of two days far apart, what says its own year is the same day.
_ONE_DAY, _OTHER_DAY = date(2001, 2, 3), date(2010, 8, 15)
_TIME = re.compile(r"\b([01]?\d|2[0-3])[:.h]([0-5]\d)\b")
_MAX_LENGTH = 200


def of(element: HtmlElement | None, written: str | None, language: str) -> datetime | None:
    """From the attributes of ``element``, else from the text; None: no whole date."""
    said = [element.get("datetime"), element.get("content"), element.get("title")] if element is not None else []
    for text in (*said, written):
        if text and (found := parsed(text[:_MAX_LENGTH].strip(), language)):
            return found
    return None


def parsed(text: str, language: str) -> datetime | None:
    """
    >>> parsed("Mittwoch, 2. Dezember 2015, 09:30 Uhr", "de")
    datetime.datetime(2015, 12, 2, 9, 30, tzinfo=datetime.timezone.utc)
    """
    try:
        return _aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    try:
        return _aware(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    name = language.replace("_", "-").partition("-")[0].lower() or "en"
    both = [
        next((day for day in dates.days(text, when, name) if day.day and not day.is_relative), None)
        for when in (_ONE_DAY, _OTHER_DAY)
    ]
    if both[0] is None or both[0] != both[1]:
        return None
    clock = _TIME.search(text[both[0].end :]) or _TIME.search(text[: both[0].start])
    at = time(int(clock[1]), int(clock[2])) if clock else time()
    return datetime.combine(both[0].begins(), at, UTC)


def _aware(when: datetime) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
