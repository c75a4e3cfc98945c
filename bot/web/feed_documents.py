"""Entries as an Atom document (RFC 4287) or a JSON Feed (https://www.jsonfeed.org/version/1.1/). Knows no store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from bot.config.feedlist.outlines import printable

_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One story."""

    id: str
    title: str
    #: Of the web.
    link: str
    published: datetime
    updated: datetime
    #: Names of rules.
    tags: tuple[str, ...]
    #: HTML that was escaped where it quotes.
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """A feed with its entries, the last to change first."""

    id: str
    title: str
    #: Its own address, without a token.
    address: str
    home: str
    updated: datetime
    entries: Sequence[FeedEntry]


def atom(feed: FeedDocument) -> bytes:
    """The feed as Atom."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})  # type: ignore[dict-item]  # None: the default
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "updated", feed.updated.isoformat())
    _add(_add(root, "author"), "name", "Wirewatch")
    _add(root, "link", rel="self", type="application/atom+xml", href=feed.address)
    _add(root, "link", rel="alternate", type="text/html", href=feed.home)
    for each in feed.entries:
        entry = _add(root, "entry")
        _add(entry, "id", each.id)
        _add(entry, "title", each.title)
        _add(entry, "published", each.published.isoformat())
        _add(entry, "updated", each.updated.isoformat())
        _add(entry, "link", rel="alternate", href=each.link)
        for tag in each.tags:
            _add(entry, "category", term=tag)
        _add(entry, "content", each.content, type="html")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    clean = {key: printable(value) for key, value in attributes.items()}
    added = etree.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text:
        added.text = printable(text)
    return added


def json_feed(feed: FeedDocument) -> bytes:
    """The feed as JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.address,
        "items": [
            {
                "id": each.id,
                "url": each.link,
                "title": each.title,
                "content_html": each.content,
                "date_published": each.published.isoformat(),
                "date_modified": each.updated.isoformat(),
                "tags": list(each.tags),
            }
            for each in feed.entries
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
