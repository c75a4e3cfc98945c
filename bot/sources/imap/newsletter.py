"""A mail that lists articles: a link that is most of its block is a headline, the text up to the next belongs to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from bot.ports import Body, ReadError
from bot.sources.kit import links
from bot.sources.page import document

#: Fewer are the links of one text.
_LEAST_ITEMS = 3
_MOST_ITEMS = 300
_MOST_TEXT = 5_000
#: A headline has at least so many words, or letters in a script that does not separate words.
_LEAST_WORDS = 4
_LEAST_LETTERS = 10
_LONGEST = 300
#: Of the text of one link or heading.
_MOST_OF_LINK = 1_000
#: A headline is at least this share of its block's text; a link inside a sentence is not.
_SHARE = 0.6
_BLOCKS = frozenset(
    "td th p div li dt dd h1 h2 h3 h4 h5 h6 table tr ul ol body section article blockquote br hr".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4")
_TEXTLESS = frozenset(("script", "style", "noscript"))
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
    """Return the articles that the mail lists, or none where it is one text."""
    try:
        root, _ = document.tree(Body(content=html.encode(), content_type="text/html; charset=utf-8", url=""))
    except ReadError:
        return ()
    texts = {element: text for element in root.iter("a", *_HEADINGS) if (text := _beginning(element)) is not None}
    headlines = _headlines(root, texts)
    if len({item.link for item in headlines.values()}) < _LEAST_ITEMS:
        return ()
    _fill(root, headlines, texts)
    unique: dict[str, Item] = {}
    for item in headlines.values():
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


def _walk(root: HtmlElement) -> Iterator[tuple[str, HtmlElement, str]]:
    """Yield the start and end of each element inside ``root``, with the text that follows it there."""
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        text = element.tail if event != "start" else None if element.tag in _TEXTLESS else element.text
        yield event, element, text or ""


def _beginning(element: HtmlElement) -> str | None:
    """Return the text of a link or heading; None for a link that leads nowhere and a heading that has a link inside.

    The text of a link that is never closed ends at the next one, as in a browser, and a long text is cut: so all
    texts of a mail together are never longer than the mail.
    """
    if element.tag == "a" and not element.get("href"):
        return None
    parts, length = list[str](), 0
    for event, inside, text in _walk(element):
        if event == "end" and inside is element:
            break
        if event == "start" and inside is not element:
            if inside.tag == "a" and inside.get("href"):
                if element.tag != "a":
                    return None
                break
            if inside.tag in _HEADINGS and element.tag != "a":
                break
        parts.append(text)
        length += len(text)
        if length > _MOST_OF_LINK:
            break
    return " ".join(" ".join(parts).split())[:_MOST_OF_LINK]


def _headlines(root: HtmlElement, texts: Mapping[HtmlElement, str]) -> dict[HtmlElement, Item]:
    """Return the items by their anchor, or by a heading without a link that is followed by one ("Read more")."""
    found: dict[HtmlElement, Item] = {}
    lengths = _line_lengths(root)
    heading: HtmlElement | None = None
    for element in root.iter("a", *_HEADINGS):
        title = texts.get(element)
        if element.tag != "a":
            heading = element if title is not None and _is_headline(title) else None
            continue
        link = links.web(element.get("href"))
        if link is None or not link.startswith("http") or not title or len(found) >= _MOST_ITEMS:
            continue
        if _ends(element, title) and len(found) >= _LEAST_ITEMS:
            break
        if _FAREWELL.search(title) or _NO_ARTICLE.search(title):
            continue
        is_alone = len(title) >= _SHARE * min(lengths[element], _MOST_OF_LINK)
        if _is_headline(title):
            if is_alone or any(above.tag in _HEADINGS for above in islice(element.iterancestors(), 2)):
                found[element] = Item(link, title)
                heading = None
        elif heading is not None and is_alone:
            found[heading] = Item(link, texts[heading])
            heading = None
    counts = Counter(item.title for item in found.values())
    return {place: item for place, item in found.items() if counts[item.title] <= _MOST_OF_ONE}


def _line_lengths(root: HtmlElement) -> dict[HtmlElement, int]:
    """Return the length of each link's line: what is between two line breaks or edges of blocks."""
    lines, line_of = [0], dict[HtmlElement, int]()
    for event, element, text in _walk(root):
        if element.tag in _BLOCKS:
            lines.append(0)
        if event == "start" and element.tag == "a":
            line_of[element] = len(lines) - 1
        lines[-1] += len(" ".join(text.split()))
    return {anchor: lines[line] for anchor, line in line_of.items()}


def _ends(anchor: HtmlElement, title: str) -> bool:
    return _FAREWELL.search(f"{anchor.get('href')} {title}") is not None


def _is_headline(title: str) -> bool:
    is_parted = len(title.split()) >= _LEAST_WORDS
    return len(title) <= _LONGEST and (is_parted or (len(title) >= _LEAST_LETTERS and not title.isascii()))


def _fill(root: HtmlElement, headlines: Mapping[HtmlElement, Item], texts: Mapping[HtmlElement, str]) -> None:
    """Add to each item the text up to the next headline or the end of the list."""
    current: Item | None = None
    inside: HtmlElement | None = None
    for event, element, text in _walk(root):
        if event == "start" and element in headlines:
            current, inside = headlines[element], element
        elif event == "start" and element.tag == "a":
            title = texts.get(element)
            if title is not None and (_ends(element, title) or _NO_ARTICLE.search(title)):
                current = None
            continue
        elif element is inside:
            inside = None
        if current is not None and inside is None:
            current.words.append(text)
