"""Private feeds: what a feed's own keys add goes to its origin, to no other, and into no text."""

from __future__ import annotations

import base64

import pytest

from bot import config
from bot.fetch import fulltext
from bot.fetch.client import HttpFetcher
from bot.model.access import Access, Auth, BasicAuth, Secret, Tls
from bot.model.errors import AddressRefused, FetchError, Unreachable
from bot.model.feeds import Feed
from tests.fetch.conftest import MakeFetcher, configured, to_localhost
from tests.fetch.test_fulltext_reader import PAGE
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import TLS, FeedServer, Reply

BODY = b"<rss/>"
ENVIRON = {
    "TOKEN": "open-sesame",
    "PASSWORD": "päss:word",
    "SESSION": "a1,b2",
    "EVIL": "x\r\nX-Evil: yes",
    "TWO": "a; admin=1",
}
TOKEN = Secret.parse("env:TOKEN")


@pytest.fixture
def private(make_fetcher: MakeFetcher) -> HttpFetcher:
    return make_fetcher(resolve=to_localhost, secret_of=lambda secret: config.resolve_secret(secret, ENVIRON))


EVERYTHING = Access(
    headers=(("X-Api-Key", TOKEN), ("Accept-Language", "ur")),
    cookies=(("session", Secret.parse("env:SESSION")), ("token", TOKEN)),
    auth=Auth(basic=BasicAuth(user="analyst", password=Secret.parse("env:PASSWORD"))),
)


async def test_headers_cookies_and_a_login_reach_the_feed(server: FeedServer, private: HttpFetcher) -> None:
    server.serve("/feed", BODY)
    answer = await private.get(configured(url=server.url(), access=EVERYTHING))
    [request] = server.requests
    assert answer.body == BODY
    assert (request.headers["x-api-key"], request.headers["accept-language"]) == ("open-sesame", "ur")
    assert request.headers["cookie"] == "session=a1,b2; token=open-sesame"
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode() == "analyst:päss:word"


@pytest.mark.parametrize("status", [302, 308])
async def test_a_redirect_carries_them_within_the_origin_and_to_no_other(
    server: FeedServer, private: HttpFetcher, status: int
) -> None:
    async with FeedServer() as other:
        server.serve("/feed", Reply.redirect("/inside", status=status))
        server.serve("/inside", Reply.redirect(other.url("/outside"), status=status))
        # The same host by another name is another origin too.
        other.serve("/outside", Reply.redirect(server.url("/again", host="feeds.test"), status=status))
        server.serve("/again", BODY)
        assert (await private.get(configured(url=server.url(), access=EVERYTHING))).body == BODY
        assert ["cookie" in request.headers for request in server.requests] == [True, True, False]
        [stranger] = other.requests
        assert not {"authorization", "cookie", "x-api-key", "accept-language"} & stranger.headers.keys()
        assert "open-sesame" not in str(stranger)


async def test_a_feed_that_moved_to_another_origin_is_polled_there_without_them(
    server: FeedServer, private: HttpFetcher
) -> None:
    async with FeedServer() as other:
        other.serve("/feed", BODY)
        await private.get(configured(url=other.url(), home=server.url("/feed"), access=EVERYTHING))
        assert not {"authorization", "cookie", "x-api-key"} & other.requests[0].headers.keys()


async def test_one_feeds_keys_are_not_sent_for_another_and_no_cookie_is_sent_back(
    server: FeedServer, private: HttpFetcher
) -> None:
    server.serve("/feed", Reply(body=BODY, headers={"Set-Cookie": "track=1; Path=/"}))
    server.serve("/moved", Reply(status=302, headers={"Location": "/feed", "Set-Cookie": "hop=1; Path=/"}))
    await private.get(configured(url=server.url(), access=EVERYTHING))
    await private.get(configured(url=server.url("/moved")))
    for request in server.requests[1:]:
        assert not {"authorization", "cookie", "x-api-key"} & request.headers.keys()


@pytest.mark.parametrize(
    ("access", "error"),
    [
        (Access(headers=(("X-Api-Key", Secret.parse("env:EVIL")),)), "such as a line break; not sent"),
        (Access(cookies=(("session", Secret.parse("env:EVIL")),)), "such as a line break; not sent"),
        (Access(auth=Auth(bearer=Secret.parse("env:EVIL"))), "such as a line break; not sent"),
        (Access(proxy=Secret.parse("env:EVIL")), "such as a line break; not sent"),
        (Access(cookies=(("session", Secret.parse("env:TWO")),)), "the cookie session"),
        (Access(auth=Auth(bearer=Secret.parse("env:FORGOTTEN"))), "the variable FORGOTTEN is not set"),
    ],
)
async def test_a_secret_that_would_begin_another_header_or_is_not_there_stops_the_request(
    server: FeedServer, private: HttpFetcher, access: Access, error: str
) -> None:
    with pytest.raises(AddressRefused, match=error) as caught:
        await private.get(configured(url=server.url(), access=access))
    assert not server.requests
    assert "Evil" not in str(caught.value)


async def test_a_failure_shows_no_secret(server: FeedServer, private: HttpFetcher) -> None:
    server.serve("/feed", Reply.redirect("http://10.0.0.1/"))
    for access in (EVERYTHING, Access(proxy="http://127.0.0.1:9")):
        with pytest.raises(FetchError) as caught:
            await private.get(configured(url=server.url(), access=access))
        assert not [text for text in ENVIRON.values() if text in f"{caught.value!r}{caught.value.__cause__!r}"]
    assert "open-sesame" not in repr(EVERYTHING)


async def test_a_feeds_proxy_is_asked_for_it_and_for_each_hop_and_for_no_private_address(
    server: FeedServer, private: HttpFetcher
) -> None:
    server.serve("http://feeds.test/feed", Reply.redirect("http://other.test/feed"))
    server.serve("http://other.test/feed", BODY)
    through = Access(proxy=server.url(""), auth=Auth(bearer=TOKEN))
    assert (await private.get(configured(url="http://feeds.test/feed", access=through))).body == BODY
    assert ["authorization" in request.headers for request in server.requests] == [True, False]
    with pytest.raises(AddressRefused, match="private"):
        await private.get(configured(url="http://169.254.169.254/", access=through))
    assert len(server.requests) == 2


async def test_a_client_certificate_and_a_private_authority_serve_their_own_origin_alone(private: HttpFetcher) -> None:
    trusted = str(TLS / "ca.pem")
    async with FeedServer(tls=True, clients=TLS / "client.pem") as server, FeedServer(tls=True) as other:
        server.serve("/feed", BODY)
        url = server.url(host="feeds.test")
        files = Tls(authority=trusted, certificate=str(TLS / "client.pem"), key=str(TLS / "client.key"))
        mine = Access(tls=files)
        assert (await private.get(configured(url=url, access=mine))).body == BODY
        # Without the certificate the server closes; without the authority we do.
        no_certificate = Access(tls=Tls(authority=trusted))
        with pytest.raises(Unreachable):
            await private.get(configured(url=url, access=no_certificate))
        with pytest.raises(Unreachable, match="not trusted here"):
            await private.get(configured(url=url))
        with pytest.raises(Unreachable, match="not trusted here"):
            await private.get(configured(url=other.url(host="feeds.test"), home=url, access=mine))
        assert len(server.requests) == 1


async def test_pages_of_the_feeds_own_origin_are_asked_with_its_access_and_others_without(
    server: FeedServer, private: HttpFetcher
) -> None:
    async with FeedServer() as stranger:
        for origin in (server, stranger):
            origin.serve("/page", Reply(body=PAGE, headers={"Content-Type": "text/html"}))
        # A page that leads elsewhere: nothing goes along.
        server.serve("/away", Reply.redirect(stranger.url("/page")))
        reader = fulltext.TrafilaturaReader(private, FakeClock())
        for url in (server.url("/page"), server.url("/away"), stranger.url("/page")):
            assert await reader.text_of(url, Feed(url=server.url("/feed")).over(EVERYTHING))
        sent = {(request.path, "authorization" in request.headers) for request in server.requests}
        assert {("/page", True), ("/away", True), ("/robots.txt", False)} <= sent
        assert not [request for request in stranger.requests if {"authorization", "cookie"} & set(request.headers)]
        # Whoever asks without it is not given what was answered to it.
        assert await reader.text_of(server.url("/page"), Feed(url=server.url("/feed")))
        assert "authorization" not in server.seen("/page")[-1].headers
