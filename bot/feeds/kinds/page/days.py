"""Find the date of an item on a page: in the item, or in a heading above several items. Knows no clock."""

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
    seen: datetime | None = None,
    *,
    told: dates.DocumentDates,
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


HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BEGIN = frozenset((*HEADINGS, "dt"))
#: A heading of the whole page is followed by all of it.
_MAX_RUN = 10


def expand_items(items: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Each item with what belongs to it; one that holds all of it stays what it is."""
    among = frozenset(items)
    return [_expand_item(item, among) if item.tag in _BEGIN or item.tag in ("dd", "a") else item for item in items]


def _expand_item(item: HtmlElement, among: frozenset[HtmlElement]) -> HtmlElement:
    run, text = [item], None
    if item.tag == "a":
        before = item.getprevious()
        text = before.tail if before is not None else item.getparent().text
    elif item.tag == "dd":
        term = next((each for each, _ in zip(item.itersiblings("dt", preceding=True), range(1), strict=False)), None)
        run = [term, item] if term is not None else run
    else:
        for each in item.itersiblings():
            if each in among or each.tag in _BEGIN or len(run) > _MAX_RUN:
                break
            run.append(each)
    around = html.Element("div")
    around.text = text
    # What stands behind an element is the next one's.
    around.extend(copy.copy(each) for each in run)
    return around


#: Longer texts between items are no day; shorter ones have no day and month.
_LEAST, _MOST = 4, 60
_MAX_FORMS = 5
#: One alone is a heading where it is written as one; else the page's head has its own date.
_WRITTEN_AS_HEADING = frozenset((*HEADINGS, "dt", "th", "tr", "thead", "caption", "td", "legend", "summary"))


@dataclass(frozen=True, slots=True, eq=False)
class _Heading:
    """What stands between items."""

    #: Its items are inside.
    around: HtmlElement
    #: What the headings of one page have in common.
    form: str
    text: str


def find_days(items: Sequence[HtmlElement], is_day: Callable[[str], bool]) -> Mapping[HtmlElement, str]:
    """The text of the day over each item, where the page groups its items so. ``items``: none inside of another."""
    if not items:
        return {}
    sequence = list(_sequence(items))
    days = [each for each in sequence if isinstance(each, _Heading) and any(map(str.isdigit, each.text))]
    forms = Counter(each.form for each in days if is_day(each.text)).most_common(_MAX_FORMS)
    found = [_governed(sequence, form, is_day) for form, _ in forms]
    return max(found, key=len, default={})


def _governed(
    sequence: Sequence[HtmlElement | _Heading], form: str, is_day: Callable[[str], bool]
) -> Mapping[HtmlElement, str]:
    """The items under headings of one form."""
    found: dict[HtmlElement, str] = {}
    over: dict[_Heading, int] = {}
    current: _Heading | None = None
    is_first_under = True
    for each in sequence:
        if isinstance(each, _Heading):
            if each.form == form:
                # Of the same form and no day: another section.
                current = each if is_day(each.text) else None
                if current is not None:
                    over[current] = 0
        elif current is not None and current.around in each.iterancestors():
            found[each] = current.text
            over[current] += 1
        elif not over:
            is_first_under = False
    if not is_first_under and current is not None and not over[current]:
        return {}  # each day follows its item
    several = {heading.text for heading, count in over.items() if count}
    return found if len(several) > 1 or form.partition(".")[0] in _WRITTEN_AS_HEADING else {}


def _sequence(items: Sequence[HtmlElement]) -> Iterator[HtmlElement | _Heading]:
    """Items, and short texts around and between them, in the page's order. An item without a link may be a day."""
    among = {item for item in items if item.tag == "a" or next(item.iter("a"), None) is not None}
    around = {above for item in among for above in item.iterancestors()}
    walk = etree.iterwalk(items[0].getroottree().getroot(), events=("start",), tag="*")
    for _, element in walk:
        if element in around:
            # A group may say its day itself, before its items.
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
    """``element``: None for text that is in none."""
    if not _LEAST <= len(text) <= _MOST:
        return
    if element is None:
        yield _Heading(around, "", text)
        return
    names = (element.get("class") or "").split()
    machine = next((each.get("datetime") for each in element.iter("time")), None)
    yield _Heading(around, f"{element.tag}.{names[0] if names else ''}", machine or text)


def _short(text: str | None) -> str:
    return " ".join((text or "")[: _MOST + 1].split())
