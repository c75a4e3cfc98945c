"""A mail that lists articles: a link that is most of its block is a headline, the text up to the next belongs to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import islice

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
_BLOCKS = frozenset(
    "td th p div li dt dd h1 h2 h3 h4 h5 h6 table tr ul ol body section article blockquote br hr".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4")
#: More links with one text are a topic's or a button's.
_MOST_OF_ONE = 2
#: What ends a list: the words and addresses by which a mail is cancelled.
_FAREWELL = re.compile(
    r"unsub|opt[ -]?out (?:of (?:th|our|all|future|e?-?mail)|here)|\boptout\b"
    r"|(?:e-?mail|your) (?:preferences|subscription)|manage (?:your|my|the)? ?.{0,12}subscription"
    r"|no longer wish|abmelden|abbestell|abonnement verwalten|d[eé]sinscri"
    r"|se d[eé]sabonner|cancelar (?:a )?(?:su|in)|darse de baja|disiscri|tua iscrizione|wypisz|zrezygnuj|odhl[aá]sit"
    r"|afmelden|отпис|відпис|aboneli[gğ]in|配信停止|購読解除|退订|退訂|取消订阅|수신 ?거부|구독 ?취소|سبسکرپشن ختم"
    r"|إلغاء الاشتراك|لغو اشتراک",
    re.IGNORECASE,
)
#: Of the mail itself. A browser, a privacy policy and a subscription are news too, in other words.
_NO_ARTICLE = re.compile(
    r"^(?:read |view |see |our )*(?:privacy (?:policy|notice|statement)|terms (?:of (?:service|use)|and conditions))"
    r"|^(?:please )?subscribe (?:to|now|here|today)|^forward (?:this|to)|^advertise with|^view (?:this|online)"
    r"|in your (?:web )?browser|(?:read|view|open) (?:this|it) .{0,30}(?:online|on the web)"
    r"|(?:view|read|open|voir|lire|afficher|ver|abrir|leer|visualizza|apri|zobacz|otw[oó]rz|anzeigen|посмотреть|открыть)"
    r".{0,40}(?:browser|nav[ie]ga(?:dor|teur)|przegl[aą]dar|браузер)"
    r"|im browser (?:anzeigen|ansehen|[oö]ffnen|lesen)|ブラウザで|taray[ıi]c[ıi].{0,12}(?:g[oö]r|a[cç])"
    r"|浏览器(?:中|里)?(?:查看|打开|阅读)|web ?version(?: dieser| of this| anzeigen| ansehen|\Z)|to your address ?book"
    r"|why (?:did|am) (?:i|you) (?:get|receiv)"
    r"|(?:report|mark) (?:this|it|as).{0,20}spam|(?:follow|like|join|contact) us ",
    re.IGNORECASE,
)
_PARAGRAPHS = re.compile(r"\n\s*\n|\n(?=[ \t]*(?:[*•●-]|\d{1,2}[.)])[ \t])")
_BULLET = re.compile(r"(?:[*•●-]|\d{1,2}[.)])\s+")
_ADDRESS = re.compile(r"[<(\[]?(https?://[^\s<>()\[\]]+)[>)\]]?")


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


def as_html(text: str) -> str:
    """A mail without markup: the first line of a paragraph is a link where an address ends it or is the next line."""
    return "".join(f"<p>{_paragraph(each.strip())}</p>" for each in _PARAGRAPHS.split(text))


def _paragraph(text: str) -> str:
    first, _, rest = text.partition("\n")
    title, _, last = first.strip().rpartition(" ")
    address = _ADDRESS.fullmatch(last)
    if address is None:
        second, _, rest = rest.partition("\n")
        title, address = first, _ADDRESS.fullmatch(second.strip())
    if address is None:
        return escape(text)
    title = _BULLET.sub("", title, count=1).rstrip(": ")
    return f'<a href="{escape(address[1])}">{escape(title)}</a><br>{escape(rest)}'


def _headlines(root: HtmlElement) -> dict[HtmlElement, Item]:
    """By the anchor, or by the heading that has none and whose link follows ("Read more")."""
    found: dict[HtmlElement, Item] = {}
    lengths = _line_lengths(root)
    heading: HtmlElement | None = None
    for element in root.iter("a", *_HEADINGS):
        if element.tag != "a":
            heading = element if element.find(".//a[@href]") is None and _is_headline(text_of(element) or "") else None
            continue
        link, title = links.web(element.get("href")), text_of(element)
        if link is None or not link.startswith("http") or title is None or len(found) >= _MOST_ITEMS:
            continue
        if _ends(element) and len(found) >= _LEAST_ITEMS:
            break
        if _FAREWELL.search(title) or _NO_ARTICLE.search(title):
            continue
        is_alone = len(title) >= _SHARE * lengths[element]
        if _is_headline(title):
            if is_alone or any(above.tag in _HEADINGS for above in islice(element.iterancestors(), 2)):
                found[element] = Item(link, title)
                heading = None
        elif heading is not None and is_alone:
            found[heading] = Item(link, text_of(heading) or "")
            heading = None
    counts = Counter(item.title for item in found.values())
    return {place: item for place, item in found.items() if counts[item.title] <= _MOST_OF_ONE}


def _line_lengths(root: HtmlElement) -> dict[HtmlElement, int]:
    """Of the line of each link: what is between two line breaks or edges of blocks."""
    lines, line_of = [0], dict[HtmlElement, int]()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if element.tag in _BLOCKS:
            lines.append(0)
        if event == "start" and element.tag == "a":
            line_of[element] = len(lines) - 1
        said = (element.text if element.tag not in ("script", "style") else None) if event == "start" else element.tail
        if isinstance(said, str):
            lines[-1] += len(" ".join(said.split()))
    return {anchor: lines[line] for anchor, line in line_of.items()}


def _ends(anchor: HtmlElement) -> bool:
    return _FAREWELL.search(f"{anchor.get('href')} {text_of(anchor)}") is not None


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
            elif element.tag == "a" and (_ends(element) or _NO_ARTICLE.search(text_of(element) or "")):
                # The list has ended.
                current = None
            said = element.text if element.tag not in ("script", "style", "a") else None
        else:
            inside = None if element is inside else inside
            said = element.tail
        if current is not None and inside is None and isinstance(said, str):
            current.words.append(said)
