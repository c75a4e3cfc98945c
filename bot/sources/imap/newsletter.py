"""A mail that lists articles: a link that is most of its block is a headline, the text up to the next belongs to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

from bot.ports import Body, ReadError
from bot.sources.kit import links
from bot.sources.page import document
from bot.sources.page.selectors import text_of

#: Fewer are the links of one text.
_LEAST_ITEMS = 3
_MOST_ITEMS = 300
_MOST_TEXT = 5_000
#: A headline has at least so many words, or letters in a script that does not separate words.
_LEAST_WORDS = 4
_LEAST_LETTERS = 10
_LONGEST = 300
#: A headline is at least this share of its block's text; a link inside a sentence is not.
_SHARE = 0.6
_BLOCKS = frozenset("td th p div li h1 h2 h3 h4 h5 h6 table body section article".split())
_BOILERPLATE = re.compile(
    r"unsubscri|opt.?out|preferences|in (?:your|a) browser|view (?:this|online)|privacy|forward (?:this|to)|mailto:"
    r"|abmelden|abbestellen|im browser|d[eé]sinscri|se d[eé]sabonner|cancelar suscripci|darse de baja|disiscri",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Item:
    """One listed article."""

    link: str
    title: str
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text below its headline."""
        return " ".join(" ".join(self.words).split())[:_MOST_TEXT]


def items(html: str) -> Sequence[Item]:
    """The articles that the mail lists; none: it is one text."""
    try:
        root, _ = document.tree(Body(content=html.encode(), content_type="text/html; charset=utf-8", url=""))
    except ReadError:
        return ()
    found = _headlines(root)
    if len({item.link for item in found.values()}) < _LEAST_ITEMS:
        return ()
    _fill(root, found)
    unique: dict[str, Item] = {}
    for item in found.values():
        unique.setdefault(item.link, item)
    return list(unique.values())


def _headlines(root: HtmlElement) -> dict[HtmlElement, Item]:
    lengths: dict[HtmlElement, int] = {}
    found: dict[HtmlElement, Item] = {}
    for anchor in root.iter("a"):
        link, title = links.web(anchor.get("href")), text_of(anchor)
        if link is None or not link.startswith("http") or title is None or not _is_headline(title):
            continue
        if _BOILERPLATE.search(title) or len(found) >= _MOST_ITEMS:
            continue
        block = next((above for above in anchor.iterancestors() if above.tag in _BLOCKS), root)
        if block not in lengths:
            lengths[block] = len(text_of(block) or "")
        if len(title) >= _SHARE * lengths[block] or block.tag in ("h1", "h2", "h3"):
            found[anchor] = Item(link, title)
    return found


def _is_headline(title: str) -> bool:
    is_parted = len(title.split()) >= _LEAST_WORDS
    return len(title) <= _LONGEST and (is_parted or (len(title) >= _LEAST_LETTERS and not title.isascii()))


def _fill(root: HtmlElement, headlines: dict[HtmlElement, Item]) -> None:
    current: Item | None = None
    inside: HtmlElement | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            if element in headlines:
                current, inside = headlines[element], element
            elif element.tag == "a" and _BOILERPLATE.search(f"{element.get('href')} {text_of(element)}"):
                # The list has ended.
                current = None
            said = element.text if element.tag not in ("script", "style", "a") else None
        else:
            inside = None if element is inside else inside
            said = element.tail
        if current is not None and inside is None and isinstance(said, str):
            current.words.append(said)
