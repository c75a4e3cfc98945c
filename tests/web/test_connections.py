"""Clients that hold connections without finishing a request do not keep the page from others."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.web import access, server
from tests.crash import process
from tests.testbed.commands import call
from tests.web.conftest import Page

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextlib.contextmanager
def hanging(url: str, count: int, sent: bytes = HEAD) -> Iterator[list[socket.socket]]:
    """Sockets whose head never ends."""
    port = urlsplit(url).port
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(OSError):
                connection.sendall(sent)
            sockets.append(connection)
        yield sockets


async def answer_to(url: str, sent: bytes) -> bytes:
    """All that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(sent)
    try:
        async with asyncio.timeout(300):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_five_hundred_unfinished_heads_shut_nobody_out(shared: Page) -> None:
    with hanging(shared.site.url, 500) as sockets:
        for path in ("/healthz", "/healthz/ready", "/healthz/live", "/stories"):
            assert (await shared.get(path)).status_code == 200, path
        # The oldest connections without a request have made room for new ones.
        assert sum(not is_closed(connection) for connection in sockets) <= server.MOST_CONNECTIONS


async def test_slow_and_broken_bodies_free_their_places_and_leave_no_trace_in_the_log(
    page: Page, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "BODY_WITHIN", timedelta(seconds=0.5))
    head = b"POST /api/v1/try HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    slow = head + b"Content-Length: 9\r\n\r\nx"
    with hanging(page.site.url, access.MOST_ANSWERS - 1, slow):
        assert (await answer_to(page.site.url, slow)).startswith(b"HTTP/1.1 408 ")
        assert (await page.get("/stories")).status_code == 200
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    for body in (b"zz\r\n", b"5\r\nab", b"-1\r\n\r\n", b"5\r\nabcdefgh\r\n"):
        await answer_to(page.site.url, chunked + body)
    assert caplog.records == []


async def test_a_client_that_takes_no_answer_frees_its_place() -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b"x" * 1_000_000)(scope, receive, send)

    sizes = []

    async def send(message: Message) -> None:
        sizes.append(len(message.get("body", b"")))
        if len(sizes) == 4:  # the client takes the head and two pieces
            await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "path": "/", "client": ("192.0.2.1", 1), "method": "GET"}
    await access.Admission(page, timedelta(seconds=0.1))(scope, receive, send)
    assert sizes == [0, *[access.PIECE_BYTES] * 3]


async def test_a_head_that_is_too_much_is_refused_at_once(shared: Page) -> None:
    began = time.process_time()
    for head in (
        HEAD + b"a: " + b"b" * 400_000 + b"\r\n\r\n",
        b"GET /" + b"b" * 400_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x00\xff" * 50 + b"\r\n\r\n",
    ):
        answered = await answer_to(shared.site.url, head)
        assert answered == b"" or answered.startswith(b"HTTP/1.1 400 ")
    assert time.process_time() - began < 4


async def test_more_requests_at_once_than_are_answered_are_told_when_to_come_again(page: Page) -> None:
    async with asyncio.TaskGroup() as group:
        requests = [group.create_task(page.get("/feeds")) for _ in range(40)]
        health = group.create_task(page.get("/healthz"))
    answers = [request.result() for request in requests]
    assert {(answer.status_code, answer.headers.get("retry-after")) for answer in answers} == {(200, None), (503, "1")}
    assert sum(answer.status_code == 200 for answer in answers) >= 32
    assert health.result().status_code == 200


async def test_a_head_that_does_not_end_in_time_closes_its_connection(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_WITHIN", timedelta(seconds=0.5))
    whole = HEAD.replace(b"/", b"/healthz/live", 1) + b"\r\n"
    for sent in (b"", whole):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(page.site.url).port)
        writer.write(sent)
        if sent:
            assert b"200 OK" in await reader.readuntil(b"}")
        writer.write(HEAD)
        assert await reader.read() == b""
        writer.close()


async def connect_again_and_again(port: int) -> None:
    """Hold a connection on which only a part of a head is sent, and replace it whenever it is closed."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(HEAD)
                await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(0.5)


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.long
async def test_among_idle_connections_a_bot_polls_is_ready_fills_no_log_and_stops_on_sigterm(tmp_path: Path) -> None:
    limited = ("-c", 'ulimit -n 120; exec "$@"', "sh", sys.executable, "-m", "bot")
    async with process.bot_in(tmp_path) as bot, asyncio.TaskGroup() as group:

        async def check() -> int:
            return await bot.ended(await bot.start("status", "--ready"))

        assert await check() == 1
        assert "it does not exist yet" in bot.log
        running = await bot.start_cold("run", python="sh", program=limited)
        await bot.until_watching()
        assert await check() == 0
        attack = [group.create_task(connect_again_and_again(bot.port)) for _ in range(150)]
        for stories in range(1, len(process.STORIES) + 1):
            async with asyncio.timeout(20):
                await bot.publish_and_await_messages(stories)
        assert len(bot.log) < 100_000
        async with asyncio.timeout(10):
            assert (await bot.health())[0] == 200
        running.send_signal(signal.SIGTERM)
        assert await bot.ended(running) == 0
        assert await bot.health() == (0, "nobody answers")
        for task in attack:
            task.cancel()


def test_the_readiness_of_a_bot_with_an_unreadable_configuration_ends_with_2(tmp_path: Path) -> None:
    for text in ("channels: [", ""):
        (tmp_path / "bot.yaml").write_text(text)
        call("status", "--ready", "--config", str(tmp_path), folder=tmp_path, code=2)
