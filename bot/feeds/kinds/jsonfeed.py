"""Parse JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/).

Accepts the mistakes of real feeds: numbers as ids, "author" or "authors".
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import replace

from bot.feeds.kit import fields, markup
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from bot.text.dates import DocumentDates

KIND = "jsonfeed"

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"


class Source:
    """Parses JSON Feed."""

    def recognises(self, body: Body) -> bool:
        """Return whether the document is JSON."""
        return markup.root_element(body.content, body.content_type) == "json"

    def read(self, body: Body) -> ParsedFeed:
        """Parse a document. Blocking. Raises ReadError."""
        decoded = markup.decode(body.content, body.content_type)
        remarks = [decoded.remark] if decoded.remark else []
        feed, values = _parsed(decoded.text.strip("\x00\t\n\r \ufeff"))
        items, too_many = fields.keep_ends([item for item in values if isinstance(item, Mapping)])
        hashes = [_hash_item(item, body.url) for item in items]
        base = fields.web_address(_text(feed, "feed_url"), body.url) or body.url
        dates = DocumentDates()
        return replace(
            fields.parse_new(items, hashes, body, lambda item: _entry(item, feed, base, dates)),
            title=" ".join((_text(feed, "title") or "").split())[:300] or None,
            link=fields.web_address(_text(feed, "home_page_url"), base),
            language=_text(feed, "language"),
            remarks=(*remarks, *too_many),
        )


def _parsed(text: str) -> tuple[Mapping[str, Json], list[Json]]:
    """Return the feed and its items. Raises ReadError."""
    try:
        document: Json = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        start = " ".join(text[:60].split())
        raise ReadError(f'broken JSON, or cut off: starts with "{start}"; it is polled again later') from None
    if not isinstance(document, Mapping):
        raise ReadError("not a feed: JSON, but not an object; a JSON Feed is an object with items")
    items = document.get("items")
    if not isinstance(items, list):
        keys = ", ".join(f'"{key[:30]}"' for key in list(document)[:4])
        raise ReadError(f'not a feed: JSON without a list of "items" (it has {keys or "nothing"})')
    return document, items


def _entry(item: Mapping[str, Json], feed: Mapping[str, Json], base: str, dates: DocumentDates) -> Entry:
    guid = _text(item, "id")
    tags = item.get("tags")
    tags = tags if isinstance(tags, list) else []
    language = _text(item, "language") or _text(feed, "language") or "en"
    return Entry(
        guid=guid,
        link=fields.web_address(_text(item, "url"), base)
        or fields.web_address(_text(item, "external_url"), base)
        # The format recommends a complete address as the id.
        or (fields.web_address(guid) if guid and "://" in guid else None),
        title=fields.escape_text(_text(item, "title")),
        body=_body(item, base),
        author=_author(item) or _author(feed),
        tags=tuple(tag.strip() for tag in tags if isinstance(tag, str) and tag.strip()),
        published=dates.parsed(_text(item, "date_published") or "", language),
        updated=dates.parsed(_text(item, "date_modified") or "", language),
        language=_text(item, "language"),
        picture=fields.find_picture(
            {"url": _text(item, name), "medium": "image"} for name in ("image", "banner_image")
        ),
    )


def _body(item: Mapping[str, Json], base: str) -> str | None:
    bodies = [page] if (page := _text(item, "content_html")) else []
    for name in ("content_text", "summary"):
        if text := _text(item, name):
            # A blank line ends a phrase, so it must become a paragraph in HTML.
            parts = re.split(r"\n\s*\n", html.escape(text, quote=False))
            bodies.append("".join(f"<p>{part.strip()}</p>" for part in parts))
    return fields.resolve_links(max(bodies, key=len), base) if bodies else None


def _author(item: Mapping[str, Json]) -> str | None:
    authors = item.get("authors")
    for author in [*(authors if isinstance(authors, list) else []), item.get("author")]:
        if isinstance(author, Mapping) and (name := _text(author, "name")):
            return name
        if isinstance(author, str) and author.strip():
            return author.strip()
    return None


def _text(item: Mapping[str, Json], name: str) -> str | None:
    value = item.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        # Version 1.0 asks readers to convert numbers as ids to strings.
        return str(value)
    return (value.replace("\x00", "").strip() or None) if isinstance(value, str) else None


def _hash_item(item: Mapping[str, Json], base: str) -> str:
    return fields.hash_item(json.dumps(item, sort_keys=True).encode(), base)
