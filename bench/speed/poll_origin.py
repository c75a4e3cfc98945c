"""Thousands of feeds of 30 items from one small server, over HTTP or HTTPS, for bench/speed/poll.py."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

ITEMS = 30
#: Each feed may have a host of its own under this one.
DOMAIN = "bench.test"
TEXT = "The regulator said on Wednesday that operators have until the end of the month to reply to it. " * 6


class Origin(asyncio.Protocol):
    """As fast an HTTP server as a few lines of Python can be."""

    #: Shared by all connections: what has changed, whether validators are given, how many items are new, whether a
    #: connection ends with its answer.
    state: dict[str, int] = {"round": 0, "validators": 1, "inside": 2, "closing": 0}  # noqa: RUF012 -- one a process
    begun = datetime.now(UTC)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(self._answer(head))
            if self.state["closing"]:
                self._transport.close()

    def _answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/control?"):
            name, _, value = path.partition("?")[2].partition("=")
            self.state[name] = int(value)
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        number = int(path.rpartition("/")[2])
        version = self.state["round"] if number % 20 == 0 else 0
        etag = f'"{number}-{version}"'
        more = "Connection: close\r\n" if self.state["closing"] else ""
        if self.state["validators"] and f"\r\nif-none-match: {etag}" in head.decode().lower():
            return f"HTTP/1.1 304 Not Modified\r\n{more}ETag: {etag}\r\n\r\n".encode()
        body = document(number, version, inside=self.state["inside"], begun=self.begun)
        more += f"ETag: {etag}\r\n" if self.state["validators"] else ""
        kind = "Content-Type: application/rss+xml; charset=utf-8\r\n"
        return f"HTTP/1.1 200 OK\r\n{kind}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def document(number: int, version: int, *, inside: int, begun: datetime) -> bytes:
    """The newest 30 items of feed ``number``; each version brings two."""
    newest = ITEMS + 2 * version
    items = []
    for place in range(newest - 1, newest - 1 - ITEMS, -1):
        age = timedelta(minutes=2 * (newest - place)) if place >= ITEMS - inside else timedelta(days=3, minutes=place)
        items.append(
            f"<item><title>Story {place} of desk {number}: operators asked to reply</title>"
            f"<link>https://news{number}.example.org/{place}</link>"
            f'<guid isPermaLink="false">{number}-{place}</guid>'
            f"<pubDate>{format_datetime(begun - age, usegmt=True)}</pubDate>"
            f"<description><![CDATA[<p>{number} {place} {TEXT}</p>]]></description><category>news</category></item>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>News {number}</title><link>https://news{number}.example.org/</link><description>d</description>"
        f"{''.join(items)}</channel></rss>"
    ).encode()


async def serve(authority: Path | None) -> None:
    """Print the two ports, the feeds' and the control's, and answer for ever."""
    tls = None
    if authority is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(authority / "server.pem", authority / "server.key")
    loop = asyncio.get_running_loop()
    control = await loop.create_server(Origin, "127.0.0.1", 0)
    server = await loop.create_server(Origin, "127.0.0.1", 0, backlog=1000, ssl=tls)
    print(server.sockets[0].getsockname()[1], control.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def make_authority(folder: Path) -> None:
    """An authority of our own (ca.pem) and a certificate of it for 127.0.0.1 and all of DOMAIN, by OpenSSL."""
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName=IP:127.0.0.1,DNS:*.{DOMAIN}\nbasicConstraints=critical,CA:false\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=Bench authority", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    _openssl(folder, "req", "-new", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    _openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "server.pem", "-days", "2", "-extfile", "extensions",
    )  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
