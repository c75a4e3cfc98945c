"""The requests that are sent, and the headers of an answer that are kept."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.fetch import guard, headers
from bot.fetch.client import HttpFetcher
from bot.model.errors import AddressRefused, HostLimited, Unreachable
from bot.model.fetching import Request
from tests.fetch.conftest import POLICY, MakeFetcher, configured
from tests.testbed.fakes import START
from tests.testbed.servers.feeds import FeedServer, Reply

BODY = b"<rss version='2.0'><channel/></rss>"


async def test_an_answer_comes_with_its_validators_and_they_are_sent_with_the_next_request(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    headers = {"Content-Type": "text/xml", "Last-Modified": "Wed, 02 Dec 2015 09:00:00 GMT", "ETag": 'W/"v1"'}
    server.serve("/feed", Reply(body=BODY, headers=headers))
    answer = await fetcher.get(configured(url=server.url()))
    assert (answer.status, answer.body, answer.content_type, answer.url) == (200, BODY, "text/xml", server.url())
    assert (answer.last_modified, answer.etag) == (headers["Last-Modified"], headers["ETag"])
    request = configured(url=server.url(), etag=answer.etag, last_modified=answer.last_modified)
    answer = await fetcher.get(request)
    assert (answer.status, answer.body) == (304, b"")
    sent = server.requests[1].headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == (headers["ETag"], headers["Last-Modified"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_process_without_free_files_asks_again_within_seconds(host: str, make_fetcher: MakeFetcher) -> None:
    fetcher = make_fetcher(resolve=guard.system_resolve)
    old, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    await asyncio.to_thread(guard.system_resolve, host, 80)
    next_file = os.dup(0)
    os.close(next_file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, most))
    try:
        with pytest.raises(HostLimited) as raised:
            await fetcher.get(configured(url=f"http://{host}:1/feed"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (old, most))
    assert raised.value.until - START <= timedelta(seconds=30)


async def test_the_agent_names_itself_and_its_operator(server: FeedServer, make_fetcher: MakeFetcher) -> None:
    server.serve("/feed", BODY)
    fetcher = make_fetcher(replace(POLICY, contact="ops@example.org)\r\nX-Evil: yes"))
    await fetcher.get(configured(url=server.url()))
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("wirewatch/")
    assert "+ops@example.org" in headers["user-agent"]
    assert "x-evil" not in headers
    assert headers["accept-encoding"] == "gzip, deflate"
    assert "application/feed+json" in headers["accept"]


async def test_at_most_two_requests_to_one_host_at_a_time_and_waiting_costs_no_time_of_the_request(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    server.serve("/feed", Reply(body=BODY, delay_seconds=0.15))
    fetcher = make_fetcher(replace(POLICY, timeout=timedelta(seconds=0.4)))
    async with asyncio.TaskGroup() as tasks:
        requests = [tasks.create_task(fetcher.get(configured(url=server.url()))) for _ in range(8)]
    assert [task.result().status for task in requests] == [200] * 8
    assert server.most_at_once == POLICY.per_host == 2


async def test_requests_that_wait_for_one_name_ask_for_it_once(server: FeedServer, make_fetcher: MakeFetcher) -> None:
    server.serve("/feed", BODY)
    lookups: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        lookups.append(host)
        time.sleep(0.1)  # a name service that takes its time
        if len(lookups) == 1:
            raise socket.gaierror
        return ("127.0.0.1",)

    # The host is not listed, so that each request asks for its addresses only once.
    fetcher = make_fetcher(replace(POLICY, per_host=4, allow_private=("127.0.0.0/8",)), resolve=resolve)
    request = Request(url=server.url(host="feeds.test"), home=server.url())
    failed = await asyncio.gather(*(fetcher.get(request) for _ in range(4)), return_exceptions=True)
    assert [type(result) for result in failed] == [Unreachable] * 4
    answers = await asyncio.gather(*(fetcher.get(request) for _ in range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert len(lookups) == 2


async def test_each_request_has_a_connection_of_its_own(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", BODY)
    for path in ("/feed", "/missing", "/feed"):
        await fetcher.get(configured(url=server.url(path)))
    assert [request.headers["connection"] for request in server.requests] == ["close"] * 3
    assert server.connection_count == 3


# -- headers about time, as servers really write them


AN_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Wed, 02 Dec 2015 10:00:00 GMT", AN_HOUR),
        ("Wednesday, 02-Dec-15 10:00:00 GMT", AN_HOUR),
        ("Wed Dec  2 10:00:00 2015", AN_HOUR),
        *((nothing, None) for nothing in ("", "soon", "-5", "0", "Wed, 02 Dec 2015 08:00:00 GMT", "²", "1e9", "inf")),
    ],
)
async def test_retry_after_is_read_in_seconds_and_in_three_forms_of_a_date(
    server: FeedServer, fetcher: HttpFetcher, value: str, wait: timedelta | None
) -> None:
    server.serve("/feed", Reply(status=429, headers={"Retry-After": value}))
    answer = await fetcher.get(configured(url=server.url()))
    assert (answer.status, answer.retry_after) == (429, wait and START + wait)


@pytest.mark.parametrize(
    ("response_headers", "seconds"),
    [
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "max-age=60, no-cache"}, None),
        ({"cache-control": "no-store", "expires": "Wed, 02 Dec 2015 10:00:00 GMT"}, None),
        ({"cache-control": "max-age=60", "age": "60"}, None),
        ({"expires": "Wed, 02 Dec 2015 09:30:00 GMT"}, 1800),
        ({"expires": "Wed, 02 Dec 2015 07:30:00 GMT", "date": "Wed, 02 Dec 2015 07:00:00 GMT"}, 1800),
        ({}, None),
    ],
)
def test_freshness(response_headers: dict[str, str], seconds: int | None) -> None:
    expected = START + timedelta(seconds=seconds) if seconds else None
    assert headers.fresh_until(response_headers, now=START) == expected


# -- redirects by hand: five hops, the guard on each, credentials only at home


REDIRECTED_BODY = b"<rss/>"


@pytest.mark.parametrize(
    ("first", "second", "lasting"),
    [(301, 308, "/c"), (301, 302, "/b"), (302, 301, None), (307, 308, None), (308, 307, "/b")],
)
async def test_only_the_leading_permanent_hops_are_lasting(
    server: FeedServer, fetcher: HttpFetcher, first: int, second: int, lasting: str | None
) -> None:
    server.serve("/a", Reply.redirect("/b", status=first))
    server.serve("/b", Reply.redirect(server.url("/c"), status=second))
    server.serve("/c", REDIRECTED_BODY)
    answer = await fetcher.get(configured(url=server.url("/a")))
    assert (answer.status, answer.url, answer.body) == (200, server.url("/c"), REDIRECTED_BODY)
    assert answer.permanent_url == (server.url(lasting) if lasting else None)


async def test_a_loop_ends_after_five_hops(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/loop", Reply.redirect("/loop", status=301))
    with pytest.raises(AddressRefused, match="more than 5 redirects"):
        await fetcher.get(configured(url=server.url("/loop")))
    assert len(server.requests) == 6


async def test_credentials_stay_on_their_own_origin_and_no_server_chooses_them_for_another(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    async with FeedServer() as other:
        server.serve("/a", Reply.redirect("/b", status=301))
        server.serve("/b", Reply.redirect(other.url("/c").replace("://", "://you:chosen@")))
        other.serve("/c", REDIRECTED_BODY)
        address = server.url("/a").replace("://", "://me:secret@")
        answer = await fetcher.get(configured(url=address))
        assert [("authorization" in request.headers) for request in server.requests] == [True, True]
        assert "authorization" not in other.requests[0].headers
    # Stored addresses keep them; shown addresses do not.
    assert answer.permanent_url == server.url("/b").replace("://", "://me:secret@")
    assert "secret" not in answer.url
