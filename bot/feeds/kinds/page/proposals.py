"""Propose selectors for a page: find what repeats, each time with one headline and its link.

A headline is a link with some words, or the link beside a heading; its article's element is the largest one around it
that holds no other headline. Items with the same tag and class are a list. JSON-LD, dates and headings count for a
list, navigation counts against it.
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
from bot.model import Body
from bot.text.dates import DocumentDates

#: Fewer letters are a menu's; one of Chinese counts for three.
_LEAST_TITLE, _WIDE_LETTER = 16, 3
#: Levels around a headline: deeper items are put together by programs, which give them classes.
_MAX_LEVELS = 7
_MAX_ANCHORS = 2_000
#: Levels around a heading in which the link beside it is, and the links and addresses there.
_MAX_BESIDE, _MAX_LINKS, _MAX_ADDRESSES_BESIDE = 4, 12, 3


@dataclass(frozen=True, slots=True)
class Headline:
    """What an anchor leads to."""

    address: str
    #: In a heading, or for one: other links of its item are topics and authors.
    is_heading: bool


def find_headlines(root: HtmlElement) -> Mapping[HtmlElement, Headline]:
    """By the anchor that leads to the article, in the page's order."""
    found: dict[HtmlElement, Headline] = {}
    beside: defaultdict[HtmlElement, list[HtmlElement]] = defaultdict(list)
    for anchor in root.xpath("//a[@href]")[:_MAX_ANCHORS]:
        if not address_of(anchor).startswith(("http://", "https://")):
            continue
        for above in islice(anchor.iterancestors(), _MAX_BESIDE):
            beside[above].append(anchor)
        around = anchor.getparent()
        is_heading = around is not None and around.tag in days.HEADINGS
        if is_long(text_of(around if is_heading else anchor)):
            found[anchor] = Headline(address_of(anchor), is_heading)
    for heading in root.xpath("|".join(f"//{tag}" for tag in days.HEADINGS))[:_MAX_ANCHORS]:
        around = next((each for each in islice(heading.iterancestors(), _MAX_BESIDE) if each in beside), None)
        anchors = beside[around] if around is not None and heading not in beside else []
        counts = Counter(map(address_of, anchors[: _MAX_LINKS + 1]))
        if 0 < len(counts) <= _MAX_ADDRESSES_BESIDE and len(anchors) <= _MAX_LINKS and is_long(text_of(heading)):
            # "Read more" is behind the topics, and the picture leads there too.
            address = max(reversed(counts), key=lambda each: counts[each])
            anchor = next(each for each in anchors if address_of(each) == address)
            found[anchor] = Headline(address, True)
    return found


def find_items(found: Mapping[HtmlElement, Headline]) -> Iterator[HtmlElement]:
    """The item of each headline, in the same order."""
    inside: defaultdict[tuple[HtmlElement, bool], set[str]] = defaultdict(set)
    for anchor, headline in found.items():
        for above in islice(anchor.iterancestors(), _MAX_LEVELS):
            inside[above, False].add(headline.address)
            if headline.is_heading:
                inside[above, True].add(headline.address)
    given: set[HtmlElement] = set()
    for anchor, headline in found.items():
        item = anchor
        for above in islice(anchor.iterancestors(), _MAX_LEVELS):
            if above.tag in ("body", "html", "main") or len(inside[above, headline.is_heading]) > 1:
                break
            item = above
        if item not in given:
            given.add(item)
            yield item


def address_of(anchor: HtmlElement) -> str:
    """Where it leads, without a place in the page."""
    return urldefrag(anchor.get("href") or "").url


def is_long(text: str | None) -> bool:
    """Whether a text has the letters of a headline."""
    letters = (text or "")[:_LEAST_TITLE]
    return sum(_WIDE_LETTER if unicodedata.east_asian_width(each) in "WF" else 1 for each in letters) >= _LEAST_TITLE


#: A list of fewer is none.
_LEAST_ITEMS = 3
_LEAST_TEXT = 40
_LEAST_DATE, _MOST_DATE, _MOST_DATES = 6, 60, 400
#: Items, and elements of each, that are looked into.
_ASKED, _MAX_INSIDE = 20, 200
_MAX_ADDRESSES = 2_000
#: Lists, the best first, over whose items a day is looked for.
_MAX_GROUPED = 5
#: What an item itself says, beside its elements.
_BESIDE = frozenset(("nav", "footer", "aside", "header", "form"))
_NAVIGATION = re.compile(
    r"(?:^|[\s_-])(?:side-?bar|menu|nav(?:bar|igation)?|footer|breadcrumbs?|pag(?:er|ination)|related)\b", re.IGNORECASE
)
#: A class that a human wrote; those that a build made change with the next one.
_CLASS = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}\Z")
_MADE = re.compile(
    r"^(?:css|sc|jsx|svelte|astro|emotion)-|__[A-Za-z0-9]{5,}\Z"
    # Every second row's.
    r"|^(?:row[-_]?)?(?:odd|even|alt(?:ernat\w+)?)(?:[-_]?(?:row|item))?\Z",
    re.IGNORECASE,
)
_MODULE = re.compile(r"([A-Za-z][A-Za-z-]*_[A-Za-z-]+__)[A-Za-z0-9_-]{5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Selectors, and how many items they find."""

    #: As keys of the feed.
    options: Mapping[str, str]
    count: int
    score: float


def find_proposals(root: HtmlElement, *, seen: datetime | None = None, limit: int = 3) -> Sequence[Proposal]:
    """The best first; none: no list was found."""
    found = find_headlines(root)
    lists: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for item in find_items(found):
        if path := _path(item):
            lists[path].append(item)
    for path, items in [*lists.items()]:
        # One class for the items of two lists, as news and events.
        around = Counter(_step(above) for item in items for above in islice(item.iterancestors(), 1))
        if len(around) > 1 and all(count >= _LEAST_ITEMS and _is_named(step) for step, count in around.items()):
            for item in lists.pop(path):
                lists[f"{_step(item.getparent())} > {path}"].append(item)
    look = _Look(found, _articles(root), root.get("lang") or "en", seen)
    proposals = {
        path: proposal
        for path, items in lists.items()
        if len(items) >= _LEAST_ITEMS and (proposal := look.proposal(root, path, items))
    }
    # A look at all that is between the items takes the page's whole length.
    for path in sorted(proposals, key=lambda path: -proposals[path].score)[:_MAX_GROUPED]:
        proposals[path] = look.proposal(root, path, lists[path], is_grouped=True) or proposals[path]
    return sorted(proposals.values(), key=lambda each: -each.score)[:limit]


def _site_name(root: HtmlElement) -> str | None:
    """What Open Graph calls the site."""
    found = root.xpath("string(//meta[@property='og:site_name']/@content)")
    return " ".join(str(found).split())[:300] or None


def propose_selectors(body: Body, *, limit: int = 3) -> tuple[str | None, Sequence[Mapping[str, str]]]:
    """The site's name, and the keys of each proposal, of a page as fetched. Raises ReadError."""
    root, _ = selectors.parse_page(body)
    proposals = find_proposals(root, seen=body.fetched, limit=limit)
    if not proposals:
        selectors.check_scripts(root)
    return _site_name(root), [proposal.options for proposal in proposals]


def _path(item: HtmlElement) -> str | None:
    own = _step(item)
    return own if _is_named(own) else _longer(item)


def _longer(item: HtmlElement) -> str | None:
    """The item behind what holds it, up to three levels."""
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
    name = next((each for each in names if _is_written(each) and not (each == "row" and element.tag == "tr")), None)
    if name:
        return f"{element.tag}.{name}"
    identity = element.get("id") or ""
    # An item's own id is its alone.
    if element.tag in ("ul", "ol", "section") and _is_written(identity):
        return f"{element.tag}#{identity}"
    # What a build adds to a class that a human wrote stands behind it.
    begin = next((made[1] for each in names if (made := _MODULE.fullmatch(each))), None)
    return f'{element.tag}[class*="{begin}"]' if begin else str(element.tag)


def _is_named(step: str) -> bool:
    return not step.isalnum()


def _is_written(name: str) -> bool:
    return bool(_CLASS.match(name)) and not _MADE.search(name)


class _Look:
    """What a list's items have in common."""

    def __init__(
        self,
        found: Mapping[HtmlElement, Headline],
        articles: frozenset[str],
        language: str,
        seen: datetime | None,
    ) -> None:
        self._addresses = frozenset(headline.address for headline in found.values())
        self._articles = articles
        # English alone does not say whether a day is before its month.
        self._languages = (language, "en-GB", "en-US") if language == "en" else (language,)
        self._seen = seen
        self._dates: dict[tuple[str, str], datetime | None] = {}
        self._told = DocumentDates()
        #: The day over each item.
        self._days: Mapping[HtmlElement, str] = {}

    def proposal(
        self, root: HtmlElement, path: str, found: Sequence[HtmlElement], *, is_grouped: bool = False
    ) -> Proposal | None:
        """None: the path finds much else. ``is_grouped``: where the items have no dates, the days over them count."""
        count = _count(root, path)
        if count > len(found) and (longer := Counter(map(_longer, found)).most_common(1)[0][0]):
            path, count = longer, _count(root, longer)
        if count > 2 * len(found):
            return None
        known = [item for item in found if self._linked(item) & self._articles]
        begin = _common_beginning([address for item in known for address in self._linked(item) & self._articles])
        # Of items of one shape only those that JSON-LD knows.
        is_mixed = _LEAST_ITEMS <= len(known) < len(found) and begin is not None
        asked = (known if is_mixed else found)[:_ASKED]
        items = days.expand_items(asked)
        firsts = Counter(each.tag for item in items for each in islice(item.iter(*days.HEADINGS), 1))
        heading = ", ".join(sorted(firsts)) if 2 * firsts.total() > len(items) else None
        link = f'a[href^="{begin}"]' if is_mixed else self._link(items)
        title = heading or (link if not is_mixed else None) or _step_of(items, self._is_title)[0]
        language, date = self._date(items)
        if date is None and is_grouped:
            over = days.find_days(found, lambda text: any(self._parsed(None, text, each) for each in self._languages))
            self._days = {item: over[place] for place, item in zip(asked, items, strict=True) if place in over}
            language, date = self._date(items)
            date = _step_of(items, _is_clock)[0] or date if self._days else date
        options = {
            "item": path,
            "title": title,
            "link": link,
            "date": date,
            "text": _step_of(items, lambda item, each: self._is_text(item, each, title))[0],
            "language": language,
        }
        score = sum(len(beginning_of(item)) for item in found) * (1.5 if heading else 1)
        score *= (1 if date is None else 6) * (0.1 if _share(found, _is_beside) else 1)
        return Proposal(
            options={key: value for key, value in options.items() if value},
            count=count,
            score=score * (2 if len(known) >= _LEAST_ITEMS else 1),
        )

    def _linked(self, item: HtmlElement) -> frozenset[str]:
        return self._addresses & set(map(address_of, item.iter("a")))

    def _link(self, items: Sequence[HtmlElement]) -> str | None:
        """Where the link that is taken without being named is another; None: nothing need be said."""

        def is_other(item: HtmlElement) -> bool:
            inside = [each for heading in item.iter(*days.HEADINGS) for each in heading.iter("a")]
            first = next((each for each in (*inside, *item.iter("a")) if beginning_of(each)), None)
            return first is None or address_of(first) not in self._addresses

        def leads(_: HtmlElement, each: HtmlElement) -> bool:
            return each.tag == "a" and bool(beginning_of(each)) and address_of(each) in self._addresses

        return _step_of(items, leads)[0] if _share(items, is_other) else None

    def _date(self, items: Sequence[HtmlElement]) -> tuple[str | None, str | None]:
        """The language, where the page's is not meant, and the selector: empty for the first <time>, None for none."""
        ranks: list[tuple[int, timedelta]] = []
        best: tuple[str | None, str | None] = (None, None)
        for place, language in enumerate(self._languages):
            path = "" if _share(items, lambda each, name=language: self._read(each, "", name)) else None  # type: ignore[misc]
            path = self._dated(items, language) if path is None else path
            found = [date for item in items if path is not None and (date := self._read(item, path, language))]
            # A list is of a few weeks: in the wrong order its days are spread over the year.
            rank = (len(found), -(max(found) - min(found)) if found else timedelta())
            if found and rank > max(ranks, default=(0, timedelta())):
                best = (language if place else None, path)
            elif found and rank in ranks[1:]:
                best = (None, best[1])  # nothing tells them apart
            ranks.append(rank)
        return best

    def _dated(self, items: Sequence[HtmlElement], language: str) -> str | None:
        def holds(_: HtmlElement, each: HtmlElement) -> bool:
            return len(each) < 2 and self._parsed(None, beginning_of(each), language) is not None

        path = _step_of(items, holds)[0]
        if path is None and _share(items, lambda each: self._read(each, OWN_TEXT, language)):
            path = OWN_TEXT
        return path

    def _read(self, item: HtmlElement, path: str, language: str) -> datetime | None:
        """As the page's source reads it."""
        if path:
            return self._parsed(None, get_selector(path).text_in(item), language)
        element = next(item.iter("time"), None)
        own = self._parsed(element, beginning_of(element), language) if element is not None else None
        return own or self._parsed(None, self._days.get(item), language)

    def _parsed(self, element: HtmlElement | None, text: str | None, language: str) -> datetime | None:
        said = (element.get("datetime") if element is not None else None) or text or ""
        if not _LEAST_DATE <= len(said) <= _MOST_DATE or not any(map(str.isdigit, said)):
            return None
        if (said, language) not in self._dates:
            if len(self._dates) >= _MOST_DATES:
                return None
            self._dates[said, language] = days.find_date(element, text, language, self._seen, told=self._told)
        return self._dates[said, language]

    def _is_title(self, _: HtmlElement, element: HtmlElement) -> bool:
        """Whether it is long enough for a headline, and its link holds more."""
        around = next(element.iterancestors("a"), None)
        text = beginning_of(element)
        return around is not None and len(element) == 0 and is_long(text) and text != beginning_of(around)

    def _is_text(self, item: HtmlElement, element: HtmlElement, title: str | None) -> bool:
        text = beginning_of(element)
        if len(text) < _LEAST_TEXT or element.tag in (*days.HEADINGS, "a"):
            return False
        said = get_selector(title).text_in(item) if title else None
        if said:
            return said not in text
        links = (*element.iter("a"), *element.iterancestors("a"))
        return not any(address_of(each) in self._addresses for each in links)


def _is_clock(_: HtmlElement, element: HtmlElement) -> bool:
    return days.CLOCK.fullmatch(beginning_of(element)) is not None


def _is_beside(item: HtmlElement) -> bool:
    around = [each for each in (item, *item.iterancestors()) if each.tag not in ("body", "html")]
    return any(
        each.tag in _BESIDE or _NAVIGATION.search(f"{each.get('class') or ''} {each.get('id') or ''}")
        for each in around
    )


def _common_beginning(addresses: Sequence[str]) -> str | None:
    """Up to a slash behind the host's; None: there is none."""
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


def _step_of(items: Sequence[HtmlElement], holds: Callable[[HtmlElement, HtmlElement], bool]) -> tuple[str | None, int]:
    """What is found first in most of the items by its class, its name or its place, and holds; and in how many."""
    counts: Counter[str] = Counter()
    for item in items:
        met: set[str] = set()
        for element in islice(item.iterdescendants("*"), _MAX_INSIDE):
            place = sum(1 for _ in element.itersiblings("*", preceding=True)) + 1
            steps = {_step(element), str(element.tag), f"{element.tag}:nth-child({place})"} - met
            met |= steps
            if steps and holds(item, element):
                counts.update(steps)
    best = max(counts, key=lambda step: (counts[step], "." in step or "[" in step, ":" not in step), default=None)
    return (best, counts[best]) if best is not None and 2 * counts[best] > len(items) else (None, 0)


def _articles(root: HtmlElement) -> frozenset[str]:
    """Addresses that the page's JSON-LD gives of articles and lists of them."""
    found: set[str] = set()
    for script in root.xpath("//script[@type='application/ld+json']")[:20]:
        try:
            waiting = [json.loads((script.text or "")[:200_000])]
        except (ValueError, RecursionError):
            continue
        while waiting and len(found) < _MAX_ADDRESSES:
            match waiting.pop():
                case list() as several:
                    waiting.extend(several[:_MAX_ADDRESSES])
                case dict() as one:
                    kind = str(one.get("@type", ""))
                    if isinstance(url := one.get("url"), str) and (
                        "Article" in kind or kind in ("ListItem", "BlogPosting")
                    ):
                        found.add(urldefrag(url).url)
                    waiting.extend(value for value in one.values() if isinstance(value, dict | list))
    return frozenset(found)
