"""Selectors for a page that nobody described yet: what repeats, each time with one headline and its link.

A headline is a link with some words. Its item is the largest element around it that holds no other headline; items of
one kind, by tag and class, are a list. What JSON-LD calls an article, dates and headings speak for a list; navigation
against it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag

from lxml.html import HtmlElement

from bot.ports import Body
from bot.sources.page import dates, document
from bot.sources.page.selectors import selector, text_of

#: A list of fewer is none.
_LEAST_ITEMS = 3
#: Fewer letters are a menu's.
_LEAST_TITLE = 16
#: Levels around a headline: deeper items are put together by programs, which give them classes.
_MAX_LEVELS = 7
_MAX_ANCHORS = 2_000
_BESIDE = frozenset(("nav", "footer", "aside", "header", "form"))
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
#: A class that a human wrote; those that a build made change with the next one.
_CLASS = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}\Z")
_MADE = re.compile(r"^(?:css|sc|jsx|svelte|astro|emotion)-|__[A-Za-z0-9]{5,}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Selectors, and how many items they find."""

    item: str
    title: str | None = None
    date: str | None = None
    text: str | None = None
    count: int
    score: float

    @property
    def options(self) -> Mapping[str, str]:
        """As keys of the feed."""
        said = {"item": self.item, "title": self.title, "date": self.date, "text": self.text}
        return {key: value for key, value in said.items() if value}


def of(root: HtmlElement, *, limit: int = 3) -> Sequence[Proposal]:
    """The best first; none: no list was found."""
    headlines = _headlines(root)
    lists: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for item in _items(headlines):
        if path := _path(item):
            lists[path].append(item)
    articles = _articles(root)
    language = root.get("lang") or "en"
    found = [
        proposal
        for path, items in lists.items()
        if len(items) >= _LEAST_ITEMS and (proposal := _proposal(root, path, items, articles, language))
    ]
    return sorted(found, key=lambda each: -each.score)[:limit]


def _site_name(root: HtmlElement) -> str | None:
    """What Open Graph calls the site."""
    found = root.xpath("string(//meta[@property='og:site_name']/@content)")
    return " ".join(str(found).split())[:300] or None


def of_body(body: Body, *, limit: int = 3) -> tuple[str | None, Sequence[Mapping[str, str]]]:
    """The site's name, and the keys of each proposal, of a page as fetched. Raises ReadError."""
    root, _ = document.tree(body)
    return _site_name(root), [proposal.options for proposal in of(root, limit=limit)]


def _headlines(root: HtmlElement) -> dict[HtmlElement, str]:
    """Anchor -> the address that it leads to."""
    anchors = root.xpath("//a[@href]")[:_MAX_ANCHORS]
    found = {}
    for anchor in anchors:
        address = urldefrag(anchor.get("href", "")).url
        if address.startswith(("http://", "https://")) and len(_title(anchor)) >= _LEAST_TITLE:
            found[anchor] = address
    return found


def _title(anchor: HtmlElement) -> str:
    around = anchor.getparent()
    place = around if around is not None and around.tag in _HEADINGS else anchor
    return text_of(place) or ""


def _items(headlines: Mapping[HtmlElement, str]) -> Iterator[HtmlElement]:
    inside: defaultdict[HtmlElement, set[str]] = defaultdict(set)
    for anchor, address in headlines.items():
        for above, _ in zip(anchor.iterancestors(), range(_MAX_LEVELS), strict=False):
            inside[above].add(address)
    given: set[HtmlElement] = set()
    for anchor in headlines:
        item = anchor
        for above, _ in zip(anchor.iterancestors(), range(_MAX_LEVELS), strict=False):
            if above.tag in ("body", "html", "main") or len(inside[above]) > 1:
                break
            item = above
        if item not in given:
            given.add(item)
            yield item


def _path(item: HtmlElement) -> str | None:
    own = _step(item)
    if "." in own or "#" in own:
        return own
    above = item.getparent()
    steps = [own]
    for _ in range(3):
        if above is None or above.tag in ("body", "html"):
            break
        steps.insert(0, _step(above))
        if "." in steps[0] or "#" in steps[0] or steps[0] == "main":
            return " > ".join(steps)
        above = above.getparent()
    return " > ".join(steps) if len(steps) > 1 else None


def _step(element: HtmlElement) -> str:
    name = next((each for each in (element.get("class") or "").split() if _is_written(each)), None)
    if name:
        return f"{element.tag}.{name}"
    identity = element.get("id") or ""
    # An item's own id is its alone.
    return (
        f"{element.tag}#{identity}"
        if element.tag in ("ul", "ol", "section") and _is_written(identity)
        else str(element.tag)
    )


def _is_written(name: str) -> bool:
    return bool(_CLASS.match(name)) and not _MADE.search(name)


def _proposal(
    root: HtmlElement, path: str, items: Sequence[HtmlElement], articles: frozenset[str], language: str
) -> Proposal | None:
    try:
        found = selector(path).all(root)
    except ValueError:
        return None
    if len(found) > 2 * len(items):
        return None
    heading = _common(items, _HEADINGS)
    date = None if _share(items, lambda each: each.find(".//time") is not None) else _date_path(items, language)
    text = "p" if _share(items, lambda each: any(len(text_of(p) or "") >= 40 for p in each.iter("p"))) else None
    beside = _share(items, lambda each: any(above.tag in _BESIDE for above in each.iterancestors()))
    links = {urldefrag(anchor.get("href", "")).url for item in items for anchor in item.iter("a")}
    has_date = date or _share(items, lambda each: each.find(".//time") is not None)
    lengths = sum(min(len(text_of(item) or ""), 200) for item in items)
    score = lengths * (1.5 if heading else 1) * (1.5 if has_date else 1) * (0.1 if beside else 1)
    return Proposal(
        item=path,
        title=heading,
        date=date,
        text=text,
        count=len(found),
        score=score * (2 if len(links & articles) >= _LEAST_ITEMS else 1),
    )


def _share(items: Sequence[HtmlElement], holds: Callable[[HtmlElement], bool]) -> bool:
    return sum(map(holds, items)) * 2 > len(items)


def _common(items: Sequence[HtmlElement], tags: Sequence[str]) -> str | None:
    present = [{element.tag for element in item.iter()} for item in items]
    return next((tag for tag in tags if sum(tag in each for each in present) * 2 > len(items)), None)


def _date_path(items: Sequence[HtmlElement], language: str) -> str | None:
    """The class of an element that holds a date in most of the items."""
    counts: defaultdict[str, int] = defaultdict(int)
    for item in items[:20]:
        for element in item.iter():
            step = _step(element) if isinstance(element.tag, str) and len(element) == 0 else ""
            text = text_of(element) or "" if "." in step else ""
            if 6 <= len(text) <= 60 and dates.parsed(text, language):
                counts[step] += 1
    best = max(counts, key=lambda each: counts[each], default=None)
    return best if best is not None and counts[best] * 2 > min(len(items), 20) else None


def _articles(root: HtmlElement) -> frozenset[str]:
    """Addresses that the page's JSON-LD gives of articles and lists of them."""
    found: set[str] = set()
    for script in root.xpath("//script[@type='application/ld+json']")[:20]:
        try:
            waiting = [json.loads((script.text or "")[:200_000])]
        except (ValueError, RecursionError):
            continue
        while waiting and len(found) < _MAX_ANCHORS:
            match waiting.pop():
                case list() as several:
                    waiting.extend(several[:_MAX_ANCHORS])
                case dict() as one:
                    kind = str(one.get("@type", ""))
                    if isinstance(url := one.get("url"), str) and (
                        "Article" in kind or kind in ("ListItem", "BlogPosting")
                    ):
                        found.add(urldefrag(url).url)
                    waiting.extend(value for value in one.values() if isinstance(value, dict | list))
    return frozenset(found)
