"""A real local HTTP origin that behaves as badly as a test wants.

async with FeedServer() as server:
    server.serve("/feed", RSS)                                  # 200 with ETag, then 304
    server.serve("/moved", Reply.redirect("/feed", status=301))
    server.script("/limited", Reply(status=429, headers={"Retry-After": "60"}), Reply(body=RSS))
    ... server.url("/feed"), server.requests
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 410: "Gone"}
#: Made for these tests alone (see tls/README.md); the name in it is feeds.test.
TLS = Path(__file__).parent / "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Before the first byte.
    delay_seconds: float = 0.0
    #: One byte of the body each so many seconds; None: all at once.
    drip_seconds: float | None = None
    #: The pause between the bytes of the head.
    drip_head_seconds: float | None = None
    #: Close after so many bytes of the body although more were promised; None: send all.
    cut_after: int | None = None
    #: Sent again and again after the body, without end.
    endless: bytes = b""
    #: Close before saying anything.
    hang_up: bool = False
    #: Sent instead of everything else, one byte each ``drip_seconds``.
    raw: bytes | None = None
    #: Leave the connection open after ``raw``.
    stays_open: bool = False

    @staticmethod
    def redirect(location: str, *, status: int = 302) -> Reply:
        return Reply(status=status, headers={"Location": location})


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Seconds on the loop's clock.
    at: float
    body: bytes = b""


class FeedServer:
    """An origin on 127.0.0.1; a path without a script answers 404."""

    def __init__(self, *, tls: bool = False, clients: Path | None = None) -> None:
        """``clients``: the authority of client certificates; None requires no certificate."""
        self.requests: list[Seen] = []
        #: The most requests that were under way at once.
        self.most_at_once = 0
        self._at_once = 0
        self._scripts: dict[str, list[Reply]] = {}
        self._tls = tls
        self._clients = clients
        self._server: asyncio.Server | None = None
        #: Open connections.
        self.connections: set[asyncio.Task[None]] = set()
        self.connection_count = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
            if self._clients is not None:
                context.load_verify_locations(self._clients)
                context.verify_mode = ssl.CERT_REQUIRED
        # Do not wait for a client that leaves during the handshake.
        patience = 0.2 if context else None
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=patience
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self.connections:
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str = "/feed", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def serve(self, path: str, reply: Reply | bytes) -> None:
        """Give the same answer every time."""
        self.script(path, reply)

    def script(self, path: str, *replies: Reply | bytes) -> None:
        """One answer after another; the last one stays."""
        self._scripts[path] = [reply if isinstance(reply, Reply) else Reply(body=reply) for reply in replies]

    def seen(self, path: str) -> Sequence[Seen]:
        return [request for request in self.requests if request.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        self.connection_count += 1
        try:
            # The client may leave whenever it likes. A cancelled task would be logged as an error by the stream's
            # callback in Python 3.11, so that it ends here.
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError
            ):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self.connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False: the connection ends."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Seen(method, path, headers, asyncio.get_running_loop().time(), body))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._answer(self._reply(path), headers, writer)
        finally:
            self._at_once -= 1

    def _reply(self, path: str) -> Reply:
        script = self._scripts.get(path)
        if script is None:
            return Reply(status=404, body=b"no such path")
        return script.pop(0) if len(script) > 1 else script[0]

    async def _answer(self, reply: Reply, request_headers: Mapping[str, str], writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(reply.delay_seconds)
        if reply.hang_up:
            return False
        if reply.raw is not None:
            await _write(writer, reply.raw, reply.drip_seconds)
            if reply.stays_open:
                await asyncio.Event().wait()
            return False
        status, body, headers = reply.status, reply.body, dict(reply.headers)
        if status == 200:
            headers.setdefault("ETag", f'"{hashlib.sha256(body).hexdigest()[:16]}"')
            if _matches(request_headers, headers):
                status, body = 304, b""
        if status != 304:
            headers.setdefault("Content-Length", str(len(body)))
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        await _write(writer, head.encode("latin-1"), reply.drip_head_seconds)
        await _write(writer, body[: reply.cut_after], reply.drip_seconds)
        while reply.endless:
            writer.write(reply.endless)
            await writer.drain()
        return reply.cut_after is None


def _matches(request_headers: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    if "if-none-match" in request_headers:
        return request_headers["if-none-match"] == headers["ETag"]
    return "Last-Modified" in headers and request_headers.get("if-modified-since") == headers["Last-Modified"]


async def _write(writer: asyncio.StreamWriter, data: bytes, drip_seconds: float | None) -> None:
    if drip_seconds is None:
        writer.write(data)
        await writer.drain()
        return
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await writer.drain()
        await asyncio.sleep(drip_seconds)
