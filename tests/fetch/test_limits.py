"""What one document may use of a reader process: time, memory, and the length of its answer."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bot import model
from bot.fetch import parsing, protocol
from bot.fetch.parsing import ReaderProcesses
from tests.feeds.documents import URL, item, rss
from tests.fetch.conftest import read_title

FEED = model.Feed(url=URL)
#: The real program, over a parser with a fault that only a document named bad meets.
_FAULTY = """
import os, sys
sys.path[:] = sys.argv[2:]
from datetime import timedelta
from bot.feeds import kinds
from bot.fetch import child, protocol
protocol.PATIENCE = timedelta(seconds=1)
read = kinds.parse_document

def faulty(body, **named):
    if b"bad" in body.content:
        {fault}
    return read(body, **named)

kinds.parse_document = faulty
child.main(int(sys.argv[1]))
"""
_FAULTS = {
    "endless": (
        "while True: pass",
        r"ended while it parsed this document \(more than 10 seconds of processor time\); it will be tried again",
    ),
    "memory": ("return bytes(1_000_000_000)", "refused: parsing it takes more than 120 MB of memory"),
    "memory a little at a time": (
        "more = []\n        while True: more.append(bytes(100_000))",
        "refused: parsing it takes more than 120 MB of memory",
    ),
    "crash": ("os.abort()", r"ended while it parsed this document \(killed by SIGABRT\)"),
    "exit": ("os._exit(7)", r"ended while it parsed this document \(exit code 7\)"),
    "says more than it holds": (
        "from bot import model; return model.ParsedFeed(title='x' * 6_000_000)",
        "refused: its items together are many times larger than the document",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux bounds the memory of a process")
@pytest.mark.parametrize("name", _FAULTS)
async def test_a_document_that_uses_too_much_is_refused_and_the_next_is_parsed(
    name: str, readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, error = _FAULTS[name]
    monkeypatch.setattr(parsing, "_PROGRAM", _FAULTY.format(fault=fault))
    assert await read_title(readers, "good") == "good"
    with pytest.raises(model.ReadError, match=error):
        await read_title(readers, "bad")
    assert await read_title(readers, "good again") == "good again"


async def test_documents_of_feeds_that_were_slow_are_read_between_those_of_the_others(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SLOW_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(parsing, "_PROGRAM", _FAULTY.format(fault="import time; time.sleep(0.6)"))
    slow = [f"https://slow.example/{number}" for number in range(3)]

    async def order(theirs: str) -> list[str]:
        titles: list[str] = []

        async def one(title: str, url: str = URL) -> None:
            await read_title(readers, title, url=url)
            titles.append(title)

        await asyncio.gather(*(one(theirs, url) for url in slow), one("good"), one("fine"))
        return titles

    assert await order("bad") == ["bad", "bad", "bad", "good", "fine"]
    assert await order("bad") == ["bad", "good", "fine", "bad", "bad"]
    assert sorted(await order("well")) == ["fine", "good", "well", "well", "well"]
    assert await order("bad") == ["bad", "bad", "bad", "good", "fine"], "who was quick again waits no longer"


async def test_a_bug_of_ours_is_raised_where_it_was_asked(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "_PROGRAM", _FAULTY.format(fault="raise KeyError('ours')"))
    with pytest.raises(RuntimeError, match="KeyError: 'ours'"):
        await read_title(readers, "bad")
    assert await read_title(readers, "good") == "good"


async def test_halves_of_surrogate_pairs_are_joined_or_replaced(readers: ReaderProcesses) -> None:
    content = (
        rb'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [{"id": "1", "tags": ["\udc00"],'
        rb' "title": "a\ud83d b\ud83d\ude00", "date_published": "2015-12-02T09:00:00Z"}]}'
    )
    body = model.Body(content=content, content_type="application/json", url=URL)
    reading, prepared = await readers.read(body, FEED)
    assert [(entry.title, entry.tags) for entry in reading.entries] == [("a\ufffd b\U0001f600", ("\ufffd",))]
    assert [item.published for item in prepared] == [datetime(2015, 12, 2, 9, tzinfo=UTC)]


@pytest.mark.long
async def test_the_largest_documents_that_are_fetched_stay_within_the_limits() -> None:
    processes = ReaderProcesses(1, max_bytes=10_000_000)
    for count, size, around in ((5_000, 1_800, ""), (200, 49_000, "<![CDATA[<p>x</p>]]>"), (11, 890_000, "&lt;b&gt;")):
        text = ((around + "word text here ") * (size // 14))[:size].rpartition(" ")[0]
        document = rss(*(item(number, body=text) for number in range(count)))
        assert 9_000_000 < len(document) < 10_300_000
        reading, _ = await processes.read(model.Body(content=document.encode(), content_type="", url=URL), FEED)
        assert len(reading.entries) == count
    await processes.close()
