"""The channels' HTTP client against real sockets: what surely never left waits, all other silence is unknown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest

from bot.channels.kit import errors, http_client
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, SendError

SECRET = "s3cr3t"


@asynccontextmanager
async def serving(answer: bytes, *, hangs: bool = False) -> AsyncIterator[int]:
    """Answer one connection with these bytes; with ``hangs``, keep it open until the other side gives up."""
    is_over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(4_096)
            writer.write(answer)
            if hangs:
                await reader.read()
            writer.close()
            await writer.wait_closed()
        is_over.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await is_over.wait()


async def post(port: int, *, scheme: str = "http") -> http_client.HttpResponse:
    return await http_client.request("POST", f"{scheme}://127.0.0.1:{port}/{SECRET}", who="it", body=b"x")


async def test_an_answer_is_bounded_is_not_unpacked_and_is_no_redirect_that_is_followed() -> None:
    body = b"y" * 200_000
    head = f"HTTP/1.1 418 Teapot\r\nRetry-After: 7\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serving(head + body) as port:
        answer = await post(port)
    assert (answer.status, answer.headers["retry-after"], len(answer.body)) == (418, "7", 64_000)
    assert not answer.is_success
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc") as port:
        assert (await post(port)).body == b"abc"
    async with serving(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n") as port:
        assert (await post(port)).status == 307


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent"],
    ids=["nothing", "half a body", "no HTTP", "half a head"],
)
async def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(answer: bytes) -> None:
    async with serving(answer) as port:
        with pytest.raises(OutcomeUnknown, match="broke before an answer came"):
            await post(port)


async def test_no_answer_in_time_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_TIMEOUT", 0.2)
    async with serving(b"", hangs=True) as port:
        with pytest.raises(OutcomeUnknown, match="no answer in time"):
            await post(port)


async def test_a_request_that_was_never_sent_is_sent_again_without_a_lookup() -> None:
    with pytest.raises(RetryLater, match="it: the connection is refused"):
        await post(9)
    with pytest.raises(RetryLater, match="it: its name cannot be resolved"):
        await http_client.request("POST", f"http://nobody.invalid/{SECRET}", who="it")
    no_route = errors.unsent_error(OSError(errno.ENETUNREACH, "unreachable"), who="it")
    assert str(no_route) == "it: its network cannot be reached"
    async with serving(b"HTTP/1.1 400 No TLS here\r\n\r\n") as port:
        with pytest.raises(RetryLater):
            await post(port, scheme="https")


@pytest.mark.parametrize("url", ["ftp://x/s3cr3t", "http://", "http://[s3cr3t", "http://x:99999999/s3cr3t"])
async def test_an_address_that_cannot_be_used_parks(url: str) -> None:
    with pytest.raises(SendError) as caught:
        await http_client.request("POST", url, who="it")
    assert isinstance(caught.value, ChannelClosed | RetryLater)
    assert SECRET not in str(caught.value)


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        assert (await http_client.request("POST", "http://nobody.invalid/", who="it")).status == 204


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
    http_client.tls_context.cache_clear()
    try:
        assert len(http_client.tls_context().get_ca_certs()) == len(of_system)
    finally:
        http_client.tls_context.cache_clear()


def test_a_wait_that_a_service_asks_for_is_bounded_in_a_header_and_in_a_body() -> None:
    now = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
    for value, seconds in ((" 30 ", 30), ("Wed, 02 Dec 2015 08:00:00 GMT", 0), ("9" * 400, 3600)):
        assert errors.parse_retry_after({"retry-after": value}, now=now) == timedelta(seconds=seconds)
    assert errors.parse_retry_after({"retry-after": "-5"}, now=now) is None
    assert errors.parse_wait("1.5") == timedelta(seconds=1.5)
    assert errors.parse_wait(10**20) == timedelta(hours=1)
    assert errors.parse_wait("nan") is errors.parse_wait(-1) is errors.parse_wait(None) is None
