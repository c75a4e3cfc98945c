"""Bytes that are no feed: what they are instead, and which feeds an HTML page offers.

Asks nothing: the addresses found are offered, not fetched.
"""

from __future__ import annotations

from lxml import etree, html

from bot.ports import Body, IsPage, ReadError
from bot.sources.kit import charset, links, sniff

#: Best first: the kinds that a page may offer (https://html.spec.whatwg.org/#rel-alternate).
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_LOOSE_TYPES = ("application/xml", "text/xml", "application/json")
_FEED_PATHS = (".rss", ".atom", "/rss", "/feed", "/atom", "rss.xml", "feed.xml", "atom.xml", "index.rdf", "feed.json")
_MAX_OFFERED = 20
_MAX_PAGE = 2_000_000


def refusal(body: Body) -> ReadError:
    """Why ``body`` is not a feed, and what to do about it."""
    name = sniff.root(body.content, body.content_type)
    if name == "html" or (not name and "html" in body.content_type.lower()):
        return _page(body)
    if name == "opml":
        return ReadError('an OPML list of feeds, not a feed; "wirewatch feeds import" reads it')
    start = sniff.beginning(body.content, body.content_type)
    if name:
        return ReadError(f'not a feed: XML with the root element "{name[:40]}"; starts with "{start}"')
    return ReadError(f'not a feed: starts with "{start}"')


def offered(content: bytes, content_type: str, url: str) -> tuple[str, ...]:
    """Absolute addresses of the feeds that an HTML page names, best first."""
    document = _parsed(content, content_type)
    if document is None:
        return ()
    base = links.web(next((_href(element) for element in document.iter("base") if _href(element)), ""), url) or url
    ranked: list[tuple[int, str]] = []
    for element in document.iter("link", "a"):
        rank = _rank(element)
        address = links.web(_href(element), base) if rank is not None else None
        if rank is not None and address:
            ranked.append((rank, address))
    ranked.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys(address for _, address in ranked if address != url))[:_MAX_OFFERED]


def _page(body: Body) -> IsPage:
    feeds = offered(body.content, body.content_type, body.url)
    if feeds:
        more = f" and {len(feeds) - 1} more" if len(feeds) > 1 else ""
        return IsPage(f"an HTML page, not a feed; it offers {feeds[0]}{more}", feeds)
    title = _title(body)
    named = f' titled "{title}"' if title else ""
    return IsPage(f"an HTML page{named}, not a feed; it offers none: the feed has moved, or a login stands before it")


def _parsed(content: bytes, content_type: str) -> html.HtmlElement | None:
    text = charset.decode(content[:_MAX_PAGE], content_type).text
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        document = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return document


def _title(body: Body) -> str:
    document = _parsed(body.content, body.content_type)
    found = document.findtext(".//title") if document is not None else None
    return " ".join((found or "").split())[:80]


def _href(element: html.HtmlElement) -> str:
    return (element.get("href") or "").strip()


def _rank(element: html.HtmlElement) -> int | None:
    """0 is best; None: not a feed."""
    kind = (element.get("type") or "").partition(";")[0].strip().lower()
    rel = (element.get("rel") or "").lower().split()
    if element.tag == "link":
        if "alternate" not in rel and "feed" not in rel:
            return None
        # Comments are feeds too, and never what is meant.
        late = 50 if "comment" in (element.get("title") or "").lower() or "/comments/" in _href(element) else 0
        if kind in _FEED_TYPES:
            return _FEED_TYPES.index(kind) + late
        # WordPress names its API and its embeds by the same types.
        is_other = "oembed" in _href(element) or "wp-json" in _href(element)
        return 10 + late if kind in _LOOSE_TYPES and not is_other else None
    path = _href(element).partition("#")[0].partition("?")[0].lower().rstrip("/")
    return 30 if path.endswith(_FEED_PATHS) else None
