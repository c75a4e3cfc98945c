"""The limits of one document in a reader process: time, memory, and the length of its answer."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bot.fetch import parsing, protocol
from bot.fetch.parsing import ReaderProcesses
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from tests.feeds.documents import URL, item, rss
from tests.fetch.conftest import read_title
from tests.testbed import faulty_reader

FEED = Feed(url=URL)
THAI = '<?xml version="1.0" encoding="windows-874"?>'
#: The error that each of these documents causes.
_TOO_MUCH = {
    "fault-time": (
        r"ended while it parsed this document \(more than 10 seconds of processor time\); it will be tried again"
    ),
    "fault-memory": "refused: parsing it takes more than 120 MB of memory",
    "fault-leak": "refused: parsing it takes more than 120 MB of memory",
    "fault-crash": r"ended while it parsed this document \(killed by SIGABRT\)",
    "fault-exit": r"ended while it parsed this document \(exit code 7\)",
    "fault-size": "refused: its items together are many times larger than the document",
}


@pytest.fixture
def faulty(readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch) -> ReaderProcesses:
    monkeypatch.setattr(parsing, "_PROGRAM", faulty_reader.PROGRAM)
    return readers


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="Linux bounds the memory of a process")
async def test_a_document_that_uses_too_much_is_refused_and_the_next_is_parsed(faulty: ReaderProcesses) -> None:
    assert await read_title(faulty, "good") == "good"
    for name, error in _TOO_MUCH.items():
        with pytest.raises(ReadError, match=error):
            await read_title(faulty, name)
        assert await read_title(faulty, "good again") == "good again"


async def test_documents_of_feeds_that_were_slow_are_read_between_those_of_the_others(
    faulty: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SLOW_AFTER", timedelta(seconds=0.5))
    urls = [f"https://often-slow.example/{number}" for number in range(3)]

    async def order(theirs: str) -> list[str]:
        titles: list[str] = []

        async def read_document(title: str, url: str = URL) -> None:
            await read_title(faulty, title, url=url)
            titles.append(title)

        await asyncio.gather(
            *(read_document(theirs, url) for url in urls), read_document("good"), read_document("fine")
        )
        return titles

    slow = "fault-slow"
    assert await order(slow) == [slow, slow, slow, "good", "fine"]
    assert await order(slow) == [slow, "good", "fine", slow, slow]
    assert sorted(await order("well")) == ["fine", "good", "well", "well", "well"]
    assert await order(slow) == [slow, slow, slow, "good", "fine"], "a feed that was quick again waits no longer"


async def test_a_bug_in_the_reader_process_is_raised_for_its_document(faulty: ReaderProcesses) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'ours'"):
        await read_title(faulty, "fault-error")
    assert await read_title(faulty, "good") == "good"


async def test_halves_of_surrogate_pairs_are_joined_or_replaced(readers: ReaderProcesses) -> None:
    content = (
        rb'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [{"id": "1", "tags": ["\udc00"],'
        rb' "title": "a\ud83d b\ud83d\ude00", "date_published": "2015-12-02T09:00:00Z"}]}'
    )
    body = Body(content=content, content_type="application/json", url=URL)
    reading, prepared = await readers.read(body, FEED)
    assert [(entry.title, entry.tags) for entry in reading.entries] == [("a\ufffd b\U0001f600", ("\ufffd",))]
    assert [item.published for item in prepared] == [datetime(2015, 12, 2, 9, tzinfo=UTC)]


@pytest.mark.long
async def test_the_largest_documents_that_are_fetched_stay_within_the_limits() -> None:
    processes = ReaderProcesses(1, max_bytes=10_000_000)
    documents = []
    for count, size, around in ((5_000, 1_800, ""), (200, 49_000, "<![CDATA[<p>x</p>]]>"), (11, 890_000, "&lt;b&gt;")):
        text = ((around + "word text here ") * (size // 14))[:size].rpartition(" ")[0]
        documents.append((count, rss(*(item(number, body=text) for number in range(count))).encode()))
        assert 9_000_000 < len(documents[-1][1]) < 10_300_000
    thai = rss(*(item(number, body="ปิดทางลับ " * 7_500) for number in range(40)), declaration=THAI).encode("cp874")
    for count, document in [*documents, (40, thai)]:
        reading, _ = await processes.read(Body(content=document, content_type="", url=URL), FEED)
        assert len(reading.entries) == count
    await processes.close()
