"""Find the date of an item on a page: in the item, or in a heading above several items. Does not read the clock."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from lxml import etree, html
from lxml.html import HtmlElement

from bot.feeds.kinds.page.selectors import beginning_of
from bot.text import dates

CLOCK = re.compile(r"\d{1,2}(?:[:.]\d\d|\s?h\s?\d\d)(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)


def find_date(
    element: HtmlElement | None,
    written: str | None,
    language: str,
    fetched: datetime | None = None,
    *,
    page_dates: dates.DocumentDates,
    day: str | None = None,
) -> datetime | None:
    """Return the date from ``element``'s attributes, else from ``written``, else from the ``day`` heading, or None."""
    texts = [element.get("datetime"), element.get("content"), element.get("title")] if element is not None else []
    texts.append(written)
    if day is not None:
        texts += [f"{day} {written}", day] if written and CLOCK.fullmatch(written) else [day]
    for text in texts:
        if text and (date := page_dates.parsed(text, language, fetched)):
            return date
    return None


HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BEGIN = frozenset((*HEADINGS, "dt"))
#: Maximum elements that belong to a heading. Otherwise the whole page would belong to its own heading.
_MAX_RUN = 10


def expand_items(items: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Return each item together with the siblings that belong to it.

    A heading or a term (<dt>) gets its siblings up to the next heading, term or item; a description (<dd>) gets its
    term; a link gets the text before it.
    """
    among = frozenset(items)
    return [_expand_item(item, among) if item.tag in _BEGIN or item.tag in ("dd", "a") else item for item in items]


def _expand_item(item: HtmlElement, among: frozenset[HtmlElement]) -> HtmlElement:
    run, text = [item], None
    if item.tag == "a":
        previous = item.getprevious()
        text = previous.tail if previous is not None else item.getparent().text
    elif item.tag == "dd":
        term = next(item.itersiblings("dt", preceding=True), None)
        run = [term, item] if term is not None else run
    else:
        for sibling in item.itersiblings():
            if sibling in among or sibling.tag in _BEGIN or len(run) > _MAX_RUN:
                break
            run.append(sibling)
    around = html.Element("div")
    around.text = text
    # Copy the elements, because copies have no tail: the text after an element belongs to the next item.
    around.extend(copy.copy(element) for element in run)
    return around


#: Minimum and maximum letters of a day heading.
_LEAST, _MOST = 4, 60
#: Elements that may be a day heading even if the page has only one. In another element, a single date may be the page's
#: own date.
_WRITTEN_AS_HEADING = frozenset((*HEADINGS, "dt", "th", "tr", "td", "caption", "legend", "summary"))


def find_days(items: Sequence[HtmlElement], is_day: Callable[[str], bool]) -> Mapping[HtmlElement, str]:
    """Return the day heading of each item if the page groups its items by day. No item may be inside another.

    A day heading is a short element with a date and without a link. It is valid up to the next one, or the next heading
    or element of its kind that is not a date.
    """
    days: dict[HtmlElement, str] = {}
    tags: set[str] = set()
    current: HtmlElement | None = None
    among = {item for item in items if item.tag == "a" or next(item.iter("a"), None) is not None}
    walk = etree.iterwalk(items[0].getroottree().getroot(), events=("start",), tag="*")
    for _, element in walk:
        if element in among:
            walk.skip_subtree()
            if current is not None:
                days[element] = beginning_of(current)
                tags.add(current.tag)
            continue
        text = beginning_of(element)
        if not _LEAST <= len(text) <= _MOST or next(element.iter("a"), None) is not None:
            continue
        is_heading = element.tag in HEADINGS
        if (is_heading or any(map(str.isdigit, text))) and is_day(text):
            walk.skip_subtree()
            current = element
        elif is_heading or (current is not None and element.tag == current.tag):
            current = None  # another section begins
    return days if len(set(days.values())) > 1 or tags & _WRITTEN_AS_HEADING else {}
