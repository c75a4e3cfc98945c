"""An HTML page as a tree, within bounds; pages that cannot have a list say why."""

from __future__ import annotations

import re

from lxml import etree, html
from lxml.html import HtmlElement

from bot.ports import Body, ReadError
from bot.sources.kit import charset
from bot.sources.page.selectors import text_of

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


def tree(body: Body) -> tuple[HtmlElement, list[str]]:
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
