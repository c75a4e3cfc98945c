"""Parse news sitemaps (https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap).

A sitemap without ``news:`` tags lists pages, not news, so it is refused with an explanation.
"""

from __future__ import annotations

from lxml import etree
from msgspec.structs import replace

from bot.feeds.kit import fields, markup
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from bot.text.dates import DocumentDates

KIND = "sitemap"

_ROOTS = ("urlset", "sitemapindex")
_MAX_NAMED = 5


class Source:
    """Parses news sitemaps."""

    def recognises(self, body: Body) -> bool:
        """Return whether the root element is a sitemap's."""
        return markup.root_element(body.content, body.content_type) in _ROOTS

    def read(self, body: Body) -> ParsedFeed:
        """Parse a document. Blocking. Raises ReadError."""
        document = markup.prepare_xml(body, roots=_ROOTS)
        root = _parsed(document.text)
        if document.root == "sitemapindex":
            raise ReadError(_names_others(root))
        pages = [child for child in root if _local(child) == "url"]
        remarks = list(document.remarks)
        if document.is_cut and pages:
            # Drop the last page, which may be incomplete because the parser closes all open elements.
            pages.pop()
            remarks.append(f"cut off after item {len(pages)}")
        news = [page for page in pages if _child(page, "news") is not None]
        if pages and not news:
            raise ReadError("a sitemap without news tags: it lists pages, not news; use a news sitemap")
        kept, too_many = fields.keep_ends(news)
        hashes = [fields.hash_item(etree.tostring(page, with_tail=False), body.url) for page in kept]
        dates = DocumentDates()
        first = _child(news[0], "news") if news else None
        publication = _child(first, "publication") if first is not None else None
        return replace(
            fields.parse_new(kept, hashes, body, lambda page: _entry(page, body.url, dates)),
            title=fields.plain_title(_text(publication, "name")),
            language=_text(publication, "language"),
            remarks=(*remarks, *too_many),
        )


def _parsed(text: str) -> etree._Element:
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ReadError("the sitemap's XML is too broken to be read; inform the publisher") from error
    if root is None:
        raise ReadError("the sitemap's XML is too broken to be read; inform the publisher")
    return root


def _names_others(root: etree._Element) -> str:
    addresses = [address for child in root if (address := fields.web_address(_text(child, "loc")))]
    # List addresses with "news" first, because they are usually news sitemaps.
    addresses.sort(key=lambda address: "news" not in address.lower())
    if not addresses:
        return "a list of sitemaps that is empty"
    first = ", ".join(addresses[:_MAX_NAMED])
    more = f" and {len(addresses) - _MAX_NAMED} more" if len(addresses) > _MAX_NAMED else ""
    return f"a list of sitemaps, not a news sitemap; write one of {first}{more} into feeds.yaml"


def _entry(page: etree._Element, base: str, dates: DocumentDates) -> Entry:
    news = _child(page, "news")
    language = _text(_child(news, "publication"), "language")
    return Entry(
        link=fields.web_address(_text(page, "loc"), base),
        title=fields.escape_text(_text(news, "title")),
        tags=tuple(dict.fromkeys(word.strip() for word in (_text(news, "keywords") or "").split(",") if word.strip())),
        published=dates.parsed(_text(news, "publication_date") or "", language or "en"),
        updated=dates.parsed(_text(page, "lastmod") or "", language or "en"),
        language=language,
    )


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    if element is None:
        return None
    return next((child for child in element if _local(child) == name), None)


def _text(element: etree._Element | None, name: str) -> str | None:
    child = _child(element, name)
    return "".join(str(text) for text in child.itertext()).strip() or None if child is not None else None
