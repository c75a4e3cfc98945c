"""What is sent, and what of an answer's headers is kept."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

from bot.fetch.client import HttpFetcher, make_user_agent
from testbed.fakes import START
from testbed.servers.feeds import FeedServer, Reply
from tests.fetch.conftest import POLICY, MakeFetcher, configured

BODY = b"<rss version='2.0'><channel/></rss>"


async def test_an_answer_comes_with_its_validators_and_type(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Content-Type": "text/xml", "Last-Modified": "yesterday"}))
    answer = await fetcher.get(configured(url=server.url()))
    assert (answer.status, answer.body, answer.content_type) == (200, BODY, "text/xml")
    assert answer.last_modified == "yesterday"
    assert answer.etag
    assert answer.url == server.url()


async def test_both_validators_are_sent_and_a_304_has_no_body(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"ETag": 'W/"v1"'}))
    request = configured(url=server.url(), etag='W/"v1"', last_modified="Wed, 02 Dec 2015 09:00:00 GMT")
    answer = await fetcher.get(request)
    assert (answer.status, answer.body) == (304, b"")
    assert server.requests[0].headers["if-none-match"] == 'W/"v1"'
    assert server.requests[0].headers["if-modified-since"] == "Wed, 02 Dec 2015 09:00:00 GMT"


async def test_last_modified_alone_gives_a_304(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Last-Modified": "Wed, 02 Dec 2015 09:00:00 GMT"}))
    request = configured(url=server.url(), last_modified="Wed, 02 Dec 2015 09:00:00 GMT")
    assert (await fetcher.get(request)).status == 304


async def test_the_agent_names_itself_and_its_operator(server: FeedServer, make_fetcher: MakeFetcher) -> None:
    server.serve("/feed", BODY)
    fetcher = make_fetcher(dataclasses.replace(POLICY, contact="ops@example.org"))
    await fetcher.get(configured(url=server.url()))
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("wirewatch/")
    assert "+ops@example.org" in headers["user-agent"]
    assert headers["accept-encoding"] == "gzip, deflate"
    assert "application/feed+json" in headers["accept"]


def test_a_contact_cannot_smuggle_a_header() -> None:
    agent = make_user_agent(dataclasses.replace(POLICY, contact="a@b.org)\r\nX-Evil: yes"))
    assert "\r" not in agent
    assert "\n" not in agent


async def test_no_cookie_is_ever_sent_back(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Set-Cookie": "session=1; Path=/"}))
    server.serve("/moved", Reply(status=302, headers={"Location": "/feed", "Set-Cookie": "track=1; Path=/"}))
    await fetcher.get(configured(url=server.url("/moved")))
    await fetcher.get(configured(url=server.url("/feed")))
    assert all("cookie" not in request.headers for request in server.requests)


async def test_retry_after_is_read_in_seconds_and_as_a_date(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/seconds", Reply(status=429, headers={"Retry-After": "120"}))
    server.serve("/date", Reply(status=503, headers={"Retry-After": "Wed, 02 Dec 2015 10:00:00 GMT"}))
    seconds = await fetcher.get(configured(url=server.url("/seconds")))
    date = await fetcher.get(configured(url=server.url("/date")))
    assert (seconds.status, seconds.retry_after) == (429, START + timedelta(seconds=120))
    assert (date.status, date.retry_after) == (503, datetime(2015, 12, 2, 10, tzinfo=UTC))


async def test_cache_control_says_until_when_an_answer_is_fresh(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Cache-Control": "public, max-age=600", "Age": "100"}))
    assert (await fetcher.get(configured(url=server.url()))).fresh_until == START + timedelta(seconds=500)


async def test_an_error_status_is_an_answer(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(status=500, body=b"x" * 200_000))
    answer = await fetcher.get(configured(url=server.url()))
    assert (answer.status, answer.body) == (500, b"")


async def test_at_most_two_requests_to_one_host_at_a_time(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(body=BODY, delay_seconds=0.02))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(12):
            tasks.create_task(fetcher.get(configured(url=server.url())))
    assert len(server.requests) == 12
    assert server.most_at_once == POLICY.per_host == 2


async def test_waiting_for_a_busy_host_costs_no_time_of_the_request(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    server.serve("/feed", Reply(body=BODY, delay_seconds=0.15))
    fetcher = make_fetcher(dataclasses.replace(POLICY, per_host=1, timeout=timedelta(seconds=0.3)))
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(fetcher.get(configured(url=server.url()))) for _ in range(4)]
    assert [task.result().status for task in asked] == [200] * 4


async def test_a_kept_connection_that_the_server_closed_is_no_failure(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.script("/feed", Reply(body=BODY), Reply(hang_up=True), Reply(body=BODY))
    await fetcher.get(configured(url=server.url()))
    assert (await fetcher.get(configured(url=server.url()))).status == 200


async def test_other_kinds_can_be_asked_for(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/page", b"<html></html>")
    await fetcher.get(configured(url=server.url("/page"), accept="text/html"))
    assert server.requests[0].headers["accept"] == "text/html"
