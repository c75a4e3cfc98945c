"""Propose selectors for a page: find elements that repeat, each with one headline and its link.

A headline is a link with some words, or the link next to a heading. An item is the largest element that contains this
headline and no other. Items with the same tag and class are a list. JSON-LD, dates and headings raise a list's score;
navigation lowers it.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from urllib.parse import urldefrag, urlsplit

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
_MAX_ADDRESSES = 2_000
#: Number of best lists for which day headings are searched.
_MAX_GROUPED = 5
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
    for path, items in [*lists.items()]:
        # Items of two lists, such as news and events, may have the same class.
        around = Counter(_step(above) for item in items for above in islice(item.iterancestors(), 1))
        if len(around) > 1 and all(count >= _LEAST_ITEMS and _is_named(step) for step, count in around.items()):
            for item in lists.pop(path):
                lists[f"{_step(item.getparent())} > {path}"].append(item)
    look = _Look(headlines, _articles(root), root.get("lang") or "en", fetched)
    proposals = {
        path: proposal
        for path, items in lists.items()
        if len(items) >= _LEAST_ITEMS and (proposal := look.proposal(root, path, items))
    }
    # Search for day headings in few lists only, because each search reads the whole page.
    for path in sorted(proposals, key=lambda path: -proposals[path].score)[:_MAX_GROUPED]:
        proposals[path] = look.proposal(root, path, lists[path], is_grouped=True) or proposals[path]
    return max(proposals.values(), key=lambda proposal: proposal.score, default=None)


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


class _Look:
    """Finds selectors that the items of a list have in common."""

    def __init__(
        self,
        headlines: Mapping[HtmlElement, Headline],
        articles: frozenset[str],
        language: str,
        fetched: datetime | None,
    ) -> None:
        self._addresses = frozenset(headline.address for headline in headlines.values())
        self._articles = articles
        # English alone does not determine whether the day comes before the month.
        self._languages = (language, "en-GB", "en-US") if language == "en" else (language,)
        self._fetched = fetched
        self._dates: dict[tuple[str, str], datetime | None] = {}
        self._page_dates = DocumentDates()
        #: The day heading of each item.
        self._days: Mapping[HtmlElement, str] = {}

    def proposal(
        self, root: HtmlElement, path: str, all_items: Sequence[HtmlElement], *, is_grouped: bool = False
    ) -> Proposal | None:
        """Return a proposal, or None if the path also finds too many other elements.

        If ``is_grouped`` is true, items without dates get the dates of the day headings above them.
        """
        count = _count(root, path)
        if count > len(all_items) and (longer := Counter(map(_longer, all_items)).most_common(1)[0][0]):
            path, count = longer, _count(root, longer)
        if count > 2 * len(all_items):
            return None
        articles = [item for item in all_items if self._linked(item) & self._articles]
        begin = _common_beginning([address for item in articles for address in self._linked(item) & self._articles])
        # If JSON-LD lists only some of the items, the others are not articles.
        is_mixed = _LEAST_ITEMS <= len(articles) < len(all_items) and begin is not None
        sample = (articles if is_mixed else all_items)[:_SAMPLE]
        items = days.expand_items(sample)
        firsts = Counter(heading.tag for item in items for heading in islice(item.iter(*days.HEADINGS), 1))
        headings = ", ".join(sorted(firsts)) if 2 * firsts.total() > len(items) else None
        link = f'a[href^="{begin}"]' if is_mixed else self._link(items)
        title = headings or (link if not is_mixed else None) or _common_step(items, self._is_title)
        language, date = self._date(items)
        if date is None and is_grouped:
            day_of = days.find_days(all_items, self._is_day)
            self._days = {item: day_of[place] for place, item in zip(sample, items, strict=True) if place in day_of}
            language, date = self._date(items)
            date = _common_step(items, _is_clock) or date if self._days else date
        options = {
            "item": path,
            "title": title,
            "link": link,
            "date": date,
            "text": _common_step(items, lambda item, element: self._is_text(item, element, title)),
            "language": language,
        }
        score = sum(len(beginning_of(item)) for item in all_items) * (1.5 if headings else 1)
        score *= (1 if date is None else 6) * (0.1 if _share(all_items, _is_beside) else 1)
        return Proposal(
            options={key: value for key, value in options.items() if value},
            count=count,
            score=score * (2 if len(articles) >= _LEAST_ITEMS else 1),
        )

    def _linked(self, item: HtmlElement) -> frozenset[str]:
        return self._addresses & set(map(address_of, item.iter("a")))

    def _link(self, items: Sequence[HtmlElement]) -> str | None:
        """Return a selector of the link, or None if the default link is the right one."""

        def is_other(item: HtmlElement) -> bool:
            in_headings = [anchor for heading in item.iter(*days.HEADINGS) for anchor in heading.iter("a")]
            first = next((anchor for anchor in (*in_headings, *item.iter("a")) if beginning_of(anchor)), None)
            return first is None or address_of(first) not in self._addresses

        def leads(_: HtmlElement, element: HtmlElement) -> bool:
            return element.tag == "a" and bool(beginning_of(element)) and address_of(element) in self._addresses

        return _common_step(items, leads) if _share(items, is_other) else None

    def _date(self, items: Sequence[HtmlElement]) -> tuple[str | None, str | None]:
        """Return the language of the dates and their selector.

        The language is None if it is the page's. The selector is empty for the first <time>, and None without dates.
        """
        ranks: list[tuple[int, timedelta]] = []
        best: tuple[str | None, str | None] = (None, None)
        for place, language in enumerate(self._languages):
            path = "" if _share(items, lambda item, name=language: self._date_of_item(item, "", name)) else None  # type: ignore[misc]
            path = self._dated(items, language) if path is None else path
            dates = [date for item in items if path is not None and (date := self._date_of_item(item, path, language))]
            # A list covers a few weeks. If day and month are confused, its dates are spread over the year.
            rank = (len(dates), -(max(dates) - min(dates)) if dates else timedelta())
            if dates and rank > max(ranks, default=(0, timedelta())):
                best = (language if place else None, path)
            elif dates and rank in ranks[1:]:
                best = (None, best[1])  # both languages fit equally well
            ranks.append(rank)
        return best

    def _dated(self, items: Sequence[HtmlElement], language: str) -> str | None:
        def holds(_: HtmlElement, element: HtmlElement) -> bool:
            return len(element) < 2 and self._parsed(None, beginning_of(element), language) is not None

        path = _common_step(items, holds)
        if path is None and _share(items, lambda item: self._date_of_item(item, OWN_TEXT, language)):
            path = OWN_TEXT
        return path

    def _date_of_item(self, item: HtmlElement, path: str, language: str) -> datetime | None:
        """Return the date of an item as ``page.Source`` parses it."""
        if path:
            return self._parsed(None, get_selector(path).text_in(item), language)
        element = next(item.iter("time"), None)
        own = self._parsed(element, beginning_of(element), language) if element is not None else None
        return own or self._parsed(None, self._days.get(item), language)

    def _parsed(self, element: HtmlElement | None, text: str | None, language: str) -> datetime | None:
        written = (element.get("datetime") if element is not None else None) or text or ""
        if not _LEAST_DATE <= len(written) <= _MOST_DATE or not any(map(str.isdigit, written)):
            return None
        if (written, language) not in self._dates:
            if len(self._dates) >= _MOST_DATES:
                return None
            date = days.find_date(element, text, language, self._fetched, page_dates=self._page_dates)
            self._dates[written, language] = date
        return self._dates[written, language]

    def _is_day(self, text: str) -> bool:
        return any(self._parsed(None, text, language) for language in self._languages)

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


def _is_clock(_: HtmlElement, element: HtmlElement) -> bool:
    return days.CLOCK.fullmatch(beginning_of(element)) is not None


def _is_beside(item: HtmlElement) -> bool:
    around = [element for element in (item, *item.iterancestors()) if element.tag not in ("body", "html")]
    return any(
        element.tag in _BESIDE or _NAVIGATION.search(f"{element.get('class') or ''} {element.get('id') or ''}")
        for element in around
    )


def _common_beginning(addresses: Sequence[str]) -> str | None:
    """Return the beginning that the addresses share, up to a slash, or None if they share only the host."""
    first, last = min(addresses, default=""), max(addresses, default="")
    size = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    begin = first[:size].rpartition("/")[0] + "/"
    return begin if len(urlsplit(begin).path) > 1 and '"' not in begin else None


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


def _articles(root: HtmlElement) -> frozenset[str]:
    """Return the addresses of articles in the page's JSON-LD."""
    addresses: set[str] = set()
    for script in root.xpath("//script[@type='application/ld+json']")[:20]:
        try:
            waiting = [json.loads((script.text or "")[:200_000])]
        except (ValueError, RecursionError):
            continue
        while waiting and len(addresses) < _MAX_ADDRESSES:
            match waiting.pop():
                case list() as values:
                    waiting.extend(values[:_MAX_ADDRESSES])
                case dict() as node:
                    kind = str(node.get("@type", ""))
                    if isinstance(url := node.get("url"), str) and (
                        "Article" in kind or kind in ("ListItem", "BlogPosting")
                    ):
                        addresses.add(urldefrag(url).url)
                    waiting.extend(value for value in node.values() if isinstance(value, dict | list))
    return frozenset(addresses)
