"""One reader process, from the side of the one that started it: frames to its standard input, frames from its output.

It answers in the order in which it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import signal
import sys
from collections import deque
from datetime import timedelta
from typing import Any

from bot import ports
from bot.reading import packing

#: The largest document that ``fetch.max_bytes`` lets through by default takes a tenth of it.
PATIENCE = timedelta(seconds=60)
#: It ends by itself when nobody writes to it any more; one that does not is killed.
_GOODBYE = timedelta(seconds=5)
#: Two documents fill a pipe of the usual 64 KiB, and then each end waits for the other: a tenth of a first poll. The
#: most that Linux gives to all (pipe(7)).
_PIPE_BYTES = 1024 * 1024


class Ended(Exception):
    """The process ended before it answered."""

    def __init__(self, text: str, *, is_of_this: bool) -> None:
        super().__init__(text)
        #: It ended over this very question, not over one that was asked before.
        self.is_of_this = is_of_this


class Reader(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._received = bytearray()
        self._ended = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        #: Why it ended; empty: it lives.
        self.end = ""

    @property
    def is_alive(self) -> bool:
        return not self.end

    @property
    def load(self) -> int:
        """Questions under way."""
        return len(self._waiting)

    async def ask(self, frame: bytes) -> Any:
        """Raises Ended."""
        if self.end or self._transport is None:
            raise Ended(self.end, is_of_this=False)
        self._transport.get_pipe_transport(0).write(frame)  # type: ignore[union-attr]  # its standard input
        return await self._next()

    async def _next(self) -> Any:
        answer = self._loop.create_future()
        self._waiting.append(answer)
        if len(self._waiting) == 1:
            self._watch()
        return await answer

    def _watch(self) -> None:
        """Over the question whose turn it is."""
        if self._alarm:
            self._alarm.cancel()
        seconds = PATIENCE.total_seconds()
        self._alarm = self._loop.call_later(seconds, self._break_off) if self._waiting else None

    def _break_off(self) -> None:
        self._is_over(f"no answer within {PATIENCE.seconds} seconds")
        if self._transport:
            self._transport.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        for fd in (0, 1):
            _widen(transport.get_pipe_transport(fd))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._received += data
        while (frame := packing.first_frame(self._received)) is not None:
            answer = self._waiting.popleft()
            self._watch()
            if not answer.done():
                answer.set_result(packing.unpacked(frame))

    def process_exited(self) -> None:
        code = self._transport.get_returncode() if self._transport else None
        self._is_over(_said(code))

    def connection_lost(self, exc: Exception | None) -> None:
        """After the last of what it wrote."""
        if self._alarm:
            self._alarm.cancel()
        for place, answer in enumerate(self._waiting):
            if not answer.done():
                answer.set_exception(Ended(self.end, is_of_this=place == 0))
        self._waiting.clear()
        self._ended.set()
        if self._transport:
            self._transport.close()

    def _is_over(self, why: str) -> None:
        self.end = self.end or why

    async def greeted(self) -> None:
        """It has said its first word. Raises Ended."""
        await self._next()

    async def close(self) -> None:
        self._is_over("Wirewatch is stopping")
        if self._transport is None or self._ended.is_set():
            return
        self._transport.get_pipe_transport(0).close()  # type: ignore[union-attr]  # its standard input
        try:
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                await self._ended.wait()
        except TimeoutError:
            self._transport.kill()
            await self._ended.wait()


async def start() -> Reader:
    """One that is ready. Raises WirewatchError where it cannot be started."""
    command = (sys.executable, "-m", "bot.reading")
    try:
        _, made = await asyncio.get_running_loop().subprocess_exec(Reader, *command, stderr=None)
        try:
            await made.greeted()
        except BaseException:
            await made.close()
            raise
    except (OSError, Ended) as error:
        raise ports.WirewatchError(
            f"starting a process that reads documents: {error}; fetch.readers: 0 in bot.yaml does without"
        ) from error
    return made


def _widen(pipe: asyncio.BaseTransport | None) -> None:
    if pipe is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # more than this user may have: it works all the same
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _said(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
