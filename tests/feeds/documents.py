"""Small feeds of our own making, and how the tests read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape

from bot.feeds import kinds
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body

URL = "https://news.example.org/feeds/main.xml"


def read(
    content: bytes | str,
    *,
    content_type: str = "",
    url: str = URL,
    known: frozenset[str] = frozenset(),
    before: datetime | None = None,
    names_known: bool = False,
    kind: str | None = None,
) -> ParsedFeed:
    data = content.encode() if isinstance(content, str) else content
    return kinds.parse_document(
        Body(
            content=data,
            content_type=content_type,
            url=url,
            known_hashes=known,
            names_known=names_known,
            identity_before=before,
        ),
        kind=kind,
        options='{"item": "li"}' if kind == "page" else "{}",
    )


def item(number: int, *, title: str | None = None, body: str = "", extra: str = "", day: int = 2) -> str:
    return (
        f"<item><title>{title or f'Regulator writes order {number}'}</title>"
        f"<link>https://news.example.org/{number}</link>"
        f'<guid isPermaLink="false">id-{number}</guid>'
        f"<pubDate>Wed, {day:02} Dec 2015 09:{number:02}:00 GMT</pubDate>"
        f"<description>{body or f'Text of {number}.'}</description>{extra}</item>\n"
    )


def rss(*items: str, head: str = "", attributes: str = "", declaration: str = '<?xml version="1.0"?>') -> str:
    return (
        f'{declaration}<rss version="2.0" {attributes}><channel><title>Example News</title>'
        f"<link>https://news.example.org/</link><description>d</description>{head}{''.join(items)}</channel></rss>"
    )


def entry(number: int, *, title: str | None = None, body: str = "", extra: str = "", day: int = 2) -> str:
    return (
        f"<entry><title>{title or f'Regulator writes order {number}'}</title><id>tag:example.org,2015:{number}</id>"
        f'<link href="https://news.example.org/{number}"/><updated>2015-12-{day:02}T09:{number:02}:00Z</updated>'
        f'<summary type="html">{body or f"Text of {number}."}</summary>{extra}</entry>\n'
    )


def atom(*entries: str, attributes: str = "", head: str = "") -> str:
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>Example News</title>'
        f'<link href="https://news.example.org/"/>{head}{"".join(entries)}</feed>'
    )


_SITEMAP_SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"'
)
_SITEMAP_DATE = "<n:publication_date>{date}</n:publication_date>"
#: How a document of each kind writes its items, and what stands around them.
_WRITTEN = {
    "rss": (
        "<rss><channel><title>t</title>{}</channel></rss>",
        "<item><title>{title}</title><guid>{id}</guid><link>{link}</link><pubDate>{date}</pubDate></item>",
    ),
    "atom": (
        "<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>",
        '<entry><title>{title}</title><id>{id}</id><link href="{link}"/><updated>{date}</updated></entry>',
    ),
    "sitemap": (
        f"<urlset {_SITEMAP_SPACES}>{{}}</urlset>",
        f"<url><loc>{{link}}</loc><n:news><n:title>{{title}}</n:title>{_SITEMAP_DATE}</n:news></url>",
    ),
    "page": (
        "<html lang=en><body><ul>{}</ul></body></html>",
        '<li><a href="{link}">{title}</a><time>{date}</time></li>',
    ),
}
#: Kind of document -> the kind of source that reads it.
KINDS = {"rss": "rss", "atom": "rss", "jsonfeed": "jsonfeed", "sitemap": "sitemap", "page": "page"}


def of_kind(kind: str, *items: Mapping[str, str]) -> str:
    """Return a document of a kind with these items; each says what is not usual about it."""
    usual = {"title": "x", "link": "https://news.example.org/x", "id": "x", "date": "2015-12-02T09:00:00Z"}
    listed = [{**usual, **item} for item in items]
    if kind == "jsonfeed":
        rows = [{**item, "url": item["link"], "date_published": item["date"]} for item in listed]
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": rows})
    around, row = _WRITTEN[kind]
    written = [row.format_map({name: escape(text) for name, text in item.items()}) for item in listed]
    return around.replace("{}", "\n".join(written))
