"""Recognise a document by its root element; if it is not a feed, explain what it is.

Fetches nothing; lists the feeds that an HTML page offers.
"""

from __future__ import annotations

import re

from lxml import etree, html

from bot.feeds.kit import charset, fields, xmltext
from bot.model.errors import IsPage, ReadError
from bot.model.fetching import Body

#: Number of bytes in which the root element is searched. A broken server may send warnings before the document.
_HEAD_BYTES = 16_384
_ROOT = re.compile(
    r"<(?:[A-Za-z_][\w.-]*:)?(rss|feed|RDF|channel|urlset|sitemapindex|opml|html|head|body|!doctype\s+html)(?=[\s/>])",
    re.IGNORECASE,
)
#: The root of a feed that a proxy or a template has wrapped in a page. HTML has no elements like these.
_WRAPPED = re.compile(r"<(rss(?=\s[^<>]*version=)|feed(?=\s[^<>]*xmlns=))", re.IGNORECASE)
_ANY_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def root_element(content: bytes, content_type: str = "") -> str:
    """Return the root's name in lower case, or "json". If it is unknown, return the first element's name, or "".

    >>> root_element(b'<?xml version="1.0"?><!-- <html> --><rss version="2.0">')
    'rss'
    """
    text = charset.decode(content[:_HEAD_BYTES], content_type).text.lstrip("\x00\t\n\r \ufeff")
    if text.startswith(("{", "[")):
        return "json"
    text = xmltext.without_asides(text)
    if root := _ROOT.search(text):
        name = root.group(1).lower()
        if name not in ("html", "head", "body") and not name.startswith("!doctype"):
            return name
        wrapped = _WRAPPED.search(text)
        return wrapped.group(1).lower() if wrapped else "html"
    element = _ANY_ELEMENT.search(text)
    return element.group(1).lower() if element else ""


def first_words(content: bytes, content_type: str) -> str:
    """Return the document's first words, for an error message."""
    text = charset.decode(content[:400], content_type).text
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:60]


#: Types of feeds that a page may offer, best first (https://html.spec.whatwg.org/#rel-alternate).
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_LOOSE_TYPES = ("application/xml", "text/xml", "application/json")
_FEED_PATHS = (".rss", ".atom", "/rss", "/feed", "/atom", "rss.xml", "feed.xml", "atom.xml", "index.rdf", "feed.json")
_MAX_OFFERED = 20
_MAX_PAGE = 2_000_000


def explain_refusal(body: Body) -> ReadError:
    """Return an error that explains why ``body`` is not a feed, and what the user can do."""
    name = root_element(body.content, body.content_type)
    if name == "html" or (not name and "html" in body.content_type.lower()):
        return _explain_page(body)
    if name == "opml":
        return ReadError('an OPML list of feeds, not a feed; "wirewatch feeds import" reads it')
    start = first_words(body.content, body.content_type)
    if name:
        return ReadError(f'not a feed: XML with the root element "{name[:40]}"; starts with "{start}"')
    return ReadError(f'not a feed: starts with "{start}"')


def find_offered_feeds(content: bytes, content_type: str, url: str) -> tuple[str, ...]:
    """Return the absolute addresses of the feeds that an HTML page links to, best first."""
    document = _parse_page(content, content_type)
    if document is None:
        return ()
    base = (
        fields.web_address(next((_href(element) for element in document.iter("base") if _href(element)), ""), url)
        or url
    )
    ranked: list[tuple[int, str]] = []
    for element in document.iter("link", "a"):
        rank = _rank(element)
        address = fields.web_address(_href(element), base) if rank is not None else None
        if rank is not None and address:
            ranked.append((rank, address))
    ranked.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys(address for _, address in ranked if address != url))[:_MAX_OFFERED]


def _explain_page(body: Body) -> IsPage:
    feeds = find_offered_feeds(body.content, body.content_type, body.url)
    if feeds:
        more = f" and {len(feeds) - 1} more" if len(feeds) > 1 else ""
        return IsPage(f"an HTML page, not a feed; the page names {feeds[0]}{more}", feeds)
    title = _title(body)
    titled = f' titled "{title}"' if title else ""
    return IsPage(f"an HTML page{titled}, not a feed, and it names no feed: the feed has moved, or needs a login")


def _parse_page(content: bytes, content_type: str) -> html.HtmlElement | None:
    text = charset.decode(content[:_MAX_PAGE], content_type).text
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        document = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return document


def _title(body: Body) -> str:
    document = _parse_page(body.content, body.content_type)
    title = document.findtext(".//title") if document is not None else None
    return " ".join((title or "").split())[:80]


def _href(element: html.HtmlElement) -> str:
    return (element.get("href") or "").strip()


def _rank(element: html.HtmlElement) -> int | None:
    """Return the rank of a link to a feed (0 is best), or None for other links."""
    kind = (element.get("type") or "").partition(";")[0].strip().lower()
    rel = (element.get("rel") or "").lower().split()
    if element.tag == "link":
        if "alternate" not in rel and "feed" not in rel:
            return None
        # Rank feeds of comments last.
        penalty = 50 if "comment" in (element.get("title") or "").lower() or "/comments/" in _href(element) else 0
        if kind in _FEED_TYPES:
            return _FEED_TYPES.index(kind) + penalty
        # WordPress uses the same types for its API and its embeds.
        is_other = "oembed" in _href(element) or "wp-json" in _href(element)
        return 10 + penalty if kind in _LOOSE_TYPES and not is_other else None
    path = _href(element).partition("#")[0].partition("?")[0].lower().rstrip("/")
    return 30 if path.endswith(_FEED_PATHS) else None
