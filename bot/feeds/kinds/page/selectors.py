"""Parse an HTML page within bounds, and find elements of it by CSS selectors whose cost a page cannot drive up."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

import cssselect
from lxml import etree, html
from lxml.html import HtmlElement

from bot.feeds.kit import charset
from bot.model import Body, ReadError

#: The text of the item itself, outside of the elements inside it; CSS has no selector for it.
OWN_TEXT = ":text"
_MAX_LENGTH = 300
_MOST_TEXT = 200
#: Steps from any element to any below it, before it or after it: each further one multiplies the work by the page.
_MAX_WIDE_STEPS = 3
#: Of a list ("h2, h3").
_MAX_PARTS = 6
_WIDE = re.compile(r"//|descendant(?:-or-self)?::")
_IN_BRACKETS = re.compile(r"\([^()]*+\)|\[[^\[\]]*+\]")


class Selector:
    """Of one text; of a CSS list ("h2, h3") each part is looked for. Raises ValueError for one that cannot be used."""

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_LENGTH:
            raise ValueError(f"a selector of more than {_MAX_LENGTH} characters")
        self.text = text
        path = _to_xpath(text)
        parts = path.split(" | ")
        if len(parts) > _MAX_PARTS or any(len(_WIDE.findall(part)) > _MAX_WIDE_STEPS for part in parts):
            raise ValueError("a selector of too many steps: name fewer elements on the way")
        # No regular expressions of EXSLT: they can take exponential time.
        self._find = etree.XPath(path, regexp=False)

    def all(self, root: HtmlElement) -> list[HtmlElement]:
        """The elements, in the page's order; of an attribute or a text its element."""
        found = self._find(root)
        if not isinstance(found, list):
            return []
        # What lxml gives of an attribute or a text knows the element that it is of.
        elements = (
            each if isinstance(each, HtmlElement) else getattr(each, "getparent", lambda: None)() for each in found
        )
        return list(dict.fromkeys(each for each in elements if isinstance(each, HtmlElement)))

    def text_in(self, root: HtmlElement) -> str | None:
        """What the first thing found says: a string, an attribute, or an element's text."""
        first = next(iter(self._found(root)), None)
        if isinstance(first, HtmlElement):
            return text_of(first)
        return " ".join(first.split()) or None if isinstance(first, str) else None

    def markup_in(self, root: HtmlElement) -> str | None:
        """The first thing found as HTML, whose inline tags separate no words."""
        first = next(iter(self._found(root)), None)
        if isinstance(first, HtmlElement):
            return etree.tostring(first, encoding="unicode", method="html", with_tail=False)
        return escape(first, quote=False) if isinstance(first, str) else None

    def _found(self, root: HtmlElement) -> list[object]:
        found: object = self._find(root)
        return found if isinstance(found, list) else [found]


@lru_cache(maxsize=5_000)
def get_selector(text: str) -> Selector:
    """The selector of a text, compiled once. Raises ValueError."""
    return Selector(text)


def is_xpath(text: str) -> bool:
    """Return whether the text is an XPath expression, which earlier versions took as a selector.

    >>> is_xpath("//li[@class='news']"), is_xpath("ul.news > li")
    (True, False)
    """
    return text.startswith(("/", "./", "(", "@", "string("))


def text_of(element: HtmlElement) -> str | None:
    """Its text without scripts and styles, spaces joined."""
    parts = element.xpath(".//text()[not(parent::script or parent::style or parent::noscript)]")
    return " ".join(" ".join(map(str, parts)).split()) or None


def beginning_of(element: HtmlElement) -> str:
    """The beginning of its text: elements inside of elements would say all of it once for each."""
    parts: list[str] = []
    for part in element.itertext():
        parts.append(str(part))
        if sum(map(len, parts)) > _MOST_TEXT:
            break
    return " ".join(" ".join(parts).split())[:_MOST_TEXT]


def _to_xpath(text: str) -> str:
    if text == OWN_TEXT:
        return "./text()[normalize-space()]"
    if is_xpath(text):
        raise ValueError("XPath is no longer supported; write a CSS selector, such as ul.news > li")
    if re.search(r":(?:has|is|not|where|contains)\(", text) or set("+~") & set(_IN_BRACKETS.sub("", text)):
        # Translated, these look over all siblings or all descendants of each element.
        raise ValueError("only elements, classes, ids, attributes and positions are supported")
    try:
        return cssselect.HTMLTranslator().css_to_xpath(text, prefix="descendant-or-self::")
    except cssselect.SelectorError as error:
        raise ValueError(f"no CSS selector: {error}") from None


#: The longest pages of news have some 2 MB; a list is in the first of them.
_MAX_BYTES = 5_000_000
#: The longest lists have some 5,000; a look over siblings takes the square of them.
_MAX_ELEMENTS = 20_000
#: Of all elements together: two steps to any element below meet each one once for each that it is in.
_MAX_DEPTHS = 200_000
#: What the page says of its encoding, where the header says nothing (HTML 5, section 4.2.5.4).
_CHARSET = re.compile(rb"""<meta\s[^<>]{0,200}?charset\s*+=\s*+["']?\s*+([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 4_096
#: Shorter pages with scripts are built by them.
_LEAST_TEXT = 300


def parse_page(body: Body) -> tuple[HtmlElement, list[str]]:
    """The page, its links absolute, and remarks. Raises ReadError."""
    remarks = []
    content = body.content
    if len(content) > _MAX_BYTES:
        content = content[:_MAX_BYTES]
        remarks.append(f"only the first {_MAX_BYTES // 1_000_000} MB of the page are read")
    declared = _CHARSET.search(content[:_HEAD_BYTES])
    said = f"{body.content_type}; charset={declared[1].decode()}" if declared else body.content_type
    decoded = charset.decode(content, said)
    text = decoded.text.replace("\x00", "")
    # A tag is a few bytes of the page and some hundred of the tree.
    if text.count("<") > 3 * _MAX_ELEMENTS:
        raise ReadError(f"a page of more than {_MAX_ELEMENTS:,} elements, or of elements that are too deep; not read")
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ReadError("not an HTML page: no element in it") from error
    assert isinstance(root, HtmlElement)
    depths: dict[object, int] = {None: -1}
    for element in root.iter():
        depths[element] = depths[element.getparent()] + 1
    if len(depths) > _MAX_ELEMENTS or sum(depths.values()) > _MAX_DEPTHS:
        raise ReadError(f"a page of more than {_MAX_ELEMENTS:,} elements, or of elements that are too deep; not read")
    try:
        root.make_links_absolute(body.url, resolve_base_href=True, handle_failures="ignore")
    except ValueError:
        remarks.append("its links cannot be made absolute")
    return root, remarks


def check_scripts(root: HtmlElement) -> None:
    """Raises ReadError where the page says nothing without JavaScript."""
    body = root.find("body")
    text = text_of(body) if body is not None else None
    if root.find(".//script") is not None and len(text or "") < _LEAST_TEXT:
        raise ReadError(
            "the page is empty without JavaScript, which Wirewatch does not run;"
            " look in the browser's network view for a feed or the address that its script reads"
        )
