"""Parse an HTML page within limits, and find elements by CSS selectors whose cost is limited for every page."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

import cssselect
from lxml import etree, html
from lxml.html import HtmlElement

from bot.feeds.kit import markup
from bot.model.errors import ReadError
from bot.model.fetching import Body
from bot.patterns import LazyPattern

#: Our selector for the item's own text, outside of its child elements, because CSS has none.
OWN_TEXT = ":text"
_MAX_LENGTH = 300
_MOST_TEXT = 200
#: Maximum steps to all descendants, because each step multiplies the work by the size of the page.
_MAX_WIDE_STEPS = 3
#: Maximum parts of a list ("h2, h3").
_MAX_PARTS = 6
_WIDE = LazyPattern(r"//|descendant(?:-or-self)?::")
_IN_BRACKETS = LazyPattern(r"\([^()]*+\)|\[[^\[\]]*+\]")


class Selector:
    """A compiled CSS selector or list of selectors ("h2, h3"). Raises ValueError if it cannot be used."""

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_LENGTH:
            raise ValueError(f"the selector has more than {_MAX_LENGTH} characters")
        self.text = text
        path = _to_xpath(text)
        parts = path.split(" | ")
        if len(parts) > _MAX_PARTS or any(len(_WIDE.findall(part)) > _MAX_WIDE_STEPS for part in parts):
            raise ValueError("the selector has too many steps; use fewer elements")
        # Disable the regular expressions of EXSLT, which can take exponential time.
        self._find = etree.XPath(path, regexp=False)

    def all(self, root: HtmlElement) -> list[HtmlElement]:
        """Return the matching elements in the page's order; for a matching text, return its element."""
        matches = self._matches(root)
        elements = (
            match if isinstance(match, HtmlElement) else getattr(match, "getparent", lambda: None)()
            for match in matches
        )
        return list(dict.fromkeys(element for element in elements if isinstance(element, HtmlElement)))

    def text_in(self, root: HtmlElement) -> str | None:
        """Return the text of the first match."""
        first = next(iter(self._matches(root)), None)
        if isinstance(first, HtmlElement):
            return text_of(first)
        return " ".join(first.split()) or None if isinstance(first, str) else None

    def markup_in(self, root: HtmlElement) -> str | None:
        """Return the first match as HTML. Unlike in ``text_in``, inline tags then do not separate words."""
        first = next(iter(self._matches(root)), None)
        if isinstance(first, HtmlElement):
            return etree.tostring(first, encoding="unicode", method="html", with_tail=False)
        return escape(first, quote=False) if isinstance(first, str) else None

    def _matches(self, root: HtmlElement) -> list[object]:
        matches: object = self._find(root)
        return matches if isinstance(matches, list) else [matches]


@lru_cache(maxsize=5_000)
def get_selector(text: str) -> Selector:
    """Return the selector of a text, compiled once. Raises ValueError."""
    return Selector(text)


def is_xpath(text: str) -> bool:
    """Return whether the text is an XPath expression, which is not accepted as a selector.

    >>> is_xpath("//li[@class='news']"), is_xpath("ul.news > li")
    (True, False)
    """
    return text.startswith(("/", "./", "(", "@", "string("))


def text_of(element: HtmlElement) -> str | None:
    """Return an element's text without scripts and styles, with single spaces."""
    parts = element.xpath(".//text()[not(parent::script or parent::style or parent::noscript)]")
    return " ".join(" ".join(map(str, parts)).split()) or None


def beginning_of(element: HtmlElement) -> str:
    """Return the beginning of an element's text. The whole texts of nested elements would take quadratic time."""
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
        raise ValueError("XPath is not supported; write a CSS selector, such as ul.news > li")
    if re.search(r":(?:has|is|not|where|contains)\(", text) or set("+~") & set(_IN_BRACKETS.sub("", text)):
        # Refuse these selectors: their XPath visits all siblings or all descendants of each element.
        raise ValueError("only elements, classes, ids, attributes and positions are supported")
    try:
        return cssselect.HTMLTranslator().css_to_xpath(text, prefix="descendant-or-self::")
    except cssselect.SelectorError as error:
        raise ValueError(f"not a CSS selector: {error}") from None


#: Maximum bytes of a page. The longest news pages have some 2 MB, and their list comes early.
_MAX_BYTES = 5_000_000
#: Maximum elements of a page, because selectors over siblings take quadratic time. The longest lists have some 5,000.
_MAX_ELEMENTS = 20_000
#: Maximum sum of all elements' depths, because two steps to descendants visit each element once per ancestor.
_MAX_DEPTHS = 200_000
#: Minimum characters of text. A page with scripts and less text is built by its scripts.
_LEAST_TEXT = 300


def parse_page(body: Body) -> tuple[HtmlElement, list[str]]:
    """Return the page with absolute links, and remarks. Raises ReadError."""
    remarks = []
    content = body.content
    if len(content) > _MAX_BYTES:
        content = content[:_MAX_BYTES]
        remarks.append(f"only the first {_MAX_BYTES // 1_000_000} MB of the page are read")
    text = markup.decode_page(content, body.content_type).text.replace("\x00", "")
    # Check before parsing, because a tag takes a few bytes in the page and hundreds of bytes in the tree.
    if text.count("<") > 3 * _MAX_ELEMENTS:
        raise ReadError(
            f"refused: a page with more than {_MAX_ELEMENTS:,} elements, or with elements nested too deeply"
        )
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ReadError("not an HTML page: it has no elements") from error
    assert isinstance(root, HtmlElement)
    depths: dict[object, int] = {None: -1}
    for element in root.iter():
        depths[element] = depths[element.getparent()] + 1
    if len(depths) > _MAX_ELEMENTS or sum(depths.values()) > _MAX_DEPTHS:
        raise ReadError(
            f"refused: a page with more than {_MAX_ELEMENTS:,} elements, or with elements nested too deeply"
        )
    try:
        root.make_links_absolute(body.url, resolve_base_href=True, handle_failures="ignore")
    except ValueError:
        remarks.append("its links cannot be made absolute")
    return root, remarks


def check_scripts(root: HtmlElement) -> None:
    """Raise ReadError if the page is empty without JavaScript."""
    body = root.find("body")
    text = text_of(body) if body is not None else None
    if root.find(".//script") is not None and len(text or "") < _LEAST_TEXT:
        raise ReadError(
            "the page is empty without JavaScript, which Wirewatch does not run;"
            " look in the browser's network view for a feed or the address that its script reads"
        )
