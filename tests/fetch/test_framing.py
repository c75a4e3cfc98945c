"""The framing of a response is bounded too, and no response answers the next request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.fetch.client import HttpFetcher
from bot.model.errors import Unreachable
from tests.fetch.conftest import POLICY, MakeFetcher, configured
from tests.testbed.servers.feeds import FeedServer, Reply

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("damage", "kept", "flaw"),
    [
        (b"zz\r\n", b"<rss/>", "Invalid character in chunk size"),
        (b"6\r\nabcdefgh", b"<rss/>abcdef", "Expected LF after chunk data"),
        (b"fffffffffffffffff\r\n", b"<rss/>", "Chunk size overflow"),
    ],
)
@pytest.mark.parametrize(("pause_s", "closes"), [(0.0, False), (0.05, True)], ids=["at once", "later, and closed"])
async def test_a_flaw_in_the_chunks_ends_the_body_and_keeps_the_bytes_before_it(
    fetcher: HttpFetcher, damage: bytes, kept: bytes, flaw: str, pause_s: float, closes: bool
) -> None:
    async with _raw_server(b"6\r\n<rss/>\r\n", damage, pause_s=pause_s, closes=closes) as address:
        with capture_logs() as logs:
            async with asyncio.timeout(POLICY.timeout.total_seconds() / 2):
                response = await fetcher.get(configured(url=address))
    assert (response.body, response.etag) == (kept, None)
    [line] = logs
    assert flaw in line["reason"]


async def test_a_flaw_in_the_first_chunk_is_named(fetcher: HttpFetcher) -> None:
    async with _raw_server(b"zz\r\n", closes=False) as address:
        with pytest.raises(Unreachable, match=r"a flaw in its chunks \(Invalid character in chunk size\)"):
            await fetcher.get(configured(url=address))


@asynccontextmanager
async def _raw_server(*pieces: bytes, pause_s: float = 0.0, closes: bool) -> AsyncIterator[str]:
    """Send pieces of a body in chunks, apart from each other if there is a pause."""
    is_over = asyncio.Event()
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nETag: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            if pause_s:
                await writer.drain()
                await asyncio.sleep(pause_s)
        if not closes:
            await is_over.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/feed"
        is_over.set()
        await asyncio.gather(*filter(None, connections))


@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\r\njunk"])
async def test_surplus_bytes_do_not_answer_the_next_request(
    server: FeedServer, fetcher: HttpFetcher, surplus: bytes
) -> None:
    server.serve("/first", Reply(body=b"first" + surplus, headers={"Content-Length": "5"}))
    server.serve("/second", b"second")
    for _ in range(2):
        assert (await fetcher.get(configured(url=server.url("/first")))).body == b"first"
        assert (await fetcher.get(configured(url=server.url("/second")))).body == b"second"


async def test_a_large_body_is_received_whole_though_memory_has_room_for_it_later(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    body = bytes(range(256)) * 16_384
    server.serve("/length", body)
    chunks = b"".join(b"4000\r\n" + body[at : at + 0x4000] + b"\r\n" for at in range(0, len(body), 0x4000))
    server.serve("/chunked", Reply(raw=_CHUNKED + chunks + b"0\r\n\r\n"))
    fetcher = make_fetcher(replace(POLICY, max_bytes=10_000_000))

    async def hold(size_bytes: int) -> None:
        await asyncio.sleep(0.002)

    for path in ("/length", "/chunked"):
        assert (await fetcher.get(configured(url=server.url(path), hold=hold))).body == body
