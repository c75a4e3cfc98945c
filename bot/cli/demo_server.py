"""A small news world on the loopback: each feed shows what its outlet has published so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article of the demo, and when its feed shows it."""

    feed: str
    id: str
    at: datetime
    title: str
    text: str
    #: What the viewer should see happen, and why.
    note: str = ""


def document(feed: str, items: Sequence[Item], origin: str) -> bytes:
    """The feed as RSS 2.0, newest first."""
    told = "".join(
        f"<item><title>{escape(item.title)}</title><guid isPermaLink='false'>{escape(item.id)}</guid>"
        f"<link>{origin}/{escape(feed)}/{escape(item.id)}</link><pubDate>{format_datetime(item.at)}</pubDate>"
        f"<description>{escape(item.text)}</description></item>"
        for item in sorted(items, key=lambda item: item.at, reverse=True)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{escape(feed)}</title>'
        f"<link>{origin}/</link><description>A feed of the demo</description>{told}</channel></rss>"
    ).encode()


@asynccontextmanager
async def serving(items: Sequence[Item]) -> AsyncIterator[str]:
    """The origin's address while it serves the items; answers conditional requests as a good server does."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                name = lines[0].split(" ")[1].strip("/").removesuffix(".xml")
                told = [item for item in items if item.feed == name]
                body = document(name, told, origin)
                etag = f'"{sha256(body).hexdigest()[:16]}"'
                is_known = any(line.lower() == f"if-none-match: {etag}" for line in lines)
                status = "304 Not Modified" if is_known else "200 OK"
                body = b"" if is_known else body
                writer.write(
                    f"HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Type: application/rss+xml\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield origin
