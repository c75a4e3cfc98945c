"""An item on which a parser raises an unexpected error is at fault alone; the others are returned."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import feedparser
import pytest

from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.text.dates import DocumentDates
from tests.feeds import documents

POISON = "Bogle"
NAMES = ("First", "Second", "Third")


def make(kind: str, dates: Sequence[str]) -> str:
    """Return a document with items of these dates."""
    return documents.of_kind(
        kind,
        *(
            {"id": name, "title": name, "link": f"https://a.example/{name}", "date": date}
            for name, date in zip(NAMES, dates, strict=True)
        ),
    )


def read(kind: str, document: str, *known: str) -> ParsedFeed:
    return documents.read(document, kind=kind, known=frozenset(known))


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
@pytest.mark.parametrize("kind", sorted({*documents.KINDS.values()}))
def test_one_item_at_fault_is_named_stays_unknown_and_costs_no_other_item(kind: str) -> None:
    document = make(kind, DATES)
    reading = read(kind, document)
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("LookupError in bot/feeds/kinds/")
    second_reading = read(kind, document, *reading.item_hashes)
    assert second_reading.faulty_items == (fault,)
    assert second_reading.item_hashes == reading.item_hashes
    if reading.item_hashes:
        assert (len(reading.item_hashes), second_reading.entries) == (2, ())


@pytest.mark.usefixtures("bug")
@pytest.mark.parametrize("kind", sorted({*documents.KINDS.values()}))
def test_a_parser_that_fails_on_every_item_fails_on_the_document(kind: str) -> None:
    with pytest.raises(RuntimeError, match="no item can be parsed: LookupError in bot/feeds/kinds/"):
        read(kind, make(kind, [POISON] * 3))


def test_an_item_on_which_feedparser_raises_is_at_fault_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = feedparser.parse

    def parse_or_raise(document: io.BytesIO, **named: Any) -> Any:
        if POISON.encode() in document.getvalue():
            raise AttributeError("a bug")
        return parse(document, **named)

    monkeypatch.setattr(feedparser, "parse", parse_or_raise)
    reading = read("rss", make("rss", ("yesterday", POISON, "today")))
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("AttributeError in bot/feeds/kinds/rss/__init__.py")
    assert len(reading.item_hashes) == 2
    with pytest.raises(ReadError, match=r"too broken to be read \(AttributeError\)"):
        read("rss", without_borders(make("rss", ("yesterday", POISON, "today"))))


@pytest.mark.usefixtures("bug")
def test_an_item_at_fault_in_a_document_that_cannot_be_cut_is_at_fault_alone() -> None:
    reading = read("rss", without_borders(make("rss", DATES)))
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    assert len(reading.faulty_items) == 1
