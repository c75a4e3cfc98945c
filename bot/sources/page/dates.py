"""The date of an item of a page: what an element says for machines or shows, else the day over it. Knows no clock."""

from __future__ import annotations

import re
from datetime import datetime

from lxml.html import HtmlElement

from bot.language import datelines

CLOCK = re.compile(r"\d{1,2}(?:[:.]\d\d|\s?h\s?\d\d)(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)


def of(
    element: HtmlElement | None,
    written: str | None,
    language: str,
    seen: datetime | None = None,
    *,
    told: datelines.OfDocument,
    day: str | None = None,
) -> datetime | None:
    """From the attributes of ``element``, else from the text, else of the ``day`` over the item; None: no date."""
    said = [element.get("datetime"), element.get("content"), element.get("title")] if element is not None else []
    said.append(written)
    if day is not None:
        said += [f"{day} {written}", day] if written and CLOCK.fullmatch(written) else [day]
    for text in said:
        if text and (found := told.parsed(text, language, seen)):
            return found
    return None
