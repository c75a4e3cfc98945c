"""Time, bytes and memory of an answer are bounded, packed or not; what is cut off is kept."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import tracemalloc
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.fetch.client import HttpFetcher
from bot.fetch.slots import SMALL_BYTES, MemoryRoom
from bot.model.errors import AddressRefused, BodyTooBig, FetchError, Unreachable
from tests.fetch.conftest import POLICY, MakeFetcher, configured
from tests.testbed.servers.feeds import FeedServer, Reply

BODY = b"<rss version='2.0'>" + b"text " * 2000


async def test_a_bomb_is_refused_within_bounded_memory(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    with pytest.raises(BodyTooBig, match=r"more than 1 MB.*fetch\.max_bytes"):
        await fetcher.get(configured(url=server.url()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


async def test_raw_deflate_and_several_gzip_members_are_understood(server: FeedServer, fetcher: HttpFetcher) -> None:
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    server.serve("/raw", Reply(body=raw.compress(BODY) + raw.flush(), headers={"Content-Encoding": "deflate"}))
    members = gzip.compress(BODY[:100]) + gzip.compress(BODY[100:]) + b"trailing junk"
    server.serve("/members", Reply(body=members, headers={"Content-Encoding": "gzip"}))
    assert (await fetcher.get(configured(url=server.url("/raw")))).body == BODY
    assert (await fetcher.get(configured(url=server.url("/members")))).body == BODY


@pytest.mark.parametrize("coding", ["", "gzip", "gzip, gzip", "identity"])
async def test_the_body_is_believed_before_the_header(server: FeedServer, fetcher: HttpFetcher, coding: str) -> None:
    server.serve("/plain", Reply(body=BODY, headers={"Content-Encoding": coding}))
    server.serve("/gzip", Reply(body=gzip.compress(BODY), headers={"Content-Encoding": coding}))
    assert (await fetcher.get(configured(url=server.url("/plain")))).body == BODY
    assert (await fetcher.get(configured(url=server.url("/gzip")))).body == BODY


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=BODY, drip_seconds=0.05),
        Reply(body=BODY, drip_head_seconds=0.05),
        Reply(body=BODY, delay_seconds=30),
        Reply(status=302, headers={"Location": "/feed"}, delay_seconds=0.1),
    ],
    ids=["dripping body", "dripping head", "silence", "slow redirects"],
)
async def test_the_whole_takes_no_longer_than_the_policy(
    server: FeedServer, make_fetcher: MakeFetcher, reply: Reply
) -> None:
    server.serve("/feed", reply)
    fetcher = make_fetcher(replace(POLICY, timeout=timedelta(seconds=0.3)))
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Unreachable, match=r"within 0\.3 seconds"):
        await fetcher.get(configured(url=server.url()))
    assert asyncio.get_running_loop().time() - begun < 2


async def test_the_beginning_of_a_broken_body_is_kept_without_validators(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Last-Modified": "today"}, cut_after=500))
    answer = await fetcher.get(configured(url=server.url()))
    assert answer.body == BODY[:500]
    assert (answer.etag, answer.last_modified) == (None, None)


async def test_the_readable_part_of_a_damaged_gzip_is_kept(server: FeedServer, fetcher: HttpFetcher) -> None:
    body = b"".join(hashlib.sha256(bytes([number])).hexdigest().encode() for number in range(200))
    packed = gzip.compress(body)
    server.serve("/feed", Reply(body=packed[:-200] + b"\xff" * 192, headers={"Content-Encoding": "gzip"}))
    answer = await fetcher.get(configured(url=server.url()))
    assert len(answer.body) > 4000
    assert body.startswith(answer.body[:4000])
    assert answer.etag is None


_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_NO_HTTP = "closed the connection early, or does not use HTTP"
#: Answer -> its error.
REFUSED: dict[str, tuple[Reply, type[FetchError], str]] = {
    "hangs up": (Reply(hang_up=True), Unreachable, _NO_HTTP),
    "another protocol": (Reply(raw=b"SSH-2.0-OpenSSH_9.9\r\n"), Unreachable, _NO_HTTP),
    "no number as length": (Reply(raw=_OK + b"Content-Length: nonsense\r\n\r\n"), Unreachable, _NO_HTTP),
    "two framings": (Reply(raw=_OK + b"Content-Length: 5\r\n" + _CHUNKED[len(_OK) :]), Unreachable, _NO_HTTP),
    "many hints": (Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000 + _OK + b"\r\n"), Unreachable, _NO_HTTP),
    "another coding": (
        Reply(headers={"Content-Encoding": "br"}, body=b"\x8b"),
        Unreachable,
        "as br, which was not req",
    ),
    # Each chunk counts as 64 bytes, because it costs as much processor time.
    "chunks of one byte": (Reply(raw=_CHUNKED + b"1\r\na\r\n" * 20_000), BodyTooBig, "more than 1 MB"),
    "extensions": (Reply(raw=_CHUNKED + (b"1;%b\r\na\r\n" % (b"x" * 3_000)) * 400), BodyTooBig, "more than 1 MB"),
    "trailers": (Reply(raw=_CHUNKED + b"0\r\n" + (b"X: %b\r\n" % (b"y" * 60_000)) * 20), BodyTooBig, "more than 1 MB"),
    "a flaw in the first chunk": (
        Reply(raw=_CHUNKED + b"zz\r\n", stays_open=True),
        Unreachable,
        r"a flaw in its chunks \(Invalid character in chunk size\)",
    ),
    "to a file": (Reply.redirect("file:///etc/passwd"), AddressRefused, "redirects to"),
    "to a private address": (Reply.redirect("http://10.0.0.1/", status=301), AddressRefused, "private or reserved"),
    "to a number": (Reply.redirect("//2886729729/"), AddressRefused, "private or reserved"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_an_answer_that_breaks_a_rule_is_refused_and_the_server_is_asked_once(
    server: FeedServer, fetcher: HttpFetcher, name: str
) -> None:
    reply, error, text = REFUSED[name]
    server.serve("/feed", reply)
    with pytest.raises(error, match=text):
        await fetcher.get(configured(url=server.url()))
    assert server.connection_count == 1


async def test_a_few_hints_before_an_answer_are_passed_over(server: FeedServer, fetcher: HttpFetcher) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3
    server.serve("/feed", Reply(raw=hints + _OK + b"Content-Length: 2\r\n\r\nok"))
    assert (await fetcher.get(configured(url=server.url()))).body == b"ok"


async def test_a_closed_port_is_named_in_the_error(server: FeedServer, fetcher: HttpFetcher) -> None:
    with pytest.raises(Unreachable, match="refuses the connection"):
        await fetcher.get(configured(url="http://127.0.0.1:9/feed"))


# -- the framing of an answer


@pytest.mark.parametrize(
    ("damage", "kept", "flaw"),
    [
        (b"zz\r\n", b"<rss/>", "Invalid character in chunk size"),
        (b"6\r\nabcdefgh", b"<rss/>abcdef", "Expected LF after chunk data"),
        (b"fffffffffffffffff\r\n", b"<rss/>", "Chunk size overflow"),
    ],
)
@pytest.mark.parametrize(("drip_seconds", "stays_open"), [(None, True), (0.001, False)], ids=["at once", "by bytes"])
async def test_a_flaw_in_the_chunks_ends_the_body_and_keeps_the_bytes_before_it(
    server: FeedServer,
    fetcher: HttpFetcher,
    damage: bytes,
    kept: bytes,
    flaw: str,
    drip_seconds: float | None,
    stays_open: bool,
) -> None:
    raw = _CHUNKED.replace(_OK, _OK + b"ETag: a\r\n") + b"6\r\n<rss/>\r\n" + damage
    server.serve("/feed", Reply(raw=raw, drip_seconds=drip_seconds, stays_open=stays_open))
    with capture_logs() as logs:
        async with asyncio.timeout(POLICY.timeout.total_seconds() / 2):
            response = await fetcher.get(configured(url=server.url()))
    assert (response.body, response.etag) == (kept, None)
    [line] = logs
    assert flaw in line["reason"]


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


# -- large bodies are held a few at a time; small ones wait for nobody, and waiting is not the server's time


LARGE = b"<rss>" + b"x" * SMALL_BYTES
POLLS = 8


@pytest.mark.parametrize(
    "reply", [Reply(body=LARGE), Reply(body=gzip.compress(LARGE))], ids=["plain", "packed and nothing says so"]
)
async def test_four_large_bodies_are_held_and_the_others_come_as_those_are_stored(
    server: FeedServer, make_fetcher: MakeFetcher, reply: Reply
) -> None:
    fetcher = make_fetcher(replace(POLICY, per_host=POLLS + 1, timeout=timedelta(seconds=1)))
    server.serve("/feed", reply)
    server.serve("/small", b"<rss/>")
    room = MemoryRoom()
    shares = [room.share() for _ in range(POLLS)]
    async with asyncio.TaskGroup() as polls:
        downloads = [polls.create_task(fetcher.get(configured(url=server.url(), hold=share.hold))) for share in shares]
        # Longer than the server may take, and nobody stores what came.
        await asyncio.sleep(1.2)
        assert sum(task.done() for task in downloads) == POLLS / 2
        assert (await fetcher.get(configured(url=server.url("/small"), hold=room.share().hold))).body == b"<rss/>"
        for share in shares:
            share.close()
            share.close()
    assert [len(task.result().body) for task in downloads] == [len(LARGE)] * POLLS


async def test_a_poll_that_is_given_up_while_it_waits_takes_no_room() -> None:
    room = MemoryRoom()
    shares = [room.share() for _ in range(POLLS)]
    for share in shares[:4]:
        await share.hold(SMALL_BYTES + 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shares[4].hold(SMALL_BYTES + 1)
    for share in shares:
        share.close()
    for share in shares[4:]:
        async with asyncio.timeout(30):
            await share.hold(SMALL_BYTES + 1)
