"""Mailboxes: against a real IMAP server, and against one that says what it likes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot import config
from bot.feeds.kit import packing
from bot.model.access import Access, Auth, BasicAuth, Secret
from bot.model.errors import AddressRefused, FetchError, Unreachable
from bot.model.fetching import Request, Response
from tests.feeds.test_mails import mail
from tests.fetch.conftest import POLICY, MakeFetcher, to_localhost
from tests.testbed.servers import imap
from tests.testbed.servers.feeds import TLS

ENVIRON = {"PASSWORD": imap.PASSWORD, "WRONG": "wr0ng-secret", "EVIL": "x\r\na LOGOUT"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[imap.Mailbox]:
    async with imap.serve() as started:
        yield started


@pytest.fixture
def box(server: imap.Mailbox, request: pytest.FixtureRequest) -> imap.Mailbox:
    """Return a new folder of the one mailbox."""
    return server.with_folder(re.sub(r"\W+", "_", request.node.name))


@pytest.fixture
def make(make_fetcher: MakeFetcher) -> MakeFetcher:
    """Return what makes a fetcher that knows the passwords and trusts the server."""
    tls = ssl.create_default_context(cafile=TLS / "ca.pem")
    return partial(
        make_fetcher, tls=tls, resolve=to_localhost, secret_of=lambda secret: config.resolve_secret(secret, ENVIRON)
    )


def request(url: str, *, password: str = "PASSWORD", etag: str | None = None, **options: object) -> Request:
    login = BasicAuth(user=imap.USER, password=Secret.parse(f"env:{password}"))
    access = Access(auth=Auth(basic=login))
    return Request(url=url, etag=etag, access=access, options=json.dumps(options))


def subjects(answer: Response) -> list[str]:
    heads = [raw.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") for _, raw in packing.unpack_mails(answer.body)]
    return [line[9:].decode() for head in heads for line in head.split(b"\n") if line.startswith(b"Subject: ")]


async def test_new_mails_are_read_once_and_nothing_is_changed(box: imap.Mailbox, make: MakeFetcher) -> None:
    fetcher = make()
    url = box.url()
    empty = await fetcher.get(request(url))
    assert (empty.status, empty.body) == (200, packing.MAILS_HEAD)
    await asyncio.to_thread(box.deliver, mail("one"), mail("two"))
    first = await fetcher.get(request(url, etag=empty.etag))
    assert subjects(first) == ["one", "two"]
    assert (await fetcher.get(request(url, etag=first.etag))).status == 304
    await asyncio.to_thread(box.deliver, mail("three"))
    assert subjects(await fetcher.get(request(url, etag=first.etag))) == ["three"]
    # A recreated mailbox has other numbers: all recent mails are read again.
    assert subjects(await fetcher.get(request(url, etag="1.9999"))) == ["one", "two", "three"]
    assert not any("Seen" in flags for flags in await asyncio.to_thread(box.flags))


async def test_read_mails_are_marked_if_configured_and_mails_can_be_limited_to_a_sender(
    server: imap.Mailbox, make: MakeFetcher
) -> None:
    fetcher = make()
    async with imap.tls_door(server.port) as port:
        other = mail("other")
        other.replace_header("From", "Somebody <x@other.example>")
        await asyncio.to_thread(server.deliver, mail("one"), other)
        answer = await fetcher.get(request(f"imaps://feeds.test:{port}", sender="paper.example", mark_seen=True))
        assert subjects(answer) == ["one"]
        # A search cannot be broken out of.
        broken = await fetcher.get(request(f"imaps://feeds.test:{port}", sender='x" OR FROM "paper'))
        assert subjects(broken) == []
        assert [("Seen" in flags) for flags in await asyncio.to_thread(server.flags)] == [True, False]


async def test_a_large_mail_is_read_up_to_its_bound_and_many_in_portions(box: imap.Mailbox, make: MakeFetcher) -> None:
    fetcher = make(replace(POLICY, max_bytes=3_000_000))
    large = mail("large", text="A line of text that goes on.\n" * 75_000)
    await asyncio.to_thread(box.deliver, large, mail("two"), large)
    url = box.url()
    first = await fetcher.get(request(url))
    assert subjects(first) == ["large", "two"]
    assert len(first.body) < 2_100_000
    assert subjects(await fetcher.get(request(url, etag=first.etag))) == ["large"]


def memory_bytes(name: str) -> int:
    """Return a figure of /proc/self/status."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="Linux shows the peak of a process")
async def test_of_a_mail_of_200_megabytes_only_the_beginning_is_fetched(box: imap.Mailbox, make: MakeFetcher) -> None:
    policy = replace(POLICY, max_bytes=10_000_000, timeout=timedelta(seconds=60))
    fetcher = make(policy)
    head = mail("large").as_bytes().partition(b"\n\n")[0].replace(b"\n", b"\r\n")
    await asyncio.to_thread(box.deliver, head + b"\r\n\r\n" + b"A line of text that goes on.\r\n" * 6_700_000)
    held = memory_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240 - proc(5): the peak counts from here
    answer = await fetcher.get(request(box.url()))
    assert subjects(answer) == ["large"]
    assert len(answer.body) < 2_100_000
    assert memory_bytes("VmHWM") - held < 30_000_000
    assert (await fetcher.get(request(box.url(), etag=answer.etag))).status == 304


@pytest.mark.parametrize(
    ("password", "folder", "error"),
    [
        ("WRONG", "INBOX", "the login is refused"),
        ("PASSWORD", "Nowhere", 'folder "Nowhere" does not exist'),
        ("EVIL", "INBOX", "not allowed there"),
        ("UNSET", "INBOX", "UNSET"),
    ],
)
async def test_a_refusal_is_reported_without_the_password(
    server: imap.Mailbox, password: str, folder: str, error: str, make: MakeFetcher
) -> None:
    fetcher = make()
    with pytest.raises(FetchError) as refused:
        await fetcher.get(request(f"imap://feeds.test:{server.port}/{folder}", password=password))
    assert error in str(refused.value)
    assert not [secret for secret in ENVIRON.values() if secret in str(refused.value)]


async def test_private_addresses_are_refused_and_certificates_are_checked(
    server: imap.Mailbox, make: MakeFetcher
) -> None:
    fetcher = make(replace(POLICY, allow_private=()))
    with pytest.raises(AddressRefused, match="private or reserved"):
        await fetcher.get(request(f"imap://feeds.test:{server.port}"))
    fetcher = make()
    with pytest.raises(Unreachable, match="TLS"):
        await fetcher.get(request(f"imap://other.test:{server.port}"))
    with pytest.raises(AddressRefused, match="login"):
        await fetcher.get(Request(url="imaps://feeds.test/INBOX"))


@contextlib.asynccontextmanager
async def saying(*lines: bytes, repeats: bool = False) -> AsyncIterator[int]:
    """A server of TLS that says each line at each line that it gets, tagged as that one where it holds TAG."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, ssl.SSLError):
            writer.write(b"* OK hello\r\n")
            for reply in lines:
                line = await reader.readline()
                writer.write(reply.replace(b"TAG", line.split(b" ")[0]))
                await writer.drain()
            for _ in range(2_000 if repeats else 0):
                if not writer.is_closing():
                    writer.write(lines[-1])
                    await writer.drain()
            await asyncio.sleep(60)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


CAPABLE = b"* CAPABILITY IMAP4rev1\r\nTAG OK\r\n"


@pytest.mark.parametrize(
    ("lines", "repeats"),
    [
        ((CAPABLE, b"* OK [ALERT] never ending\r\n" * 1_000), True),
        ((CAPABLE, b"TAG OK\r\n", b"* 1 FETCH (X {900000000}\r\n"), False),
        ((CAPABLE, b"\xff" * 100_000 + b"\r\n"), False),
        ((b"* BYE\r\n",), False),
        ((), False),
    ],
)
async def test_a_hostile_server_is_left_in_time(lines: tuple[bytes, ...], repeats: bool, make: MakeFetcher) -> None:
    fetcher = make(replace(POLICY, timeout=timedelta(seconds=1)))
    async with saying(*lines, repeats=repeats) as port:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            await fetcher.get(request(f"imaps://feeds.test:{port}"))
        assert time.monotonic() - began < 30


_SELECTED = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 77] fine\r\nTAG OK [READ-ONLY] done\r\n"
_LETTER = b"Subject: two\r\n\r\ntext\r\n"
_FETCHED = b"* 2 FETCH (UID 2 BODY[]<0> {%d}\r\n%s)\r\nTAG OK done\r\n" % (len(_LETTER), _LETTER)


@pytest.mark.parametrize("refusal", [b"TAG NO this mail is broken\r\n", b"TAG BAD internal error\r\n"])
async def test_a_mail_that_the_server_refuses_to_give_is_passed_once_a_later_one_is_given(
    refusal: bytes, make: MakeFetcher
) -> None:
    begin = (CAPABLE.replace(b"OK", b"OK done"), b"TAG OK done\r\n", _SELECTED)
    fetcher = make()
    both = (*begin, b"* SEARCH 1 2\r\nTAG OK done\r\n", refusal, _FETCHED, b"* BYE\r\nTAG OK done\r\n")
    async with saying(*both) as port:
        answer = await fetcher.get(request(f"imaps://feeds.test:{port}"))
        assert (answer.etag, subjects(answer)) == ("77.2", ["two"])
        # The mail that is missing is counted by whoever reads them.
        assert [raw for _, raw in packing.unpack_mails(answer.body)] == [b"", _LETTER]
    async with saying(*begin, b"* SEARCH 1\r\nTAG OK done\r\n", refusal) as port:
        with pytest.raises(Unreachable, match="the server refuses to deliver mail 1"):
            await fetcher.get(request(f"imaps://feeds.test:{port}"))
