"""The date of an item of a page: what an element says for machines, else what it shows. Knows no clock."""

from __future__ import annotations

from datetime import datetime

from lxml.html import HtmlElement

from bot.language import datelines


def of(
    element: HtmlElement | None,
    written: str | None,
    language: str,
    seen: datetime | None = None,
    *,
    told: datelines.OfDocument,
) -> datetime | None:
    """From the attributes of ``element``, else from the text; None: no date."""
    said = [element.get("datetime"), element.get("content"), element.get("title")] if element is not None else []
    for text in (*said, written):
        if text and (found := told.parsed(text, language, seen)):
            return found
    return None
