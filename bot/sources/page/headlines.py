"""What on a page is a headline, and which element is its article's: the largest around it that holds no other.

A headline is a link with some words, or the link beside a heading.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urldefrag

from lxml.html import HtmlElement

from bot.sources.page import runs
from bot.sources.page.selectors import text_of

#: Fewer letters are a menu's; one of Chinese counts for three.
_LEAST_TITLE, _WIDE_LETTER = 16, 3
#: Levels around a headline: deeper items are put together by programs, which give them classes.
_MAX_LEVELS = 7
_MAX_ANCHORS = 2_000
#: Levels around a heading in which the link beside it is, and the links and addresses there.
_MAX_BESIDE, _MAX_LINKS, _MAX_ADDRESSES = 4, 12, 3


@dataclass(frozen=True, slots=True)
class Headline:
    """What an anchor leads to."""

    address: str
    #: In a heading, or for one: other links of its item are topics and authors.
    is_heading: bool


def headlines(root: HtmlElement) -> Mapping[HtmlElement, Headline]:
    """By the anchor that leads to the article, in the page's order."""
    found: dict[HtmlElement, Headline] = {}
    beside: defaultdict[HtmlElement, list[HtmlElement]] = defaultdict(list)
    for anchor in root.xpath("//a[@href]")[:_MAX_ANCHORS]:
        if not address_of(anchor).startswith(("http://", "https://")):
            continue
        for above in islice(anchor.iterancestors(), _MAX_BESIDE):
            beside[above].append(anchor)
        around = anchor.getparent()
        is_heading = around is not None and around.tag in runs.HEADINGS
        if is_long(text_of(around if is_heading else anchor)):
            found[anchor] = Headline(address_of(anchor), is_heading)
    for heading in root.xpath("|".join(f"//{tag}" for tag in runs.HEADINGS))[:_MAX_ANCHORS]:
        around = next((each for each in islice(heading.iterancestors(), _MAX_BESIDE) if each in beside), None)
        anchors = beside[around] if around is not None and heading not in beside else []
        counts = Counter(map(address_of, anchors[: _MAX_LINKS + 1]))
        if 0 < len(counts) <= _MAX_ADDRESSES and len(anchors) <= _MAX_LINKS and is_long(text_of(heading)):
            # "Read more" is behind the topics, and the picture leads there too.
            address = max(reversed(counts), key=lambda each: counts[each])
            anchor = next(each for each in anchors if address_of(each) == address)
            found[anchor] = Headline(address, True)
    return found


def items(found: Mapping[HtmlElement, Headline]) -> Iterator[HtmlElement]:
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
