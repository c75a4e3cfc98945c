"""Serve thousands of feeds of 30 items over HTTP from one small server, for bench/speed/poll.py.

A quarter of the feeds are Atom; two in five have relative pictures and a port in their addresses. Descriptions are HTML
and not all ASCII; bodies are compressed.
"""

from __future__ import annotations

import asyncio
import gzip
import html
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

ITEMS = 30
#: Under it are the feeds' hosts.
DOMAIN = "bench.test"
HOSTS = 1_000
#: One feed in so many has something new where a part has.
CHANGING = 20
_WORDS = (
    "regulator operators ministry exploit handset Zürich café São Paulo naïve Ångström Köln résumé "
    "перевод новости 東京 court deadline phones access Wednesday month reply market company patch update "
    "sources statement encryption data breach officials “quoted” report million customers network "
    "services under after before which their would about"
).split()


@cache
def _sentences() -> Sequence[str]:
    """5,000 of them, so that hardly one is under every item of a feed."""
    rng = random.Random(1)
    return [" ".join(rng.choices(_WORDS, k=14)).capitalize() + "." for _ in range(5_000)]


class Origin(asyncio.Protocol):
    """A small and fast HTTP server."""

    #: The settings of all connections: the version of the changing feeds, whether answers have validators, how many
    #: items are inside the backfill window, and whether a connection is closed after its answer.
    state: dict[str, int] = {"round": 0, "validators": 1, "inside": 2, "closing": 1}  # noqa: RUF012 -- one a process
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
            if name == "prepare":
                # No contender waits for what the making of a document takes.
                for each in range(self.state[name]):
                    packed(each, 0, inside=self.state["inside"])
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        number = int(path.rpartition("/")[2])
        version = self.state["round"] if number % CHANGING == 0 else 0
        etag = f'"{number}-{version}"'
        more = "Connection: close\r\n" if self.state["closing"] else ""
        if self.state["validators"] and f"\r\nif-none-match: {etag}" in head.decode().lower():
            return f"HTTP/1.1 304 Not Modified\r\n{more}ETag: {etag}\r\n\r\n".encode()
        body = packed(number, version, inside=self.state["inside"])
        more += f"ETag: {etag}\r\n" if self.state["validators"] else ""
        kind = f"Content-Type: application/{'atom' if is_atom(number) else 'rss'}+xml\r\nContent-Encoding: gzip\r\n"
        return f"HTTP/1.1 200 OK\r\n{kind}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def is_atom(number: int) -> bool:
    """Return whether the feed is Atom: a quarter of all feeds, and of the changing ones."""
    return number // CHANGING % 4 == 3


def is_odd(number: int) -> bool:
    """Whether the feed's pictures have relative addresses, and its addresses a port: two feeds in five."""
    return number % 5 < 2


@cache
def packed(number: int, version: int, *, inside: int) -> bytes:
    return gzip.compress(document(number, version, inside=inside, begun=Origin.begun), compresslevel=6)


def document(number: int, version: int, *, inside: int, begun: datetime) -> bytes:
    """Return feed ``number`` with its newest 30 items. Each version has two new ones."""
    newest = ITEMS + 2 * version
    items = []
    for place in range(newest - 1, newest - 1 - ITEMS, -1):
        # An item keeps its date in later versions.
        is_new = place >= ITEMS - inside
        age = timedelta(minutes=2 * (2 * ITEMS - place)) if is_new else timedelta(days=3, minutes=place)
        items.append((_atom_entry if is_atom(number) else _rss_item)(number, place, begun - age))
    title, site = f"<title>News {number} – Zürich</title>", f"{_site(number)}/"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    if is_atom(number):
        head += f'<feed xmlns="http://www.w3.org/2005/Atom">{title}<id>{site}</id><link href="{site}"/>'
        head += f"<updated>{begun.isoformat()}</updated>"
        return f"{head}{''.join(items)}</feed>".encode()
    head += f'<rss version="2.0"><channel>{title}<link>{site}</link><description>d</description>'
    return f"{head}{''.join(items)}</channel></rss>".encode()


def _rss_item(number: int, place: int, at: datetime) -> str:
    return (
        f"<item><title>{_title(number, place)}</title>"
        f"<link>{_site(number)}/{place}</link>"
        f'<guid isPermaLink="false">{number}-{place}</guid>'
        f"<pubDate>{format_datetime(at, usegmt=True)}</pubDate>"
        f"<description><![CDATA[{_html(number, place)}]]></description><category>news</category></item>"
    )


def _atom_entry(number: int, place: int, at: datetime) -> str:
    link = f"{_site(number)}/{place}"
    return (
        f'<entry><title>{_title(number, place)}</title><link href="{link}"/><id>{link}</id>'
        f"<updated>{at.isoformat()}</updated>"
        f'<summary type="html">{html.escape(_html(number, place))}</summary></entry>'
    )


def _site(number: int) -> str:
    return f"https://news{number}.example.org{':8443' if is_odd(number) else ''}"


def _title(number: int, place: int) -> str:
    return f"Story {place} of desk {number}: {_said(number, place, 0)[:60]}"


def _html(number: int, place: int) -> str:
    pictures = "/img" if is_odd(number) else f"https://img.example.org/{number}"
    first, second, *rest = (_said(number, place, at) for at in range(1, 6))
    return (
        f'<p><img src="{pictures}/{place}.jpg" alt=""/><strong>{first}</strong> {second}</p>'
        f'<p>{" ".join(rest)} <a href="{_site(number)}/topic/{place % 7}">More &amp; more</a></p>'
    )


def _said(number: int, place: int, at: int) -> str:
    sentences = _sentences()
    return sentences[(number * 7919 + place * 104_729 + at * 1_299_709) % len(sentences)]


async def serve() -> None:
    """Print the two ports, the feeds' and the control's, and answer for ever."""
    loop = asyncio.get_running_loop()
    control = await loop.create_server(Origin, "127.0.0.1", 0)
    server = await loop.create_server(Origin, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], control.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
