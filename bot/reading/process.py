"""One reader process, seen from the bot: frames to its standard input, frames from its standard output.

It answers in the order of the questions. Nothing that it sends is trusted: an answer that is late, too long, unasked or
malformed ends the process.
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

#: A process ends when its input is closed; it is killed if that takes longer.
_GOODBYE = timedelta(seconds=2)
#: Two documents fill a pipe of the usual 64 KiB, and then each end waits for the other: a tenth of a first poll. The
#: maximum for unprivileged users on Linux (pipe(7)).
_PIPE_BYTES = 1024 * 1024
#: Maximum bytes of questions that wait in and before the pipe; further ones are not encoded yet.
_AHEAD_BYTES = 2 * _PIPE_BYTES
#: A timer that fires later than this was delayed by our own loop, and the answer may have arrived already.
_HELD_UP_SECONDS = 1
#: The variables that a reader process gets from our environment: these never hold a secret.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
#: Modules come from the same folders as ours, and never from the working directory (-P).
_PROGRAM = f"import sys; sys.path[:] = sys.argv[2:]; from {__package__} import child; child.main(int(sys.argv[1]))"


class Ended(Exception):
    """The process ended before it answered."""

    def __init__(self, text: str, *, is_of_this: bool) -> None:
        super().__init__(text)
        #: It ended over this question, not over an earlier one.
        self.is_of_this = is_of_this


class NotStarted(ports.ReadError):
    """No process can be started, whatever the document is."""


class ReaderEnded(ports.ReadError):
    """The process ended over this document, or was ended because its answer was wrong."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the process that reads documents ended over this one ({why}); it will be tried again")
        self.why = why


class ReaderProcess(asyncio.SubprocessProtocol):
    """A started process, its unanswered questions and its limits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_ready = False
        #: Unanswered questions with their length.
        self._waiting: deque[tuple[asyncio.Future[tuple[wire.Answer, timedelta]], int]] = deque()
        #: When the process began with the first of them, by the loop's clock.
        self._since = 0.0
        self._ahead_bytes = 0
        self._has_room = asyncio.Event()
        #: Held while a question is put into the pipe: the others are not encoded yet.
        self._turn = asyncio.Lock()
        self._received = bytearray()
        self._ended = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._is_broken_off = False
        self._has_answered = False
        #: It announced that it ends.
        self._is_leaving = False
        self.is_alive = True
        #: Why it ended, for people; empty if it runs, or ended in order.
        self.end = ""

    @property
    def load(self) -> int:
        """Return the number of unanswered questions."""
        return len(self._waiting)

    async def ask(self, question: wire.Question) -> tuple[wire.Answer, timedelta]:
        """Return the answer, and how long the process took. Raises Ended, or ReadError if the process cannot start."""
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
        """Set the alarm for the current question, or for the start."""
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
        """End the process at once, over the current question."""
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
            self._set_over("")
            self._watch(_GOODBYE)
            return
        else:
            if not self._waiting or not self._is_ready:
                raise wire.Garbage("what was not asked")
            self._has_answered = True
            question, length = self._waiting.popleft()
            self._ahead_bytes -= length
            self._has_room.set()
            if not question.done():
                question.set_result((answer, timedelta(seconds=self._loop.time() - self._since)))
        self._watch(limits.PATIENCE_BY_THE_CLOCK if self._waiting else None)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        # If it has ended, ``process_exited`` follows; a process that only closed its output is useless.
        if fd == 1 and self._transport and self._transport.get_returncode() is None and self.is_alive:
            self._watch(_GOODBYE)

    def process_exited(self) -> None:
        code = self._transport.get_returncode() if self._transport else None
        self._set_over(_said(code))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the unanswered questions; called after the last answer."""
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
        """Wait for the end of a process that is not alive."""
        await self._ended.wait()

    async def close(self) -> None:
        """End the process, by force if it does not end in time."""
        if self._transport is None or self._ended.is_set():
            return
        if self._waiting or not self._is_ready:
            self.break_off("Wirewatch is stopping")  # its answers are not needed any more
        self._set_over("Wirewatch is stopping")
        self._transport.get_pipe_transport(0).close()  # type: ignore[union-attr]  # its standard input
        try:
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                await self._ended.wait()
        except TimeoutError:
            self.break_off("Wirewatch is stopping")
            await self._ended.wait()


async def start(max_bytes: int) -> ReaderProcess:
    """Start a process, which accepts questions from the beginning. Raises ReadError if it cannot be started."""
    # It must import this very bot, and never a folder with that name in the working directory.
    places = [place for place in sys.path if os.path.isabs(place)]
    if (own := str(Path(bot.__file__).parents[1])) not in places:
        places.insert(0, own)
    command = (sys.executable, "-P", "-c", _PROGRAM, str(max_bytes), *places)
    # Otherwise a process of the same user could read the secrets in /proc.
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
    return f"starting a process that reads documents: {why}; fetch.readers: 0 in bot.yaml does without"


def _widen(pipe: asyncio.BaseTransport | None) -> None:
    if pipe is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # more than this user may have; a smaller pipe works too
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _said(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGXCPU:
        return f"more than {limits.PATIENCE.seconds} seconds of processor time"
    return f"killed by {signal.Signals(-code).name}"
