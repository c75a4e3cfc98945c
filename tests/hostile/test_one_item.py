"""One hostile item of a feed, a sitemap or a page costs itself: the others of its document are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape

import pytest

from bot.feeds import kinds
from bot.feeds.items import prepare_items
from bot.model.feeds import Feed
from bot.model.fetching import Body
from tests.hostile.items import DATES, GUIDS, LINKS, WORDS

FEED = Feed(url="https://news.example.org/feed")
GOOD = {"title": "Regulator writes order", "link": "https://news.example.org/good", "guid": "good"}
Values = dict[str, str]
BAD: dict[str, Values] = {
    **{f"date: {name}": {"date": text} for name, text in DATES.items()},
    **{f"guid: {name}": {"guid": text} for name, text in GUIDS.items()},
    **{f"link: {name}": {"link": text} for name, text in LINKS.items()},
    **{f"title: {name}": {"title": text[:20_000]} for name, text in WORDS.items()},
}


def _of(values: Values) -> Values:
    usual = {"title": "x", "link": "https://news.example.org/bad", "guid": "bad", "date": "2015-12-02T09:00:00Z"}
    return {name: escape(text) for name, text in (usual | values).items()}


def _rss(*items: Values) -> str:
    row = "<item><title>{title}</title><guid>{guid}</guid><link>{link}</link><pubDate>{date}</pubDate></item>"
    return f"<rss><channel><title>t</title>{''.join(row.format(**_of(item)) for item in items)}</channel></rss>"


def _atom(*items: Values) -> str:
    row = '<entry><title>{title}</title><id>{guid}</id><link href="{link}"/><updated>{date}</updated></entry>'
    return f"<feed xmlns='http://www.w3.org/2005/Atom'>{''.join(row.format(**_of(item)) for item in items)}</feed>"


def _json(*items: Values) -> str:
    listed = [
        {
            "id": item.get("guid"),
            "title": item.get("title"),
            "url": item.get("link"),
            "date_published": item.get("date"),
        }
        for item in items
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": listed})


def _sitemap(*items: Values) -> str:
    row = (
        "<url><loc>{link}</loc><n:news><n:publication_date>{date}</n:publication_date><n:title>{title}</n:title>"
        "</n:news></url>"
    )
    space = "xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'"
    return f"<urlset {space}>{''.join(row.format(**_of(item)) for item in items)}</urlset>"


def _page(*items: Values) -> str:
    row = '<li><h2><a href="{link}">{title}</a></h2><time>{date}</time></li>'
    return f"<html lang=en><body><ul>{''.join(row.format(**_of(item)) for item in items)}</ul></body></html>"


KINDS: dict[str, Callable[..., str]] = {"rss": _rss, "atom": _atom, "json": _json, "sitemap": _sitemap, "page": _page}


@pytest.mark.parametrize("kind", KINDS)
def test_one_hostile_item_leaves_the_others_of_its_document(kind: str) -> None:
    lost = []
    for name, values in BAD.items():
        body = Body(content=KINDS[kind](values, GOOD).encode(), content_type="", url=FEED.url)
        page = {"kind": "page", "options": json.dumps({"item": "li", "date": "time"})} if kind == "page" else {}
        reading = kinds.parse_document(body, **page)
        items = prepare_items(FEED, reading)[1]
        if not any(item.title == GOOD["title"] and item.link == GOOD["link"] for item in items):
            lost.append(name)
    assert lost == []
