"""The channels' HTTP client against real sockets: what surely never left waits, all other silence is unknown."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import certifi
import pytest

from bot import ports
from bot.channels.kit import http_client

SECRET = "s3cr3t"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Any:
    over = asyncio.Event()
    under_way = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way
        under_way += 1
        over.clear()
        try:
            await handler(reader, writer)
            await writer.wait_closed()
        except ConnectionError:
            pass
        finally:
            under_way -= 1
            if not under_way:
                over.set()

    over.set()
    async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
        await over.wait()


def saying(answer: bytes, *, then_hangs: bool = False) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if then_hangs:
            # Until the other side gives up.
            await reader.read()
        writer.close()

    return handle


async def asked(port: int, *, scheme: str = "http") -> http_client.HttpResponse:
    return await http_client.request("POST", f"{scheme}://127.0.0.1:{port}/{SECRET}", who="it", body=b"x")


async def test_an_answer_is_its_status_its_headers_and_a_bounded_body() -> None:
    body = b"y" * 200_000
    head = f"HTTP/1.1 418 Teapot\r\nRetry-After: 7\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serving(saying(head + body)) as port:
        answer = await asked(port)
    assert (answer.status, answer.headers["retry-after"], len(answer.body)) == (418, "7", 64_000)
    assert not answer.is_success


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with serving(saying(b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")) as port:
        assert (await asked(port)).status == 307


async def test_what_a_packed_answer_unpacks_to_is_not_looked_at() -> None:
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    async with serving(saying(packed)) as port:
        assert (await asked(port)).body == b"abc"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent"],
    ids=["nothing", "half a body", "no HTTP", "half a head"],
)
async def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(answer: bytes) -> None:
    async with serving(saying(answer)) as port:
        with pytest.raises(ports.Unknown, match="broke before an answer came"):
            await asked(port)


async def test_no_answer_in_time_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_TIMEOUT", 0.2)
    async with serving(saying(b"", then_hangs=True)) as port:
        with pytest.raises(ports.Unknown, match="no answer in time"):
            await asked(port)


async def test_what_never_left_is_sent_again_without_a_look() -> None:
    with pytest.raises(ports.Wait, match="it: the connection is refused"):
        await asked(9)
    with pytest.raises(ports.Wait, match="it: its name cannot be resolved"):
        await http_client.request("POST", f"http://nobody.invalid/{SECRET}", who="it")


async def test_a_server_without_tls_was_never_sent_anything() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
        writer.close()

    async with serving(plain) as port:
        with pytest.raises(ports.Wait):
            await asked(port, scheme="https")


@pytest.mark.parametrize("url", ["ftp://x/s3cr3t", "http://", "http://[s3cr3t", "s3cr3t", "http://x:99999999/s3cr3t"])
async def test_an_address_that_cannot_be_used_parks(url: str) -> None:
    with pytest.raises(ports.SendError) as caught:
        await http_client.request("POST", url, who="it")
    assert isinstance(caught.value, ports.Parked | ports.Wait)
    assert SECRET not in str(caught.value)


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        assert (await http_client.request("POST", "http://nobody.invalid/", who="it")).status == 204


async def test_no_log_line_holds_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        await asked(port)
    assert SECRET not in caplog.text


async def test_a_request_ends_at_once_when_it_is_cancelled() -> None:
    async with serving(saying(b"", then_hangs=True)) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asked(port)
        assert time.monotonic() - began < 1


def test_authorities_of_the_system_are_trusted_beside_those_that_the_library_ships(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    of_system = ssl.create_default_context().get_ca_certs(binary_form=True)
    if len(of_system) < 2:
        pytest.skip("the system has no authorities")
    shipped = tmp_path / "shipped.pem"
    shipped.write_text(ssl.DER_cert_to_PEM_cert(of_system[0]))
    monkeypatch.setattr(certifi, "where", lambda: str(shipped))
    http_client._tls.cache_clear()
    try:
        assert len(http_client._tls().get_ca_certs()) == len(of_system)
    finally:
        http_client._tls.cache_clear()
