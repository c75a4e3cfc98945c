"""The framing of a response is bounded too, and no response answers the next request."""

from __future__ import annotations

import pytest

from bot.fetch.client import HttpFetcher
from bot.model.errors import BodyTooBig, Unreachable
from tests.fetch.conftest import configured
from tests.testbed.servers.feeds import FeedServer, Reply

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_OTHER_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


async def test_a_body_in_chunks_of_one_byte_is_refused_early(server: FeedServer, fetcher: HttpFetcher) -> None:
    """Each chunk counts as 64 bytes, because it costs as much processor time."""
    server.serve("/feed", Reply(raw=_CHUNKED + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n"))
    with pytest.raises(BodyTooBig):
        await fetcher.get(configured(url=server.url()))


async def test_a_body_in_ordinary_chunks_is_received(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(raw=_CHUNKED + b"64\r\n" + b"a" * 100 + b"\r\n2\r\nbc\r\n0\r\n\r\n"))
    assert (await fetcher.get(configured(url=server.url()))).body == b"a" * 100 + b"bc"


async def test_many_informational_responses_are_refused(server: FeedServer, fetcher: HttpFetcher) -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    server.serve("/few", Reply(raw=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + response))
    server.serve("/many", Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000 + response))
    assert (await fetcher.get(configured(url=server.url("/few")))).body == b"ok"
    with pytest.raises(Unreachable, match="does not use HTTP"):
        await fetcher.get(configured(url=server.url("/many")))


@pytest.mark.parametrize("surplus", [_OTHER_RESPONSE, b"HTTP/1.1 200 OK\r\nConte", b"\r\njunk", b"\0" * 100])
async def test_surplus_bytes_do_not_answer_the_next_request(
    server: FeedServer, fetcher: HttpFetcher, surplus: bytes
) -> None:
    server.serve("/first", Reply(body=b"first" + surplus, headers={"Content-Length": "5"}))
    server.serve("/second", b"second")
    for _ in range(2):
        assert (await fetcher.get(configured(url=server.url("/first")))).body == b"first"
        assert (await fetcher.get(configured(url=server.url("/second")))).body == b"second"


async def test_a_response_with_two_framings_is_refused(server: FeedServer, fetcher: HttpFetcher) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.serve("/feed", Reply(raw=head + b"2\r\nab\r\n0\r\n\r\n"))
    with pytest.raises(Unreachable, match="does not use HTTP"):
        await fetcher.get(configured(url=server.url()))


async def test_a_request_that_fails_on_a_new_connection_is_not_repeated(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    server.serve("/feed", Reply(hang_up=True))
    with pytest.raises(Unreachable):
        await fetcher.get(configured(url=server.url()))
    assert len(server.requests) == 1
