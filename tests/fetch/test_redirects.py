"""Redirects by hand: five hops, the guard on each, credentials only at home."""

from __future__ import annotations

import pytest

from bot import model
from bot.fetch.client import HttpFetcher
from testbed.servers.feeds import FeedServer, Reply
from tests.fetch.conftest import configured

BODY = b"<rss/>"


async def test_the_answer_says_where_it_came_from(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/a", Reply.redirect("/b"))
    server.serve("/b", Reply.redirect(server.url("/c"), status=307))
    server.serve("/c", BODY)
    answer = await fetcher.get(configured(url=server.url("/a")))
    assert (answer.status, answer.url, answer.body) == (200, server.url("/c"), BODY)


@pytest.mark.parametrize(
    ("first", "second", "lasting"),
    [(301, 308, "/c"), (301, 302, "/b"), (302, 301, None), (307, 308, None), (308, 307, "/b")],
)
async def test_only_the_leading_permanent_hops_are_lasting(
    server: FeedServer, fetcher: HttpFetcher, first: int, second: int, lasting: str | None
) -> None:
    server.serve("/a", Reply.redirect("/b", status=first))
    server.serve("/b", Reply.redirect("/c", status=second))
    server.serve("/c", BODY)
    answer = await fetcher.get(configured(url=server.url("/a")))
    assert answer.permanent_url == (server.url(lasting) if lasting else None)


async def test_a_loop_ends_after_five_hops(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/loop", Reply.redirect("/loop", status=301))
    with pytest.raises(model.AddressRefused, match="more than 5 redirects"):
        await fetcher.get(configured(url=server.url("/loop")))
    assert len(server.requests) == 6


async def test_a_redirect_without_a_location_is_an_answer(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply(status=302))
    assert (await fetcher.get(configured(url=server.url()))).status == 302


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "gopher://x/", "data:,x"])
async def test_a_redirect_out_of_the_web_is_refused(server: FeedServer, fetcher: HttpFetcher, target: str) -> None:
    server.serve("/feed", Reply.redirect(target))
    with pytest.raises(model.AddressRefused, match="redirects to"):
        await fetcher.get(configured(url=server.url()))


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://169.254.169.254/", "http://[::1]/", "//2886729729/"])
async def test_a_redirect_to_a_private_address_is_refused(
    server: FeedServer, fetcher: HttpFetcher, target: str
) -> None:
    server.serve("/feed", Reply.redirect(target, status=301))
    with pytest.raises(model.AddressRefused, match="private or reserved"):
        await fetcher.get(configured(url=server.url()))


async def test_credentials_stay_on_their_own_origin(server: FeedServer, fetcher: HttpFetcher) -> None:
    async with FeedServer() as other:
        server.serve("/a", Reply.redirect("/b", status=301))
        server.serve("/b", Reply.redirect(other.url("/c")))
        other.serve("/c", BODY)
        address = server.url("/a").replace("://", "://me:secret@")
        answer = await fetcher.get(configured(url=address))
        assert [("authorization" in request.headers) for request in server.requests] == [True, True]
        assert "authorization" not in other.requests[0].headers
    # What is stored keeps them; what is shown does not.
    assert answer.permanent_url == server.url("/b").replace("://", "://me:secret@")
    assert "secret" not in answer.url


async def test_a_server_cannot_choose_credentials_for_another(server: FeedServer, fetcher: HttpFetcher) -> None:
    async with FeedServer() as other:
        server.serve("/a", Reply.redirect(other.url("/c").replace("://", "://me:secret@")))
        other.serve("/c", BODY)
        await fetcher.get(configured(url=server.url("/a")))
        assert "authorization" not in other.requests[0].headers


async def test_the_body_of_a_redirect_is_not_read(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.serve("/feed", Reply.bomb(status=302, headers={"Location": "/next"}))
    server.serve("/next", BODY)
    assert (await fetcher.get(configured(url=server.url()))).body == BODY


async def test_an_error_text_holds_no_password(fetcher: HttpFetcher) -> None:
    with pytest.raises(model.FetchError) as caught:
        await fetcher.get(configured(url="http://me:secret@10.0.0.1/feed"))
    assert "secret" not in str(caught.value)
    assert "10.0.0.1" in str(caught.value)
