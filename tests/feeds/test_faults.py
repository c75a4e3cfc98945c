"""An item on which a parser raises an unexpected error is at fault alone; the others are returned."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import feedparser
import pytest

from bot.feeds import kinds
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body
from bot.text.dates import DocumentDates
from tests.feeds import documents
from tests.feeds.documents import URL

POISON = "Bogle"
NAMES = ("First", "Second", "Third")
_NEWS = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)


def rss(dates: Sequence[str]) -> str:
    return documents.rss(*(item(name, date) for name, date in zip(NAMES, dates, strict=True)))


def item(name: str, date: str) -> str:
    return f"<item><title>{name}</title><link>https://a.example/{name}</link><pubDate>{date}</pubDate></item>"


def jsonfeed(dates: Sequence[str]) -> str:
    items = [{"id": name, "title": name, "date_published": date} for name, date in zip(NAMES, dates, strict=True)]
    return json.dumps({"title": "News", "items": items})


def sitemap(dates: Sequence[str]) -> str:
    pages = (
        f"<url><loc>https://a.example/{name}</loc><news:news><news:title>{name}</news:title>"
        f"<news:publication_date>{date}</news:publication_date></news:news></url>"
        for name, date in zip(NAMES, dates, strict=True)
    )
    return f"<urlset {_NEWS}>{''.join(pages)}</urlset>"


def page(dates: Sequence[str]) -> str:
    items = (
        f'<li><a href="/{name}">{name}</a><time>{date}</time></li>' for name, date in zip(NAMES, dates, strict=True)
    )
    return f"<html><body><ul>{''.join(items)}</ul></body></html>"


#: Name of a kind -> its document with items of these dates, and the feed's options.
KINDS = {
    "rss": (rss, "{}"),
    "jsonfeed": (jsonfeed, "{}"),
    "sitemap": (sitemap, "{}"),
    "page": (page, '{"item": "li"}'),
}


def read(kind: str, document: str, *known: str, options: str = "{}") -> ParsedFeed:
    body = Body(content=document.encode(), content_type="", url=URL, known_hashes=frozenset(known))
    return kinds.parse_document(body, kind=kind, options=options)


def without_borders(document: str) -> str:
    """Return a document that is not well-formed, so that it is not cut into its items."""
    return document.replace("</pubDate>", "</pubDate><br>", 1)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that shows when some dates are parsed."""
    parse = DocumentDates.parsed

    def parse_or_raise(self: DocumentDates, text: str, *more: Any, **named: Any) -> Any:
        if text == POISON:
            raise LookupError("a bug")
        return parse(self, text, *more, **named)

    monkeypatch.setattr(DocumentDates, "parsed", parse_or_raise)


DATES = ("Wed, 02 Dec 2015 09:00:00 GMT", POISON, "Wed, 02 Dec 2015 10:00:00 GMT")


@pytest.mark.usefixtures("bug")
@pytest.mark.parametrize("kind", KINDS)
def test_one_item_at_fault_is_named_stays_unknown_and_costs_no_other_item(kind: str) -> None:
    make, options = KINDS[kind]
    reading = read(kind, make(DATES), options=options)
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("LookupError in bot/feeds/kinds/")
    second_reading = read(kind, make(DATES), *reading.item_hashes, options=options)
    assert second_reading.faulty_items == (fault,)
    assert second_reading.item_hashes == reading.item_hashes
    if reading.item_hashes:
        assert (len(reading.item_hashes), second_reading.entries) == (2, ())


@pytest.mark.usefixtures("bug")
@pytest.mark.parametrize("kind", KINDS)
def test_a_parser_that_fails_on_every_item_fails_on_the_document(kind: str) -> None:
    make, options = KINDS[kind]
    with pytest.raises(RuntimeError, match="no item can be parsed: LookupError in bot/feeds/kinds/"):
        read(kind, make([POISON] * 3), options=options)


def test_an_item_on_which_feedparser_raises_is_at_fault_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = feedparser.parse

    def parse_or_raise(document: io.BytesIO, **named: Any) -> Any:
        if POISON.encode() in document.getvalue():
            raise AttributeError("a bug")
        return parse(document, **named)

    monkeypatch.setattr(feedparser, "parse", parse_or_raise)
    reading = read("rss", rss(("yesterday", POISON, "today")))
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("AttributeError in bot/feeds/kinds/rss/__init__.py")
    assert len(reading.item_hashes) == 2
    with pytest.raises(ReadError, match=r"too broken to be read \(AttributeError\)"):
        read("rss", without_borders(rss(("yesterday", POISON, "today"))))


@pytest.mark.usefixtures("bug")
def test_an_item_at_fault_in_a_document_that_cannot_be_cut_is_at_fault_alone() -> None:
    reading = read("rss", without_borders(rss(DATES)))
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    assert len(reading.faulty_items) == 1
