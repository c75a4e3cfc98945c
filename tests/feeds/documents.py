"""Small feeds of our own making, and how the tests read them."""

from __future__ import annotations

from datetime import datetime

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
        )
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
