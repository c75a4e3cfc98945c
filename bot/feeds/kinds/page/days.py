"""Find the date of an item on a page: in the item, or in a heading above several items. Does not read the clock."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_MAX_FORMS = 5
#: Elements that count as a day heading even if the page has only one. In another element, a single date may be the
#: page's own date.
_WRITTEN_AS_HEADING = frozenset((*HEADINGS, "dt", "th", "tr", "thead", "caption", "td", "legend", "summary"))


@dataclass(frozen=True, slots=True, eq=False)
class _Heading:
    """A short text between items."""

    #: The element that contains the heading's items.
    around: HtmlElement
    #: Tag and class, which are the same for all day headings of a page.
    form: str
    text: str


def find_days(items: Sequence[HtmlElement], is_day: Callable[[str], bool]) -> Mapping[HtmlElement, str]:
    """Return the day heading of each item if the page groups its items by day. No item may be inside another."""
    if not items:
        return {}
    sequence = list(_sequence(items))
    headings = [part for part in sequence if isinstance(part, _Heading) and any(map(str.isdigit, part.text))]
    forms = Counter(heading.form for heading in headings if is_day(heading.text)).most_common(_MAX_FORMS)
    return max((_days_by_item(sequence, form, is_day) for form, _ in forms), key=len, default={})


def _days_by_item(
    sequence: Sequence[HtmlElement | _Heading], form: str, is_day: Callable[[str], bool]
) -> Mapping[HtmlElement, str]:
    """Return the day of each item under headings of one form."""
    days: dict[HtmlElement, str] = {}
    counts: dict[_Heading, int] = {}
    current: _Heading | None = None
    is_first_under = True
    for part in sequence:
        if isinstance(part, _Heading):
            if part.form == form:
                # A heading of this form that is not a day begins another section.
                current = part if is_day(part.text) else None
                if current is not None:
                    counts[current] = 0
        elif current is not None and current.around in part.iterancestors():
            days[part] = current.text
            counts[current] += 1
        elif not counts:
            is_first_under = False
    if not is_first_under and current is not None and not counts[current]:
        return {}  # the days follow their items, so they are not headings
    distinct_days = {heading.text for heading, count in counts.items() if count}
    return days if len(distinct_days) > 1 or form.partition(".")[0] in _WRITTEN_AS_HEADING else {}


def _sequence(items: Sequence[HtmlElement]) -> Iterator[HtmlElement | _Heading]:
    """Yield the items, and the short texts around and between them, in order; an item without a link is such a text."""
    among = {item for item in items if item.tag == "a" or next(item.iter("a"), None) is not None}
    around = {above for item in among for above in item.iterancestors()}
    walk = etree.iterwalk(items[0].getroottree().getroot(), events=("start",), tag="*")
    for _, element in walk:
        if element in around:
            # The text of an element that contains a group of items may be the group's day heading.
            yield from _headings(None, element, _short(element.text))
            continue
        walk.skip_subtree()
        parent = element.getparent()
        if element in among:
            for cell in element.iterchildren("td", "th") if element.tag == "tr" else ():
                if cell.get("rowspan", "1") != "1":
                    yield from _headings(cell, parent, beginning_of(cell))
            yield element
        else:
            yield from _headings(element, parent, beginning_of(element))
        if tail := _short(element.tail):
            yield from _headings(None, parent, tail)


def _headings(element: HtmlElement | None, around: HtmlElement, text: str) -> Iterator[_Heading]:
    """Yield a heading if the text is short; ``element`` is None for text outside of an element."""
    if not _LEAST <= len(text) <= _MOST:
        return
    if element is None:
        yield _Heading(around, "", text)
        return
    names = (element.get("class") or "").split()
    machine = next((time.get("datetime") for time in element.iter("time")), None)
    yield _Heading(around, f"{element.tag}.{names[0] if names else ''}", machine or text)


def _short(text: str | None) -> str:
    return " ".join((text or "")[: _MOST + 1].split())
