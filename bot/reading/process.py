"""One reader process, from the side of the one that started it: frames to its standard input, frames from its output.

It answers in the order in which it was asked. Nothing that it says or does is believed: an answer that is late, too
long, unasked or no answer ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections import deque
from datetime import timedelta
from pathlib import Path

import structlog

import bot
from bot import model, ports
from bot.reading import confinement, limits, wire

log = structlog.get_logger("wirewatch")

#: It ends by itself when nobody writes to it any more; one that does not is killed.
_GOODBYE = timedelta(seconds=2)
#: Two documents fill a pipe of the usual 64 KiB, and then each end waits for the other: a tenth of a first poll. The
#: most that Linux gives to all (pipe(7)).
_PIPE_BYTES = 1024 * 1024
#: Questions that wait in the pipe and before it; more wait as they are.
_AHEAD_BYTES = 2 * _PIPE_BYTES
#: A timer that comes later than this was held up by our own loop, and the answer may be there already.
_HELD_UP_SECONDS = 1
#: What a reader process is given of our environment: no secret is in these.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
#: Its modules come from where ours come from, and none from the working directory (-P).
_PROGRAM = f"import sys; sys.path[:] = sys.argv[2:]; from {__package__} import child; child.main(int(sys.argv[1]))"


class Ended(Exception):
    """The process ended before it answered."""

    def __init__(self, text: str, *, is_of_this: bool) -> None:
        super().__init__(text)
        #: It ended over this very question, not over one that was asked before.
        self.is_of_this = is_of_this


class NotStarted(ports.ReadError):
    """No process can be asked, whatever the document is."""


class ReaderEnded(ports.ReadError):
    """The process ended over this document, or its answer was wrong and it was ended."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the process that reads documents ended over this one ({why}); it will be tried again")
        self.why = why


class ReaderProcess(asyncio.SubprocessProtocol):
    """A started process, its unanswered questions and its limits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_ready = False
        #: With the length of each question.
        self._waiting: deque[tuple[asyncio.Future[tuple[wire.Answer, timedelta]], int]] = deque()
        #: When the turn of the first of them came, by the loop's clock.
        self._since = 0.0
        self._ahead_bytes = 0
        self._has_room = asyncio.Event()
        #: Held by who puts a question into the pipe: of all others no copy is made yet.
        self._turn = asyncio.Lock()
        self._received = bytearray()
        self._ended = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._is_broken_off = False
        self._has_answered = False
        #: It said that it ends.
        self._is_leaving = False
        self.is_alive = True
        #: Why it ended, for people; empty: it lives, or ended as it should.
        self.end = ""

    @property
    def load(self) -> int:
        """Questions under way."""
        return len(self._waiting)

    async def ask(self, question: wire.Question) -> tuple[wire.Answer, timedelta]:
        """The answer, and how long it took from its turn on. Raises Ended; ReadError where the process cannot start."""
        async with self._turn:
            answer = await self._put(wire.framed(question))
        return await answer

    async def _put(self, frame: bytes) -> asyncio.Future[tuple[wire.Answer, timedelta]]:
        while self.is_alive and self._waiting and self._ahead_bytes + len(frame) > _AHEAD_BYTES:
            self._has_room.clear()
            await self._has_room.wait()
        if not self.is_alive or self._transport is None:
            raise Ended(self.end, is_of_this=False)
        self._transport.get_pipe_transport(0).write(frame)  # type: ignore[union-attr]  # its standard input
        answer: asyncio.Future[tuple[wire.Answer, timedelta]] = self._loop.create_future()
        self._waiting.append((answer, len(frame)))
        self._ahead_bytes += len(frame)
        if self._is_ready and len(self._waiting) == 1:
            self._watch(limits.PATIENCE_BY_THE_CLOCK)
        return answer

    def _watch(self, patience: timedelta | None) -> None:
        """Over the question whose turn it is, or the start."""
        self._since = self._loop.time()
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(patience.total_seconds(), self._ring, patience) if patience else None

    def _ring(self, patience: timedelta) -> None:
        assert self._alarm is not None
        if self._loop.time() - self._alarm.when() > _HELD_UP_SECONDS:
            self._alarm = self._loop.call_later(_HELD_UP_SECONDS, self._ring, patience)
        else:
            self.break_off(f"no answer within {model.counted(patience.seconds, 'second')}")

    def break_off(self, why: str) -> None:
        """End the process at once, over the question whose turn it is."""
        self._is_over(why)
        self._is_broken_off = True
        self._received.clear()
        if self._transport:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()

    def _is_over(self, why: str) -> None:
        self.end = self.end or ("" if self._is_leaving else why)
        self.is_alive = False
        self._has_room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        for fd in (0, 1):
            _widen(transport.get_pipe_transport(fd))
        self._watch(limits.START)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self._is_broken_off:
            return
        self._received += data
        try:
            while (payload := wire.first_frame(self._received, limit_bytes=self._most_bytes())) is not None:
                self._take(wire.answer_of(payload))
        except wire.Garbage as garbage:
            self.break_off(f"it answered {garbage}")

    def _most_bytes(self) -> int:
        return limits.answer_bytes(self._waiting[0][1] if self._waiting else 0)

    def _take(self, answer: wire.Answer) -> None:
        """Raises Garbage."""
        if isinstance(answer, wire.Ready):
            if self._is_ready:
                raise wire.Garbage("that it is ready, again")
            self._is_ready = True
            log.debug("reader started", confined_by=", ".join(answer.measures) or "nothing")
        elif isinstance(answer, wire.Leaving):
            if not self._has_answered:
                raise wire.Garbage("that it leaves")
            self._is_leaving = True
            self._is_over("")
            self._watch(_GOODBYE)
            return
        else:
            if not self._waiting or not self._is_ready:
                raise wire.Garbage("what was not asked")
            self._has_answered = True
            asked, length = self._waiting.popleft()
            self._ahead_bytes -= length
            self._has_room.set()
            if not asked.done():
                asked.set_result((answer, timedelta(seconds=self._loop.time() - self._since)))
        self._watch(limits.PATIENCE_BY_THE_CLOCK if self._waiting else None)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        # It may have ended, and says so itself then; one that only closed its output is of no use any more.
        if fd == 1 and self._transport and self._transport.get_returncode() is None and self.is_alive:
            self._watch(_GOODBYE)

    def process_exited(self) -> None:
        code = self._transport.get_returncode() if self._transport else None
        self._is_over(_said(code))

    def connection_lost(self, exc: Exception | None) -> None:
        """After the last of what it wrote."""
        if self._alarm:
            self._alarm.cancel()
        for place, (answer, _) in enumerate(self._waiting):
            if not answer.done():
                answer.set_exception(self._reason(is_first=place == 0))
        self._waiting.clear()
        self._ended.set()
        if self._transport:
            self._transport.close()

    def _reason(self, *, is_first: bool) -> Exception:
        if self._is_ready:
            return Ended(self.end, is_of_this=is_first and not self._is_leaving)
        return NotStarted(_not_started(self.end))

    async def gone(self) -> None:
        """Returns when the process has ended, of one that is not alive."""
        await self._ended.wait()

    async def close(self) -> None:
        """End the process, by force where it does not end in time."""
        if self._transport is None or self._ended.is_set():
            return
        if self._waiting or not self._is_ready:
            self.break_off("Wirewatch is stopping")  # nobody waits for its answer any more
        self._is_over("Wirewatch is stopping")
        self._transport.get_pipe_transport(0).close()  # type: ignore[union-attr]  # its standard input
        try:
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                await self._ended.wait()
        except TimeoutError:
            self.break_off("Wirewatch is stopping")
            await self._ended.wait()


async def start(max_bytes: int) -> ReaderProcess:
    """One that takes questions already while it starts. Raises ReadError where it cannot be started."""
    # The bot that started it, wherever that was found, and never a folder of that name that it happens to stand in.
    places = [each for each in sys.path if os.path.isabs(each)]
    if (own := str(Path(bot.__file__).parents[1])) not in places:
        places.insert(0, own)
    command = (sys.executable, "-P", "-c", _PROGRAM, str(max_bytes), *places)
    # Else a process of the same user could read the secrets out of /proc.
    confinement.hide_memory()
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        _, made = await asyncio.get_running_loop().subprocess_exec(
            ReaderProcess, *command, stderr=None, env=environment, cwd="/"
        )
    except OSError as error:
        raise NotStarted(_not_started(str(error))) from error
    return made


def _not_started(why: str) -> str:
    return f"starting a process that reads documents: {why}; fetch.readers: 0 in bot.yaml does without"


def _widen(pipe: asyncio.BaseTransport | None) -> None:
    if pipe is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # more than this user may have: it works all the same
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _said(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGXCPU:
        return f"more than {limits.PATIENCE.seconds} seconds of processor time"
    return f"killed by {signal.Signals(-code).name}"
