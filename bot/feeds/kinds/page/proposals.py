"""Propose selectors for a page: find elements that repeat, each with one headline and its link.

A headline is a link with some words, or the link next to a heading. An item is the largest element that contains this
headline and no other. Items with the same tag and class are a list. Dates and headings raise a list's score; navigation
lowers it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import urldefrag

from lxml.html import HtmlElement

from bot.feeds.kinds.page import days, selectors
from bot.feeds.kinds.page.selectors import OWN_TEXT, beginning_of, get_selector, text_of
from bot.model.fetching import Body
from bot.text.dates import DocumentDates

#: Minimum letters of a headline, because shorter links are menus. A Chinese letter counts as three.
_LEAST_TITLE, _WIDE_LETTER = 16, 3
#: Maximum levels between a headline and its item.
_MAX_LEVELS = 7
_MAX_ANCHORS = 2_000
#: Limits of the search for a heading's link: levels above the heading, links found there, and different addresses of
#: these links.
_MAX_BESIDE, _MAX_LINKS, _MAX_ADDRESSES_BESIDE = 4, 12, 3


@dataclass(frozen=True, slots=True)
class Headline:
    """A link to an article."""

    address: str
    #: Whether it is in or next to a heading. If so, the other links of its item lead to topics and authors.
    is_heading: bool


def find_headlines(root: HtmlElement) -> Mapping[HtmlElement, Headline]:
    """Return the headlines by the anchor that leads to the article."""
    headlines: dict[HtmlElement, Headline] = {}
    beside: defaultdict[HtmlElement, list[HtmlElement]] = defaultdict(list)
    for anchor in root.xpath("//a[@href]")[:_MAX_ANCHORS]:
        if not address_of(anchor).startswith(("http://", "https://")):
            continue
        for above in islice(anchor.iterancestors(), _MAX_BESIDE):
            beside[above].append(anchor)
        around = anchor.getparent()
        is_heading = around is not None and around.tag in days.HEADINGS
        if is_long(text_of(around if is_heading else anchor)):
            headlines[anchor] = Headline(address_of(anchor), is_heading)
    for heading in root.xpath("|".join(f"//{tag}" for tag in days.HEADINGS))[:_MAX_ANCHORS]:
        around = next((above for above in islice(heading.iterancestors(), _MAX_BESIDE) if above in beside), None)
        anchors = beside[around] if around is not None and heading not in beside else []
        counts = Counter(map(address_of, anchors[: _MAX_LINKS + 1]))
        if 0 < len(counts) <= _MAX_ADDRESSES_BESIDE and len(anchors) <= _MAX_LINKS and is_long(text_of(heading)):
            # Take the most frequent address, because a picture often has the same link. Among equals, take the last,
            # because "Read more" comes after the topics.
            address = max(reversed(counts), key=counts.__getitem__)
            anchor = next(anchor for anchor in anchors if address_of(anchor) == address)
            headlines[anchor] = Headline(address, True)
    return headlines


def find_items(headlines: Mapping[HtmlElement, Headline]) -> Iterator[HtmlElement]:
    """Yield the item of each headline, each item once."""
    inside: defaultdict[tuple[HtmlElement, bool], set[str]] = defaultdict(set)
    for anchor, headline in headlines.items():
        for above in islice(anchor.iterancestors(), _MAX_LEVELS):
            inside[above, False].add(headline.address)
            if headline.is_heading:
                inside[above, True].add(headline.address)
    items: set[HtmlElement] = set()
    for anchor, headline in headlines.items():
        item = anchor
        for above in islice(anchor.iterancestors(), _MAX_LEVELS):
            if above.tag in ("body", "html", "main") or len(inside[above, headline.is_heading]) > 1:
                break
            item = above
        if item not in items:
            items.add(item)
            yield item


def address_of(anchor: HtmlElement) -> str:
    """Return the address of a link without its fragment."""
    return urldefrag(anchor.get("href") or "").url


def is_long(text: str | None) -> bool:
    """Return whether a text is long enough for a headline."""
    letters = (text or "")[:_LEAST_TITLE]
    widths = (_WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in letters)
    return sum(widths) >= _LEAST_TITLE


#: Minimum items of a list.
_LEAST_ITEMS = 3
_LEAST_TEXT = 40
_LEAST_DATE, _MOST_DATE, _MOST_DATES = 6, 60, 400
#: Maximum items of a list, and elements of an item, that are examined.
_SAMPLE, _MAX_INSIDE = 20, 200
#: Elements that hold navigation, not news.
_BESIDE = frozenset(("nav", "footer", "aside", "header", "form"))
_NAVIGATION = re.compile(
    r"(?:^|[\s_-])(?:side-?bar|menu|nav(?:bar|igation)?|footer|breadcrumbs?|pag(?:er|ination)|related)\b", re.IGNORECASE
)
#: A class name that a person wrote. Generated names change with each build.
_CLASS = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}\Z")
_GENERATED = re.compile(
    r"^(?:css|sc|jsx|svelte|astro|emotion)-|__[A-Za-z0-9]{5,}\Z"
    # Classes of alternating rows.
    r"|^(?:row[-_]?)?(?:odd|even|alt(?:ernat\w+)?)(?:[-_]?(?:row|item))?\Z",
    re.IGNORECASE,
)
_MODULE = re.compile(r"([A-Za-z][A-Za-z-]*_[A-Za-z-]+__)[A-Za-z0-9_-]{5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Selectors, and the number of items that they find."""

    #: Keys of the feed in feeds.yaml.
    options: Mapping[str, str]
    count: int
    score: float


def find_proposal(root: HtmlElement, *, fetched: datetime | None = None) -> Proposal | None:
    """Return the best proposal for the list of a page, or None if there is no list."""
    headlines = find_headlines(root)
    lists: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for item in find_items(headlines):
        if path := _path(item):
            lists[path].append(item)
    look = _SelectorFinder(headlines, root.get("lang") or "en", fetched)
    proposals = (look.proposal(root, path, items) for path, items in lists.items() if len(items) >= _LEAST_ITEMS)
    return max(filter(None, proposals), key=lambda proposal: proposal.score, default=None)


def propose_selectors(body: Body) -> tuple[str | None, Mapping[str, str] | None]:
    """Return the site's name (from Open Graph), and the feed keys of the likeliest list, or None. Raises ReadError."""
    root, _ = selectors.parse_page(body)
    proposal = find_proposal(root, fetched=body.fetched)
    if proposal is None:
        selectors.check_scripts(root)
    name = str(root.xpath("string(//meta[@property='og:site_name']/@content)"))
    return " ".join(name.split())[:300] or None, proposal.options if proposal else None


def _path(item: HtmlElement) -> str | None:
    own = _step(item)
    return own if _is_named(own) else _longer(item)


def _longer(item: HtmlElement) -> str | None:
    """Return a selector that also names up to three elements above the item, or None if there are none."""
    steps = [_step(item)]
    for above in islice(item.iterancestors(), 3):
        if above.tag in ("body", "html"):
            break
        step, name = _step(above), above.get("id") or ""
        steps.insert(0, f"{step}#{name}" if step == above.tag and _is_written(name) else step)
        if _is_named(steps[0]) or steps[0] == "main":
            break
    return " > ".join(steps) if len(steps) > 1 else None


def _step(element: HtmlElement) -> str:
    names = (element.get("class") or "").split()
    names = [name for name in names if not (name == "row" and element.tag == "tr")]
    if name := next(filter(_is_written, names), None):
        return f"{element.tag}.{name}"
    identity = element.get("id") or ""
    # Use the id of a list only: the id of an item would find that item alone.
    if element.tag in ("ul", "ol", "section") and _is_written(identity):
        return f"{element.tag}#{identity}"
    # A build tool may append characters to a class name that a person wrote.
    begin = next((module[1] for name in names if (module := _MODULE.fullmatch(name))), None)
    return f'{element.tag}[class*="{begin}"]' if begin else str(element.tag)


def _is_named(step: str) -> bool:
    return not step.isalnum()


def _is_written(name: str) -> bool:
    return bool(_CLASS.match(name)) and not _GENERATED.search(name)


class _SelectorFinder:
    """Finds selectors that the items of a list have in common."""

    def __init__(self, headlines: Mapping[HtmlElement, Headline], language: str, fetched: datetime | None) -> None:
        self._addresses = frozenset(headline.address for headline in headlines.values())
        self._language = language
        self._fetched = fetched
        self._dates: dict[str, datetime | None] = {}
        self._page_dates = DocumentDates()

    def proposal(self, root: HtmlElement, path: str, all_items: Sequence[HtmlElement]) -> Proposal | None:
        """Return a proposal, or None if the path also finds too many other elements."""
        count = _count(root, path)
        if count > len(all_items) and (longer := Counter(map(_longer, all_items)).most_common(1)[0][0]):
            path, count = longer, _count(root, longer)
        if count > 2 * len(all_items):
            return None
        items = days.expand_items(all_items[:_SAMPLE])
        firsts = Counter(heading.tag for item in items for heading in islice(item.iter(*days.HEADINGS), 1))
        headings = ", ".join(sorted(firsts)) if 2 * firsts.total() > len(items) else None
        link = self._link(items)
        title = headings or link or _common_step(items, self._is_title)
        has_times = _share(items, lambda item: self._parsed(next(item.iter("time"), None), None))
        date = None if has_times else self._dated(items)
        options = {
            "item": path,
            "title": title,
            "link": link,
            "date": date,
            "text": _common_step(items, lambda item, element: self._is_text(item, element, title)),
        }
        score = sum(len(beginning_of(item)) for item in all_items) * (1.5 if headings else 1)
        score *= (6 if has_times or date else 1) * (0.1 if _share(all_items, _is_beside) else 1)
        return Proposal(options={key: value for key, value in options.items() if value}, count=count, score=score)

    def _link(self, items: Sequence[HtmlElement]) -> str | None:
        """Return a selector of the link, or None if the default link is the right one."""

        def is_other(item: HtmlElement) -> bool:
            in_headings = [anchor for heading in item.iter(*days.HEADINGS) for anchor in heading.iter("a")]
            first = next((anchor for anchor in (*in_headings, *item.iter("a")) if beginning_of(anchor)), None)
            return first is None or address_of(first) not in self._addresses

        def leads(_: HtmlElement, element: HtmlElement) -> bool:
            return element.tag == "a" and bool(beginning_of(element)) and address_of(element) in self._addresses

        return _common_step(items, leads) if _share(items, is_other) else None

    def _dated(self, items: Sequence[HtmlElement]) -> str | None:
        """Return the selector of the dates, or None."""

        def holds(_: HtmlElement, element: HtmlElement) -> bool:
            return len(element) < 2 and self._parsed(None, beginning_of(element)) is not None

        path = _common_step(items, holds)
        if path is None and _share(items, lambda item: self._parsed(None, get_selector(OWN_TEXT).text_in(item))):
            path = OWN_TEXT
        return path

    def _parsed(self, element: HtmlElement | None, text: str | None) -> datetime | None:
        written = (element.get("datetime") or beginning_of(element) if element is not None else text) or ""
        if not _LEAST_DATE <= len(written) <= _MOST_DATE or not any(map(str.isdigit, written)):
            return None
        if written not in self._dates and len(self._dates) < _MOST_DATES:
            self._dates[written] = self._page_dates.parsed(written, self._language, self._fetched)
        return self._dates.get(written)

    def _is_title(self, _: HtmlElement, element: HtmlElement) -> bool:
        """Return whether the element is long enough for a headline, but is not the whole text of its link."""
        around = next(element.iterancestors("a"), None)
        text = beginning_of(element)
        return around is not None and len(element) == 0 and is_long(text) and text != beginning_of(around)

    def _is_text(self, item: HtmlElement, element: HtmlElement, title: str | None) -> bool:
        text = beginning_of(element)
        if len(text) < _LEAST_TEXT or element.tag in (*days.HEADINGS, "a"):
            return False
        title_text = get_selector(title).text_in(item) if title else None
        if title_text:
            return title_text not in text
        links = (*element.iter("a"), *element.iterancestors("a"))
        return not any(address_of(link) in self._addresses for link in links)


def _is_beside(item: HtmlElement) -> bool:
    around = [element for element in (item, *item.iterancestors()) if element.tag not in ("body", "html")]
    return any(
        element.tag in _BESIDE or _NAVIGATION.search(f"{element.get('class') or ''} {element.get('id') or ''}")
        for element in around
    )


def _count(root: HtmlElement, path: str) -> int:
    try:
        return len(get_selector(path).all(root))
    except ValueError:
        return sys.maxsize


def _share(items: Sequence[HtmlElement], holds: Callable[[HtmlElement], object]) -> bool:
    return sum(bool(holds(item)) for item in items) * 2 > len(items)


def _common_step(items: Sequence[HtmlElement], holds: Callable[[HtmlElement, HtmlElement], bool]) -> str | None:
    """Return the selector (class, tag name or position) whose first match fulfils ``holds`` in most items, or None."""
    counts: Counter[str] = Counter()
    for item in items:
        earlier_steps: set[str] = set()
        for element in islice(item.iterdescendants("*"), _MAX_INSIDE):
            place = sum(1 for _ in element.itersiblings("*", preceding=True)) + 1
            steps = {_step(element), str(element.tag), f"{element.tag}:nth-child({place})"} - earlier_steps
            earlier_steps |= steps
            if steps and holds(item, element):
                counts.update(steps)
    best = max(counts, key=lambda step: (counts[step], "." in step or "[" in step, ":" not in step), default=None)
    return best if best is not None and 2 * counts[best] > len(items) else None
