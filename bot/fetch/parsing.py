"""Parse documents off the event loop, in reader processes (``fetch.readers``) or in threads of this process.

If a document crashes or blocks a reader process (a fault in a parser, memory), only the poll of its feed fails. The
process is started again and parses the other documents. Answers of a reader process are not trusted: an answer that is
late, too long, malformed or without a question ends the process.

    Body → kinds.parse_document → ParsedFeed → items.prepare_items → cleaned items
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

import bot
from bot.feeds import kinds
from bot.feeds.items import Item, prepare_items
from bot.feeds.kit import fields, packing
from bot.fetch import confinement, fulltext, protocol
from bot.model.durations import format_count
from bot.model.errors import ReadError
from bot.model.feeds import Feed, ParsedFeed
from bot.model.fetching import Body, Response
from bot.model.settings import FetchPolicy

log = structlog.get_logger("wirewatch")
_T = TypeVar("_T")
#: A parsed document, and its cleaned entries.
Document = tuple[ParsedFeed, tuple[Item, ...]]


def make_reader(policy: FetchPolicy) -> ReaderThreads | ReaderProcesses:
    """Return the reader processes that ``policy`` asks for, or threads of this process. Start nothing."""
    return ReaderProcesses(policy.readers, max_bytes=policy.max_bytes) if policy.readers else ReaderThreads()


class ReaderProcesses:
    """A number of reader processes. Each is started when it is first needed."""

    def __init__(self, count: int, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._readers: list[ReaderProcess | None] = [None] * count
        #: Held while a process is started, so that each process is started once.
        self._starting = asyncio.Lock()
        self._is_closed = False
        #: Feeds whose last document took long or ended the reader process. At most one of them is parsed at a time,
        #: over all processes, so that the other feeds do not wait for dozens of slow documents.
        self._slow: set[str] = set()
        self._of_slow = asyncio.Lock()

    async def prepare(self) -> None:
        """Start the first process, so that it is ready when a document has been fetched. Does not wait for it."""
        if self._readers[0] is None and not self._starting.locked():
            with contextlib.suppress(ReadError):  # parsing the first document reports the error
                await self._at(0)

    async def read(self, body: Body, feed: Feed) -> Document:
        """Parse a document, and clean its entries. Raises ReadError."""
        return await read_each_mail(body, feed, self._read)

    async def _read(self, body: Body, feed: Feed) -> Document:
        job = protocol.Job(body, feed.without_access())
        async with self._of_slow if feed.url in self._slow else contextlib.nullcontext():
            reading, items = await self._ask(job, job.unpack, feed_url=feed.url)
        return dataclasses.replace(reading, was_slow=feed.url in self._slow), items

    async def text_of_page(self, page: Response) -> str | None:
        """Return the main text of an article's page, or None if it has none. Raises ReadError."""
        question = protocol.ArticlePage(page.body[: fulltext.MAX_PAGE_BYTES], page.url, page.content_type)
        return await self._ask(question, question.unpack)

    async def lists_of(self, body: Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
        """Return a page's name, and selectors for its lists, most likely first. Raises ReadError."""
        question = protocol.UndescribedPage(body)
        return await self._ask(question, question.unpack)

    async def _ask(
        self, question: protocol.Question, unpack: Callable[[protocol.Answer], _T], *, feed_url: str = ""
    ) -> _T:
        """Return the unpacked answer. Raises ReadError."""
        while True:
            reader = await self._at(min(range(len(self._readers)), key=self._load))
            try:
                answer, duration = await reader.ask(question)
            except ProcessEnded as ended:
                if ended.is_of_this:
                    self._slow.add(feed_url)
                    raise ReaderEnded(str(ended)) from None
                continue  # another question ended the process
            (self._slow.add if duration > protocol.SLOW_AFTER else self._slow.discard)(feed_url)
            if isinstance(answer, protocol.NoFeed):
                raise answer.error()
            if isinstance(answer, protocol.Broke):
                raise RuntimeError(f"in the reader process:\n{answer.traceback}")  # noqa: TRY004 -- our bug
            try:
                return unpack(answer)
            except protocol.Garbage as garbage:
                why = f"wrong answer: {garbage}"
                reader.break_off(why)
                raise ReaderEnded(why) from None

    def _load(self, place: int) -> int:
        reader = self._readers[place]
        return reader.load if reader is not None and reader.is_alive else 0

    async def _at(self, place: int) -> ReaderProcess:
        """Return the process at an index of ``_readers``. Start it if it does not run."""
        reader = self._readers[place]
        if reader is not None and reader.is_alive:
            return reader
        async with self._starting:
            reader = self._readers[place]
            if self._is_closed:
                raise NotStarted("not read: Wirewatch is stopping")
            if reader is None or not reader.is_alive:
                if reader is not None:
                    await reader.ended.wait()
                    if reader.end:
                        log.warning("reader ended", why=reader.end, help="it is started again")
                reader = self._readers[place] = await start_process(self._max_bytes)
            return reader

    async def close(self) -> None:
        """End all reader processes."""
        self._is_closed = True
        for reader in self._readers:
            if reader is not None:
                await reader.close()


#: Time in which a process must end after its input was closed; then it is killed.
_GOODBYE = timedelta(seconds=2)
#: Size of the pipes; the maximum for unprivileged users on Linux (pipe(7)). Two documents fill a pipe of the usual
#: 64 KiB. Then both ends wait for each other, which takes a tenth of a first poll.
_PIPE_BYTES = 1024 * 1024
#: Maximum bytes of encoded questions that wait in or before the pipe.
_AHEAD_BYTES = 2 * _PIPE_BYTES
#: If a timer is late by more than this, our own loop was busy, and the answer may have arrived already.
_HELD_UP_SECONDS = 1
#: The environment variables that a reader process gets. They never contain a secret.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
#: Program of a reader process. It imports from the same folders as this process, never from the working directory (-P).
_PROGRAM = f"import sys; sys.path[:] = sys.argv[2:]; from {__package__} import child; child.main(int(sys.argv[1]))"


class ProcessEnded(Exception):
    """Raised if the process ended before it answered."""

    def __init__(self, text: str, *, is_of_this: bool) -> None:
        super().__init__(text)
        #: Whether this question, and not another one, ended the process.
        self.is_of_this = is_of_this


class NotStarted(ReadError):
    """Raised if no process can be started, whatever the document."""


class ReaderEnded(ReadError):
    """Raised if this document crashed the process, or the process was killed because of a wrong answer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the reader process ended while it parsed this document ({why}); it will be tried again")
        self.why = why


class ReaderProcess(asyncio.SubprocessProtocol):
    """A started process, its unanswered questions and its limits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_ready = False
        #: Futures of the unanswered questions, with the length of each question.
        self._waiting: deque[tuple[asyncio.Future[tuple[protocol.Answer, timedelta]], int]] = deque()
        #: When the process began with the first unanswered question, by the loop's clock.
        self._since = 0.0
        self._ahead_bytes = 0
        self._has_room = asyncio.Event()
        #: Held while a question is encoded and written to the pipe, so that waiting questions are not encoded.
        self._turn = asyncio.Lock()
        self._received = bytearray()
        #: Set when the process has ended and its unanswered questions have failed.
        self.ended = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._is_broken_off = False
        self._has_answered = False
        #: Whether the process has announced that it will end.
        self._is_leaving = False
        self.is_alive = True
        #: Why the process ended, for people; empty if it runs or ended cleanly.
        self.end = ""

    @property
    def load(self) -> int:
        """Return the number of unanswered questions."""
        return len(self._waiting)

    async def ask(self, question: protocol.Question) -> tuple[protocol.Answer, timedelta]:
        """Return the answer, and how long the process took. Raises ProcessEnded, NotStarted."""
        async with self._turn:
            answer = await self._send(protocol.frame_message(question))
        return await answer

    async def _send(self, frame: bytes) -> asyncio.Future[tuple[protocol.Answer, timedelta]]:
        while self.is_alive and self._waiting and self._ahead_bytes + len(frame) > _AHEAD_BYTES:
            self._has_room.clear()
            await self._has_room.wait()
        if not self.is_alive or self._transport is None:
            raise ProcessEnded(self.end, is_of_this=False)
        self._transport.get_pipe_transport(0).write(frame)  # type: ignore[union-attr]  # its standard input
        answer: asyncio.Future[tuple[protocol.Answer, timedelta]] = self._loop.create_future()
        self._waiting.append((answer, len(frame)))
        self._ahead_bytes += len(frame)
        if self._is_ready and len(self._waiting) == 1:
            self._watch(protocol.PATIENCE_BY_THE_CLOCK)
        return answer

    def _watch(self, patience: timedelta | None) -> None:
        """Set the alarm for the current question or for the start; cancel it if ``patience`` is None."""
        self._since = self._loop.time()
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(patience.total_seconds(), self._ring, patience) if patience else None

    def _ring(self, patience: timedelta) -> None:
        assert self._alarm is not None
        if self._loop.time() - self._alarm.when() > _HELD_UP_SECONDS:
            self._alarm = self._loop.call_later(_HELD_UP_SECONDS, self._ring, patience)
        else:
            self.break_off(f"no answer within {format_count(patience.seconds, 'second')}")

    def break_off(self, why: str) -> None:
        """Kill the process at once and blame the current question."""
        self._set_over(why)
        self._is_broken_off = True
        self._received.clear()
        if self._transport:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()

    def _set_over(self, why: str) -> None:
        self.end = self.end or ("" if self._is_leaving else why)
        self.is_alive = False
        self._has_room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        for fd in (0, 1):
            _widen(transport.get_pipe_transport(fd))
        self._watch(protocol.START_PATIENCE)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self._is_broken_off:
            return
        self._received += data
        try:
            while True:
                limit_bytes = protocol.answer_bytes(self._waiting[0][1] if self._waiting else 0)
                payload = protocol.take_frame(self._received, limit_bytes=limit_bytes)
                if payload is None:
                    return
                self._take(protocol.decode_answer(payload))
        except protocol.Garbage as garbage:
            self.break_off(f"wrong answer: {garbage}")

    def _take(self, answer: protocol.Answer) -> None:
        """Handle one message of the process. Raises Garbage."""
        if isinstance(answer, protocol.Ready):
            if self._is_ready:
                raise protocol.Garbage("a second ready message")
            self._is_ready = True
            log.debug("reader started", confined_by=", ".join(answer.measures) or "nothing")
        elif isinstance(answer, protocol.Leaving):
            if not self._has_answered:
                raise protocol.Garbage("it ends before its first answer")
            self._is_leaving = True
            self._set_over("")
            self._watch(_GOODBYE)
            return
        else:
            if not self._waiting or not self._is_ready:
                raise protocol.Garbage("an answer without a question")
            self._has_answered = True
            question, length = self._waiting.popleft()
            self._ahead_bytes -= length
            self._has_room.set()
            if not question.done():
                question.set_result((answer, timedelta(seconds=self._loop.time() - self._since)))
        self._watch(protocol.PATIENCE_BY_THE_CLOCK if self._waiting else None)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        # If the process has ended, ``process_exited`` follows. If it only closed its output, it is useless: end it.
        if fd == 1 and self._transport and self._transport.get_returncode() is None and self.is_alive:
            self._watch(_GOODBYE)

    def process_exited(self) -> None:
        self._set_over(_describe_exit(self._transport.get_returncode() if self._transport else None))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the unanswered questions. asyncio calls this after the last answer."""
        if self._alarm:
            self._alarm.cancel()
        for place, (answer, _) in enumerate(self._waiting):
            is_of_this = place == 0 and not self._is_leaving
            if not answer.done():
                answer.set_exception(
                    ProcessEnded(self.end, is_of_this=is_of_this)
                    if self._is_ready
                    else NotStarted(_not_started(self.end))
                )
        self._waiting.clear()
        self.ended.set()
        if self._transport:
            self._transport.close()

    async def close(self) -> None:
        """End the process; kill it if it does not end in time."""
        if self._transport is None or self.ended.is_set():
            return
        if self._waiting or not self._is_ready:
            self.break_off("Wirewatch is stopping")  # nobody needs its answers
        self._set_over("Wirewatch is stopping")
        self._transport.get_pipe_transport(0).close()  # type: ignore[union-attr]  # its standard input
        try:
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                await self.ended.wait()
        except TimeoutError:
            self.break_off("Wirewatch is stopping")
            await self.ended.wait()


async def start_process(max_bytes: int) -> ReaderProcess:
    """Start a process, which accepts questions at once. Raises ReadError if it cannot be started."""
    # The process must import this package, and never a folder with the same name in the working directory.
    places = [place for place in sys.path if os.path.isabs(place)]
    if (own := str(Path(bot.__file__).parents[1])) not in places:
        places.insert(0, own)
    command = (sys.executable, "-P", "-c", _PROGRAM, str(max_bytes), *places)
    # Hide our secrets from the reader process, which could read them in /proc because it has the same user.
    confinement.hide_memory()
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        _, process = await asyncio.get_running_loop().subprocess_exec(
            ReaderProcess, *command, stderr=None, env=environment, cwd="/"
        )
    except OSError as error:
        raise NotStarted(_not_started(str(error))) from error
    return process


def _not_started(why: str) -> str:
    return f"a reader process cannot be started ({why}); to parse without it, set fetch.readers: 0 in bot.yaml"


def _widen(pipe: asyncio.BaseTransport | None) -> None:
    if pipe is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user's limit for pipes is reached; a smaller pipe works too
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _describe_exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGXCPU:
        return f"more than {protocol.PATIENCE.seconds} seconds of processor time"
    return f"killed by {signal.Signals(-code).name}"


#: More threads would not help, because parsing holds the interpreter lock. The second thread works while a long
#: document occupies the first.
_THREADS = 2


class ReaderThreads:
    """Parses documents in threads of this process, without the limits of a reader process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "read")

    async def prepare(self) -> None:
        """Do nothing, because threads start with their first document."""

    async def read(self, body: Body, feed: Feed) -> tuple[ParsedFeed, tuple[Item, ...] | None]:
        """Parse a document, and clean only mails. Raises ReadError.

        Cleaning here, beside the event loop and the store's thread, would make a first poll a fifth slower.
        """
        if body.content.startswith(packing.MAILS_HEAD):
            return await read_each_mail(body, feed, self._read_mail)
        return await self._parsed(body, feed), None

    async def _read_mail(self, body: Body, feed: Feed) -> Document:
        reading = await self._parsed(body, feed)
        return reading, prepare_items(feed, reading)

    async def _parsed(self, body: Body, feed: Feed) -> ParsedFeed:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _parse, body, feed)

    async def text_of_page(self, page: Response) -> str | None:
        """Return the main text of an article's page, or None if it has none. Raises any exception of the parser."""
        return await fulltext.extract_here(page)

    async def lists_of(self, body: Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
        """Return a page's name, and selectors for its lists, most likely first. Raises ReadError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, kinds.propose_selectors, body)

    async def close(self) -> None:
        """Start no more work. Do not wait for running work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _parse(body: Body, feed: Feed) -> ParsedFeed:
    try:
        return kinds.parse_document(body, kind=feed.kind, options=feed.options)
    except Exception:
        raise
    except BaseException as error:
        # Convert the panic of a Rust library, which is not an Exception and would end the bot.
        raise RuntimeError(f"a parser panicked: {error}") from error


#: Maximum skipped mails per poll, because each may have ended a reader process. Later mails wait for the next poll.
MOST_SKIPPED = 3
#: Maximum characters of all mails of a poll, to limit memory.
MOST_CHARACTERS = 20_000_000


async def read_each_mail(body: Body, feed: Feed, read: Callable[[Body, Feed], Awaitable[Document]]) -> Document:
    """Parse a document. If it consists of mails, parse them one by one, and skip and count the mails that fail.

    Raises ReadError, but not for a single bad mail.
    """
    if not body.content.startswith(packing.MAILS_HEAD):
        return await read(body, feed)
    items: dict[str, Item] = {}
    readings: list[ParsedFeed] = []
    last_etag, characters, skipped = "", 0, 0
    unread = packing.unpack_mails(body.content)
    for last_etag, mail in unread:
        document = packing.MAILS_HEAD + packing.pack_mail(mail, last_etag)
        reading, items_of_mail = await _read_mail(dataclasses.replace(body, content=document), feed, read, last_etag)
        readings.append(reading)
        new = {guid: item for item in items_of_mail if (guid := item.entry.guid or "") not in items}
        items |= new
        skipped += reading.skipped
        characters += sum(len(item.entry.title or "") + len(item.entry.body or "") for item in new.values())
        if skipped >= MOST_SKIPPED or characters > MOST_CHARACTERS or len(items) > fields.MAX_ENTRIES:
            break
    remarks = list(dict.fromkeys(remark for reading in readings for remark in reading.remarks))
    if skipped:
        count = format_count(skipped, "mail")
        remarks.append(f"{count} could not be read and {'was' if skipped == 1 else 'were'} skipped")
    merged = ParsedFeed(
        entries=tuple(item.entry for item in items.values()),
        remarks=tuple(remarks),
        is_increment=True,
        skipped=skipped,
        was_slow=any(reading.was_slow for reading in readings),
        read_to=last_etag if next(unread, None) else None,
    )
    return merged, tuple(items.values())


async def _read_mail(body: Body, feed: Feed, read: Callable[[Body, Feed], Awaitable[Document]], etag: str) -> Document:
    log_mail = log.bind(feed=feed.url, mail=etag)
    for is_last_try in (False, True):
        try:
            reading, items = await read(body, feed)
        except NotStarted:
            raise
        except ReaderEnded as error:
            # Try twice, because an honest mail may end the process on a busy machine.
            if not is_last_try:
                continue
            log_mail.warning("mail skipped", error=f"its reader process ended: {error.why}")
        except ReadError as error:
            log_mail.warning("mail skipped", error=str(error))
        except Exception:
            log_mail.critical("reading a mail raised an unexpected error", exc_info=True)
        else:
            if reading.skipped:
                log_mail.warning("mail skipped", error="its MIME structure cannot be parsed")
            return reading, items
        break
    return ParsedFeed(is_increment=True, skipped=1), ()
